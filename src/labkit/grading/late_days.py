"""nbgrader's plugin for late submissions, by the rules of a course's `late.toml`.

`nbgrader_config.py` names it, so that `labkit grade` and nbgrader's own autograde take the same
points. Every day begun counts. Free late days are spent in the order in which labs are due, so
that a lab's penalty depends on earlier labs only.
"""

from __future__ import annotations

import datetime
import difflib
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nbgrader.api import Student
from nbgrader.plugins import BasePlugin

from labkit.errors import CourseError
from labkit.grading import late_rules
from labkit.grading.late_rules import LateRules
from labkit.notebooks import course_folder

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Late:
    """How late a submission is.

    Attributes
    ----------
    by : timedelta
    due : datetime
        With the extension if there is one; UTC, without a time zone.
    extended : bool
    days : int
        Days begun.
    free : int
        How many of them cost nothing.
    left : int
        Free late days that are left for labs due later.
    """

    by: datetime.timedelta
    due: datetime.datetime
    extended: bool
    days: int
    free: int
    left: int


class LateDays(BasePlugin):  # type: ignore[misc]  # nbgrader has no types
    """Points taken for handing in late, with free late days and extensions."""

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """Return the points that a late submission costs, as nbgrader asks for them.

        Parameters
        ----------
        student_id : str
        score : float
            The points that the student got.
        total_seconds_late : float
            By the gradebook, which does not know the extensions of `late.toml`, s.

        Returns
        -------
        float or None
            None if it costs nothing.

        Raises
        ------
        CourseError
            If something in `late.toml` is wrong.
        """
        # nbgrader sets these on the step of autograding that calls its plugin
        lab, gradebook = self.parent.assignment_id, self.parent.gradebook
        late = self.late(gradebook.find_submission(lab, student_id))
        if late is None or late.days == late.free:
            return None
        return self.rules.rule(lab).cost(late.days - late.free, score) or None

    @cached_property
    def rules(self) -> LateRules:
        """The rules of the course; they name labs and students that it has.

        Raises
        ------
        CourseError
            If something in `late.toml` is wrong.
        """
        course = course_folder(self)
        rules = late_rules.read(course / late_rules.FILE)
        _require_fit(rules, course, self.parent.gradebook)
        return rules

    def due(self, student: str, assignment: Any) -> datetime.datetime | None:
        """Return when a lab is due for a student who has handed in nothing.

        Parameters
        ----------
        student : str
        assignment : nbgrader.api.Assignment

        Returns
        -------
        datetime or None
            UTC, without a time zone; None if no date is set.
        """
        due: datetime.datetime | None = assignment.duedate
        return due and max(due, self.rules.extensions.get((student, assignment.name), due))

    def late(self, submission: Any) -> Late | None:
        """Return how late a submission is.

        Parameters
        ----------
        submission : nbgrader.api.SubmittedAssignment

        Returns
        -------
        Late or None
            None if it was handed in in time, or no date is set.
        """
        if not submission.assignment.duedate or not self._late_by(submission):
            return None
        left = self.rules.free_days
        dated = [each for each in submission.student.submissions if each.assignment.duedate]
        for each in sorted(dated, key=lambda each: (each.assignment.duedate, each.assignment.name)):
            days = math.ceil(self._late_by(each) / _DAY)
            free = min(days, left)
            left -= free
            if each is submission:
                break
        due = self._due(submission)
        extended = due > submission.assignment.duedate
        return Late(self._late_by(submission), due, extended, days, free, left)

    def _due(self, submission: Any) -> datetime.datetime:
        """Return when a submission was due, by the longer of its two extensions."""
        due: datetime.datetime = submission.duedate
        return max(due, self.due(submission.student_id, submission.assignment) or due)

    def _late_by(self, submission: Any) -> datetime.timedelta:
        when: datetime.datetime | None = submission.timestamp
        return max(when - self._due(submission) if when else 0 * _DAY, 0 * _DAY)

    def sentence(self, submission: Any, taken: float) -> str:
        """Say how late a submission is, what that cost, and how many late days are left.

        Parameters
        ----------
        submission : nbgrader.api.SubmittedAssignment
        taken : float
            The points taken for it.

        Returns
        -------
        str
            "" if it was handed in in time.
        """
        late = self.late(submission)
        if late is None:
            return ""
        used, all_days = f"{late.free} late day{'s' * (late.free != 1)}", self.rules.free_days
        days = f"it uses {used} ({late.left} of {all_days} left); " if all_days else ""
        due = late.due.replace(tzinfo=datetime.UTC).astimezone(self.rules.timezone)
        return sentence(late.by, due, late.extended, taken, days)


def sentence(
    by: datetime.timedelta, due: datetime.datetime, extended: bool, taken: float, days: str = ""
) -> str:
    """Say how late a submission is and what that cost.

    Parameters
    ----------
    by : timedelta
    due : datetime
        In the time zone to tell it in.
    extended : bool
        Whether there is an extension.
    taken : float
        The points taken for it.
    days : str
        What is said of late days.

    Returns
    -------
    str
    """
    hours, minutes = divmod(by.seconds // 60, 60)
    amounts = ((by.days, "day"), (hours, "hour"), (minutes, "minute"))
    parts = [f"{n} {unit}{'s' if n > 1 else ''}" for n, unit in amounts if n]
    with_extension = ", with your extension" if extended else ""
    points = round(taken, 2)
    cost = "1 point is" if points == 1 else f"{points:g} points are" if points else "no points are"
    return (
        f"Handed in {' '.join(parts[:2]) or 'less than a minute'} after it was due "
        f"({due:%Y-%m-%d %H:%M %Z}{with_extension}): {days}{cost} taken."
    )


def _require_fit(rules: LateRules, course: Path, gradebook: Any) -> None:
    """Refuse rules that name what the course does not have, and extensions that extend nothing."""
    file = course / late_rules.FILE
    due = {assignment.name: assignment.duedate for assignment in gradebook.assignments}
    labs = due.keys() | _folders(course / "solutions")
    for lab in (*rules.by_lab, *(lab for _, lab in rules.extensions)):
        if lab not in labs:
            raise CourseError(f"{file}: no lab is called {lab!r}.", f"{_like(lab, labs)}.")
    students = {name for (name,) in gradebook.db.query(Student.id)}
    students |= _folders(course / "submitted")
    for (student, lab), until in rules.extensions.items():
        if student not in students:
            raise CourseError(
                f"{file}: no student is called {student!r}.",
                f"{_like(student, students)}, or add the student to the gradebook "
                f"(nbgrader db student add {student}).",
            )
        if (end := due.get(lab)) and until < end:
            raise CourseError(
                f"{file}: the extension of {student} for {lab} ends {until:%Y-%m-%d %H:%M} UTC, "
                f"before the lab is due ({end:%Y-%m-%d %H:%M} UTC).",
                "Correct or delete it.",
            )


def _folders(path: Path) -> set[str]:
    return {each.name for each in path.iterdir() if each.is_dir()} if path.is_dir() else set()


def _like(name: str, names: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(names), n=1)
    return f"Correct the name; perhaps it is {close[0]!r}" if close else "Correct the name"
