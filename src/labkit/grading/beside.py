"""What a student hands in beside the notebook and others need: nbgrader's own files, and PDFs.

nbgrader finds out whose page is whose by a secret that its exchange put beside the submission; a
PDF that a lab asks for is for the person who grades by hand. Nothing else is passed on.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from labkit.errors import GradingError
from labkit.grading import files

TIMESTAMP, SECRET = "timestamp.txt", "submission_secret.txt"
#: what nbgrader and Jupyter leave in a student's folder
NOT_THE_STUDENTS = (TIMESTAMP, SECRET, "feedback", "__pycache__")
MAX_PDFS = 5
MAX_PDF = 20_000_000
MAX_TEXT = 1_000


def pdfs(folder: Path) -> list[Path]:
    """Return the PDFs in a student's folder that are kept for grading by hand.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Path
        At most `MAX_PDFS`, in the order of their names; no links.
    """
    names = sorted(os.listdir(folder)) if folder.is_dir() and not folder.is_symlink() else []
    fitting = [folder / name for name in names if name.lower().endswith(".pdf") and _plain(name)]
    return [path for path in fitting if _start(path) == b"%PDF-"][:MAX_PDFS]


def _plain(name: str) -> bool:
    return name.isprintable() and not name.startswith(".")


def _start(path: Path) -> bytes:
    try:
        return files.read_bytes(path, MAX_PDF)[:5]
    except (GradingError, OSError):
        return b""


def pass_on(course: Path, lab: str, student: str) -> None:
    """Put what belongs there beside the graded notebook and the page.

    Parameters
    ----------
    course : Path
    lab, student : str
    """
    handed_in = course / "submitted" / student / lab
    notebook, page = (course / kind / student / lab for kind in ("autograded", "feedback"))
    secret = _text(handed_in / SECRET) or _text(page / SECRET) or secrets.token_hex(64)
    when = timestamp(handed_in / TIMESTAMP)
    for folder in (notebook, page):
        if folder.is_dir() and not folder.is_symlink():
            # without the two files nbgrader's release_feedback would stop for everybody
            _write(folder / SECRET, secret.encode())
            _write(folder / TIMESTAMP, (when or "").encode())
    if notebook.is_dir() and not notebook.is_symlink():
        for pdf in pdfs(handed_in):
            _write(notebook / pdf.name, files.read_bytes(pdf, MAX_PDF))


def timestamp(path: Path) -> str | None:
    """Return what nbgrader's exchange wrote; "" if that is nothing, None if it cannot be read.

    Parameters
    ----------
    path : Path
    """
    from nbgrader.utils import parse_utc

    try:
        if not path.is_symlink() and not path.exists():
            return ""
        text = _text(path).strip()
        parse_utc(text)
    except (OSError, ValueError, OverflowError, TypeError):
        return None
    return text or None


def _text(path: Path) -> str:
    """Return a small file's text; "" if there is none that can be read."""
    with contextlib.suppress(GradingError, OSError, UnicodeDecodeError):
        text = files.read_bytes(path, MAX_TEXT).decode()
        return text if text.strip() else ""
    return ""


def _write(path: Path, content: bytes) -> None:
    if path.is_symlink() or not path.is_file() or path.read_bytes() != content:
        files.write(path, content)
