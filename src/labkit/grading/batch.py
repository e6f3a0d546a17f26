"""Grade all submissions of one lab. Resumable: submissions already graded are skipped.

Workers grade; this process alone reads submissions and writes: first a student's two files, then
the marks, in one transaction. When all marks are in the gradebook, what students' cells showed is
added to the files. What the gradebook says is done is not done again; what a person has entered
there since is put on the student's page.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from labkit import sandbox
from labkit.errors import GradingError
from labkit.grading import beside, feedback, files, handed_in, judge, marks, workers
from labkit.grading.examination import Examination, GradedSubmission, Settings
from labkit.grading.standing import Standing
from labkit.grading.workers import Submission

__all__ = ["Graded", "Settings", "grade"]


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
    given : float
        Points an instructor gave, for what no test looks at.
    late : float
        Points nbgrader's plugin takes for handing in late.
    lost : list of str
        Names of the tests that failed.
    repairs, stopped : list of str
    unknown : list of str
        Comments that were left as typed, since they have keys that stand for nothing.
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
    given: float = 0.0
    late: float = 0.0
    lost: list[str] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    seconds: float = 0.0
    peak_mb: float = 0.0
    again: bool = True
    error: str = ""


def grade(
    settings: Settings,
    students: list[str] | None = None,
    *,
    count: int = 2,
    dask: str = "",
    force: bool = False,
    progress: bool = False,
) -> list[Graded]:
    """Grade submissions and write marks, feedback and graded notebooks.

    Parameters
    ----------
    settings : Settings
    students : list of str, optional
        All who handed in by default.
    count : int
        How many submissions at a time on this machine.
    dask : str
        Address of a Dask scheduler whose workers grade instead.
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
    from tqdm.auto import tqdm

    sandbox.require_linux(without_sandbox=settings.unsafe or bool(dask))
    if not settings.unsafe:
        sandbox.require_out_of_sight(settings.course)
        if not dask:
            sandbox.require(settings.wall)
    course, lab = settings.course, settings.lab
    students = students or handed_in.students(course, lab)
    if not students:
        raise GradingError(
            f"nothing to grade: no {course}/submitted/<student>/{lab}/{lab}.ipynb (collect the "
            f"submissions first: `nbgrader collect {lab}`)"
        )
    examination = Examination(settings)
    with _opened(examination) as book:
        batch = _Batch(examination, book, force)

        def work(
            what: str,
            number: int,
            tasks: Callable[[Callable[[], object]], Iterator[Submission]],
            take: Callable[[Submission, GradedSubmission], None],
        ) -> None:
            """Let workers do tasks, and take what they return."""
            with tqdm(total=number, desc=f"{lab}: {what}", disable=not progress) as bar:
                waiting = tasks(bar.update)
                if dask:
                    sheets = workers.cluster(examination, waiting, dask)
                else:
                    sheets = workers.local(examination, waiting, count)
                with contextlib.closing(sheets):
                    for task, sheet in sheets:
                        take(task, sheet)
                        bar.update()

        to_be_graded = partial(batch.to_be_graded, students)
        work("marks", len(students), to_be_graded, batch.finish)
        work("pages", len(batch.to_show), batch.to_be_shown, batch.show)
    return [batch.done[student] for student in students]


def write_pages(settings: Settings, students: list[str]) -> list[Graded]:
    """Bring pages of graded submissions up to date with the gradebook; grade nothing.

    Parameters
    ----------
    settings : Settings
    students : list of str

    Returns
    -------
    list of Graded
        In the order of the students.

    Raises
    ------
    GradingError
        If there is no such lab, or the gradebook cannot be used.
    """
    examination = Examination(settings)
    with _opened(examination) as book:
        batch = _Batch(examination, book, force=False)
        for student in students:
            batch.write_page(student)
    return [batch.done[student] for student in students]


@contextlib.contextmanager
def _opened(examination: Examination) -> Iterator[marks.Marks]:
    """Open a course's gradebook for one process at a time."""
    from filelock import FileLock, Timeout

    course, lab = examination.settings.course, examination.settings.lab
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(FileLock(course / ".labkit-grade.lock", timeout=0))
        except Timeout:
            raise GradingError(f"another labkit grade is at work in {course}") from None
        yield stack.enter_context(marks.opened(course, lab, examination.source))


