"""The files for Canvas, Moodle, Gradescope and Blackboard, read as those systems read them."""

import csv
import datetime
import os
import shutil
import subprocess
import sys

import pytest
from nbgrader.api import Gradebook
from traitlets.config import Config

from labkit import ROOT, exports
from labkit.grading import totals
from labkit.notebooks import nbgrader_api

ONE, TWO, NOT_GRADED = "01_first", "02_second", "03_third"
SYSTEMS = ("Canvas", "Moodle", "Gradescope", "Blackboard")
#: account: first and last name, email address, LMS user ID
CLASS = {
    "ada": ("Ada", 'Lovelace, "Countess"', "ada@example.org", "101"),
    "cecilia": ("Cecilia", "Payne", "cecilia@example.org", "102"),
    "evil": ("=HYPERLINK(1)", "+cmd|' /C calc'!A0", "evil@example.org", "103"),
    "vera": ("Вера", "Рубин", "vera@example.org", "104"),
}


def _give(book, lab, student, points, taken=None, manual=None):
    """Enter a mark as `labkit grade` and the formgrader do."""
    for cell in ("test_it", "explain_it"):
        grade = book.find_grade(cell, lab, lab, student)
        if cell == "test_it":
            grade.auto_score, grade.needs_manual_grade = points, False
        else:
            grade.manual_score, grade.needs_manual_grade = manual, manual is None
    book.find_submission_notebook(lab, lab, student).late_submission_penalty = taken
    book.db.commit()


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Return a course folder of two graded labs, of 10 and 12.5 points, and one that is not."""
    folder = tmp_path_factory.mktemp("exports") / "course"
    folder.mkdir()
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    (folder / "late.toml").write_text("[[rule]]\npoints_a_day = 0.75\n")
    with Gradebook(nbgrader_api(folder).coursedir.db_url) as book:
        for lab, tests in ((ONE, 7), (TWO, 9.5), (NOT_GRADED, 5)):
            book.add_assignment(lab, duedate="2026-02-02 12:00 UTC")
            book.add_notebook(lab, lab)
            book.add_grade_cell("test_it", lab, lab, max_score=tests, cell_type="code")
            book.add_grade_cell("explain_it", lab, lab, max_score=3, cell_type="markdown")
        for student, (first, last, email, lms) in CLASS.items():
            book.add_student(
                student, first_name=first, last_name=last, email=email, lms_user_id=lms
            )
        for lab, student, when in (
            (ONE, "ada", "2026-02-02 11:00 UTC"),
            (ONE, "vera", "2026-02-03 14:01:05 UTC"),
            (ONE, "evil", "2026-02-01 11:00 UTC"),
            (TWO, "ada", "2026-02-01 10:00 UTC"),
        ):
            book.add_submission(lab, student, timestamp=when)
        _give(book, ONE, "ada", 7, manual=2.25)
        _give(book, ONE, "vera", 6, taken=1.5)  # two days begun; the explanation is not read yet
        _give(book, ONE, "evil", 0, manual=0)
        _give(book, TWO, "ada", 9.5, manual=3)
    return folder


@pytest.fixture
def course(graded, tmp_path):
    return shutil.copytree(graded, tmp_path / "course")


def _export(course, system, caplog=None, config=(), **options):
    """Return the rows of the file, and what is said."""
    api = nbgrader_api(course, Config(config) if config else None)
    file = course / "marks.csv"
    plugin = getattr(exports, system)(parent=api, to=str(file), **options)
    with Gradebook(api.coursedir.db_url) as book:
        if caplog:
            caplog.clear()
        plugin.export(book)
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.reader(opened))
    assert {len(row) for row in rows} == {len(rows[0])}
    said = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] if caplog else []
    return rows, said


def _by(rows, column):
    """Return the rows by what they have in one column."""
    place = rows[0].index(column)
    return {row[place]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}


def _refused(course, system, caplog, **options):
    caplog.clear()
    with pytest.raises(SystemExit) as refusal:
        _export(course, system, **options)
    assert refusal.value.code == 1
    assert not list(course.glob("*marks.csv*"))
    return caplog.records[-1].getMessage()


# --- the four files -----------------------------------------------------------------------------


def test_canvas_has_its_columns_and_the_row_of_points_possible(course):
    rows, _ = _export(course, "Canvas")
    assert rows[0] == ["Student", "ID", "SIS Login ID", "Section", ONE, TWO]
    assert rows[1] == ["    Points Possible", "", "", "", "10", "12.5"]
    ada = _by(rows, "SIS Login ID")["ada"]
    assert (ada["Student"], ada["ID"]) == ('Lovelace, "Countess", Ada', "101")
    assert (ada[ONE], ada[TWO]) == ("9.25", "12.5")


def test_moodle_has_its_columns_and_says_how_to_map_them(course, caplog):
    rows, said = _export(course, "Moodle", caplog)
    assert rows[0] == ["First name", "Last name", "ID number", "Email address", ONE, TWO]
    vera = _by(rows, "Email address")["vera@example.org"]
    assert (vera["First name"], vera["Last name"], vera["ID number"]) == ("Вера", "Рубин", "104")
    assert "In Moodle map from 'Email address' to 'useremail'." in said


def test_gradescope_has_four_columns_for_each_lab(course):
    rows, _ = _export(course, "Gradescope")
    assert rows[0] == [
        "First Name",
        "Last Name",
        "SID",
        "Email",
        "Sections",
        *(ONE, f"{ONE} - Max Points", f"{ONE} - Submission Time", f"{ONE} - Lateness (H:M:S)"),
        *(TWO, f"{TWO} - Max Points", f"{TWO} - Submission Time", f"{TWO} - Lateness (H:M:S)"),
        "Total Lateness (H:M:S)",
    ]
    vera = _by(rows, "Email")["vera@example.org"]
    assert (vera["SID"], vera[ONE], vera[f"{ONE} - Max Points"]) == ("104", "4.5", "10")
    assert vera[f"{ONE} - Submission Time"] == "2026-02-03 14:01:05 +0000"
    assert vera[f"{ONE} - Lateness (H:M:S)"] == vera["Total Lateness (H:M:S)"] == "26:01:05"
    assert vera[f"{TWO} - Submission Time"] == ""


def test_blackboard_has_its_columns_headed_by_name_and_points(course):
    rows, _ = _export(course, "Blackboard")
    one, two = f"{ONE} [Total Pts: 10 Score]", f"{TWO} [Total Pts: 12.5 Score]"
    assert rows[0] == ["Last Name", "First Name", "Username", "Student ID", one, two]
    ada = _by(rows, "Username")["ada"]
    assert (ada["Last Name"], ada["Student ID"]) == ('Lovelace, "Countess"', "101")
    assert (ada[one], ada[two]) == ("9.25", "12.5")


@pytest.mark.parametrize("system", SYSTEMS)
def test_points_of_all_students_stand_in_every_file(course, system):
    rows, _ = _export(course, system)
    column = next(place for place, heading in enumerate(rows[0]) if heading.startswith(ONE))
    found = sorted(row[column] for row in rows[1:] if row[0].strip() != "Points Possible")
    assert found == ["0", "0", "4.5", "9.25"]  # cecilia handed in nothing, vera is late


@pytest.mark.parametrize("system", SYSTEMS)
def test_headings_of_the_system_take_the_place_of_names(course, system):
    headings = {ONE: "Lab 1 [Total Pts: 10 Score] |1281892", TWO: "Lab 2 (87568490)"}
    rows, _ = _export(course, system, config={system: {"headings": headings}})
    assert set(headings.values()) <= set(rows[0])


# --- what students could do to a file -----------------------------------------------------------


@pytest.mark.parametrize("system", SYSTEMS)
def test_no_cell_of_a_student_begins_as_a_formula_does(course, system):
    with Gradebook(nbgrader_api(course).coursedir.db_url) as book:
        for n, begin in enumerate(exports.FORMULA):
            name, lms = f"{begin}1+1", f"{begin}9"
            book.add_student(
                f"s{n}", first_name=name, last_name=name, email=f"s{n}@example.org", lms_user_id=lms
            )
    rows, _ = _export(course, system)
    cells = [cell for row in rows for cell in row if cell != "-"]  # Moodle's "no grade"
    assert len(rows) > len(exports.FORMULA)
    assert not [cell for cell in cells if cell.startswith(exports.FORMULA)]
    assert any(cell.startswith("'=HYPERLINK(1)") or ", =HYPERLINK(1)" in cell for cell in cells)
    assert b'\r\n"' in (course / "marks.csv").read_bytes()  # every cell is quoted


def test_who_is_identified_by_a_formula_is_left_out_and_named(course, caplog):
    with Gradebook(nbgrader_api(course).coursedir.db_url) as book:
        book.add_student("@SUM(1)", email="sum@example.org")
        book.add_student("sly", email="-1+1@example.org")
    rows, said = _export(course, "Blackboard", caplog)
    assert set(_by(rows, "Username")) == {*CLASS, "sly"}
    assert "Left out: @SUM(1); a spreadsheet would run their account as a formula." in said
    rows, said = _export(course, "Moodle", caplog)
    assert "sly" not in str(rows)
    assert "Left out: sly; a spreadsheet would run their email address as a formula." in said


# --- what is missing ----------------------------------------------------------------------------


def test_what_waits_and_what_is_missing_is_said(course, caplog):
    (course / "submitted" / "cecilia" / TWO).mkdir(parents=True)
    rows, said = _export(course, "Canvas", caplog)
    assert f"{NOT_GRADED} is left out: nothing of it is graded." in said
    assert f"{ONE}: 0 points for 1 student (cecilia), who handed in nothing." in said
    assert (
        f"{ONE}: 1 answer of 1 student (vera) still to be graded by hand; 0 points until then."
        in said
    )
    assert f"{TWO}: 0 points for 2 students (evil, vera), who handed in nothing." in said
    ungraded = f"{TWO}: no points for 1 student (cecilia), of whom nothing is graded yet."
    assert f"{ungraded} Run labkit grade {TWO}." in said
    assert _by(rows, "SIS Login ID")["cecilia"][TWO] == ""


def test_moodle_has_a_dash_where_there_is_no_grade_yet(course):
    (course / "submitted" / "cecilia" / TWO).mkdir(parents=True)
    rows, _ = _export(course, "Moodle")
    assert _by(rows, "Email address")["cecilia@example.org"][TWO] == "-"


def test_nothing_handed_in_costs_points_only_once_the_lab_is_due(course):
    (course / "late.toml").write_text(
        f'[[extension]]\nstudent = "evil"\nlab = "{TWO}"\nuntil = "2026-02-09 12:00Z"\n'
    )
    api = nbgrader_api(course)
    points = []
    with Gradebook(api.coursedir.db_url) as book:
        for day in (1, 5, 10):
            now = datetime.datetime(2026, 2, day)
            found = totals.read(book, api, course, labs=[TWO], now=now).of
            points.append({student for student, _ in found} - {"ada"})
    assert points == [set(), {"cecilia", "vera"}, {"cecilia", "vera", "evil"}]


def test_points_changed_by_hand_and_extra_credit_count_as_nbgrader_counts_them(course):
    api = nbgrader_api(course)
    with Gradebook(api.coursedir.db_url) as book:
        grade = book.find_grade("test_it", ONE, ONE, "vera")
        grade.manual_score, grade.extra_credit = 6.5, 1.25
        book.db.commit()
        submission = book.find_submission(ONE, "vera")
        wanted = submission.score - submission.late_submission_penalty
        assert totals.read(book, api, course).of["vera", ONE].points == wanted == 6.25


def test_a_penalty_that_no_longer_follows_the_rules_is_said(course, caplog):
    (course / "late.toml").write_text("[[rule]]\npoints_a_day = 1\n")
    _, said = _export(course, "Canvas", caplog)
    stale = (
        f"{ONE}: the penalty of 1 student (vera) for handing in late no longer follows the dates"
    )
    assert [each for each in said if each.startswith(stale)]


def test_students_without_an_email_address_are_left_out_and_named(course, caplog):
    with Gradebook(nbgrader_api(course).coursedir.db_url) as book:
        book.add_student("nobody")
        book.add_student("mary@example.org")  # nbgrader lets the account be the address
    for system, column in (("Moodle", "Email address"), ("Gradescope", "Email")):
        rows, said = _export(course, system, caplog)
        assert set(_by(rows, column)) == {*(each[2] for each in CLASS.values()), "mary@example.org"}
        assert [each for each in said if "Left out: nobody; the gradebook has no email" in each]
    assert "nobody" in _by(_export(course, "Canvas")[0], "SIS Login ID")


def test_moodle_takes_id_numbers_where_more_students_have_them(course, caplog):
    with Gradebook(nbgrader_api(course).coursedir.db_url) as book:
        book.update_or_create_student("ada", email=None)
    rows, said = _export(course, "Moodle", caplog)
    assert set(_by(rows, "ID number")) == {"101", "102", "103", "104"}
    assert "In Moodle map from 'ID number' to 'useridnumber'." in said


def test_an_id_that_is_no_number_is_kept_from_canvas(course, caplog):
    with Gradebook(nbgrader_api(course).coursedir.db_url) as book:
        book.update_or_create_student("ada", lms_user_id="102ada")  # Canvas would read 102
    rows, said = _export(course, "Canvas", caplog)
    assert _by(rows, "SIS Login ID")["ada"]["ID"] == ""
    assert [each for each in said if each.startswith("The ID of ada is left empty")]


def test_two_students_with_one_identifier_are_refused(course, caplog):
    with Gradebook(nbgrader_api(course).coursedir.db_url) as book:
        book.add_student("twin", email="Ada@example.org")
    said = _refused(course, "Moodle", caplog)
    assert "ada and twin have the same email address" in said or "twin and ada have" in said
    assert "Manage Students" in said


def test_unknown_labs_students_and_headings_are_refused(course, caplog):
    assert "no lab called '04'. It has 01_first" in _refused(
        course, "Canvas", caplog, assignment=["04"]
    )
    assert "no student called 'eve'" in _refused(course, "Canvas", caplog, student=["eve"])
    headings = {"Canvas": {"headings": {"04": "Lab 4"}}}
    assert "c.Canvas.headings names '04'" in _refused(course, "Canvas", caplog, config=headings)
    said = _refused(course, "Canvas", caplog, assignment=[NOT_GRADED])
    assert "nothing is graded in this course. Run labkit grade LAB" in said


def test_a_file_that_cannot_be_written_leaves_the_earlier_one(course, caplog, monkeypatch):
    before = _export(course, "Canvas")
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    caplog.clear()
    with pytest.raises(SystemExit):
        _export(course, "Canvas", student=["ada"])
    assert "No marks are exported: full" in caplog.records[-1].getMessage()
    monkeypatch.undo()
    assert [path.name for path in course.glob("*marks.csv*")] == ["marks.csv"]
    assert _export(course, "Canvas") == before


# --- the command --------------------------------------------------------------------------------


def test_nbgraders_own_command_writes_the_file_and_says_what_waits(course, tmp_path):
    command = [sys.executable, "-m", "nbgrader", "export", "--exporter=labkit.exports.Canvas"]
    run = subprocess.run(
        [*command, f"--assignment={ONE}", "--student=ada", "--student=vera"],
        cwd=course,
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "1 answer of 1 student (vera) still to be graded by hand" in run.stderr
    with (course / "canvas.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["Student", "ID", "SIS Login ID", "Section", ONE]
    assert [row[2] for row in rows[1:]] == ["", "ada", "vera"]
