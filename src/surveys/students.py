"""Who the student is: what decides where each has something of their own."""

from __future__ import annotations

import contextlib
import contextvars
import os
from collections.abc import Iterator
from pathlib import Path

from surveys.errors import KitError
from surveys.folders import cache_folder

#: the name under which the solved labs are run; no student's
INSTRUCTOR = "instructor"
_examined: contextvars.ContextVar[str] = contextvars.ContextVar("examined")


class StudentError(KitError, RuntimeError):
    """It is not known, or not clear, whose notebook this is; the message says what to do."""


def name() -> str:
    """Return the student's user name.

    Returns
    -------
    str
        While a submission is examined, the name under which it was handed in; else what
        `LABKIT_STUDENT` says, else the hub, else what was given to `sign_in`. nbgrader's own
        autograde does not say whose notebook it runs: there it is `INSTRUCTOR`.

    Raises
    ------
    StudentError
        If nothing says it.
    """
    if found := _given():
        return found
    if _in_autograde():
        return INSTRUCTOR
    if found := os.environ.get("JUPYTERHUB_USER", "").strip() or _signed_in():
        return found
    raise StudentError(
        "Each student of this course has a mystery star of their own, and your name is not known "
        "on this machine.",
        'Run `archive.sign_in("...")` once, with the user name under which you hand in.',
    )


def require_known() -> None:
    """Refuse to go on where the name decides about marks and is not to be had.

    Raises
    ------
    StudentError
        In nbgrader's own autograde.
    """
    if _in_autograde() and not _given():
        raise StudentError(
            "nbgrader's autograde does not say whose notebook it runs, and in this course that "
            "decides which answer is right.",
            "Grade with `labkit grade`.",
        )


def _given() -> str:
    """Return the name that a grader gives, or the kit's own variable; "" if none does."""
    return _examined.get("") or os.environ.get("LABKIT_STUDENT", "").strip()


def _in_autograde() -> bool:
    return os.environ.get("NBGRADER_EXECUTION") == "autograde"


def sign_in(name: str) -> None:
    """Say who you are, once, on a machine without a hub.

    Parameters
    ----------
    name : str
        The user name under which you hand in; upper and lower case are the same.

    Raises
    ------
    StudentError
        If another name was given before.
    """
    given, before = name.strip(), _signed_in()
    if not given:
        raise StudentError("The name is empty.", "Give the user name under which you hand in.")
    if before and before.casefold() != given.casefold():
        raise StudentError(
            f"You have signed in as {before!r} before, and what labs 2 and 3 saved since then is "
            "about that name's star.",
            f"If {given!r} is right, remove {_file()}, sign in and run labs 2 and 3 again.",
        )
    _file().parent.mkdir(parents=True, exist_ok=True)
    _file().write_text(f"{given}\n", encoding="utf-8")


@contextlib.contextmanager
def examined(student: str) -> Iterator[None]:
    """Examine the work of a student: whatever else says who it is, this name counts.

    Parameters
    ----------
    student : str
        The name under which the work was handed in.
    """
    token = _examined.set(student)
    try:
        yield
    finally:
        _examined.reset(token)


def _file() -> Path:
    return cache_folder() / "student"


def _signed_in() -> str:
    try:
        return _file().read_text(encoding="utf-8").strip()
    except OSError:
        return ""
