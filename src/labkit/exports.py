"""Marks for Canvas, Moodle, Gradescope and Blackboard, through nbgrader's own export.

    nbgrader export --exporter=labkit.exports.Canvas --to=canvas.csv

`--assignment=01_apogee` and `--student=ada` (each may be repeated) export a part of it. Every file
is CSV in UTF-8 with one row for each student of the gradebook; the penalty for handing in late is
taken off. What an instructor should know before uploading it is said on stderr.

A spreadsheet runs a cell that begins with =, +, -, @ or a control character as a formula, and
students choose their names. As OWASP advises (https://owasp.org/www-community/attacks/CSV_Injection)
every cell is quoted and such a text gets an apostrophe before it. What identifies a student cannot
be changed like that; whoever it belongs to is left out and named on stderr.
"""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Callable, Iterable
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.plugins import ExportPlugin
from traitlets import Dict

from labkit.errors import CourseError
from labkit.grading import totals
from labkit.grading.feedback import printable
from labkit.grading.totals import Person, Total, Totals
from labkit.notebooks import course_folder
from surveys.errors import KitError

#: by OWASP; the last four are how = + - @ are written in East Asian text
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
Row = list[str]


def _email(person: Person) -> str:
    """Return a student's email address; nbgrader lets it be the account."""
    return person.email or (person.name if "@" in person.name else "")


class MarksExport(ExportPlugin):  # type: ignore[misc]  # nbgrader has no types
    """What the four have in common; a subclass says which columns there are."""

    #: by what the system knows a student, and where the gradebook has it
    identifier: tuple[str, Callable[[Person], str]] = ("account", lambda person: person.name)
    #: name of the file, unless --to gives one
    file = "marks.csv"
    headings = Dict(
        help="Heading of each lab's column, where your system knows the lab by another name: copy "
        'it from a file that the system exported, for example {"01_apogee": "Lab 1 (87568490)"}.',
    ).tag(config=True)

    def export(self, gradebook: Gradebook) -> None:
        """Write the file. nbgrader calls this.

        Parameters
        ----------
        gradebook : nbgrader.api.Gradebook

        Raises
        ------
        SystemExit
            If there is nothing to write or it cannot be written; the reason is on stderr, and an
            earlier file stays as it was.
        """
        path = Path(self.to or self.file)
        try:
            marks = totals.read(gradebook, self, course_folder(self), self.assignment, self.student)
            self._require_labs(gradebook)
            people, left_out = self._identified(marks.people)
            _write(path, [*self.top(marks), *(self.row(person, marks) for person in people)])
        except (KitError, OSError) as error:
            self.log.error("No marks are exported: %s", error)
            raise SystemExit(1) from error
        for remark in [*left_out, *self.remarks(people), *marks.remarks]:
            self.log.warning("%s", remark)
        self.log.info("Written: %s, %d students, %s", path, len(people), ", ".join(marks.most))

    def top(self, marks: Totals) -> list[Row]:
        """Return the rows above the students."""
        raise NotImplementedError

    def row(self, person: Person, marks: Totals) -> Row:
        """Return the row of a student."""
        raise NotImplementedError

    def remarks(self, people: list[Person]) -> list[str]:
        """Return what is to be known of this system's file."""
        return []

    def heading(self, lab: str, most: float) -> str:
        """Return the heading of a lab's column."""
        return str(self.headings.get(lab, lab))

    def _labs(self, marks: Totals) -> Row:
        return [self.heading(lab, most) for lab, most in marks.most.items()]

    def _require_labs(self, gradebook: Gradebook) -> None:
        known = {assignment.name for assignment in gradebook.assignments}
        for lab in self.headings:
            if lab not in known:
                raise CourseError(
                    f"c.{type(self).__name__}.headings names {lab!r}, which is no lab of the "
                    "gradebook.",
                    "Correct nbgrader_config.py.",
                )

    def _identified(self, people: list[Person]) -> tuple[list[Person], list[str]]:
        """Return who can be identified, and a sentence for those who cannot."""
        what, of = self.identifier
        lacking = [person.name for person in people if not of(person)]
        unsafe = [person.name for person in people if of(person).startswith(FORMULA)]
        left = [person for person in people if person.name not in {*lacking, *unsafe}]
        holders: dict[str, str] = {}
        for person in left:
            other = holders.setdefault(of(person).casefold(), person.name)
            if other != person.name:
                raise CourseError(
                    f"{printable(other)} and {printable(person.name)} have the same {what}, "
                    f"{printable(of(person))}.",
                    "Correct one of them in the gradebook (formgrader, Manage Students).",
                )
        reasons = {
            f"the gradebook has no {what} of them. Add it (formgrader, Manage Students)": lacking,
            f"a spreadsheet would run their {what} as a formula": unsafe,
        }
        said = [
            f"Left out: {', '.join(printable(name, 40) for name in names)}; {reason}."
            for reason, names in reasons.items()
            if names
        ]
        if not left:
            raise CourseError("no student can be identified.", " ".join(said))
        return left, said


