"""Reduce what a student's answer returns to plain data, by its exact type."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.figures import FigureFacts, describe

#: no result may hold more numbers than this (1 GB of float64)
MAX_SIZE = 125_000_000


class CheckFailed(AssertionError):
    """A property of the student's answer does not hold; the message is for the student."""


def plain(value: Any, what: str) -> Any:
    """Reduce a result to plain data by its exact type; whatever else it is, is refused."""
    kind = type(value)
    if value is None or kind in (bool, int, float, complex, str, bytes):
        return value
    if isinstance(value, np.generic) and kind.__module__ == "numpy":
        return value.item()
    if kind is np.ndarray:
        return _plain_array(value, what)
    if kind is np.ma.MaskedArray:
        return _unmasked(value, what)
    if kind in (list, tuple):
        return kind(plain(item, what) for item in value)
    if kind is dict:
        return {plain(key, what): plain(item, what) for key, item in value.items()}
    module = kind.__module__.partition(".")[0]
    if module == "astropy":
        return _plain_astropy(value, what)
    if module == "pandas" and kind.__name__ in ("Series", "Index"):
        return _plain_array(value.to_numpy(), what)
    if module == "matplotlib" and kind.__name__ == "Figure":
        return describe(value)
    if kind is FigureFacts:  # from a sandbox, where it was a Figure
        return value
    if value is Ellipsis:
        raise CheckFailed(f"{what} is still `...`: replace it by your answer")
    if hasattr(value, "get_figure") and module == "matplotlib":
        raise CheckFailed(f"{what} returned {kind.__name__}: return the Figure itself")
    raise CheckFailed(
        f"{what} is of type `{kind.__name__}`; a plain number, text, numpy array, table or "
        "Figure is expected"
    )


def _plain_array(value: np.ndarray, what: str) -> np.ndarray:
    if value.size > MAX_SIZE:
        raise CheckFailed(f"{what} holds {value.size} numbers, far more than was asked for")
    if value.dtype.kind not in "biufcUSM":
        raise CheckFailed(
            f"{what} is an array of dtype `{value.dtype}`; an array of numbers, booleans or text "
            "is expected (are the rows of unequal length, or is there a None in it?)"
        )
    return np.array(value, dtype=value.dtype.newbyteorder("="))


def _unmasked(value: np.ma.MaskedArray, what: str) -> np.ndarray:
    if np.ma.is_masked(value):
        raise CheckFailed(f"{what} has masked entries: fill them or leave them out")
    return _plain_array(np.ma.getdata(value).view(np.ndarray), what)


def _plain_astropy(value: Any, what: str) -> Any:
    from astropy.table import Column, MaskedColumn, QTable, Table
    from astropy.units import Quantity

    kind = type(value)
    if kind is Column:
        return _plain_array(np.asarray(value), what)
    if kind is MaskedColumn:
        return _unmasked(np.ma.MaskedArray(value), what)
    if kind in (Table, QTable):
        return {name: plain(value[name], f"{what}[{name!r}]") for name in value.colnames}
    if kind is Quantity:
        raise CheckFailed(
            f"{what} carries the unit `{value.unit}`: convert it to the unit asked for and return "
            "the plain number (`.to_value(unit)`)"
        )
    raise CheckFailed(f"{what} is of type `{kind.__name__}`; return plain numbers or arrays")
