"""Many submissions, graded by a few trusted workers; killed at any time, it can go on later.

A worker runs the sandbox and writes the student's two files; this process alone writes marks, one
transaction for a submission. What the gradebook says is done is not done again.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import nbformat

from helpers import checks, figures
from helpers.course.grading import feedback, judge, marks, repair, sandbox
from helpers.course.grading.plain import GradingError, submissions
from helpers.course.grading.sandbox import Limits

#: how often a submission is tried when the worker itself dies over it
ATTEMPTS = 2


@dataclass(frozen=True)
class Settings:
    """What is to be graded and how; the same for all submissions of a batch."""

    course: Path
    lab: str
    limits: Limits = field(default_factory=Limits)
    unsafe: bool = False
    story: bool = True


@dataclass(frozen=True)
class Graded:
    """One line of the report.

    Attributes
    ----------
    student : str
    points, points_max : float
        From tests.
    by_hand : float
        Points an instructor may still give.
    lost : list of str
        Names of the tests that failed.
    repairs, stopped : list of str
    seconds : float
    peak_mb : float
        Largest memory of the sandbox.
    again : bool
        False if the marks are of an earlier run.
    error : str
        Why it could not be graded; "" if it was.
    """

    student: str
    points: float = 0.0
    points_max: float = 0.0
    by_hand: float = 0.0
    lost: list[str] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    seconds: float = 0.0
    peak_mb: float = 0.0
    again: bool = True
    error: str = ""


def grade(
    settings: Settings,
    students: list[str] | None = None,
    *,
    workers: int = 2,
    force: bool = False,
    progress: bool = False,
) -> list[Graded]:
    """Grade submissions and write marks, feedback and graded notebooks.

    Parameters
    ----------
    settings : Settings
    students : list of str, optional
        All who handed in by default.
    workers : int
        How many submissions at a time.
    force : bool
        Also what is graded already and has not changed.
    progress : bool
        Show a bar on stderr.

    Returns
    -------
    list of Graded
        In the order of the students.

    Raises
    ------
    GradingError
        If there is nothing to grade, or no way to do it safely. One bad submission never raises.
    """
    from filelock import FileLock, Timeout
    from tqdm.auto import tqdm

    if not settings.unsafe:
        sandbox.require_bubblewrap()
    course, lab = settings.course, settings.lab
    students = students or submissions(course, lab)
    if not students:
        raise GradingError(
            f"nothing to grade: no {course}/submitted/<student>/{lab}/{lab}.ipynb (collect the "
            f"submissions first: `nbgrader collect {lab}`)"
        )
    examination = _Examination(settings)
    done: dict[str, Graded] = {}
    lock = FileLock(course / ".labkit-grade.lock", timeout=0)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock)
        except Timeout:
            raise GradingError(f"another labkit grade is at work in {course}") from None
        book = stack.enter_context(marks.opened(course, lab, examination.source))
        waiting = []
        for student in students:
            earlier = None if force else _earlier(book, settings, examination, student)
            if earlier:
                done[student] = _line(student, earlier, again=False)
            else:
                waiting.append(student)
        bar = stack.enter_context(
            tqdm(total=len(waiting), desc=lab, unit="notebook", disable=not progress)
        )
        for student, digest, result in _in_workers(settings, waiting, workers):
            if "error" in result:
                done[student] = Graded(student, error=result["error"])
            else:
                when = _timestamp(course, lab, student)
                book.record(student, digest, result, when)
                done[student] = _line(student, result, again=True)
            bar.update()
    return [done[student] for student in students]


def _earlier(
    book: marks.Marks, settings: Settings, examination: _Examination, student: str
) -> dict[str, Any] | None:
    notebook, page = _files(settings, student)
    if not notebook.is_file() or not page.is_file():
        return None
    try:
        raw = repair.read_bytes(_submission(settings, student))
    except GradingError:
        return None
    return book.earlier(student, examination.digest(raw))


def _line(student: str, result: dict[str, Any], again: bool) -> Graded:
    outcomes = result["outcomes"]
    return Graded(
        student=student,
        points=sum(o["points"] for o in outcomes),
        points_max=sum(o["points_max"] for o in outcomes),
        by_hand=result["by_hand"],
        lost=[o["name"] for o in outcomes if o["points"] < o["points_max"]],
        repairs=result["repairs"],
        stopped=result["stopped"],
        seconds=result["seconds"],
        peak_mb=result["peak_mb"],
        again=again,
    )


def _submission(settings: Settings, student: str) -> Path:
    if student in ("", ".", "..") or "/" in student or "\0" in student:
        raise GradingError(f"{student!r} cannot be a student's name")
    lab = settings.lab
    return settings.course / "submitted" / student / lab / f"{lab}.ipynb"


def _files(settings: Settings, student: str) -> tuple[Path, Path]:
    """Return the graded notebook and the feedback page."""
    lab = settings.lab
    return (
        settings.course / "autograded" / student / lab / f"{lab}.ipynb",
        settings.course / "feedback" / student / lab / f"{lab}.html",
    )


def _timestamp(course: Path, lab: str, student: str) -> str:
    """Return when nbgrader's exchange says it was handed in."""
    path = course / "submitted" / student / lab / "timestamp.txt"
    if path.is_symlink() or not path.is_file() or path.stat().st_size > 200:
        return ""
    from nbgrader.utils import parse_utc

    text = path.read_text(errors="replace").strip()
    try:
        parse_utc(text)
    except (ValueError, OverflowError, TypeError):
        return ""
    return text


