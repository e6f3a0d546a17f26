"""The cells of a lab in nbgrader's gradebook, kept in line with the lab at any time of the term.

nbgrader refuses to add or remove a cell once anybody has handed in. Here cells come with empty
grades for those who have, and go with theirs; before points or words that a person gave would go
with them, the gradebook is copied.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import sqlite3
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from labkit.grading.cells import role
from labkit.lab_source import NO_KERNEL


def agree(gradebook: Any, lab: str, source: NotebookNode) -> bool:
    """Say whether the gradebook has the lab's cells, with their points and tests.

    Parameters
    ----------
    gradebook : nbgrader.api.Gradebook
    lab : str
    source : NotebookNode
        The source notebook.

    Returns
    -------
    bool
    """
    from nbgrader.api import MissingEntry

    graded, answers, locked = _wanted(source)
    try:
        notebook = gradebook.find_notebook(lab, lab)
    except MissingEntry:
        return False
    sources = {cell.name: cell.source for cell in notebook.source_cells}
    tests = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in source.cells
        if role(cell) == "test"
    }
    return (
        {cell.name: (float(cell.max_score), cell.cell_type) for cell in notebook.grade_cells}
        == graded
        and {cell.name for cell in notebook.solution_cells} == answers
        and set(sources) == set(locked)
        and all(sources[name] == text for name, text in tests.items())
    )


def follow(gradebook: Any, lab: str, source: NotebookNode) -> None:
    """Add the cells that the lab has got and remove those it has lost; nbgrader does the rest.

    Parameters
    ----------
    gradebook : nbgrader.api.Gradebook
    lab : str
    source : NotebookNode
        The source notebook.
    """
    from nbgrader.api import Comment, Grade, GradeCell, MissingEntry, SolutionCell, SourceCell

    graded, answers, locked = _wanted(source)
    try:
        notebook = gradebook.find_notebook(lab, lab)
    except MissingEntry:
        return
    if not notebook.submissions:
        return
    gone = [
        *(cell for cell in notebook.grade_cells if cell.name not in graded),
        *(cell for cell in notebook.solution_cells if cell.name not in answers),
    ]
    rows = [row for cell in gone for row in (cell.grades or cell.comments or [])]
    if any(_by_a_person(row) for row in rows):
        _copy(gradebook, lab)
    database = gradebook.db
    for old in (*rows, *gone, *(c for c in notebook.source_cells if c.name not in locked)):
        database.delete(old)
    have = {cell.name for cell in notebook.grade_cells}
    for name in sorted(set(graded) - have):
        points, kind = graded[name]
        cell = GradeCell(name=name, notebook=notebook, max_score=points, cell_type=kind)
        database.add(cell)
        database.flush()  # gives it its id
        database.add_all(Grade(cell_id=cell.id, notebook=each) for each in notebook.submissions)
    for name in sorted(answers - {cell.name for cell in notebook.solution_cells}):
        cell = SolutionCell(name=name, notebook=notebook)
        database.add(cell)
        database.flush()
        database.add_all(Comment(cell_id=cell.id, notebook=each) for each in notebook.submissions)
    for name in sorted(set(locked) - {cell.name for cell in notebook.source_cells}):
        kind = locked[name]
        database.add(SourceCell(name=name, notebook=notebook, cell_type=kind, source=""))
    database.commit()


def name_no_kernel(gradebook: Any, lab: str) -> None:
    """Enter `lab_source.NO_KERNEL` for a lab, in which nbgrader then cannot run submissions.

    Parameters
    ----------
    gradebook : nbgrader.api.Gradebook
    lab : str
    """
    notebook = gradebook.find_notebook(lab, lab)
    wanted = json.dumps(NO_KERNEL)
    if notebook.kernelspec != wanted:
        notebook.kernelspec = wanted
        gradebook.db.commit()


def _wanted(
    source: NotebookNode,
) -> tuple[dict[str, tuple[float, str]], set[str], dict[str, str]]:
    """Return cells with points, cells of answers, and the types of all cells nbgrader keeps."""
    graded: dict[str, tuple[float, str]] = {}
    answers: set[str] = set()
    kept: dict[str, str] = {}
    for cell in source.cells:
        grading = cell.metadata.get("nbgrader")
        if not grading:
            continue
        name = grading["grade_id"]
        if grading["grade"]:
            graded[name] = float(grading["points"]), cell.cell_type
        if grading["solution"]:
            answers.add(name)
        if grading["grade"] or grading["solution"] or grading["locked"]:
            kept[name] = cell.cell_type
    return graded, answers, kept


def _by_a_person(row: Any) -> bool:
    given = ("manual_score", "extra_credit", "manual_comment")
    return any(getattr(row, name, None) is not None for name in given)


def _copy(gradebook: Any, lab: str) -> None:
    """Copy the gradebook beside itself, under a name that is free."""
    path = Path(gradebook.engine.url.database)
    copies = (path.with_name(f"{path.stem}.before-{lab}-{n}.db") for n in itertools.count(1))
    free = next(copy for copy in copies if not copy.exists())
    with (
        contextlib.closing(sqlite3.connect(path)) as here,
        contextlib.closing(sqlite3.connect(free)) as there,
    ):
        here.backup(there)
