"""The points of a class in each lab, as they leave for another system, and what to know of them."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, Student, SubmittedAssignment, SubmittedNotebook
from sqlalchemy.orm import selectinload

from labkit.errors import CourseError
from labkit.grading import handed_in, lateness
from labkit.grading.feedback import printable
from labkit.grading.late_days import LateDays
from labkit.grading.standing import score


@dataclass(frozen=True)
class Person:
    """A student, as the gradebook knows them; what it does not know is "".

    Attributes
    ----------
    name : str
        The account, by which folders are called.
    first, last, email, lms : str
        ``lms`` is the number that the teaching system has for the student.
    """

    name: str
    first: str = ""
    last: str = ""
    email: str = ""
    lms: str = ""


@dataclass(frozen=True)
class Total:
    """What a student has in a lab.

    Attributes
    ----------
    points : float
        The penalty for handing in late is taken off.
    handed_in : datetime or None
        UTC, without a time zone.
    late : timedelta
        After the lab was due for this student.
    """

    points: float
    handed_in: datetime.datetime | None = None
    late: datetime.timedelta = datetime.timedelta(0)


@dataclass(frozen=True)
class Totals:
    """What a class has.

    Attributes
    ----------
    people : list of Person
    most : dict of str to float
        Points to be had, by lab; labs in which nothing is graded are left out.
    of : dict of (str, str) to Total
        By account and lab; without an entry where nothing is graded yet.
    remarks : list of str
        What an instructor should know before passing the points on.
    """

    people: list[Person]
    most: dict[str, float]
    of: dict[tuple[str, str], Total]
    remarks: list[str] = field(default_factory=list)


def read(
    gradebook: Gradebook,
    settings: Any,
    course: Path,
    labs: Sequence[str] = (),
    students: Sequence[str] = (),
    now: datetime.datetime | None = None,
) -> Totals:
    """Read the points of a class from its gradebook.

    Who handed in nothing has 0 points, but no entry while the lab is not due for them yet.

    Parameters
    ----------
    gradebook : nbgrader.api.Gradebook
    settings : traitlets.config.Configurable
        Whose settings name the plugin for late submissions.
    course : Path
        The course folder.
    labs, students : sequence of str
        All by default.
    now : datetime, optional
        UTC, without a time zone; the present by default.

    Returns
    -------
    Totals

    Raises
    ------
    CourseError
        If a lab or a student is not in the gradebook, or nothing is graded.
    """
    people = _people(gradebook, students)
    assignments = {each.name: each for each in gradebook.assignments}
    _require(labs, assignments, "lab")
    of: dict[tuple[str, str], Total] = {}
    most: dict[str, float] = {}
    remarks: list[str] = []
    for lab in sorted(labs or assignments):
        found = _Lab(gradebook, settings, assignments[lab], people)
        if not found.graded:
            remarks.append(f"{lab} is left out: nothing of it is graded.")
            continue
        most[lab] = float(assignments[lab].max_score)
        ungraded = found.ungraded | set(handed_in.students(course, lab)) - found.graded.keys()
        if students:
            ungraded &= set(students)
        of |= {(student, lab): total for student, total in found.graded.items()}
        now = now or datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        missing = found.overdue(now) - ungraded
        of |= {(student, lab): Total(0.0) for student in missing}
        remarks += found.remarks(ungraded, missing)
    if not most:
        raise CourseError("nothing is graded in this course.", "Run labkit grade LAB first.")
    return Totals(people, most, of, remarks)


class _Lab:
    """What the gradebook has of one lab."""

    def __init__(
        self, gradebook: Gradebook, settings: Any, assignment: Any, people: Sequence[Person]
    ) -> None:
        self.graded: dict[str, Total] = {}
        self.ungraded: set[str] = set()
        self._assignment = assignment
        self._people = people
        self._waiting: dict[str, int] = {}
        self._stale: set[str] = set()
        self._plugin = lateness.plugin(settings, gradebook, assignment.name)
        names = {person.name for person in people}
        # all rows of the lab at once: asked for one by one they take minutes for a class of 300
        grades = selectinload(SubmittedAssignment.notebooks).selectinload(SubmittedNotebook.grades)
        submissions = gradebook.db.query(SubmittedAssignment).filter_by(assignment=assignment)
        for submission in submissions.options(grades):
            if submission.student_id in names:
                self._read(submission.student_id, submission)

    def _read(self, student: str, submission: Any) -> None:
        grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
        by_hand = [grade for grade in grades if grade.manual_score is not None]
        if not by_hand and all(grade.auto_score is None for grade in grades):
            self.ungraded.add(student)
            return
        # nbgrader's own sums are queries of the database, one for each submission
        taken = sum(notebook.late_submission_penalty or 0.0 for notebook in submission.notebooks)
        self.graded[student] = Total(
            max(0.0, sum(map(score, grades)) - taken),
            submission.timestamp,
            lateness.late_by(self._plugin, submission),
        )
        waiting = [g for g in grades if g.needs_manual_grade and g.manual_score is None]
        if waiting:
            self._waiting[student] = len(waiting)
        for notebook in submission.notebooks:
            now = lateness.penalty(self._plugin, notebook) or 0.0
            if abs(now - (notebook.late_submission_penalty or 0.0)) > 1e-6:
                self._stale.add(student)

    def overdue(self, now: datetime.datetime) -> set[str]:
        """Return who has nothing graded although the lab is due for them."""
        missing = {person.name for person in self._people} - self.graded.keys()
        return {student for student in missing if not self._is_open(student, now)}

    def _is_open(self, student: str, now: datetime.datetime) -> bool:
        due = self._assignment.duedate
        if isinstance(self._plugin, LateDays):
            due = self._plugin.due(student, self._assignment)
        return due is not None and now <= due

    def remarks(self, ungraded: set[str], missing: set[str]) -> list[str]:
        lab, cells = self._assignment.name, sum(self._waiting.values())
        said = []
        if ungraded:
            said.append(
                f"{lab}: no points for {_of(ungraded)}, of whom nothing is graded yet. "
                f"Run labkit grade {lab}."
            )
        if missing:
            said.append(f"{lab}: 0 points for {_of(missing)}, who handed in nothing.")
        if cells:
            said.append(
                f"{lab}: {cells} answer{'s' * (cells > 1)} of {_of(self._waiting)} still to be "
                "graded by hand; 0 points until then."
            )
        if self._stale:
            said.append(
                f"{lab}: the penalty of {_of(self._stale)} for handing in late no longer follows "
                f"the dates, the points and the rules. Run labkit grade {lab}."
            )
        return said


def _people(gradebook: Gradebook, chosen: Sequence[str]) -> list[Person]:
    columns = (
        Student.id,
        Student.first_name,
        Student.last_name,
        Student.email,
        Student.lms_user_id,
    )
    rows = gradebook.db.query(*columns).order_by(Student.last_name, Student.first_name, Student.id)
    people = [Person(row[0], *((value or "").strip() for value in row[1:])) for row in rows]
    _require(chosen, [person.name for person in people], "student")
    return [person for person in people if not chosen or person.name in chosen]


def _require(chosen: Sequence[str], known: Any, kind: str) -> None:
    for name in chosen:
        if name not in known:
            raise CourseError(
                f"the gradebook has no {kind} called {name!r}.",
                f"It has {', '.join(sorted(known)) or 'none'}.",
            )


def _of(students: Any) -> str:
    """Say how many students they are, and who if they are few."""
    names = [printable(name, 40) for name in sorted(students)]
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return f"{len(names)} student{'s' * (len(names) != 1)} ({shown})"
