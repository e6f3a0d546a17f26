"""A student's folder under submitted/: which file is the notebook, when it came, what else it has.

Everything in it is the student's: no link is followed, nothing but the notebook is opened. A folder
that cannot be read is one submission that cannot be graded, and nobody else's concern.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from labkit.errors import GradingError
from labkit.grading import repair

#: names of other files that are reported
MAX_NAMES = 8


def students(course: Path, lab: str) -> list[str]:
    """Return the students who handed in this lab, those with folders that cannot be opened too.

    Parameters
    ----------
    course : Path
    lab : str

    Raises
    ------
    GradingError
        If the folder of all submissions cannot be read.
    """
    folder = course / "submitted"
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise GradingError(
            f"{folder} cannot be read ({error.strerror}): are you its owner?"
        ) from None
    return sorted(name for name in names if _may_be_a_folder(folder / name / lab))


def _may_be_a_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # what cannot be looked at is handed in, and told of
        return True


def read(course: Path, lab: str, student: str) -> tuple[bytes, list[str], str]:
    """Read a submission.

    Parameters
    ----------
    course : Path
    lab, student : str

    Returns
    -------
    raw : bytes
        The notebook's file.
    notes : list of str
        What is to be said of its name and of other files beside it, a sentence each.
    when : str
        When nbgrader's exchange says it was handed in; "" if that is not known.

    Raises
    ------
    GradingError
        If there is no notebook that can be read.
    """
    if student in ("", ".", "..") or "/" in student or "\0" in student:
        raise GradingError(f"{student!r} cannot be a student's name")
    try:
        student.encode()
    except UnicodeEncodeError:
        raise GradingError(
            f"the folder's name {os.fsencode(student)!r} is no text (UTF-8), and the gradebook can "
            "hold no other names: rename it"
        ) from None
    folder = course / "submitted" / student / lab
    try:
        raw, notes = _notebook(folder, lab)
    except OSError as error:
        raise GradingError(
            f"the folder cannot be read ({error.strerror}): make it readable (`chmod -R u+rX`)"
        ) from None
    when = _timestamp(folder / "timestamp.txt")
    if when is None:
        notes.append("When it was handed in cannot be read; it was taken to be in time.")
    return raw, notes, when or ""


def _notebook(folder: Path, lab: str) -> tuple[bytes, list[str]]:
    names = []
    if folder.is_dir() and not folder.is_symlink():
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    chosen, notes = f"{lab}.ipynb", []
    # "01_apogee (1).ipynb", "01_apogee-Copy1.ipynb": what browsers and Jupyter make of a name
    alike = [n for n in names if n.startswith(lab) and n.endswith(".ipynb")]
    if chosen not in names and len(alike) == 1:
        (found,) = alike
        notes.append(f"The notebook was called {found[:80]!r}; it was taken for {chosen!r}.")
        chosen = found
    others = [name for name in names if name not in (chosen, "timestamp.txt")]
    if others:
        listed = ", ".join(repr(name[:60]) for name in others[:MAX_NAMES])
        more = f" and {len(others) - MAX_NAMES} more" if len(others) > MAX_NAMES else ""
        notes.append(f"Only the notebook is graded; not looked at: {listed}{more}.")
    return repair.read_bytes(folder / chosen), notes


def _timestamp(path: Path) -> str | None:
    """Return what nbgrader's exchange wrote; "" if that is nothing, None if it cannot be read."""
    from nbgrader.utils import parse_utc

    try:
        if not path.is_symlink() and not path.exists():
            return ""
        if path.is_symlink() or not path.is_file() or path.stat().st_size > 200:
            return None
        text = path.read_text(errors="replace").strip()
        parse_utc(text)
    except (OSError, ValueError, OverflowError, TypeError):
        return None
    return text
