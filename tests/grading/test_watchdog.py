"""A batch ends, whatever its workers do; a worker ends when its batch does."""

import os
import re
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from labkit import ROOT
from labkit.grading import batch, read_mark, workers
from labkit.grading.examination import Examination, GradedSubmission
from labkit.grading.workers import Submission
from labkit.sandbox import Budget, Limits, Shell, scratch
from tests.tiers import THOROUGH

from .hostile_answers import CODE
from .toy import LAB, hand_in, make_course

RIGHT = "def double(x):\n    return 2 * x\n"


def _memory():
    kept = []
    for _ in range(40):  # 2 GB at most
        kept.append(bytearray(b"x" * 50_000_000))
        time.sleep(0.05)


def _regular_expression():
    re.fullmatch("(a+)+", "a" * 60 + "b")  # lets no other thread of its process run


def _sleep_in_a_sandbox():
    with scratch() as folder, Shell(folder, Limits()) as shell:
        pids = [child.pid for child in psutil.Process().children(recursive=True)]
        with open(os.environ["SANDBOX"], "w") as file:
            print(*pids, file=file)
        request = {"do": "run", "source": "import time; time.sleep(100)"}
        shell.ask(request, Budget(100, 100, 10**9), "it")


def _loop():
    while True:
        pass


FAULTS = {
    "loops": (_loop, "longer than"),
    "searches": (_regular_expression, "longer than"),
    "waits": (lambda: time.sleep(100), "longer than"),
    "waits for a lock": (lambda: threading.Lock().acquire() and threading.Event().wait(), "longer"),
    "is stopped": (lambda: os.kill(os.getpid(), signal.SIGSTOP), "longer than"),
    "sleeps in a sandbox": (_sleep_in_a_sandbox, "longer than"),
    "fills its memory": (_memory, "of memory"),
    "is killed": (lambda: os.kill(os.getpid(), signal.SIGKILL), "process died"),
    "ends": (lambda: os._exit(0), "process died"),
    "crashes": (lambda: os.kill(os.getpid(), signal.SIGSEGV), "process died"),
    "fails": (lambda: 1 / 0, "ZeroDivisionError"),
}


