"""The trusted side: run a student's cells in a sandbox, run the source's tests here, give points.

The text of a test never leaves this process; only the arguments of its calls do.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import dataclasses
import io
import math
import os
import re
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from helpers import checks
from labkit import sandbox
from labkit.grading.cells import Cell, exercise_of, role
from labkit.grading.hidden_tests import is_hidden, visible
from labkit.grading.repair import Repaired
from labkit.grading.story import MAX_ANSWER, Story
from labkit.lab_source import DEFAULT_SECONDS
from labkit.sandbox import BUBBLEWRAP, Budget, Limits, Shell, Stopped
from labkit.sandbox.inside import seeding
from surveys import students

#: processor time for the trusted side of one test, s; what the work takes has limits of its own
TEST_SECONDS = 300.0
#: how many times less a cell of the student's own gets, in the examination, if nothing uses it
UNUSED = 10
#: for the names in all cells, s
NAMES_SECONDS = 20.0
SILENT = "a check of this exercise failed"
LATE = "The lab took longer than it may and was stopped"
NO_STORY = "What your cells show could not be drawn; no mark depends on it."


#: exercises with this limit or a higher one train networks or sample posteriors, s
LONG_SECONDS = 60.0


@dataclass(frozen=True)
class Test:
    """A test cell of the source: what it is worth, whose it is, what the work may use.

    Attributes
    ----------
    name : str
    points : float
    exercise : str
        The name of its solution cell; "" if it has none.
    seconds : float
        Processor time that the work should need, s.
    memory : int
        Bytes that it may take; 0 for as many as anything else in the lab.
    code : str
    """

    name: str
    points: float
    exercise: str
    seconds: float
    memory: int
    code: str

    @property
    def is_long(self) -> bool:
        """Whether its exercise trains a network or samples a posterior."""
        return self.seconds >= LONG_SECONDS


@dataclass
class Outcome:
    """What one test cell came to: the points, and what the student is told if it failed."""

    name: str
    exercise: str
    points: float
    points_max: float
    told: str = ""
    visible: bool = False  # whether it failed where the student can see the test


@dataclass
class Verdict:
    """What one submission came to.

    Attributes
    ----------
    outcomes : list of Outcome
        In the order of the lab.
    deadly : list of int
        Positions of the cells over which the sandbox was lost.
    errors : bool
        Whether a cell that answers are made of ended with an error.
    stopped : list of str
        Cells that had to be stopped, in a sentence each.
    seconds : float
        Wall time.
    peak : int
        Largest resident memory of the sandbox, bytes.
    spent : dict of str to float
        Wall time of each exercise in the examination, its tests included, s.
    """

    outcomes: list[Outcome]
    deadly: list[int] = field(default_factory=list)
    errors: bool = False
    stopped: list[str] = field(default_factory=list)
    seconds: float = 0.0
    peak: int = 0
    spent: dict[str, float] = field(default_factory=dict)


def tests(source: NotebookNode) -> list[Test]:
    """Return the test cells of a source notebook."""
    limits = {
        cell.metadata.nbgrader.grade_id: cell.metadata.get("labkit", {})
        for cell in source.cells
        if role(cell) == "solution"
    }
    found = []
    for cell in source.cells:
        if role(cell) == "test":
            name = cell.metadata.nbgrader.grade_id
            exercise = exercise_of(name, list(limits))
            own = limits.get(exercise, {})
            found.append(
                Test(
                    name=name,
                    points=float(cell.metadata.nbgrader.points),
                    exercise=exercise,
                    seconds=own.get("seconds", DEFAULT_SECONDS),
                    memory=int(own.get("memory_gb", 0) * 1e9),
                    code=cell.source,
                )
            )
    return found


@dataclass
class Shown:
    """What a submission showed when it ran once more, without hidden tests.

    Attributes
    ----------
    story : list of dict
        What the student's own cells showed: printed, figures, error.
    told : dict of str to str
        The words of the visible tests that failed, by test.
    stopped : list of str
        Cells that had to be stopped, and what of the story was left out, in a sentence each.
    seconds : float
        Wall time.
    peak : int
        Largest resident memory of the sandbox, bytes.
    """

    story: list[dict[str, Any]] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    seconds: float = 0.0
    peak: int = 0


@dataclass(frozen=True)
class Conditions:
    """Under which conditions a submission runs.

    Attributes
    ----------
    limits : Limits
    unsafe : bool
        Without a sandbox.
    wall : str
        Around the sandbox, one of `sandbox.WALLS`.
    seed : int
        What chance follows from, in the tests and in the sandbox.
    student : str
        The name under which it was handed in: it decides which truth is asked for.
    """

    limits: Limits = field(default_factory=Limits)
    unsafe: bool = False
    wall: str = BUBBLEWRAP
    seed: int = 0
    student: str = students.INSTRUCTOR


def judge(work: Repaired, examination: list[Test], conditions: Conditions | None = None) -> Verdict:
    """Run what answers are made of in a repaired submission, and the tests.

    Parameters
    ----------
    work : Repaired
    examination : list of Test
        Of the source notebook.
    conditions : Conditions, optional

    Returns
    -------
    Verdict
        The same for the same work and seed, unless the work looks at the clock or asks the system
        for chance (`os.urandom`, `secrets`, `uuid`).
    """
    started = time.monotonic()
    with _running(work, examination, conditions or Conditions()) as run:
        outcomes = run.examine()
    deadly = sorted(run.deadly)
    seconds = time.monotonic() - started
    return Verdict(outcomes, deadly, run.errors, run.stopped, seconds, run.peak, run.spent)


def show(
    work: Repaired,
    examination: list[Test],
    verdict: Verdict,
    conditions: Conditions | None = None,
    *,
    whole: bool = True,
) -> Shown:
    """Run a judged submission once more, for what it shows and what its visible tests say.

    Parameters
    ----------
    work : Repaired
    examination : list of Test
        Of the source notebook.
    verdict : Verdict
        What it came to; no mark depends on what is found here.
    conditions : Conditions, optional
    whole : bool
        Whether all cells run, or only what answers are made of.

    Returns
    -------
    Shown
    """
    started = time.monotonic()
    with _running(work, examination, conditions or Conditions()) as run:
        run.deadly |= set(verdict.deadly)
        try:
            story, told = run.tell_story(verdict.outcomes, whole)
        except Exception:  # noqa: BLE001 - whatever it shows, the marks stand
            story, told = [], {}
            run.stopped.append(NO_STORY)
    return Shown(story, told, run.stopped, time.monotonic() - started, run.peak)


@contextlib.contextmanager
def _running(work: Repaired, examination: list[Test], conditions: Conditions) -> Iterator[_Run]:
    with (
        students.examined(conditions.student),
        sandbox.scratch() as folder,
        contextlib.closing(_Run(work, examination, conditions, folder)) as run,
    ):
        yield run


class _Run:
    def __init__(
        self,
        work: Repaired,
        examination: list[Test],
        conditions: Conditions,
        shared: Path,
    ) -> None:
        self._cells = work.cells
        self._tests = {test.name: test for test in examination}
        most = max((test.memory for test in examination), default=0)
        self._limits = limits = conditions.limits
        self._walls = dataclasses.replace(limits, memory=max(limits.memory, most))
        self._conditions = conditions
        self._shared = shared
        self._deadline = time.monotonic() + limits.lab_seconds
        self._shell: Shell | None = None
        self._needed: set[int] = set()  # positions of cells, see `needed_cells`
        self._used: set[int] = set()
        self.deadly: set[int] = set()  # cells not to be run again
        self._lost: dict[str, str] = {}  # exercises that were stopped, and why
        self.stopped: list[str] = []
        self.errors = False
        self.spent: dict[str, float] = {}
        self.peak = 0

    # -- the examination: only the cells that answers are made of, and the tests in between --

    def examine(self) -> list[Outcome]:
        outcomes = {}
        self._find_needed()
        for position, cell in enumerate(self._cells):
            exercise, started = cell.name, time.monotonic()
            if cell.role == "test":
                if test := self._tests.get(cell.name):
                    exercise = test.exercise
                    outcomes[test.name] = self._test(test, position)
            elif position in self._needed:
                self._execute(position)
            self.spent[exercise] = self.spent.get(exercise, 0.0) + time.monotonic() - started
        self.close()
        return [outcomes[name] for name in self._tests]

    def _find_needed(self) -> None:
        """Let the sandbox read the cells; if that fails all are needed."""
        code = {n: c.source for n, c in enumerate(self._cells) if _runs(c)}
        request = {"do": "names", "sources": list(code.values())}
        names: dict[int, Any] = {}
        try:
            self._shell = self._start()
            granted = Budget(NAMES_SECONDS, NAMES_SECONDS, self._limits.memory)
            names = dict(zip(code, self._shell.ask(request, granted, "Your code"), strict=True))
        except Stopped as stopped:
            self._drop(stopped)
        self._needed, self._used = needed_cells(self._cells, names) if names else (set(code),) * 2

    def _open(self, position: int) -> Shell:
        """Return a sandbox in which all needed cells before this one have run."""
        while self._shell is None:  # again, if a cell behaves worse than the first time
            self._shell = self._start()
            for earlier in sorted(self._needed - self.deadly):
                if earlier < position and self._shell is not None:
                    self._execute(earlier)
        return self._shell

    def _start(self) -> Shell:
        how = self._conditions
        shell = Shell(self._shared, self._walls, how.unsafe, how.seed, how.wall)
        granted = Budget(NAMES_SECONDS, NAMES_SECONDS, self._limits.memory)
        request = {"do": "belong_to", "student": os.fsencode(how.student)}
        shell.ask(request, granted, "Your code")
        return shell

    def _execute(self, position: int) -> None:
        cell = self._cells[position]
        if position in self.deadly:
            return
        own = [test for test in self._tests.values() if test.exercise == cell.name]
        what = f"The cell of `{cell.name}`" if cell.name else "A cell of yours"
        spare = position in self._needed - self._used
        try:
            granted = self._of_exercise(own[0]) if own else self._of_cell(spare)
            shell = self._open(position)
            request = {"do": "run", "source": cell.source}
            answer = shell.ask(request, granted, what, MAX_ANSWER)
            self.errors |= type(answer) is dict and answer.get("error") is not None
        except Stopped as stopped:
            why = self._drop(stopped)
            self.deadly.add(position)
            if cell.role == "solution":
                self._lost[cell.name] = why

    def _test(self, test: Test, position: int) -> Outcome:
        outcome = Outcome(test.name, test.exercise, 0.0, test.points)
        if why := self._lost.get(test.exercise):
            outcome.told = why
            return outcome
        try:
            granted = self._of_exercise(test)
            asked = Answers(self._open(position), granted)
            told, outcome.visible = attempt(
                test, asked, self._shared, self._conditions.seed, seconds=self._left()
            )
        except Stopped as stopped:
            told = self._lost[test.exercise] = self._drop(stopped)
        outcome.told = told
        if not told:
            outcome.points = test.points
        return outcome

    # -- the story: what cells show, and what visible tests say, where no hidden test has been --

    def tell_story(
        self, outcomes: list[Outcome], whole: bool
    ) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """Return what the cells showed, and the words of the visible tests that failed."""
        failed = {outcome.name for outcome in outcomes if outcome.visible}
        story = Story()
        told: dict[str, str] = {}
        ended: dict[str, str] = {}  # errors with which cells of answers ended
        if not whole:
            self._find_needed()
        for position, cell in enumerate(self._cells):
            if cell.kind != "code" or position in self.deadly:
                continue
            if not whole and cell.role != "test" and position not in self._needed:
                continue
            try:
                if self._shell is None:
                    self._shell = self._start()
                if cell.role == "test":
                    if cell.name in failed:
                        told[cell.name] = self._hear(cell.name, self._shell, ended)
                    continue
                request = {"do": "run", "source": cell.source}
                answer = self._shell.ask(request, self._of_cell(), "A cell of yours", MAX_ANSWER)
            except Stopped as stopped:
                self._drop(stopped)
                break  # the rest would need what is lost
            error = story.add(answer, position, cell.name)
            if error and cell.role == "solution":
                ended[cell.name] = error
        self.stopped += story.said
        return story.shown, {name: words for name, words in told.items() if words}

    def _hear(self, name: str, shell: Shell, ended: Mapping[str, str]) -> str:
        """Return the visible test's own words."""
        test = self._tests[name]
        asked = Answers(shell, self._of_exercise(test))
        test = dataclasses.replace(test, code=visible(test.code))
        seed, left = self._conditions.seed, self._left()
        told, _ = attempt(test, asked, self._shared, seed, frank=True, seconds=left)
        error = ended.get(test.exercise)
        if error and told.startswith(f"`{test.exercise}` is not defined"):
            return f"the cell of `{test.exercise}` ended with an error: {error}"
        return told

    def _of_exercise(self, test: Test) -> Budget:
        return budget(test, self._limits, self._left())

    def _of_cell(self, spare: bool = False) -> Budget:
        """Return what a cell may use that is no answer; less if nothing needs it."""
        seconds = self._limits.story_seconds / (UNUSED if spare else 1)
        wall = min(self._limits.waiting * seconds, self._left())
        return Budget(seconds, wall, self._limits.memory)

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Stopped(LATE)
        return left

    def _drop(self, stopped: Stopped) -> str:
        """Give the sandbox up, and return what the student may know of why."""
        # how much of the lab's time was left is a clock by which work could tell what it was asked
        why = LATE if time.monotonic() >= self._deadline else str(stopped)
        if why not in self.stopped:
            self.stopped.append(why)
        self.close()
        return why

    def close(self) -> None:
        """End the sandbox."""
        if self._shell is not None:
            self.peak = max(self.peak, self._shell.peak)
            self._shell.__exit__()
            self._shell = None


