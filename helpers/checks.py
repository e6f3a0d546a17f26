"""How a test cell looks at a student's work.

A test reaches the work through `submitted("name")` only. What comes back is plain: numbers, text,
arrays, tables as dictionaries, figures as their facts; the type is checked before any value is
compared, so nothing a student's object claims about itself counts. Arguments and results travel
by value, as they do when the work runs in a sandbox of its own.

A test cell reads::

    from helpers import checks

    @checks.run
    def test_surface_gravity():
        log_g = checks.submitted("surface_gravity")
        checks.close(log_g(4.0, 2.0), log_g(1.0, 1.0), atol=1e-6, hint="...")
"""

from __future__ import annotations

import contextlib
import contextvars
import copy
import io
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from helpers.figures import FigureFacts, describe

__all__ = [
    "CheckFailed",
    "answers_from",
    "array",
    "close",
    "figure",
    "label_has",
    "number",
    "query",
    "refuses",
    "run",
    "submitted",
    "text",
    "that",
    "truths",
    "workspace",
]

#: no result may hold more numbers than this (1 GB of float64)
MAX_SIZE = 125_000_000


class CheckFailed(AssertionError):
    """A property of the student's answer does not hold; the message is for the student."""


# --- reaching the work --------------------------------------------------------------------------


def _notebook_namespace() -> dict[str, Any]:
    return sys.modules["__main__"].__dict__


_lookup: contextvars.ContextVar[Callable[[str], Any]] = contextvars.ContextVar("lookup")
_workspace: contextvars.ContextVar[Path] = contextvars.ContextVar("workspace")
_shared: contextvars.ContextVar[Path | None] = contextvars.ContextVar("shared", default=None)


@contextlib.contextmanager
def answers_from(lookup: Callable[[str], Any], shared: Path | None = None) -> Iterator[None]:
    """Let `submitted` take the work from somewhere else than the notebook it runs in.

    Parameters
    ----------
    lookup : callable
        Takes a name, returns the student's object, raises KeyError where there is none. A grader
        gives its own: a namespace under test, or a proxy to a sandboxed process.
    shared : Path, optional
        A folder the work can read as well; every `workspace` is made in it.
    """
    tokens = _lookup.set(lookup), _shared.set(shared)
    try:
        yield
    finally:
        _lookup.reset(tokens[0])
        _shared.reset(tokens[1])


def submitted(name: str) -> Any:
    """Return the student's function or value of this name.

    Parameters
    ----------
    name : str
        The name the exercise asks for.

    Returns
    -------
    callable or plain value
        A function is wrapped: its arguments are copied, its result is made plain, and what it
        prints or warns about is kept out of the test.

    Raises
    ------
    CheckFailed
        If nothing of that name was written yet, or a value is not plain.
    """
    lookup = _lookup.get(_notebook_namespace().__getitem__)
    try:
        work = lookup(name)
    except KeyError:
        raise CheckFailed(
            f"`{name}` is not defined: run the cell in which you write it, and keep its name"
        ) from None
    if not callable(work):
        return _plain(work, f"`{name}`")

    def call(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = copy.deepcopy((args, kwargs))
        try:
            with _quiet():
                return _plain(work(*args, **kwargs), f"`{name}`")
        except NotImplementedError:
            raise CheckFailed(f"`{name}` is not written yet") from None

    call.__name__ = name
    return call


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep prints, progress bars and warnings out: none of them is a wrong answer."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield


def workspace() -> Path:
    """Return an empty folder in which a test may put files for the student's function to read.

    Returns
    -------
    Path
        Removed when the test ends.
    """
    try:
        return _workspace.get()
    except LookupError:
        raise RuntimeError("checks.workspace() works inside a @checks.run test only") from None


def run(test: Callable[[], None]) -> None:
    """Run a test at once, leaving no variables, figures or warnings behind (a decorator).

    Parameters
    ----------
    test : callable
        Takes nothing; raises where a property does not hold.
    """
    figures_before = _open_figures()
    with tempfile.TemporaryDirectory(prefix="labkit-test-", dir=_shared.get()) as folder:
        token = _workspace.set(Path(folder))
        try:
            with _quiet():
                test()
        finally:
            _workspace.reset(token)
            for number in _open_figures() - figures_before:
                sys.modules["matplotlib.pyplot"].close(number)
    print(f"{test.__name__.removeprefix('test_')}: passed")  # noqa: T201 - the student's answer


def _open_figures() -> set[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return set(pyplot.get_fignums()) if pyplot else set()


def query(sql: str, rows: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Run a student's SQL as the archive would, on a catalogue of a few made-up spectra.

    Parameters
    ----------
    sql : str
    rows : sequence of dict
        The spectra: the values of any columns of apogeeStar and aspcapStar, by name; at least
        apogee_id, telescope, field and location_id.

    Returns
    -------
    dict of ndarray
        The answer's columns, by name in lower case.

    Raises
    ------
    CheckFailed
        With the archive's own words if it cannot run the query.
    """
    from astropy.table import Table

    from helpers.catalogue import write_tables
    from helpers.skyserver import SqlError, run_sql

    with tempfile.TemporaryDirectory(prefix="labkit-query-") as folder:
        catalogue = Path(folder) / "catalogue.sqlite"
        write_tables(rows, catalogue)
        try:
            answer = run_sql(catalogue, sql)
        except SqlError as error:
            raise CheckFailed(f"the archive could not run your query: {error}") from None
    table = Table.read(answer, format="ascii.csv", comment="#")
    return {name.lower(): np.asarray(table[name]) for name in table.colnames}


# --- plain values -------------------------------------------------------------------------------


def _plain(value: Any, what: str) -> Any:
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
        return kind(_plain(item, what) for item in value)
    if kind is dict:
        return {_plain(key, what): _plain(item, what) for key, item in value.items()}
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
        return {name: _plain(value[name], f"{what}[{name!r}]") for name in value.colnames}
    if kind is Quantity:
        raise CheckFailed(
            f"{what} carries the unit `{value.unit}`: convert it to the unit asked for and return "
            "the plain number (`.to_value(unit)`)"
        )
    raise CheckFailed(f"{what} is of type `{kind.__name__}`; return plain numbers or arrays")


# --- properties ---------------------------------------------------------------------------------


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
    value = value.astype(float)
    if finite and not np.isfinite(value).all():
        raise CheckFailed(f"{what} holds {np.sum(~np.isfinite(value))} values that are not finite")
    return value


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
    """Fail unless an axis label holds one of the words, letter case apart.

    Parameters
    ----------
    label : str
    words : str
        Any one of them is enough ("angstrom", "Å", "\\\\AA", ...).
    hint : str
    """
    that(any(word.lower() in label.lower() for word in words), hint)


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