class _Batch:
    """What is done so far, in the gradebook and in students' folders."""

    def __init__(self, examination: Examination, book: marks.Marks, force: bool) -> None:
        self.done: dict[str, Graded] = {}
        self.to_show: dict[str, dict[str, Any]] = {}  # what students' submissions came to
        self._examination = examination
        self._book = book
        self._force = force
        self._course, self._lab = examination.settings.course, examination.settings.lab
        self._title = examination.title

    def to_be_graded(
        self, students: list[str], passed: Callable[[], object]
    ) -> Iterator[Submission]:
        """Yield the submissions that need grading; enter the others as they are passed."""
        for student in students:
            try:
                task = Submission(student, *handed_in.read(self._course, self._lab, student))
            except GradingError as error:
                self._refuse(student, self._examination.refuse(student, str(error)))
                passed()
                continue
            earlier = None
            if not self._force and self._is_written(student):
                earlier = self._book.earlier(student, self._digest(task))
            if earlier:
                self._pass(student, earlier, task.when)
                passed()
            else:
                yield task

    def write_page(self, student: str) -> None:
        """Bring the page of a submission up to date, if `labkit grade` has graded it."""
        result = self._book.recorded(student)
        if result is None:
            why = f"`labkit grade {self._lab}` has not graded it yet, and has no page for it"
            self.done[student] = Graded(student, error=why)
        elif result.get("shown") is None and self._is_written(student):
            # the page says that a later submission could not be graded
            self._enter(student, result, self._book.revisit(student, ""), again=False)
        else:
            result["shown"] = result["shown"] if self._is_written(student) else None
            self._pass(student, result)

    def _pass(self, student: str, result: dict[str, Any], when: str = "") -> None:
        """Bring the page of a submission graded before up to date."""
        standing = self._book.revisit(student, when)
        try:
            if result.get("shown") != standing.to_dict():
                _, path = self._files(student)
                _write(path, self._page(student, result, self._drawn(student), standing))
                self._book.show(student, result, standing)
            beside.pass_on(self._course, self._lab, student)
        except OSError as error:
            self.done[student] = Graded(student, error=f"its page cannot be written: {error}")
            return
        self._enter(student, result, standing, again=False)

    def finish(self, task: Submission, sheet: GradedSubmission) -> None:
        """Write a submission's files, then its marks."""
        student = task.student
        if "error" in sheet.result:
            self._refuse(student, sheet)
            return
        entering = self._book.entering(student, self._digest(task), sheet.result, task.when)
        try:
            with entering as standing:
                page = sheet.page
                if page and not standing.adds_nothing:
                    drawn = feedback.pictures_of(sheet.notebook)
                    page = self._page(student, sheet.result, drawn, standing)
                self._write(student, sheet.notebook, page)
        except OSError as error:
            self.done[student] = Graded(student, error=f"its page cannot be written: {error}")
            return
        self._enter(student, sheet.result, standing, again=True)

    def _enter(self, student: str, result: dict[str, Any], standing: Standing, again: bool) -> None:
        unknown = self._book.reusable.unknown(standing.comments)
        self.done[student] = _line(student, result, standing, unknown, again)
        if result.get("to_show"):
            self.to_show[student] = result

    def to_be_shown(self, passed: Callable[[], object]) -> Iterator[Submission]:
        """Yield the submissions whose pages are to be finished, unless they were handed in anew."""
        for student, result in self.to_show.items():
            try:
                read = handed_in.read(self._course, self._lab, student)
            except GradingError:  # it is gone: what was read of it stays
                passed()
                continue
            task = Submission(student, *read, result=result)
            if self._book.earlier(student, self._digest(task)) is None:
                passed()
                continue
            yield task

    def show(self, task: Submission, sheet: GradedSubmission) -> None:
        """Write a marked submission's files again, with what its cells showed."""
        student, result = task.student, sheet.result
        drawn = feedback.pictures_of(sheet.notebook) if sheet.notebook else []
        if "error" in result:  # the marks stand
            result = {**(task.result or {}), "to_show": False}
            result["stopped"] = [*result["stopped"], judge.NO_STORY]
            drawn = self._drawn(student)
        standing = self._book.revisit(student, task.when)
        again = self.done[student].again
        try:
            self._write(student, sheet.notebook, self._page(student, result, drawn, standing))
            self._book.show(student, result, standing)
        except OSError as error:
            self.done[student] = Graded(student, error=f"its page cannot be written: {error}")
            return
        self._enter(student, result, standing, again)

    def _refuse(self, student: str, sheet: GradedSubmission) -> None:
        """Enter a submission that has no marks; tell the student if possible.

        Marks of an earlier submission stay: what cannot be read takes nothing away.
        """
        why, page = sheet.result["error"], sheet.page
        standing = self._book.standing(student)
        if standing:
            if page:
                page = feedback.refusal(self._lab, self._title, student, why, standing)
                self._book.hide(student)
            why += f"; the marks of an earlier submission stay ({standing.total:g} points)"
        self.done[student] = Graded(student, error=why)
        with contextlib.suppress(OSError):
            self._write(student, "", page)

    def _page(
        self,
        student: str,
        result: dict[str, Any],
        drawn: list[tuple[int, bytes, str]],
        standing: Standing,
    ) -> str:
        return feedback.page(self._lab, self._title, student, result, drawn, standing)

    def _drawn(self, student: str) -> list[tuple[int, bytes, str]]:
        """Return the pictures in a graded notebook; none if it is not what it should be."""
        path, _ = self._files(student)
        try:
            return feedback.pictures_of(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return []

    def _digest(self, task: Submission) -> str:
        return self._examination.digest(task.raw, task.notes)

    def _files(self, student: str) -> tuple[Path, Path]:
        """Return the graded notebook and the feedback page."""
        lab = self._lab
        return (
            self._course / "autograded" / student / lab / f"{lab}.ipynb",
            self._course / "feedback" / student / lab / f"{lab}.html",
        )

    def _is_written(self, student: str) -> bool:
        try:
            return all(path.is_file() for path in self._files(student))
        except OSError:
            return False

    def _write(self, student: str, *texts: str) -> None:
        for path, text in zip(self._files(student), texts, strict=True):
            if text:
                _write(path, text)
        beside.pass_on(self._course, self._lab, student)


def _write(path: Path, text: str) -> None:
    files.write(path, text.encode("utf-8", errors="replace"))


def _line(
    student: str, result: dict[str, Any], standing: Standing, unknown: list[str], again: bool
) -> Graded:
    outcomes = result["outcomes"]
    tests = {outcome["name"] for outcome in outcomes}
    return Graded(
        student=student,
        points=sum(o["points"] for o in outcomes),
        points_max=sum(o["points_max"] for o in outcomes),
        by_hand=standing.to_come,
        given=sum(standing.points[name] for name in standing.by_hand if name not in tests),
        late=standing.late,
        lost=[o["name"] for o in outcomes if o["points"] < o["points_max"]],
        repairs=result["repairs"],
        stopped=result["stopped"],
        unknown=unknown,
        seconds=result["seconds"] + result.get("story_seconds", 0.0),
        peak_mb=result["peak_mb"],
        again=again,
    )