def budget(test: Test, limits: Limits, left: float = math.inf) -> Budget:
    """Return what the work may use to answer a test, with so many seconds left for the lab."""
    seconds = limits.patience * test.seconds
    return Budget(seconds, min(limits.waiting * seconds, left), test.memory or limits.memory)


# --- answers from the other side ----------------------------------------------------------------


class Answers:
    """What `checks.submitted` finds: values, and stand-ins for functions, by name."""

    def __init__(self, shell: Shell, budget: Budget) -> None:
        self._shell = shell
        self._budget = budget

    def __call__(self, name: str) -> Any:
        """Return a value, or what calls a function of the student's."""
        answer = self._ask(name, None)
        if answer.get("function") is True:
            return lambda *args, **kwargs: _value(self._ask(name, (args, kwargs)))
        return _value(answer)

    def _ask(self, name: str, arguments: tuple[Any, ...] | None) -> dict[str, Any]:
        request = {"do": "call", "name": name, "arguments": arguments}
        answer = self._shell.ask(request, self._budget, f"`{name}`")
        if type(answer) is not dict:
            raise checks.CheckFailed(f"`{name}` gave an answer that cannot be read")
        return answer


class _Refused(checks.CheckFailed):
    """Words from the sandbox: they may hold anything."""


def _value(answer: dict[str, Any]) -> Any:
    """Return the value in an answer, or raise what it says was raised."""
    if "value" in answer:
        return answer["value"]
    if type(answer.get("refused")) is str:
        raise _Refused(answer["refused"])
    names, message = answer.get("raised"), answer.get("message")
    if type(names) is list and type(message) is str:
        raise _exception(names)(message)
    raise checks.CheckFailed("the answer cannot be read")


