"""A first file of reusable comments, drawn from the rubrics in a lab's solved notebook.

A rubric is a list at the end of a model answer; each point of it begins with what it is worth::

    **Rubric**
    - (1) Divides by a smooth curve, and says what that removes.
    - (2) Says why the labels, not the noise, decide.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from labkit.errors import GradingError
from labkit.grading import comments, files, lab_files
from labkit.grading.cells import role

_POINT = re.compile(
    r"^[-*] (?:\((?P<one>\d+)[^)\n]*\)|(?P<other>\d+):)\s+(?P<text>.+(?:\n(?![-*] |\s*$).+)*)",
    re.MULTILINE,
)
_HEAD = """\
# Reusable comments of {lab}, drawn from its rubrics. Type #key into the comment box of the
# formgrader, several if you like; the next `labkit grade` writes the texts in their place and,
# where you gave no points, enters those of the keys. Change, add or remove what you like:
# points = 1 gives points, off = 0.5 takes them from the cell's maximum, without either there are
# only words.

[full]
off = 0
text = "All that was asked for is there."
"""


def points(source: str) -> list[tuple[int, str]]:
    """Return the points of a rubric.

    Parameters
    ----------
    source : str
        A model answer that ends with its rubric.

    Returns
    -------
    list of (int, str)
        What each is worth, and for what. Empty if there is no list of such points.
    """
    _, _, rubric = source.rpartition("**Rubric**")
    return [
        (int(match["one"] or match["other"]), " ".join(match["text"].split()))
        for match in _POINT.finditer(rubric)
    ]


def first_comments(source: NotebookNode, lab: str) -> str:
    """Return a file of reusable comments, one for each point of the rubrics.

    Parameters
    ----------
    source : NotebookNode
        The solved notebook.
    lab : str

    Returns
    -------
    str
        See `comments`.
    """
    parts = [_HEAD.format(lab=lab)]
    for cell in source.cells:
        if role(cell) != "explain":
            continue
        name = cell.metadata.nbgrader.grade_id
        found = points(cell.source)
        without = "" if found else ": its rubric is no list of points (- (1) for what)"
        parts.append(f"# {name}, {cell.metadata.nbgrader.points} points{without}")
        stem = re.sub(r"[^A-Za-z0-9_-]", "-", name.removeprefix("explain_"))
        for number, (worth, text) in enumerate(found, start=1):
            # a string of JSON is one of TOML as well
            quoted = json.dumps(text, ensure_ascii=False)
            parts.append(f"[{stem}-{number}]\npoints = {worth}\ntext = {quoted}\n")
    return "\n".join(parts)


def write(course: Path, lab: str) -> Path:
    """Write a first file of reusable comments into the course folder.

    Parameters
    ----------
    course : Path
    lab : str

    Returns
    -------
    Path
        The file.

    Raises
    ------
    GradingError
        If it exists already, or the lab is unknown or has nothing that is graded by hand.
    """
    solved = lab_files.solved(course, lab)
    path = comments.path_of(course, lab)
    if path.exists():
        raise GradingError(
            f"{path} exists already.", "Change it as you like, or move it away for a new one."
        )
    source = nbformat.read(solved, as_version=4)
    if not any(role(cell) == "explain" for cell in source.cells):
        raise GradingError(f"nothing in {lab} is graded by hand: it needs no reusable comments.")
    files.write(path, first_comments(source, lab).encode())
    return path
