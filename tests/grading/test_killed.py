"""A batch killed at any moment and started again ends as one that nobody disturbed."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

import psutil
import pytest

from labkit import ROOT
from tests.tiers import THOROUGH

from .toy import LAB, hand_in, make_course

pytestmark = pytest.mark.measured

STUDENTS = 20
KILLS = 10 if THOROUGH else 4
ANSWERS = (
    "def double(x):\n    return 2 * x",
    "def double(x):\n    return float(2 * x)",
    None,
    "import os\ndef double(x): os._exit(0)",
)


def _course(folder):
    course = make_course(folder)
    for number in range(STUDENTS):
        hand_in(course, f"student{number:02d}", ANSWERS[number % len(ANSWERS)])
    return course


def _start(course):
    line = [sys.executable, "-m", "labkit.cli", "grade", LAB, "--course", str(course)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    return subprocess.Popen(
        line, env=environment, cwd=course, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def _marks(course):
    with sqlite3.connect(course / "gradebook.db") as book:
        return book.execute(
            "select s.id, c.name, g.auto_score, g.manual_score, g.needs_manual_grade"
            " from grade g join base_cell c on c.id = g.cell_id"
            " join submitted_notebook n on n.id = g.notebook_id"
            " join submitted_assignment a on a.id = n.assignment_id"
            " join student s on s.id = a.student_id order by 1, 2"
        ).fetchall()


def _done(course):
    """Return points and seconds of each examination so far; its page may come later."""
    try:
        with sqlite3.connect(course / "gradebook.db") as book:
            rows = book.execute("select student, result from labkit_graded").fetchall()
    except sqlite3.OperationalError:
        return {}
    results = {student: json.loads(result) for student, result in rows}
    return {
        student: (result["seconds"], tuple(outcome["points"] for outcome in result["outcomes"]))
        for student, result in results.items()
    }


def _wait_for(process, course, count):
    """Wait until so many submissions are done, or the batch has ended."""
    while process.poll() is None and len(_done(course)) < count:
        time.sleep(0.02)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    course = _course(tmp_path_factory.mktemp("undisturbed"))
    started = time.monotonic()
    process = _start(course)
    _, error = process.communicate(timeout=900)
    assert process.returncode == 0, error
    return course, time.monotonic() - started


def test_killed_again_and_again(undisturbed, tmp_path):
    reference, seconds = undisturbed
    course = _course(tmp_path)
    moments = random.Random(7)
    done, killed = {}, 0
    for _ in range(KILLS):
        process = _start(course)
        _wait_for(process, course, len(done) + moments.randrange(3))
        time.sleep(moments.uniform(0, 0.6))
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        _, alive = psutil.wait_procs(family, timeout=5)
        assert alive == [], "a worker or a sandbox outlived its batch"
        now = _done(course)
        # nothing lost, nothing graded twice: what was done is done, to the second it took
        assert done.items() <= now.items()
        done = now
    process = _start(course)
    _, error = process.communicate(timeout=900)
    assert process.returncode == 0, error
    final = _done(course)
    assert done.items() <= final.items()
    assert len(final) == STUDENTS
    assert _marks(course) == _marks(reference)
    assert killed >= KILLS // 2
    print(f"\nkilled {killed} of {KILLS} times; an undisturbed batch takes {seconds:.1f} s")
    for student in final:
        page = course / "feedback" / student / LAB / f"{LAB}.html"
        assert page.read_text().endswith("</html>\n")
