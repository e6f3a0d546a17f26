"""A term as real classes have it: the documented cycle, marks by hand, a lab that changes midway."""

import csv
import os
import re
import sqlite3
import subprocess
import sys

import nbformat
import pytest

from labkit import ROOT, cli, notebooks
from labkit.grading import batch, marks, read_mark

from .toy import LAB, SCRIPT, give, gradebook, hand_in, make_course

RIGHT = "def double(x):\n    return x + x"
WHY = "Twice is two times."


@pytest.fixture
def course(tmp_path):
    return make_course(tmp_path / "course")


def _write_answers(path, **answers):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(name, cell.source)
    nbformat.write(notebook, path)


def _hand_in(course, student, answer=RIGHT, why=WHY):
    path = hand_in(course, student, answer)
    _write_answers(path, explain_why=why)
    return path


def _grade(course, **options):
    return {line.student: line for line in batch.grade(batch.Settings(course, LAB), **options)}


def _page(course, student):
    return (course / "feedback" / student / LAB / f"{LAB}.html").read_text()


def _score(page):
    """Return what a page says at its top: points and points to be had, and the words beside."""
    points, most, words = re.search(
        r'class="score">([\d.]+) of ([\d.]+) points <small>(.*?)</small>', page
    ).groups()
    return float(points), float(most), words


def _totals(course, student):
    """Return what the gradebook says: points and points to be had."""
    with gradebook(course) as book:
        notebook = book.find_submission_notebook(LAB, LAB, student)
        return notebook.score - (notebook.late_submission_penalty or 0), notebook.max_score


def _refused(course, capsys):
    capsys.readouterr()
    assert cli.main(["grade", LAB, "--course", str(course)]) == 1
    said = capsys.readouterr().err.strip().splitlines()
    said = [line for line in said if not line.startswith("labkit: ")]  # of the machine's limits
    assert len(said) == 1, said
    return said[0]


# --- the documented cycle -----------------------------------------------------------------------


