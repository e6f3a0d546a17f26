"""A cell of a notebook as the grader sees it: what it is for, whose text it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

#: what share of its words a cell keeps that was only changed here and there
ALIKE = 0.6


@dataclass
class Cell:
    """A cell of a submitted, repaired or released notebook.

    Attributes
    ----------
    role : str
        setup, solution, test, explain (those of the released notebook) or own.
    name : str
        The grade_id; "" for an own cell.
    kind : str
        code, markdown or raw; drop for one that is to be left out.
    source : str
        The student's text, or the released one of a locked cell.
    released : bool
        Whether the text is one that was handed out.
    story : bool
        Whether it is a cell of the story that was handed out, whatever it says now.
    id : str
    locked : bool
        Whether students were to leave it alone, by its own metadata.
    intact : bool
        Whether it is as some release of the lab handed it out: its own checksum says so.
    elsewhere : bool
        Whether the answer that belongs here was written into a neighbour.
    pictures : dict of str to bytes
        Those pasted into its text, by name; anything, until they are drawn anew.
    outputs : anything
        What the file says the cell showed when it was saved: see `story.saved`.
    """

    role: str
    name: str
    kind: str
    source: str
    released: bool = False
    story: bool = False
    id: str = ""
    locked: bool = False
    intact: bool = False
    elsewhere: bool = False
    pictures: dict[str, bytes] = field(default_factory=dict)
    outputs: Any = None

    @property
    def text(self) -> tuple[str, str]:
        """Kind and text: by these a cell that says the same is found."""
        return self.kind, self.source.strip()


def role(cell: NotebookNode) -> str:
    """Say what a cell of the released or the source notebook is: see `Cell.role`."""
    grading = cell.metadata.get("nbgrader")
    if not grading:
        return "own"
    if grading["grade"]:
        return "explain" if grading["solution"] else "test"
    return "solution" if grading["solution"] else "setup"


def handed_out(released: NotebookNode) -> list[Cell]:
    """Return a released notebook's cells."""
    return [
        Cell(
            role=role(cell),
            name=cell.metadata.get("nbgrader", {}).get("grade_id", ""),
            kind=cell.cell_type,
            source=cell.source,
            released=True,
            id=cell.get("id", ""),
        )
        for cell in released.cells
    ]


def exercise_of(test: str, solutions: list[str]) -> str:
    """Return the solution cell a test cell belongs to, "" if there is none."""
    stem = test.removeprefix("test_")
    fitting = [s for s in solutions if stem == s or stem.startswith(f"{s}_")]
    return max(fitting, key=len, default="") if test != stem else ""


def mark_story(cells: list[Cell], released: Iterable[Cell]) -> None:
    """Mark the cells of the story that was handed out, those too that a student has changed.

    By their ids; of a notebook that lost those, by their words.

    Parameters
    ----------
    cells : list of Cell
        Of the submission; changed in place.
    released : iterable of Cell
    """
    story = [cell for cell in released if cell.role == "own"]
    texts = {cell.text for cell in story}
    ids = {cell.id for cell in story if cell.id}
    own = [cell for cell in cells if not cell.name]
    for cell in own:
        cell.released = cell.text in texts
        cell.story = cell.released or cell.id in ids
    found = {cell.id for cell in own if cell.story} | {cell.text for cell in own if cell.released}
    missing = [(cell.kind, _words(cell)) for cell in story if not found & {cell.id, cell.text}]
    for cell in own if missing else ():
        if not cell.story and (words := _words(cell)):
            cell.story = any(
                kind == cell.kind and len(words & known) >= ALIKE * max(len(words), len(known))
                for kind, known in missing
            )


def _words(cell: Cell) -> set[str]:
    return set(re.findall(r"\w+", cell.source))
