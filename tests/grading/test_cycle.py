"""`labkit grade` on nbgrader's own cycle: who gets what, and one bad notebook stops nobody."""

import sqlite3

import pytest

from labkit import cli, grading

from .toy import LAB, hand_in, make_course

ANSWERS = {
    "ada": "def double(x):\n    return x + x",
    "blank": None,
    "half": "def double(x):\n    return float(2 * x)",
    "warns": "import sys, warnings\ndef double(x):\n    warnings.warn('old'); print('!', file=sys.stderr)\n    return 2 * x",
    "equal": "class Yes:\n    def __eq__(self, other): return True\ndef double(x):\n    return Yes()",
    "wrong": "def double(x):\n    return x * x + 1",
}
POINTS = {"ada": 3, "blank": 0, "half": 2, "warns": 3, "equal": 0, "wrong": 0}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("course"))
    for student, answer in ANSWERS.items():
        hand_in(course, student, answer)
    hand_in(course, "broken", None).write_text("{ this is not a notebook")
    return course, cli.main(["grade", LAB, "--course", str(course)])


@pytest.mark.parametrize("student", ANSWERS)
def test_marks_of_right_and_blank_answers(graded, student):
    course, _ = graded
    mark = grading.read_mark(course, LAB, student)
    assert (mark.points, mark.points_max) == (POINTS[student], 3)
    assert mark.manual_max == 3


def test_a_broken_notebook_is_reported_and_the_batch_goes_on(graded):
    _, code = graded
    assert code == 1


def test_marks_stand_in_nbgraders_own_gradebook(graded):
    course, _ = graded
    with sqlite3.connect(course / "gradebook.db") as gradebook:
        (students,) = gradebook.execute("select count(*) from student").fetchone()
    assert students >= len(ANSWERS)


def test_lost_points_are_named(graded):
    course, _ = graded
    assert grading.read_mark(course, LAB, "half").lost == {"test_double_arrays": 1}


def test_regrading_gives_the_same(graded):
    course, _ = graded
    assert cli.main(["grade", LAB, "--course", str(course), "--student", "half"]) == 0
    assert grading.read_mark(course, LAB, "half").points == 2


def test_nothing_to_grade_says_what_to_do(tmp_path, capsys):
    course = make_course(tmp_path)
    assert cli.main(["grade", LAB, "--course", str(course)]) == 1
    assert "nbgrader collect" in capsys.readouterr().err


def test_an_unknown_lab_is_named(tmp_path, capsys):
    course = make_course(tmp_path)
    (course / "submitted" / "ada" / "99_none").mkdir(parents=True)
    assert cli.main(["grade", "99_none", "--course", str(course)]) == 1
    assert "no lab called '99_none'" in capsys.readouterr().err