class Place:
    """A folder in which nbgrader's commands are typed, with an exchange of its own."""

    def __init__(self, folder, exchange, cache):
        folder.mkdir(exist_ok=True)
        exchange.mkdir(exist_ok=True)
        exchange.chmod(0o777)
        self.folder = folder
        own = f'\nc.Exchange.root = "{exchange}"\nc.Exchange.cache = "{cache}"\n'
        config = folder / "nbgrader_config.py"
        text = config.read_text() if config.exists() else (ROOT / "nbgrader_config.py").read_text()
        config.write_text(text + own)
        apart = {name: str(cache) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
        self._environment = {**os.environ, **apart, "PATH": path}

    def nbgrader(self, *words):
        run = subprocess.run(
            [sys.executable, "-m", "nbgrader", *words],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stderr
        assert "Traceback" not in run.stderr
        return run.stderr


def test_the_documented_cycle_ends_with_the_page_that_a_student_fetches(tmp_path, course):
    exchange = tmp_path / "exchange"
    teacher = Place(course, exchange, tmp_path / "cache")
    student = Place(tmp_path / "ada", exchange, tmp_path / "cache_of_ada")
    ada = "--CourseDirectory.student_id=ada"
    teacher.nbgrader("generate_assignment", LAB, "--force")
    teacher.nbgrader("release_assignment", LAB)
    student.nbgrader("fetch_assignment", LAB)
    _write_answers(student.folder / LAB / f"{LAB}.ipynb", double=RIGHT, explain_why=WHY)
    student.nbgrader("submit", LAB, ada)
    teacher.nbgrader("collect", LAB)
    line = _grade(course)["ada"]
    assert (line.points, line.by_hand, line.repairs) == (3, 3, [])
    teacher.nbgrader("release_feedback", LAB)
    student.nbgrader("fetch_feedback", LAB, ada)
    (fetched,) = student.folder.glob(f"{LAB}/feedback/*/{LAB}.html")
    assert "up to 3 more are given by hand" in _score(fetched.read_text())[2]
    give(course, "ada", 2.5, "Short, <b>but</b> right.")
    assert not _grade(course)["ada"].again
    teacher.nbgrader("release_feedback", LAB)
    student.nbgrader("fetch_feedback", LAB, ada)
    assert fetched.read_text() == _page(course, "ada")
    assert _score(fetched.read_text())[:2] == (5.5, 6)
    assert "Short, &lt;b&gt;but&lt;/b&gt; right." in fetched.read_text()
    teacher.nbgrader("export")
    with (course / "grades.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["student_id"], row["score"], row["max_score"]) == ("ada", "5.5", "6.0")
    # nbgrader's command writes the same pages
    teacher.nbgrader("generate_feedback", LAB, "--force")
    teacher.nbgrader("release_feedback", LAB)
    student.nbgrader("fetch_feedback", LAB, ada)
    assert fetched.read_text() == _page(course, "ada")


def test_one_submission_without_a_secret_keeps_nobody_from_the_feedback(tmp_path, course):
    teacher = Place(course, tmp_path / "exchange", tmp_path / "cache")
    _hand_in(course, "ada").with_name("submission_secret.txt").write_text("a" * 128)
    _hand_in(course, "bob")
    _hand_in(course, "cyd").with_name("submission_secret.txt").write_bytes(b"\xff\xfe")
    _hand_in(course, "dan").with_name("submission_secret.txt").write_text("")
    _grade(course)
    teacher.nbgrader("release_assignment", LAB)  # makes the exchange's folders
    teacher.nbgrader("release_feedback", LAB)
    assert len(list((tmp_path / "exchange").glob("*/feedback/*.html"))) == 4


# --- marks by hand ------------------------------------------------------------------------------


def test_hand_marks_and_comments_reach_the_page_without_a_new_grading(course):
    figure = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\n" + RIGHT
    _hand_in(course, "ada", figure)
    _grade(course)
    shown = re.findall(r'src="data:image/png[^"]*"', _page(course, "ada"))
    assert len(shown) == 1
    assert "Graded by hand; no points are given yet." in _page(course, "ada")
    give(course, "ada", 2.5, "Right.\nSay it in a sentence.")
    with gradebook(course) as book:
        book.find_comment("double", LAB, LAB, "ada").manual_comment = "Nicely short."
        book.db.commit()
    line = _grade(course)["ada"]
    assert (line.again, line.points, line.given, line.by_hand) == (False, 3, 2.5, 0)
    page = _page(course, "ada")
    assert _score(page) == (5.5, 6, "3 of 3 from the tests, 2.5 of 3 by hand")
    assert _totals(course, "ada") == (5.5, 6)
    for words in ("Right.", "Say it in a sentence.", "Nicely short."):
        assert words in page
    assert re.findall(r'src="data:image/png[^"]*"', page) == shown
    # a new grading keeps them there too
    _grade(course, force=True)
    assert _score(_page(course, "ada"))[:2] == (5.5, 6)


def test_a_page_that_shows_all_is_left_alone(course):
    _hand_in(course, "ada")
    _grade(course)
    give(course, "ada", 1)
    _grade(course)
    page = course / "feedback" / "ada" / LAB / f"{LAB}.html"
    written = page.stat().st_mtime_ns
    assert not _grade(course)["ada"].again
    assert page.stat().st_mtime_ns == written


def test_points_of_a_test_changed_by_hand_stand_on_the_page(course):
    _hand_in(course, "half", "def double(x):\n    return float(2 * x)")
    _grade(course)
    assert _score(_page(course, "half"))[0] == 2
    give(course, "half", 0.5, cell="test_double_arrays")
    give(course, "half", 3)
    _grade(course)
    assert _score(_page(course, "half"))[:2] == _totals(course, "half") == (5.5, 6)
    assert "Points given by hand." in _page(course, "half")


# --- handing in late ----------------------------------------------------------------------------

LATE = """
from nbgrader.plugins import BasePlugin
class ATenthOfADay(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return total_seconds_late / 86400 / 10
c.AssignLatePenalties.plugin_class = ATenthOfADay
"""


def test_a_late_penalty_stands_on_the_page_and_follows_dates_and_extensions(course):
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(LATE)
    path = _hand_in(course, "tardy")
    path.with_name("timestamp.txt").write_text("2026-02-09 12:00:00 UTC")
    assert _grade(course)["tardy"].late == 0
    with gradebook(course) as book:
        book.update_or_create_assignment(LAB, duedate="2026-02-04 12:00:00 UTC")
    line = _grade(course)["tardy"]
    assert (line.again, line.late) == (False, 0.5)
    page = _page(course, "tardy")
    assert _score(page)[0] == _totals(course, "tardy")[0] == 2.5
    assert "0.5 taken for handing in late" in page
    assert "Handed in 5 days after it was due (2026-02-04 12:00 UTC): 0.5 points are taken" in page
    with gradebook(course) as book:
        book.grant_extension(LAB, "tardy", days=3)
    assert _grade(course)["tardy"].late == 0.2
    assert "(2026-02-07 12:00 UTC, with your extension): 0.2 points" in _page(course, "tardy")
    path.with_name("timestamp.txt").write_text("2026-02-07 11:00:00 UTC")
    assert _grade(course)["tardy"].late == 0
    assert "late" not in _score(_page(course, "tardy"))[2]


def test_an_extension_without_a_date_and_a_plugin_that_fails_are_said(course, capsys):
    broken = LATE.replace("return total_seconds_late", "return 1 / 0 + total_seconds_late")
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(broken)
    path = _hand_in(course, "tardy")
    path.with_name("timestamp.txt").write_text("2026-02-09 12:00:00 UTC")
    _grade(course)
    with gradebook(course) as book:
        book.grant_extension(LAB, "tardy", days=1)
    assert _grade(course)["tardy"].late == 0
    with gradebook(course) as book:
        book.update_or_create_assignment(LAB, duedate="2026-02-04 12:00:00 UTC")
    assert "nbgrader_config.py names failed (ZeroDivisionError" in _refused(course, capsys)


# --- a lab that changes in the middle of a term -------------------------------------------------

MORE_TESTS = """
# %% test="double.zero" points=4
from helpers import checks

@checks.run
def test_double_zero():
    checks.close(checks.submitted("double")(0.0), 0.0, atol=1e-9, hint="twice nothing is nothing")
"""
ARRAYS = SCRIPT[SCRIPT.index('# %% test="double.arrays"') : SCRIPT.index("# %% [markdown] explain")]
EXPLAIN = SCRIPT[SCRIPT.index("# %% [markdown] explain") :]


def _change(course, before, after):
    script = course / "solutions" / LAB / f"{LAB}.py"
    assert before in script.read_text()
    script.write_text(script.read_text().replace(before, after))
    notebooks.derive([LAB], course)


def _agree(course, student, points, most):
    assert _score(_page(course, student))[:2] == _totals(course, student) == (points, most)


def test_tests_added_and_removed_are_followed_by_all_totals(course):
    _hand_in(course, "ada")
    _grade(course)
    give(course, "ada", 2)
    _change(course, ARRAYS, ARRAYS + MORE_TESTS)
    line = _grade(course)["ada"]
    assert (line.again, line.points) == (True, 7)
    _agree(course, "ada", 9, 10)
    assert "had been changed" not in _page(course, "ada")
    _change(course, ARRAYS, "")
    line = _grade(course)["ada"]
    assert (line.again, line.points, line.repairs[1:]) == (True, 6, [])
    _agree(course, "ada", 8, 9)
    assert not list(course.glob("gradebook.before*"))


def test_points_of_explanations_and_new_ones_are_followed_by_all_totals(course):
    _hand_in(course, "ada")
    _hand_in(course, "bob")
    _grade(course)
    give(course, "ada", 2)
    _change(course, 'explain="why" points=3', 'explain="why" points=6')
    assert _grade(course)["bob"].by_hand == 6
    give(course, "ada", 5)
    _grade(course)
    _agree(course, "ada", 8, 9)
    _change(course, "for saying so.\n", "for saying so.\n\n" + EXPLAIN.replace('"why"', '"how"'))
    line = _grade(course)["ada"]
    assert (line.given, line.by_hand) == (5, 0)  # no answer to the new one
    _agree(course, "ada", 8, 12)


def test_hand_marks_of_a_removed_explanation_are_kept_in_a_copy(course):
    _hand_in(course, "ada")
    _grade(course)
    give(course, "ada", 2)
    _change(course, EXPLAIN, "")
    _grade(course)
    assert _totals(course, "ada") == (3, 3)
    (copy,) = course.glob("gradebook.before-*.db")
    with sqlite3.connect(copy) as book:
        assert book.execute("select max(manual_score) from grade").fetchone() == (2,)


def test_a_test_reworded_after_release_is_no_change_of_the_students(course):
    _hand_in(course, "ada")
    _change(course, "that is not twice", "twice is something else")
    line = _grade(course)["ada"]
    assert (line.points, line.repairs) == (3, [])


# --- a gradebook that cannot be used ------------------------------------------------------------


def test_a_locked_gradebook_is_waited_for_and_told_of_in_a_sentence(course, capsys, monkeypatch):
    monkeypatch.setattr(marks, "PATIENCE", 0.3)
    _hand_in(course, "ada")
    _grade(course)
    with sqlite3.connect(course / "gradebook.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "Another program writes to it" in _refused(course, capsys)
        other.execute("ROLLBACK")
    assert not _grade(course)["ada"].again


def test_a_gradebook_locked_midway_loses_nothing_that_was_graded(course, capsys, monkeypatch):
    _hand_in(course, "ada")
    _hand_in(course, "bob")
    _grade(course, students=["ada"])
    monkeypatch.setattr(marks, "PATIENCE", 0.3)
    other = sqlite3.connect(course / "gradebook.db", isolation_level=None)
    work = batch.workers.local

    def locked(*arguments):
        for graded in work(*arguments):
            other.execute("BEGIN EXCLUSIVE")
            yield graded

    monkeypatch.setattr(batch.workers, "local", locked)
    assert "Another program writes to it" in _refused(course, capsys)
    other.close()
    monkeypatch.setattr(batch.workers, "local", work)
    assert {s: line.again for s, line in _grade(course).items()} == {"ada": False, "bob": True}


@pytest.mark.parametrize("damage", [b"this is no gradebook" * 300, b""])
def test_a_damaged_gradebook_is_told_of_in_a_sentence(course, damage, capsys):
    _hand_in(course, "ada")
    _grade(course)
    book = course / "gradebook.db"
    whole = book.read_bytes()
    book.write_bytes(damage or whole[:4096] + b"\xff" * (len(whole) - 4096))
    assert "It is damaged" in _refused(course, capsys)
    book.write_bytes(whole)
    assert not _grade(course)["ada"].again
    assert read_mark(course, LAB, "ada").points == 3


# --- an empty resubmission ----------------------------------------------------------------------


def test_what_cannot_be_read_takes_no_marks_away_and_says_so(course):
    path = _hand_in(course, "ada")
    _grade(course)
    whole = path.read_bytes()
    for bad in (b"", b"{ no notebook"):
        path.write_bytes(bad)
        line = _grade(course)["ada"]
        assert "the marks of an earlier submission stay (3 points)" in line.error
        page = _page(course, "ada")
        assert "Not graded:" in page
        assert "The marks of what you handed in before stay: 3 of 6." in page
        assert _totals(course, "ada") == (3, 6)
    path.write_bytes(whole)
    line = _grade(course)["ada"]
    assert (line.again, line.error) == (False, "")
    assert _score(_page(course, "ada"))[0] == 3


def test_errors_of_a_students_own_cells_stand_on_the_page(course):
    hand_in(course, "asks", "n = input('how many? ')\ndef double(x):\n    return 2 * x")
    hand_in(course, "imports", "import no_such_package\ndef double(x):\n    return 2 * x")
    hand_in(course, "pasted", "def double(x):\n\u00a0\u00a0\u00a0\u00a0return 2 * x")
    hand_in(course, "helped", "def double(x):\n    return times(2, x)", ["1 / 0\ntimes = max"])
    hand_in(course, "blank", None)
    _grade(course)
    wanted = {
        "asks": "nobody answers input() while a notebook is graded",
        "imports": "No module named",
        "pasted": "invalid non-printable character U+00A0",
        "helped": "Your cell `1 / 0`: ZeroDivisionError: division by zero",
    }
    for student, words in wanted.items():
        page = _page(course, student)
        assert words in page
        assert "is not defined: run the cell" not in page
    assert "ended with an error" not in _page(course, "blank")