class Canvas(MarksExport):
    """A file for Canvas: Grades, Import.

    Columns: Student, ID, SIS Login ID, Section, then one for each lab; the first row has the points
    to be had. Students are found by ID (a number: the gradebook's LMS user ID), otherwise by SIS
    Login ID (the account). A column whose heading is no assignment of the course makes a new one.

    Described at https://teaching.resources.osu.edu/toolsets/carmencanvas/guides/calculating-final-grades/import-csv-file-carmen-grades
    and, as Canvas reads it, in lib/gradebook_importer.rb of https://github.com/instructure/canvas-lms
    """

    file = "canvas.csv"

    def top(self, marks: Totals) -> list[Row]:
        """Return the headings, and the points to be had."""
        return [
            ["Student", "ID", "SIS Login ID", "Section", *self._labs(marks)],
            ["    Points Possible", "", "", "", *map(_number, marks.most.values())],
        ]

    def row(self, person: Person, marks: Totals) -> Row:
        """Return the row of a student."""
        names = [person.last, person.first]
        name = ", ".join(filter(None, names)) or person.name
        number = person.lms if _is_number(person.lms) else ""
        return [_safe(name), number, person.name, "", *_points(person, marks)]

    def remarks(self, people: list[Person]) -> list[str]:
        """Return whose ID is none of Canvas."""
        # Canvas reads the digits that a text begins with: that may be somebody else's ID
        odd = [each.name for each in people if each.lms and not _is_number(each.lms)]
        if not odd:
            return []
        return [
            f"The ID of {', '.join(printable(name, 40) for name in odd)} is left empty: an LMS "
            "user ID of Canvas is a number. Canvas finds these students by their account."
        ]


class Moodle(MarksExport):
    """A file for Moodle: Grades, Import, CSV file.

    Columns: First name, Last name, ID number, Email address, then one for each lab; "-" is no
    grade. Moodle asks which column tells whom ("Map from") and what that is ("Map to"): Email
    address and useremail, or ID number (the gradebook's LMS user ID) and useridnumber. Upper and
    lower case count in an email address.

    Described at https://docs.moodle.org/311/en/Grade_import
    """

    file = "moodle.csv"

    def top(self, marks: Totals) -> list[Row]:
        """Return the headings."""
        return [["First name", "Last name", "ID number", "Email address", *self._labs(marks)]]

    def row(self, person: Person, marks: Totals) -> Row:
        """Return the row of a student."""
        known = [person.first, person.last, person.lms, _email(person)]
        return [*map(_safe, known), *_points(person, marks, none="-")]

    def remarks(self, people: list[Person]) -> list[str]:
        """Return how to tell Moodle who is who."""
        column, field = ("ID number", "useridnumber")
        if self.identifier[0] == "email address":
            column, field = ("Email address", "useremail")
        return [f"In Moodle map from {column!r} to {field!r}."]

    def _identified(self, people: list[Person]) -> tuple[list[Person], list[str]]:
        """Identify by what more students have: email addresses or ID numbers."""
        by_number = sum(bool(person.lms) for person in people)
        if by_number > sum(bool(_email(person)) for person in people):
            self.identifier = ("LMS user ID", lambda person: person.lms)
        else:
            self.identifier = ("email address", _email)
        return super()._identified(people)


