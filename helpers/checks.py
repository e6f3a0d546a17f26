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
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from helpers.calls import Call, quiet
from helpers.plain_values import CheckFailed, plain
from helpers.properties import (
    array,
    close,
    figure,
    label_has,
    label_unit,
    number,
    refuses,
    text,
    that,
    truths,
    wavelength_unit,
)
from surveys import own_star
from surveys.errors import KitError
from surveys.folders import truth_folder

__all__ = [
    "CheckFailed",
    "answers_from",
    "array",
    "close",
    "figure",
    "label_has",
    "label_unit",
    "number",
    "query",
    "refuses",
    "run",
    "submitted",
    "text",
    "that",
    "truth",
    "truths",
    "wavelength_unit",
    "workspace",
]


#: the longest query that is run, characters
MAX_SQL = 20_000

# --- reaching the work --------------------------------------------------------------------------


def _notebook_namespace() -> dict[str, Any]:
    return sys.modules["__main__"].__dict__


_lookup: contextvars.ContextVar[Callable[[str], Any]] = contextvars.ContextVar("lookup")
_last_call: contextvars.ContextVar[list[Call]] = contextvars.ContextVar("last_call")
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
        prints or warns about is kept out of the test. If it changes an argument in place, the
        check fails.

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
        return plain(work, f"`{name}`")

    def call(*args: Any, **kwargs: Any) -> Any:
        made = Call(name, work, args, kwargs)
        with contextlib.suppress(LookupError):  # outside of a test nobody asks
            _last_call.get()[:] = [made]
        args, kwargs = copy.deepcopy((args, kwargs))
        try:
            with quiet():
                result = plain(work(*args, **kwargs), f"`{name}`")
        except NotImplementedError:
            raise CheckFailed(f"`{name}` is not written yet") from None
        except Exception as error:
            made.error = error
            raise
        if changed := made.changed(args, kwargs):
            raise CheckFailed(
                f"`{name}` changes its argument `{changed}` in place, which spoils it for what "
                "comes after: work on a copy"
            )
        return result

    call.__name__ = name
    return call


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
    calls: list[Call] = []
    shared = _shared.get()
    with tempfile.TemporaryDirectory(prefix="labkit-test-", dir=shared) as folder:
        if shared is not None:
            Path(folder).chmod(0o755)  # the work may run as another user
        tokens = _workspace.set(Path(folder)), _last_call.set(calls)
        try:
            with quiet():
                test()
        except Exception as error:  # noqa: BLE001 - raised again, in words
            failure = _told(error, calls)
            raise failure.with_traceback(error.__traceback__) from None
        finally:
            _workspace.reset(tokens[0])
            _last_call.reset(tokens[1])
            for number in _open_figures() - figures_before:
                sys.modules["matplotlib.pyplot"].close(number)
    print(f"{test.__name__.removeprefix('test_')}: passed")  # noqa: T201 - the student's answer


def _told(error: Exception, calls: list[Call]) -> Exception:
    """Put what a student's function raised into words, with its call; other errors stay."""
    made = calls[0] if calls else None
    if made and made.error is error and not isinstance(error, CheckFailed):
        error = CheckFailed(f"`{made}` raised {type(error).__name__}: {error}")
    if made and isinstance(error, CheckFailed):
        error.line = made.line()
    return error


def _open_figures() -> set[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return set(pyplot.get_fignums()) if pyplot else set()


def truth(survey: str, name: str) -> np.ndarray:
    """Return what was planted in the simulated survey, for a hidden test to compare with.

    Parameters
    ----------
    survey : str
        "apogee", "lamost" or "sed".
    name : str
        Of the array: "mystery", the labels of the student's star, or others (data/README.md).

    Returns
    -------
    ndarray

    Raises
    ------
    KitError
        Where the truth is not at hand: it lies with the instructor, never with the students.
    """
    if (own := own_star.truth(survey, name)) is not None:
        return own
    path = truth_folder() / f"{survey}.npz"
    try:
        with np.load(path, allow_pickle=False) as planted:
            values: np.ndarray = planted[name]
            return values
    except (OSError, KeyError) as error:
        raise KitError(
            f"the truth {name!r} of the {survey} survey cannot be read from {path}.",
            "Hidden tests that need it run on the instructor's machine: `labkit data` makes it.",
        ) from error


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
        With the archive's own words if it cannot run the query, or if it is longer than `MAX_SQL`.
    """
    if len(sql) > MAX_SQL:
        raise CheckFailed(f"a query of {len(sql)} characters: the archive takes {MAX_SQL} at most")
    from astropy.table import Table

    from surveys.catalogue import write_tables
    from surveys.sql import run_sql
    from surveys.tsql_functions import SqlError

    with tempfile.TemporaryDirectory(prefix="labkit-query-") as folder:
        catalogue = Path(folder) / "catalogue.sqlite"
        write_tables(rows, catalogue)
        try:
            answer = run_sql(catalogue, sql)
        except SqlError as error:
            raise CheckFailed(f"the archive could not run your query: {error}") from None
    table = Table.read(answer, format="ascii.csv", comment="#")
    return {name.lower(): np.asarray(table[name]) for name in table.colnames}