def _exception(names: list[Any]) -> type[Exception]:
    """Return the first of the built-in exceptions named, if it is one a test can be shown."""
    for name in names:
        known = getattr(builtins, name, None) if type(name) is str else None
        if isinstance(known, type) and issubclass(known, Exception):
            try:
                known("")
            except TypeError:  # UnicodeError and its like want more than a message
                continue
            return RuntimeError if issubclass(known, AssertionError) else known
    return RuntimeError


# --- one test -----------------------------------------------------------------------------------


def attempt(
    test: Test,
    answers: Callable[[str], Any],
    shared: Path,
    seed: int = 0,
    frank: bool = False,
    seconds: float = TEST_SECONDS,
) -> tuple[str, bool]:
    """Run a test.

    Parameters
    ----------
    test : Test
    answers : callable
        See `checks.answers_from`.
    shared : Path
        Where its files go.
    seed : int
        See `chance.settle`.
    frank : bool
        Whether all may be told: only where the work has met no hidden test.
    seconds : float
        What is left of the lab's time, s.

    Returns
    -------
    told : str
        "" if it passed, else what the student may know.
    visible : bool
        Whether it failed in the part that the student has.

    Raises
    ------
    Stopped
        If the sandbox is gone.
    """
    file = f"<{test.name}>"
    try:
        with (
            _time_limit(min(seconds, TEST_SECONDS)),
            seeding.settled(seed, test.name),
            checks.answers_from(answers, shared),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            exec(compile(test.code, file, "exec"), {"__name__": "test"})
    except Exception as error:  # noqa: BLE001 - a test may fail in any way
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
        seen = bool(frames) and not any(is_hidden(test.code, f.lineno or 0) for f in frames)
        return (_all(error) if frank else say(error, test.code, seen)), seen
    return "", False


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Stop a test that computes without end: an answer may be larger than its author thought of.

    The clock is that of this process's own computing; while the work is waited for it stands.
    """

    def stop(*_: object) -> None:
        raise Stopped("A test took too long with your answer and was stopped")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _all(error: Exception) -> str:
    known = isinstance(error, checks.CheckFailed)
    return (str(error) if known else f"{type(error).__name__}: {error}")[:1000]


def say(error: Exception, code: str, seen: bool = False) -> str:
    """Return what a student may know of a failure that may have to do with hidden tests.

    Only the words that the test's author wrote for students are passed on, with what was put into
    them left out. Of what a sandbox said, which may be made up, nothing is but that a name is
    missing for which the part asks that students have.

    Parameters
    ----------
    error : Exception
    code : str
        The test cell.
    seen : bool
        Whether it failed in the part that students have.

    Returns
    -------
    str
    """
    message = str(error)
    if isinstance(error, checks.CheckFailed) and not isinstance(error, _Refused):
        for pieces, words in _hints(code):
            if _fits(message, pieces):
                return words
    if isinstance(error, checks.CheckFailed) and seen:
        for name in re.findall(r"submitted\(\s*[\"'](\w+)", visible(code)):
            for known in ("is not written yet", "is not defined"):
                if message.startswith(f"`{name}` {known}"):
                    return f"`{name}` {known}"
    return SILENT


def _hints(code: str) -> Iterator[tuple[list[str], str]]:
    """Yield each text of a test cell: the pieces between what is filled in, and all with dots."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield [node.value], node.value
        elif isinstance(node, ast.JoinedStr):
            pieces = [""]
            for value in node.values:
                if isinstance(value, ast.Constant):
                    pieces[-1] += str(value.value)
                else:
                    pieces.append("")
            words = "...".join(pieces)
            if len(re.sub(r"\W", "", words)) > 8:
                yield pieces, words


def _fits(message: str, pieces: list[str]) -> bool:
    """Say whether a message is these pieces with anything in between; in one pass over it."""
    first, *others = pieces
    if not others:
        return message == first
    *middle, last = others
    start, end = len(first), len(message) - len(last)
    if start > end or not (message.startswith(first) and message.endswith(last)):
        return False
    for piece in middle:
        found = message.find(piece, start, end)
        if found < 0:
            return False
        start = found + len(piece)
    return True


# --- which cells answers are made of ------------------------------------------------------------


def _runs(cell: Cell) -> bool:
    return cell.kind == "code" and cell.role != "test"


def needed_cells(
    cells: list[Cell], names: Mapping[int, tuple[list[str], list[str]]]
) -> tuple[set[int], set[int]]:
    """Return the cells that tests need, and those of them that the others use.

    Locked cells, answers and students' own are needed, and what these use. The story as it was
    handed out only looks at answers, and so does what a student wrote into one of its cells: it is
    left out where no cell that is needed uses a name it makes.

    Parameters
    ----------
    cells : list of Cell
    names : dict of int to (list of str, list of str)
        What each cell of code but tests makes and uses, by position: see `cell_names`.

    Returns
    -------
    needed, used : set of int
        Positions. Not used are only cells of students' own.
    """
    answers = {n for n in names if cells[n].role != "own"}
    own = {n for n in names if not (cells[n].released or cells[n].story)}
    used = _with_sources(answers, names)
    return _with_sources(answers | own, names), used


def _with_sources(start: set[int], names: Mapping[int, tuple[list[str], list[str]]]) -> set[int]:
    """Return cells with all that make a name that one of them uses."""
    makers: dict[str, list[int]] = {}
    for position, (made, _) in names.items():
        for name in made:
            makers.setdefault(name, []).append(position)
    found: set[int] = set()
    waiting = list(start)
    while waiting:
        position = waiting.pop()
        if position not in found:
            found.add(position)
            for name in names[position][1]:
                waiting += makers.pop(name, [])
    return found


__all__ = [
    "Answers",
    "Conditions",
    "Outcome",
    "Shown",
    "Test",
    "Verdict",
    "attempt",
    "budget",
    "judge",
    "needed_cells",
    "show",
    "tests",
    "visible",
]
