"""Reduce what a student's answer returns to plain data, by its exact type."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.figures import FigureFacts, describe

#: no result may hold more numbers than this (1 GB of float64)
MAX_SIZE = 125_000_000


class CheckFailed(AssertionError):
    """A property of the student's answer does not hold; the message is for the student.

    Attributes
    ----------
    line : str
        The line of the student's code that it is about; "" if that is not known.
    """

    line: str = ""

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows of it: the hint, no way through the kit."""
        return [f"{type(self).__name__}: {self}", *([f"    {self.line}"] if self.line else [])]


def plain(value: Any, what: str) -> Any:
    """Reduce a result to plain data by its exact type; whatever else it is, is refused.

    Parameters
    ----------
    value : number, text, array, list, tuple, dict, table, Figure
        Of Python, NumPy, Astropy, pandas, torch or matplotlib.
    what : str
        How to name it to the student.

    Returns
    -------
    number, text, ndarray, list, tuple, dict or FigureFacts
        Tables become dictionaries of arrays.

    Raises
    ------
    CheckFailed
    """
    kind = type(value)
    if value is None or kind in (bool, int, float, complex, str, bytes):
        return value
    module = kind.__module__.partition(".")[0]
    if isinstance(value, np.generic) and module == "numpy":
        return value.item()
    if kind in (np.ndarray, np.recarray, np.memmap):
        return _plain_array(value.view(np.ndarray), what)
    if kind is np.ma.MaskedArray:
        return _unmasked(value, what)
    if kind is list or isinstance(value, tuple):
        # what a class derived from tuple says of itself is not asked
        items = [plain(item, what) for item in (list if kind is list else tuple).__iter__(value)]
        return items if kind is list else tuple(items)
    if isinstance(value, dict) and module in ("builtins", "collections"):
        return {plain(key, what): plain(item, what) for key, item in dict.items(value)}
    if kind is FigureFacts:  # from a sandbox, where it was a Figure
        return value
    if value is Ellipsis:
        raise CheckFailed(f"{what} is still `...`: replace it by your answer")
    of_library = {
        "astropy": _plain_astropy,
        "pandas": _plain_pandas,
        "torch": _plain_torch,
        "matplotlib": _plain_matplotlib,
    }
    if module in of_library:
        return of_library[module](value, what)
    raise _unknown(value, what)


def _unknown(value: Any, what: str) -> CheckFailed:
    return CheckFailed(
        f"{what} is of type `{type(value).__name__}`; a plain number, text, numpy array, table or "
        "Figure is expected"
    )


def _plain_array(value: np.ndarray, what: str) -> Any:
    if value.size > MAX_SIZE:
        raise CheckFailed(f"{what} holds {value.size} numbers, far more than was asked for")
    if value.dtype.names:  # a structured array is a table
        return {name: _plain_array(np.asarray(value[name]), what) for name in value.dtype.names}
    if value.dtype.kind == "O" and value.size and all(type(item) is str for item in value.flat):
        value = value.astype(str)
    if value.dtype.kind not in "biufcUSM":
        raise CheckFailed(
            f"{what} is an array of dtype `{value.dtype}`; an array of numbers, booleans or text "
            "is expected (are the rows of unequal length, or is there a None in it?)"
        )
    return np.array(value, dtype=value.dtype.newbyteorder("="))


def _unmasked(value: np.ma.MaskedArray, what: str) -> Any:
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
    if kind is Quantity and value.unit.is_equivalent(""):
        return plain(value.to_value(""), what)
    if kind is Quantity:
        raise CheckFailed(
            f"{what} carries the unit `{value.unit}`: convert it to the unit asked for and return "
            "the plain number (`.to_value(unit)`)"
        )
    raise _unknown(value, what)


def _plain_pandas(value: Any, what: str) -> Any:
    kind = type(value).__name__
    if kind == "DataFrame":
        return {plain(name, what): _plain_pandas(value[name], what) for name in value.columns}
    if kind not in ("Series", "Index", "RangeIndex"):
        raise _unknown(value, what)
    # pandas' own types of numbers, which may lack a value, become floats with NaN
    own = hasattr(value.dtype, "na_value") and getattr(value.dtype, "kind", "O") in "iuf"
    return _plain_array(value.to_numpy(float, na_value=np.nan) if own else value.to_numpy(), what)


def _plain_torch(value: Any, what: str) -> Any:
    if type(value).__name__ not in ("Tensor", "Parameter"):
        raise _unknown(value, what)
    if value.requires_grad:
        raise CheckFailed(f"{what} is a tensor with a gradient: return `.detach().numpy()` of it")
    return _plain_array(value.cpu().resolve_conj().resolve_neg().numpy(), what)


def _plain_matplotlib(value: Any, what: str) -> Any:
    kind = type(value).__name__
    if kind == "Figure":
        try:
            return describe(value)
        except ValueError as error:
            raise CheckFailed(f"{what}: {error}") from None
    if hasattr(value, "get_figure"):
        raise CheckFailed(f"{what} returned {kind}: return the Figure itself")
    raise _unknown(value, what)
