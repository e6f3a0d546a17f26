"""A student's folder under submitted/: which file is the notebook, when it came, what else it has.

Everything in it is the student's: no link is followed, nothing but the notebook is opened.
"""

from __future__ import annotations

from pathlib import Path

from labkit.errors import GradingError
from labkit.grading import repair

#: names of other files that are reported
MAX_NAMES = 8


def read(course: Path, lab: str, student: str) -> tuple[bytes, list[str]]:
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

    Raises
    ------
    GradingError
        If there is no notebook that can be read.
    """
    if student in ("", ".", "..") or "/" in student or "\0" in student:
        raise GradingError(f"{student!r} cannot be a student's name")
    folder = course / "submitted" / student / lab
    names = []
    if folder.is_dir() and not folder.is_symlink():
        names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
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


def timestamp(course: Path, lab: str, student: str) -> str:
    """Return when nbgrader's exchange says it was handed in; "" if that is not known."""
    path = course / "submitted" / student / lab / "timestamp.txt"
    if path.is_symlink() or not path.is_file() or path.stat().st_size > 200:
        return ""
    from nbgrader.utils import parse_utc

    text = path.read_text(errors="replace").strip()
    try:
        parse_utc(text)
    except (ValueError, OverflowError, TypeError):
        return ""
    return text