class Gradescope(MarksExport):
    """A file in the form in which Gradescope exports a course's grades.

    Gradescope does not import grades; what reads its exports reads this, and so does its roster
    (First Name, Last Name, SID, Email, Sections), which finds students by email address. Each lab
    has four columns: points, Max Points, Submission Time, Lateness (H:M:S); the last column is
    Total Lateness (H:M:S).

    Described at https://guides.gradescope.com/hc/en-us/articles/21926598776333-Adding-Students-and-Staff
    (roster) and https://nemogb-dev.github.io/nemogb-r/articles/simple-syllabus.html (an export)
    """

    file = "gradescope.csv"
    identifier = ("email address", _email)

    def top(self, marks: Totals) -> list[Row]:
        """Return the headings."""
        columns = ("", " - Max Points", " - Submission Time", " - Lateness (H:M:S)")
        labs = [lab + column for lab in self._labs(marks) for column in columns]
        known = ["First Name", "Last Name", "SID", "Email", "Sections"]
        return [[*known, *labs, "Total Lateness (H:M:S)"]]

    def row(self, person: Person, marks: Totals) -> Row:
        """Return the row of a student."""
        row = [_safe(text) for text in (person.first, person.last, person.lms or person.name)]
        row += [_email(person), ""]
        late = datetime.timedelta(0)
        for points, (lab, most) in zip(_points(person, marks), marks.most.items(), strict=True):
            total = marks.of.get((person.name, lab), Total(0.0))
            when = f"{total.handed_in:%Y-%m-%d %H:%M:%S} +0000" if total.handed_in else ""
            row += [points, _number(most), when, _hours(total.late)]
            late += total.late
        return [*row, _hours(late)]


class Blackboard(MarksExport):
    """A file for Blackboard: Gradebook or Grade Center, Upload Grades.

    Columns: Last Name, First Name, Username, Student ID, then one for each lab, headed by its name
    and points as Blackboard itself writes them. Students are found by Username (the account). A
    column is found by the number that ends its heading ("Lab 1 [Total Pts: 49 Score] |1281892"):
    set `headings` to those of a file that Blackboard exported. Otherwise the upload makes a new
    column, whose points to be had are then set in Blackboard.

    Described at http://library.blackboard.com/ref/3ea64795-6ecc-4abd-b595-0a9a8dfdec94/Content/_instructor_grade_center/grade_center_upload_download.htm
    """

    file = "blackboard.csv"

    def top(self, marks: Totals) -> list[Row]:
        """Return the headings."""
        return [["Last Name", "First Name", "Username", "Student ID", *self._labs(marks)]]

    def row(self, person: Person, marks: Totals) -> Row:
        """Return the row of a student."""
        names = [_safe(person.last), _safe(person.first)]
        return [*names, person.name, _safe(person.lms), *_points(person, marks)]

    def heading(self, lab: str, most: float) -> str:
        """Return the heading of a lab's column."""
        return str(self.headings.get(lab, f"{lab} [Total Pts: {_number(most)} Score]"))


def _points(person: Person, marks: Totals, none: str = "") -> Row:
    found = (marks.of.get((person.name, lab)) for lab in marks.most)
    return [none if total is None else _number(total.points) for total in found]


def _number(points: float) -> str:
    return f"{round(points, 2):.12g}"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _hours(late: datetime.timedelta) -> str:
    minutes, seconds = divmod(int(late.total_seconds()), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


def _safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    line = " ".join(printable(text).split())
    return f"'{line}" if line.startswith(FORMULA) else line


def _write(path: Path, rows: Iterable[Row]) -> None:
    """Write a CSV file whole or not at all."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(text.getvalue().encode("utf-8", errors="replace"))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
