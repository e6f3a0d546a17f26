"""`labkit grade` beside nbgrader: manual marks, regrading, feedback, marks of its own kernel."""

import os
import shutil

import nbformat
import pytest
from nbconvert.exporters import NotebookExporter
from traitlets.config import Config

from labkit import cli, lab_source, sandbox
from labkit.errors import GradingError
from labkit.grading import batch, nbgrader_cycle, read_mark
from labkit.notebooks import nbgrader_api, on_path
from labkit.sandbox import view

from .toy import LAB, hand_in, make_course

RIGHT = "def double(x):\n    return x + x"
EXPLAINED = "Twice is two times, as anybody can see."


@pytest.fixture
def course(tmp_path):
    return make_course(tmp_path)


def _explain(path, text=EXPLAINED):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "explain_why":
            cell.source = text
    nbformat.write(notebook, path)


def _grade(course, **options):
    (line,) = batch.grade(batch.Settings(course, LAB), **options)
    return line


def _entry(course, student, name):
    from nbgrader.api import Gradebook

    with Gradebook(nbgrader_api(course).coursedir.db_url) as book:
        grade = book.find_grade(name, LAB, LAB, student)
        return grade.auto_score, grade.manual_score, grade.needs_manual_grade


def test_explanations_wait_for_a_person_and_their_marks_stay(course):
    from nbgrader.api import Gradebook

    path = hand_in(course, "ada", RIGHT)
    _explain(path)
    assert _grade(course).by_hand == 3
    assert _entry(course, "ada", "explain_why") == (None, None, True)
    with Gradebook(nbgrader_api(course).coursedir.db_url) as book:
        book.find_grade("explain_why", LAB, LAB, "ada").manual_score = 2.5
        book.find_grade("test_double", LAB, LAB, "ada").manual_score = 1.0
        book.db.commit()
    assert _grade(course, force=True).again
    # as nbgrader does: the mark stays, a person is asked to look at it again
    assert _entry(course, "ada", "explain_why") == (None, 2.5, True)
    assert _entry(course, "ada", "test_double") == (2.0, 1.0, True)
    assert read_mark(course, LAB, "ada").manual == 2.5


def test_no_answer_is_no_work_for_a_person(course):
    hand_in(course, "blank", None)
    assert _grade(course).by_hand == 0
    assert _entry(course, "blank", "explain_why") == (0.0, None, False)


def test_graded_once_unless_something_changed(course):
    path = hand_in(course, "ada", RIGHT)
    assert _grade(course).again
    assert not _grade(course).again
    assert _grade(course, force=True).again
    _explain(path)
    assert _grade(course).again
    assert not _grade(course).again
    shutil.rmtree(course / "feedback")
    assert _grade(course).again
    hand_in(
        course, "eq", "class Yes:\n    def __eq__(self, o): return True\ndef double(x): return 2.0"
    )
    lines = batch.grade(batch.Settings(course, LAB))
    assert [line.again for line in lines] == [False, True]


def test_nbgraders_own_kernel_gives_the_same_marks_to_answers_that_are_trusted(course):
    _explain(hand_in(course, "ada", RIGHT))
    hand_in(course, "half", "def double(x):\n    return abs(2 * x)")
    batch.grade(batch.Settings(course, LAB))
    marks = {student: read_mark(course, LAB, student).points for student in ("ada", "half")}
    assert marks == {"ada": 3, "half": 1}
    page = (course / "feedback" / "half" / LAB / f"{LAB}.html").read_text()
    for secret in ("-7.5", "-15.0", "HIDDEN", "test_double_hidden"):
        assert secret not in page
    plain = Config()
    plain.Autograde.exporter_class = NotebookExporter
    plain.Execute.kernel_name = lab_source.STUDENTS_KERNEL["name"]
    with nbgrader_cycle.quiet_nbgrader(), on_path():
        for student in marks:
            assert nbgrader_api(course, plain).autograde(LAB, student)["success"]
    assert {student: read_mark(course, LAB, student).points for student in marks} == marks


def test_feedback_says_what_failed_in_the_authors_words(course):
    hand_in(course, "signless", "def double(x):\n    return abs(2 * x)")
    hand_in(course, "kind", "def double(x):\n    return [x]")
    batch.grade(batch.Settings(course, LAB))
    pages = {
        student: (course / "feedback" / student / LAB / f"{LAB}.html").read_text()
        for student in ("signless", "kind")
    }
    assert "negative numbers?" in pages["signless"]  # a hidden test's hint, not its text
    assert "1 of 3 points" in pages["signless"]
    assert "should be one number, not `list`" in pages["kind"]


def test_the_same_submission_has_the_same_mark(course):
    hand_in(course, "half", "import random\ndef double(x):\n    return float(2 * x)")
    lines = [_grade(course, force=True) for _ in range(3)]
    assert {(line.points, tuple(line.lost)) for line in lines} == {(2.0, ("test_double_arrays",))}


def test_without_bubblewrap_it_refuses(course, monkeypatch, capsys):
    hand_in(course, "ada", RIGHT)
    monkeypatch.setattr(view.shutil, "which", lambda name: None)
    assert cli.main(["grade", LAB, "--course", str(course)]) == 1
    assert "apt-get install bubblewrap" in capsys.readouterr().err
    with pytest.raises(GradingError, match="--unsafe"):
        sandbox.require_bubblewrap()
    assert cli.main(["grade", LAB, "--course", str(course), "--unsafe"]) == 0
    assert read_mark(course, LAB, "ada").points == 3


def test_figures_and_prints_come_back_and_a_later_exercise_survives_an_earlier_one(course):
    code = (
        "import matplotlib.pyplot as plt\nfrom helpers import plots\n"
        "figure, axes = plt.subplots()\naxes.plot([1, 2])\n"
        "plots.show(figure, alt='A line that rises from one to two, nothing else')\n"
        "print('seen <b>')\ndef double(x):\n    return 2 * x"
    )
    hand_in(course, "ada", code)
    assert _grade(course).points == 3
    page = (course / "feedback" / "ada" / LAB / f"{LAB}.html").read_text()
    assert 'src="data:image/png;base64,' in page
    assert "A line that rises from one to two" in page
    shown = (course / "autograded" / "ada" / LAB / f"{LAB}.ipynb").read_text()
    assert "seen <b>" in shown
    assert "image/png" in shown


def test_a_sandbox_that_does_not_start_costs_nobody_points(course, tmp_path, monkeypatch):
    hand_in(course, "ada", RIGHT)
    broken = tmp_path / "bin" / "bwrap"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}:{os.environ['PATH']}")
    line = _grade(course)
    assert "the sandbox does not start" in line.error
    assert not (course / "autograded" / "ada").exists()
