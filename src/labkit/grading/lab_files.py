"""The two notebooks that a course has of a lab: the solved one, and the one handed out."""

from __future__ import annotations

from pathlib import Path

from labkit.errors import GradingError


def solved(course: Path, lab: str) -> Path:
    """Return the solved notebook, which holds the tests.

    Parameters
    ----------
    course : Path
    lab : str

    Returns
    -------
    Path

    Raises
    ------
    GradingError
        If the course has no such lab.
    """
    return _existing(course, "solutions", lab)


def released(course: Path, lab: str) -> Path:
    """Return the notebook that students get.

    Parameters
    ----------
    course : Path
    lab : str

    Returns
    -------
    Path

    Raises
    ------
    GradingError
        If it has not been made.
    """
    return _existing(course, "labs", lab, " (make it: `labkit notebooks`)")


def _existing(course: Path, folder: str, lab: str, advice: str = "") -> Path:
    path = course / folder / lab / f"{lab}.ipynb"
    if not path.is_file():
        raise GradingError(f"no lab called {lab!r} in this course: {path} does not exist{advice}")
    return path
