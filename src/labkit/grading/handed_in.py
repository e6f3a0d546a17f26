"""A student's folder under submitted/: which file is the notebook, when it came, what else it has.

Everything in it is the student's: no link is followed, nothing but the notebook is opened. A folder
that cannot be read is one submission that cannot be graded, and nobody else's concern.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from labkit.errors import GradingError
from labkit.grading import beside, files

#: names of other files that are reported
MAX_NAMES = 8
#: no notebook with a lab's figures in it comes near
MAX_BYTES = 50_000_000


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
    when = beside.timestamp(folder / beside.TIMESTAMP)
    if when is None:
        notes.append("When it was handed in cannot be read; it was taken to be in time.")
    return raw, notes, when or ""


def _notebook(folder: Path, lab: str) -> tuple[bytes, list[str]]:
    names = _names(folder)
    chosen, notes = _choose(folder, names, lab)
    kept = [path.name for path in beside.pdfs(folder)]
    known = (Path(chosen).parts[0], *beside.NOT_THE_STUDENTS, *kept)
    if others := [name for name in names if name not in known]:
        notes.append(f"Only the notebook is graded; not looked at: {_listed(others)}.")
    advice = "Clear its outputs (Edit > Clear Outputs of All Cells) and hand it in again."
    depth = 1 + len(Path(chosen).parts)
    return files.read_bytes(folder / chosen, MAX_BYTES, depth, advice), notes


def _names(folder: Path) -> list[str]:
    """Return what a folder holds, but for what is hidden; nothing of what is no folder."""
    if not folder.is_dir() or folder.is_symlink():
        return []
    return sorted(name for name in os.listdir(folder) if not name.startswith("."))


def _choose(folder: Path, names: list[str], lab: str) -> tuple[str, list[str]]:
    """Return which file is the notebook, and what is to be said of its name."""
    wanted = f"{lab}.ipynb"
    if wanted in names or not names:
        return wanted, []
    notebooks = [name for name in names if _is_notebook(name)]
    for name in names:
        if name not in beside.NOT_THE_STUDENTS:
            notebooks += [f"{name}/{n}" for n in _names(folder / name) if _is_notebook(n)]
    # "01_apogee (1).ipynb", "01_apogee-Copy1.ipynb": what browsers and Jupyter make of a name
    alike = [n for n in notebooks if Path(n).name.lower().startswith(lab.lower())]
    # the only one under any name but that of another lab
    others = [n for n in notebooks if not re.match(r"\d\d_", Path(n).name)]
    for group in (alike, others if not alike else []):
        if len(group) == 1:
            return group[0], [
                f"The notebook was called {group[0][:80]!r}; it was taken for {wanted!r}."
            ]
    found = [n for n in (notebooks or names) if n not in beside.NOT_THE_STUDENTS]
    there = f"there is {_listed(found)}" if found else "the folder is empty"
    raise GradingError(f"no notebook to grade: {wanted!r} is not there; {there}")


def _is_notebook(name: str) -> bool:
    return name.lower().endswith(".ipynb")


def _listed(names: list[str]) -> str:
    listed = ", ".join(repr(name[:60]) for name in names[:MAX_NAMES])
    return listed + (f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else "")
