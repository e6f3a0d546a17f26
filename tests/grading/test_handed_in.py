"""What lies in a student's folder, when it came, and what it cost to come late."""

import os
import re

import nbformat

from labkit import sandbox
from labkit.grading import batch, read_mark
from labkit.sandbox import shell

from .toy import LAB, hand_in, make_course

RIGHT = "def double(x):\n    return x + x"
LATE = """
from nbgrader.plugins import BasePlugin
class HalfAPoint(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 0.5
c.AssignLatePenalties.plugin_class = HalfAPoint
"""


def _grade(course, **options):
    return {line.student: line for line in batch.grade(batch.Settings(course, LAB), **options)}


def test_another_name_and_other_files_are_reported(tmp_path):
    course = make_course(tmp_path)
    path = hand_in(course, "copied", RIGHT)
    path.rename(path.with_name(f"{LAB} (1).ipynb"))
    helper = hand_in(course, "helper", "from mine import double").with_name("mine.py")
    helper.write_text(RIGHT)
    hand_in(course, "plain", RIGHT)
    report = _grade(course)
    assert {student: line.points for student, line in report.items()} == {
        "copied": 3,
        "helper": 0,
        "plain": 3,
    }
    assert "was called '00_toy (1).ipynb'" in report["copied"].repairs[0]
    assert "not looked at: 'mine.py'" in report["helper"].repairs[0]
    assert report["plain"].repairs == []
    page = (course / "feedback" / "helper" / LAB / f"{LAB}.html").read_text()
    assert "Only the notebook is graded" in page


def test_two_copies_are_nobodys_guess(tmp_path):
    course = make_course(tmp_path)
    path = hand_in(course, "twice", RIGHT)
    for name in (f"{LAB} (1).ipynb", f"{LAB} (2).ipynb"):
        path.with_name(name).write_bytes(path.read_bytes())
    path.unlink()
    assert "no notebook to grade" in _grade(course)["twice"].error


def test_the_only_notebook_is_taken_under_any_name_and_told_of(tmp_path):
    course = make_course(tmp_path)
    names = {
        "renamed": "my work.ipynb",
        "copied": f"Copy of {LAB}.ipynb",
        "shouted": f"{LAB.upper()}.IPYNB",
        "foldered": f"hand in/{LAB}.ipynb",
        "other": "03_cannon.ipynb",
        "two": "a.ipynb",
    }
    for student, name in names.items():
        path = hand_in(course, student, RIGHT)
        target = path.parent / name
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
    (course / "submitted" / "two" / LAB / "b.ipynb").write_bytes(target.read_bytes())
    report = _grade(course)
    for student in ("renamed", "copied", "shouted", "foldered"):
        assert report[student].points == 3
        assert report[student].repairs == [
            f"The notebook was called {names[student]!r}; it was taken for '{LAB}.ipynb'."
        ]
    assert "there is '03_cannon.ipynb'" in report["other"].error
    assert "there is 'a.ipynb', 'b.ipynb'" in report["two"].error


def test_a_link_to_a_folder_is_not_followed(tmp_path):
    course = make_course(tmp_path)
    path = hand_in(course, "eve", RIGHT)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path.rename(elsewhere / path.name)
    (path.parent / "mine").symlink_to(elsewhere)
    assert "no notebook to grade" in _grade(course)["eve"].error


def test_what_nbgrader_left_is_no_file_of_the_students(tmp_path):
    course = make_course(tmp_path)
    folder = hand_in(course, "ada", RIGHT).parent
    for name in ("timestamp.txt", "submission_secret.txt", ".hidden"):
        (folder / name).write_text("2026-02-01 12:00:00 UTC")
    for name in ("feedback", "__pycache__", ".ipynb_checkpoints"):
        (folder / name).mkdir()
    assert _grade(course)["ada"].repairs == []


