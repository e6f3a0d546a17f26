"""What a class did in one lab, read from the gradebook and from the graded notebooks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from labkit import lab_source
from labkit.grading import handed_in, judge, lab_files, marks
from labkit.grading.alike import Text
from labkit.grading.cells import role
from labkit.grading.comments import ReusableComments
from labkit.grading.standing import Standing


@dataclass(frozen=True)
class Exercise:
    """An exercise of the lab.

    Attributes
    ----------
    name : str
    cells : list of str
        The cells its points are in.
    worth : float
    by_hand : bool
        Whether it is an explanation, which a person grades.
    """

    name: str
    cells: list[str]
    worth: float
    by_hand: bool


@dataclass(frozen=True)
class StudentWork:
    """One student and this lab.

    Attributes
    ----------
    student, name : str
        The name is "" if the gradebook has none.
    handed_in : bool
    standing : Standing or None
        None if nothing of it is graded.
    result : dict
        What `labkit grade` recorded; empty if it has not graded it.
    """

    student: str
    name: str
    handed_in: bool
    standing: Standing | None
    result: dict[str, Any]

    def points(self, exercise: Exercise) -> float:
        """Return the points that count of an exercise; 0 if nothing is graded."""
        points = self.standing.points if self.standing else {}
        return sum(points.get(cell, 0.0) for cell in exercise.cells)

    def waits(self, exercise: Exercise) -> bool:
        """Say whether a person has still to give points for an exercise."""
        if self.standing is None:
            return False
        waiting = set(self.standing.waiting) - set(self.standing.by_hand)
        return bool(waiting & set(exercise.cells))

    def answered(self, exercise: Exercise) -> bool:
        """Say whether an exercise was not left as it was handed out, as far as is known."""
        return exercise.name not in self.result.get("unanswered", [])


@dataclass(frozen=True)
class ClassMarks:
    """A class and one lab.

    Attributes
    ----------
    lab, title : str
    exercises : list of Exercise
        In the order of the lab.
    students : list of StudentWork
        In the order of their ids.
    reusable : ReusableComments
    known : list of Text
        What was handed out, and the model answers.
    """

    lab: str
    title: str
    exercises: list[Exercise]
    students: list[StudentWork]
    reusable: ReusableComments
    known: list[Text] = field(repr=False, default_factory=list)

    @property
    def graded(self) -> list[StudentWork]:
        """Those whose submission has marks."""
        return [work for work in self.students if work.standing]

    @property
    def worth(self) -> float:
        """The points of the lab."""
        return sum(exercise.worth for exercise in self.exercises)


def read(course: Path, lab: str) -> ClassMarks:
    """Read what a class did in a lab; nothing is changed.

    Parameters
    ----------
    course : Path
    lab : str

    Returns
    -------
    ClassMarks

    Raises
    ------
    GradingError
        If there is no such lab, or no gradebook that can be used.
    """
    paths = lab_files.solved(course, lab), lab_files.released(course, lab)
    source, released = (nbformat.read(path, as_version=4) for path in paths)
    submitted = set(handed_in.students(course, lab))
    with marks.opened_to_read(course, lab) as book:
        entered = {
            student: StudentWork(student, name, student in submitted, standing, result)
            for student, name, standing, result in book.everyone()
        }
        reusable = book.reusable
    unknown = {s: StudentWork(s, "", True, None, {}) for s in submitted - set(entered)}
    everyone = entered | unknown
    return ClassMarks(
        lab,
        lab_source.title(source, lab),
        _exercises(source),
        [everyone[student] for student in sorted(everyone)],
        reusable,
        [*texts(source), *texts(released)],
    )


def _exercises(source: NotebookNode) -> list[Exercise]:
    tests = judge.tests(source)
    found = []
    for cell in source.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if role(cell) == "solution":
            own = [test for test in tests if test.exercise == name]
            worth = sum(test.points for test in own)
            found.append(Exercise(name, [test.name for test in own], worth, by_hand=False))
        elif role(cell) == "explain":
            worth = float(cell.metadata.nbgrader.points)
            found.append(Exercise(name, [name], worth, by_hand=True))
    return found


def written(course: Path, lab: str, student: str) -> list[Text]:
    """Return what a student wrote, from the graded notebook; nothing if that cannot be read.

    Parameters
    ----------
    course : Path
    lab, student : str

    Returns
    -------
    list of Text
    """
    path = course / "autograded" / student / lab / f"{lab}.ipynb"
    try:
        return texts(nbformat.read(path, as_version=4))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def texts(notebook: NotebookNode) -> list[Text]:
    """Return the cells of a notebook that are no tests and not locked."""
    return [
        Text(cell.metadata.get("nbgrader", {}).get("grade_id", ""), cell.cell_type, cell.source)
        for cell in notebook.cells
        if not cell.metadata.get("nbgrader", {}).get("locked")
    ]
