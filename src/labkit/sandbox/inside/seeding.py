"""Deterministic randomness: one seed for `random`, NumPy and torch, so that marks can be repeated.

A grader that draws differently each time gives one submission two marks. So generators that are
asked for without a seed get one here, on both sides of the sandbox. Any seed but 0 also turns those
that have one into others, so that the same lab can be tried on fresh inputs.
"""

from __future__ import annotations

import contextlib
import random
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

_default_rng = np.random.default_rng


def settle(seed: int, name: str = "") -> None:
    """Let everything drawn in this process from now on follow from a seed.

    Parameters
    ----------
    seed : int
        Not negative.
    name : str
        What it is drawn for: another name, other numbers.
    """
    start = [seed, zlib.crc32(name.encode())]
    random.seed(repr(start))
    np.random.seed(start)  # noqa: NPY002 - students may use the old interface
    np.random.default_rng = _generators(seed, start)


@contextlib.contextmanager
def settled(seed: int, name: str = "") -> Iterator[None]:
    """Do the same for a while; afterwards all is as it was."""
    before = random.getstate(), np.random.get_state(), np.random.default_rng  # noqa: NPY002
    settle(seed, name)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        np.random.default_rng = before[2]


def _generators(seed: int, start: list[int]) -> Callable[..., np.random.Generator]:
    """Return what stands for `numpy.random.default_rng`."""
    drawn = 0

    def default_rng(given: Any = None) -> np.random.Generator:
        nonlocal drawn
        if given is None:
            drawn += 1
            return _default_rng([*start, drawn])
        if seed and isinstance(given, int | np.integer | list | tuple | np.ndarray):
            return _default_rng([seed, *np.ravel(given).tolist()])
        return _default_rng(given)

    return default_rng