def test_a_pdf_is_kept_for_the_person_who_grades(tmp_path):
    course = make_course(tmp_path)
    folder = hand_in(course, "ada", RIGHT).parent
    (folder / "Ada_Lovelace_lab2_cp1.pdf").write_bytes(b"%PDF-1.4 figures")
    (folder / "no.pdf").write_text("<script>alert(1)</script>")
    (folder / "link.pdf").symlink_to("/etc/passwd")
    (line,) = _grade(course).values()
    assert line.repairs == ["Only the notebook is graded; not looked at: 'link.pdf', 'no.pdf'."]
    kept = course / "autograded" / "ada" / LAB
    assert (kept / "Ada_Lovelace_lab2_cp1.pdf").read_bytes() == b"%PDF-1.4 figures"
    assert [path.name for path in kept.glob("*.pdf")] == ["Ada_Lovelace_lab2_cp1.pdf"]
    # one that is handed in again is kept without a new grading
    (folder / "Ada_Lovelace_lab2_cp1.pdf").write_bytes(b"%PDF-1.4 better figures")
    assert not _grade(course)["ada"].again
    assert b"better" in (kept / "Ada_Lovelace_lab2_cp1.pdf").read_bytes()


def test_the_late_penalty_is_nbgraders_own(tmp_path):
    from nbgrader.api import Gradebook

    course = make_course(tmp_path)
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(LATE)
    for student, day in (("early", "01"), ("tardy", "09"), ("blank", "09")):
        path = hand_in(course, student, None if student == "blank" else RIGHT)
        path.with_name("timestamp.txt").write_text(f"2026-02-{day} 12:00:00 UTC")
    _grade(course)  # enters the lab
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        book.update_or_create_assignment(LAB, duedate="2026-02-05 12:00:00 UTC")
    report = _grade(course, force=True)
    late = {student: line.late for student, line in report.items()}
    assert late == {"early": 0, "tardy": 0.5, "blank": 0}  # never more than there is
    assert _grade(course)["tardy"].late == 0.5
    assert read_mark(course, LAB, "tardy").points == 3
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        penalty = book.find_submission_notebook(LAB, LAB, "tardy").late_submission_penalty
        assert penalty == 0.5


def test_students_html_is_text_for_the_formgrader(tmp_path):
    from nbconvert import HTMLExporter

    course = make_course(tmp_path)
    path = hand_in(course, "eve", RIGHT)
    notebook = nbformat.read(path, as_version=4)
    evil = "<script>alert(1)</script> a<b <img src=x onerror=alert(2)> [x](javascript:alert(3))"
    evil += " [y](JAVA&#115;CRIPT:alert(5)) [z](<javascript:alert(6)>) [u][v]\n\n"
    evil += "[v]: javascript:alert(7)\n\n[good](https://www.sdss.org)"
    notebook.cells.append(nbformat.v4.new_markdown_cell(evil))
    notebook.cells.append(nbformat.v4.new_raw_cell("<script>alert(4)</script>"))
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "explain_why":
            cell.source = evil
    nbformat.write(notebook, path)
    _grade(course)
    graded = course / "autograded" / "eve" / LAB / f"{LAB}.ipynb"
    page, _ = HTMLExporter(template_name="basic").from_filename(str(graded))
    for number in range(1, 5):
        assert f"<script>alert({number})" not in page
    assert "<img src=x" not in page
    assert re.findall(r'href="([^#"][^"]*)', page) == ["https://www.sdss.org"] * 2
    assert "&lt;script&gt;alert(1)" in page


def test_what_killed_graders_left_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(shell.tempfile, "tempdir", str(tmp_path))
    gone = tmp_path / "labkit-run-999999999-abc"
    alive = tmp_path / f"labkit-run-{os.getpid()}-abc"
    others = tmp_path / "labkit-run-notes"
    for folder in (gone, alive, others):
        folder.mkdir()
    with sandbox.scratch() as mine:
        assert sorted(tmp_path.iterdir()) == sorted([alive, others, mine.parent])
    assert not mine.exists()