class Faulty(Examination):
    """A grader that does what a submission is called, as one with a fault in it might."""

    def mark(self, student, raw, notes):
        if student in FAULTS:
            FAULTS[student][0]()
        return GradedSubmission({"graded": student})


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("course"))
    limits = Limits(lab_seconds=10)  # a sandbox has to start in that time on a busy machine
    sandbox = course / "sandbox.txt"
    names = list(FAULTS) + [f"honest {n}" for n in range(10)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SANDBOX", str(sandbox))
        patch.setattr(workers, "WORKER_MEMORY", 300_000_000)
        examination = Faulty(batch.Settings(course, LAB, limits))
        # the first worker of a process waits for all that is imported
        list(workers.local(examination, [Submission("first", b"")], 1))
        patch.setattr(workers, "SPARE_SECONDS", 0.5)
        graded = list(workers.local(examination, [Submission(name, b"") for name in names], 2))
    return graded, [int(pid) for pid in sandbox.read_text().split()]


def test_all_come_back_once(faulty):
    graded, _ = faulty
    students = [task.student for task, _ in graded]
    assert sorted(students) == sorted([*FAULTS, *(f"honest {n}" for n in range(10))])


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_costs_one_submission(name, faulty):
    (sheet,) = [sheet for task, sheet in faulty[0] if task.student == name]
    assert FAULTS[name][1] in sheet.result["error"]


def test_the_others_are_graded(faulty):
    honest = [(t.student, s.result) for t, s in faulty[0] if t.student.startswith("honest")]
    assert honest == [(student, {"graded": student}) for student, _ in honest]
    assert len(honest) == 10


def test_the_student_is_told_what_took_too_long(faulty):
    (sheet,) = [sheet for task, sheet in faulty[0] if task.student == "loops"]
    assert "Not graded:" in sheet.page
    assert "grading it took longer than 10 s and was stopped" in sheet.page


def _alive(pids, seconds=5.0):
    """Return those of the processes that outlive a while."""
    left = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    return psutil.wait_procs(left, timeout=seconds)[1]


def test_a_sandbox_ends_with_its_worker(faulty):
    assert faulty[1]
    assert _alive(faulty[1]) == []


@pytest.mark.parametrize(
    "how", ["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"] if THOROUGH else ["SIGKILL", "SIGINT"]
)
def test_workers_and_sandboxes_end_with_their_batch(how, tmp_path):
    """Whatever ended it, and however long their work would still take."""
    course = make_course(tmp_path)
    hand_in(course, "sleeps", "import time\ntime.sleep(100)")
    hand_in(course, "loops", "while True: pass")
    line = [sys.executable, "-m", "labkit.cli", "grade", LAB, "--course", str(course)]
    process = subprocess.Popen(
        line,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    family = []
    deadline = time.monotonic() + 60
    while [_name(p) for p in family].count("bwrap") < 4 and time.monotonic() < deadline:
        time.sleep(0.1)
        family = psutil.Process(process.pid).children(recursive=True)
    assert [_name(p) for p in family].count("bwrap") >= 4, process.communicate()
    process.send_signal(getattr(signal, how))
    _, alive = psutil.wait_procs(family, timeout=5)
    process.communicate(timeout=10)
    assert alive == []


def _name(process):
    try:
        return process.name()
    except psutil.Error:
        return ""


HOSTILE = {each.name: each for each in CODE}
STUCK = {
    "loops": "def double(x):\n    while True: pass",
    "sleeps": "import time\ndef double(x): time.sleep(100)",
    "drips": HOSTILE["drips_an_answer"].code,
    "never ends": RIGHT + "while True: pass",
    "powers": HOSTILE["a_power"].code,
}
EXPLODING = {
    "lists": "def double(x):\n    kept = []\n    while True: kept.append(bytearray(10**7))",
    "arrays": "import numpy as np\ndef double(x): return np.ones(10**9)",
    "collides": HOSTILE["keys_that_collide"].code,
    "repeats": HOSTILE["bytes_many_times"].code,
    "forks": "import os\ndef double(x):\n    while True: os.fork()",
}


@pytest.mark.measured
def test_ten_stuck_or_exploding_submissions_cost_ten_honest_ones_little(tmp_path):
    """With limits as far above what an honest answer takes as in a lab: some ten times."""
    limits = Limits(memory=600_000_000, patience=0.1, waiting=1.5, story_seconds=10)
    seconds = {}
    for name, others in (("alone", {}), ("all", {**STUCK, **EXPLODING})):
        course = make_course(tmp_path / name)
        for number in range(10):
            hand_in(course, f"honest{number}", RIGHT)
        for student, code in others.items():
            hand_in(course, student, code)
        started = time.monotonic()
        report = batch.grade(batch.Settings(course, LAB, limits), count=2)
        seconds[name] = time.monotonic() - started
        assert len(report) == 10 + len(others)
        for line in report:
            honest = line.student.startswith("honest")
            assert line.points == (3 if honest else 0), line
        marks = [read_mark(course, LAB, f"honest{number}").points for number in range(10)]
        assert marks == [3] * 10
    print(
        f"\nten honest submissions on two workers: {seconds['alone']:.1f} s; with five stuck and "
        f"five exploding ones beside them: {seconds['all']:.1f} s, "
        f"{seconds['all'] / seconds['alone']:.2f} times as long"
    )


def test_what_grades_starts_without_nbgrader():
    """It takes seconds to import, in every worker; the gradebook is for one process to write."""
    code = (
        "import sys, labkit.grading.batch\n"
        "print([name for name in ('nbgrader', 'sqlalchemy', 'sklearn') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


class Tells(Examination):
    """A grader that tells whether its worker has nbgrader."""

    def mark(self, student, raw, notes):
        return GradedSubmission({"loaded": "nbgrader.utils" in sys.modules})


def test_workers_need_not_import_nbgrader_themselves(tmp_path):
    examination = Tells(batch.Settings(make_course(tmp_path), LAB))
    ((_, sheet),) = workers.local(examination, [Submission("ada", b"")], 1)
    assert sheet.result == {"loaded": True}