class _Examination:
    """A lab as it is examined: source, tests, what was handed out."""

    def __init__(self, settings: Settings) -> None:
        course, lab = settings.course, settings.lab
        source = course / "solutions" / lab / f"{lab}.ipynb"
        released = course / "labs" / lab / f"{lab}.ipynb"
        for path, advice in ((source, ""), (released, " (make it: `labkit notebooks`)")):
            if not path.is_file():
                raise GradingError(
                    f"no lab called {lab!r} in this course: {path} does not exist{advice}"
                )
        self.source = nbformat.read(source, as_version=4)
        self.released = nbformat.read(released, as_version=4)
        self.tests = judge.tests(self.source)
        self.handed_out = repair.handed_out(self.released)
        first = next((c.source for c in self.source.cells if c.cell_type == "markdown"), lab)
        self.title = first.strip().splitlines()[0].lstrip("# ")
        self.by_hand = {
            cell.metadata.nbgrader.grade_id: float(cell.metadata.nbgrader.points)
            for cell in self.source.cells
            if repair.role(cell) == "explain"
        }
        code = hashlib.sha256(source.read_bytes() + released.read_bytes())
        # marks also depend on the checks and on this package
        here = sorted(Path(__file__).parent.rglob("*.py"))
        for path in (Path(checks.__file__), Path(figures.__file__), *here):
            code.update(path.read_bytes())
        code.update(repr(settings.limits).encode())
        self._code = code.digest()

    def digest(self, raw: bytes) -> str:
        """Return what identifies a submission together with all its marks depend on."""
        return hashlib.sha256(self._code + raw).hexdigest()


# --- one submission -----------------------------------------------------------------------------


def _grade_one(settings: Settings, examination: _Examination, student: str) -> tuple[str, dict]:
    """Grade a submission and write its files; return its digest and what goes into the book."""
    graded_path, page_path = _files(settings, student)
    try:
        raw = repair.read_bytes(_submission(settings, student))
        work = repair.repair(raw, examination.handed_out)
    except GradingError as error:
        page = feedback.refusal(settings.lab, examination.title, student, str(error))
        feedback.write(page_path, page)
        return "", {"error": str(error)}
    verdict = judge.judge(
        work, examination.tests, settings.limits, unsafe=settings.unsafe, story=settings.story
    )
    answers = [cell for cell in work.cells if cell.role in ("solution", "explain")]
    unanswered = [cell.name for cell in answers if cell.released]
    by_hand = sum(p for name, p in examination.by_hand.items() if name not in unanswered)
    result = {
        "outcomes": [asdict(outcome) for outcome in verdict.outcomes],
        "unanswered": unanswered,
        "by_hand": by_hand,
        "repairs": [feedback.printable(line) for line in work.repairs],
        "stopped": [feedback.printable(line) for line in verdict.stopped],
        "seconds": round(verdict.seconds, 2),
        "peak_mb": round(verdict.peak / 1e6),
    }
    for outcome in result["outcomes"]:
        outcome["told"] = feedback.printable(outcome["told"])
    drawn = feedback.pictures(verdict.story)
    notebook = feedback.graded_notebook(
        work.cells, examination.released, result, verdict.story, drawn
    )
    feedback.write(graded_path, notebook)
    feedback.write(
        page_path, feedback.page(settings.lab, examination.title, student, result, drawn)
    )
    return examination.digest(raw), result


# --- workers ------------------------------------------------------------------------------------


def _work(settings: Settings, environment: dict[str, str], tasks: Connection) -> None:
    """Grade what comes through the pipe, until it is closed. Runs in a process of its own."""
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with(os.getppid())
    examination = _Examination(settings)
    while True:
        try:
            student = tasks.recv()
        except EOFError:
            return
        try:
            tasks.send(_grade_one(settings, examination, student))
        except Exception as error:  # noqa: BLE001 - one bad notebook never stops the batch
            said = f"the grader failed over it ({type(error).__name__}: {error})"
            tasks.send(("", {"error": feedback.printable(said)}))


def _die_with(parent: int) -> None:
    """Let this process end when the one that started it does, however that ends."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)


class _Worker:
    def __init__(self, settings: Settings) -> None:
        # forked from a process that has imported all, and does nothing else
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        self.pipe, theirs = context.Pipe()
        arguments = (settings, dict(os.environ), theirs)
        self.process = context.Process(target=_work, args=arguments, daemon=True)
        self.process.start()
        theirs.close()
        self.student = ""

    def give(self, student: str) -> None:
        self.student = student
        self.pipe.send(student)


def _in_workers(
    settings: Settings, students: list[str], count: int
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield student, digest and result as they come."""
    waiting = list(reversed(students))
    attempts = dict.fromkeys(students, 0)
    workers: list[_Worker] = []
    try:
        while waiting or workers:
            while waiting and len(workers) < max(1, count):
                workers.append(_Worker(settings))
                _next(workers[-1], waiting, attempts)
            for pipe in wait([worker.pipe for worker in workers]):
                worker = next(w for w in workers if w.pipe is pipe)
                try:
                    digest, result = worker.pipe.recv()
                except (EOFError, OSError):
                    workers.remove(worker)
                    worker.process.join()
                    if attempts[worker.student] < ATTEMPTS:
                        waiting.append(worker.student)
                    else:
                        yield worker.student, "", {"error": "the grader's own process died over it"}
                    continue
                yield worker.student, digest, result
                if waiting:
                    _next(worker, waiting, attempts)
                else:
                    workers.remove(worker)
                    worker.pipe.close()
                    worker.process.join()
    finally:
        for worker in workers:
            worker.process.kill()


def _next(worker: _Worker, waiting: list[str], attempts: dict[str, int]) -> None:
    student = waiting.pop()
    attempts[student] += 1
    with contextlib.suppress(BrokenPipeError):  # it is found dead when its answer is asked for
        worker.give(student)
