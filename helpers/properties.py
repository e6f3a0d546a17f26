"""Properties that a test asks of a student's answer; each fails with a hint for the student."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from helpers import labels
from helpers.figures import FigureFacts
from helpers.plain_values import CheckFailed


def that(holds: bool, hint: str) -> None:
    """Fail with the hint unless the property holds.

    Parameters
    ----------
    holds : bool
        A plain or numpy boolean, nothing else.
    hint : str
        What is wrong, in the student's language, without the answer.
    """
    if type(holds) not in (bool, np.bool):
        raise TypeError(f"a check needs a boolean, not {type(holds).__name__}")
    if not holds:
        raise CheckFailed(hint)


def number(value: Any, what: str = "your answer") -> float:
    """Return a result as a float, or fail if it is not one finite real number.

    Parameters
    ----------
    value : float or int or one-element array
    what : str
        How to name it to the student.

    Returns
    -------
    float
    """
    if type(value).__module__ == "numpy" and np.ndim(value) == 0:
        value = value.item()
    if type(value) not in (int, float):
        raise CheckFailed(f"{what} should be one number, not {_kind(value)}")
    that(bool(np.isfinite(value)), f"{what} is not finite")
    return float(value)


def array(
    value: Any, shape: tuple[int, ...] | None = None, what: str = "your answer", finite: bool = True
) -> np.ndarray:
    """Return a result as a float64 array, or fail if shape or content cannot be right.

    Parameters
    ----------
    value : array of real numbers (a list of numbers will do)
    shape : tuple of int, optional
        -1 stands for any length.
    what : str
        How to name it to the student.
    finite : bool
        Whether NaN and infinity are refused.

    Returns
    -------
    ndarray of float64
    """
    value = _as_array(value, what)
    if value.dtype.kind not in "iuf":
        raise CheckFailed(f"{what} should hold real numbers, not {_kind(value)}")
    _check_shape(value, shape, what)
    result: np.ndarray = value.astype(float)
    if finite and not np.isfinite(result).all():
        raise CheckFailed(f"{what} holds {np.sum(~np.isfinite(result))} values that are not finite")
    return result


def truths(value: Any, shape: tuple[int, ...] | None = None, what: str = "your answer") -> Any:
    """Return a result as a boolean array, or fail if it is anything else.

    Parameters
    ----------
    value : array of bool
    shape : tuple of int, optional
    what : str
        How to name it to the student.

    Returns
    -------
    ndarray of bool
    """
    value = _as_array(value, what)
    if value.dtype.kind != "b":
        raise CheckFailed(f"{what} should hold True and False, not {_kind(value)}")
    _check_shape(value, shape, what)
    return value


def text(value: Any, what: str = "your answer") -> str:
    """Return a result as a string, or fail if it is not one.

    Parameters
    ----------
    value : str
    what : str
        How to name it to the student.

    Returns
    -------
    str
    """
    if type(value) is not str:
        raise CheckFailed(f"{what} should be text, not {_kind(value)}")
    return value


def figure(value: Any, axes: int = 1) -> FigureFacts:
    """Return the facts of a figure, or fail if it is none or its axes are too few.

    Parameters
    ----------
    value : FigureFacts
        What `submitted` makes of a matplotlib Figure.
    axes : int
        The least number of axes asked for.

    Returns
    -------
    FigureFacts
    """
    if type(value) is not FigureFacts:
        raise CheckFailed(f"return the matplotlib Figure, not {_kind(value)}")
    that(len(value.axes) >= axes, f"the figure has {len(value.axes)} axes, {axes} expected")
    return value


def label_has(label: str, *words: str, hint: str) -> None:
    """Fail unless an axis label holds one of the words, letter case and ways of typing apart.

    Parameters
    ----------
    label : str
    words : str
        Any one of them is enough ("wave", "λ", ...); math text is read as what it shows.
    hint : str
    """
    that(labels.says(label, *words), hint)


def label_unit(label: str, *units: str, hint: str) -> str:
    """Return the unit that an axis label names, in any usual spelling, or fail with the hint.

    Parameters
    ----------
    label : str
    units : str
        Those that will do: "Angstrom", "nm", "um", "K", "dex".
    hint : str

    Returns
    -------
    str
        One of `units`.
    """
    named = labels.unit(label, *units)
    that(bool(named), hint)
    return named


def wavelength_unit(label: str, hint: str) -> float:
    """Return how many ångströms one unit of a wavelength axis is, or fail with the hint.

    Parameters
    ----------
    label : str
    hint : str

    Returns
    -------
    float
        1 for Å, 10 for nm, 10 000 for µm: what the axis' data are multiplied by.
    """
    return labels.ANGSTROMS[label_unit(label, *labels.ANGSTROMS, hint=hint)]


def close(
    got: Any,
    want: Any,
    *,
    hint: str,
    rtol: float = 0.0,
    atol: float = 0.0,
    what: str = "your answer",
) -> None:
    """Fail with the hint unless numbers agree within a tolerance; the right value stays unsaid.

    Parameters
    ----------
    got, want : float or array of float
        The student's and the reference value, of one shape.
    hint : str
        What may have gone wrong.
    rtol, atol : float
        Relative and absolute tolerance, set by physics or noise; give at least one.
    what : str
        How to name the student's value.
    """
    if rtol <= 0 and atol <= 0:
        raise ValueError("a comparison of floats needs a tolerance")
    want = np.asarray(want, dtype=float)
    if want.ndim == 0:
        got = np.asarray(number(got, what))
    else:
        got = array(got, want.shape, what, finite=bool(np.isfinite(want).all()))
    that(bool(np.allclose(got, want, rtol=rtol, atol=atol, equal_nan=True)), hint)


def refuses(call: Callable[[], Any], errors: tuple[type[Exception], ...], hint: str) -> None:
    """Fail with the hint unless calling raises one of the errors.

    Parameters
    ----------
    call : callable
        Takes nothing.
    errors : tuple of exception types
    hint : str
    """
    try:
        call()
    except errors:
        return
    raise CheckFailed(hint)


def _as_array(value: Any, what: str) -> np.ndarray:
    if type(value) in (list, tuple):
        try:
            value = np.asarray(value)
        except ValueError:
            raise CheckFailed(f"{what} has rows of unequal length") from None
    if type(value) is not np.ndarray:
        raise CheckFailed(f"{what} should be an array, not {_kind(value)}")
    return value


def _check_shape(value: np.ndarray, shape: tuple[int, ...] | None, what: str) -> None:
    if shape is None:
        return
    fits = value.ndim == len(shape) and all(
        n in (-1, m) for n, m in zip(shape, value.shape, strict=True)
    )
    if not fits:
        wanted = " x ".join("n" if n == -1 else str(n) for n in shape)
        found = " x ".join(map(str, value.shape)) or "a single number"
        raise CheckFailed(f"{what} has shape {found}, {wanted} expected")


def _kind(value: Any) -> str:
    if value is None:
        return "None (is the `return` missing?)"
    if type(value) is np.ndarray:
        return f"an array of {value.dtype} with shape {value.shape}"
    return f"`{type(value).__name__}`"
