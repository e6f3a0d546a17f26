"""One call of a student's function: how it was made, what it changed, where it failed; in quiet."""

from __future__ import annotations

import contextlib
import inspect
import io
import linecache
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

#: text of an argument that a message shows, characters
MAX_SHOWN = 40


@dataclass
class Call:
    """A call that a test made.

    Attributes
    ----------
    name : str
    work : callable
        The student's function, or what stands for it.
    args, kwargs : tuple, dict
    error : Exception, optional
        What it raised.
    """

    name: str
    work: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    error: Exception | None = None

    def __str__(self) -> str:
        """Return the call as it would be typed, arrays by their shapes."""
        shown = [_shown(value) for value in self.args]
        shown += [f"{key}={_shown(value)}" for key, value in self.kwargs.items()]
        return f"{self.name}({', '.join(shown)})"

    def changed(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        """Return the name of the first argument that differs from those given; "" if none does."""
        positions = [
            n for n, pair in enumerate(zip(self.args, args, strict=True)) if _differ(*pair)
        ]
        if positions:
            return self._parameter(positions[0])
        return next((key for key in kwargs if _differ(self.kwargs[key], kwargs[key])), "")

    def _parameter(self, position: int) -> str:
        try:
            return list(inspect.signature(self.work).parameters)[position]
        except (TypeError, ValueError, IndexError):
            return f"number {position + 1}"

    def line(self) -> str:
        """Return the line of the notebook at which it failed, or else where the function begins."""
        code = getattr(self.work, "__code__", None)
        file, number = getattr(code, "co_filename", ""), getattr(code, "co_firstlineno", 0)
        for frame, at in _frames(self.error):
            if frame.f_globals.get("__name__") == "__main__":
                file, number = frame.f_code.co_filename, at
        text = linecache.getline(file, number).strip()
        return f"line {number} of your cell: {text}" if text else ""


def _frames(error: Exception | None) -> list[tuple[FrameType, int]]:
    """Return the frames below the kit's own in which an error came up, and their lines."""
    found = []
    trace = error.__traceback__ if error else None
    # the first is the one that called the work
    while trace and (trace := trace.tb_next):
        found.append((trace.tb_frame, trace.tb_lineno))
    return found


def _shown(value: Any) -> str:
    if type(value) is np.ndarray and value.ndim:
        return f"array of shape {' x '.join(map(str, value.shape))}"
    if isinstance(value, list | tuple | dict) and len(value) > 3:
        return f"{type(value).__name__} of {len(value)}"
    if isinstance(value, list | tuple):
        items = ", ".join(map(_shown, value))
        return f"[{items}]" if isinstance(value, list) else f"({items})"
    if value is None or isinstance(value, bool | int | float | complex | str | np.generic):
        text = repr(value.item() if isinstance(value, np.generic) else value)
        return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."
    return f"a {type(value).__name__}"


def _differ(before: Any, after: Any) -> bool:
    """Say whether a value was changed; of what is no plain data, that it was not."""
    if isinstance(before, np.ma.MaskedArray):
        masks = np.ma.getmaskarray(before), np.ma.getmaskarray(after)
        return _differ(*masks) or _differ(before.filled(), after.filled())
    if isinstance(before, np.ndarray):
        return before.shape != after.shape or not np.array_equal(
            before, after, equal_nan=before.dtype.kind in "fc"
        )
    if isinstance(before, dict):
        return list(before) != list(after) or any(_differ(before[k], after[k]) for k in before)
    if isinstance(before, list | tuple):
        return len(before) != len(after) or any(map(_differ, before, after))
    if hasattr(before, "colnames"):  # an astropy Table
        names = before.colnames
        return names != after.colnames or any(
            _differ(np.asarray(before[name]), np.asarray(after[name])) for name in names
        )
    if isinstance(before, int | float | complex | str | bytes | np.generic):
        return bool(before != after) and bool(before == before)  # NaN is no change
    return False


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep prints, progress bars, warnings and logs out: none of them is a wrong answer."""
    disabled = logging.root.manager.disable
    # a log's handler may hold the stream it found when its package was imported, as PyMC's does
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
