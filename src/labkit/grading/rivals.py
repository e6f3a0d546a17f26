"""Rival answers: what people really write, tried on every exercise by the way marks are made.

A rivals file, ``tests/grading/NN_slug/exercise.py``, holds one exercise, in cells as a student
would type them, or as an edit (see `edits`) of the model answer or of a right rival further up::

    # %% right: with astropy constants
    def surface_gravity(mass, radius): ...

    # %% wrong: natural logarithm | loses: test_surface_gravity
    # np.log10 => np.log

    # %% wrong: in SI units | edits: with astropy constants | loses: test_surface_gravity
    # .cgs => .si

Right answers must keep every point; wrong ones lose exactly the tests they name. They run in the
sandbox and are asked by the trusted tests, as submissions are; only the interpreter stays warm
from one rival to the next, with a fresh namespace.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from labkit import ROOT, lab_source, sandbox
from labkit.errors import GradingError
from labkit.grading import edits, judge
from labkit.grading.cells import role
from labkit.sandbox import Budget, Limits, Shell, Stopped
from labkit.sandbox.inside import wire
from surveys import students

#: the least share of wrong answers that the tests of a lab must catch
KILL_RATE = 0.97
_HEADER = re.compile(
    r"# %% (?P<kind>right|wrong): (?P<title>[^|]+?)"
    r"(?: \| edits: (?P<edits>[^|]+?))?(?: \| loses: (?P<loses>[^|]+))?"
)


@dataclass(frozen=True)
class Rival:
    """One answer to one exercise.

    Attributes
    ----------
    lab, exercise : str
    kind : str
        right or wrong.
    title : str
        What is particular about it.
    loses : frozenset of str
        The tests it must fail; none for a right one.
    code : str
    """

    lab: str
    exercise: str
    kind: str
    title: str
    loses: frozenset[str]
    code: str

    def __str__(self) -> str:
        return f"{self.lab}/{self.exercise}: {self.kind}, {self.title}"


def read(lab: str, root: Path = ROOT) -> list[Rival]:
    """Read the rivals of a lab.

    Raises
    ------
    GradingError
        If a header cannot be understood, or an edit does not fit the answer that it changes.
    """
    model = _answers(lab_source.read(lab, root))
    rivals = []
    for path in sorted((root / "tests" / "grading" / lab).glob("*.py")):
        rivals += _rivals_of(path, lab, model.get(path.stem))
    return rivals


def _rivals_of(path: Path, lab: str, model: str | None) -> list[Rival]:
    """Read the rivals of one exercise."""
    rivals: list[Rival] = []
    line = 1
    for block in re.split(r"^(?=# %%)", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
        header, _, code = block.partition("\n")
        if header.startswith("# %%"):
            match = _HEADER.fullmatch(header.strip())
            if match is None:
                raise GradingError(f"{path}:{line}: cannot read the rival's header {header!r}")
            loses = frozenset((match["loses"] or "").replace(",", " ").split())
            if (match["kind"] == "wrong") != bool(loses):
                raise GradingError(
                    f"{path}:{line}: {header!r}: wrong answers lose tests, right ones none"
                )
            right = {rival.title: rival.code for rival in rivals if rival.kind == "right"}
            try:
                code = _code(code, match["edits"], model, right)
            except edits.EditError as error:
                raise GradingError(
                    f"{path}:{line + 1 + error.line}: rival {match['title']!r}: {error}"
                ) from None
            rivals.append(Rival(lab, path.stem, match["kind"], match["title"], loses, code))
        line += block.count("\n")
    return rivals


def _code(text: str, title: str | None, model: str | None, right: Mapping[str, str]) -> str:
    """Return a rival's code: the text itself, or the answer that it edits with its changes."""
    if not edits.is_edit(text):
        if title:
            raise edits.EditError(-1, "it says which answer it edits, but its text is no edit")
        return text
    answer = right.get(title) if title else model
    if answer is None:
        what = f"right rival {title!r} above it" if title else "model answer of this name"
        raise edits.EditError(-1, f"there is no {what} to edit: write the rival out in full")
    return edits.edited(answer, text)


class Lab:
    """A lab's tests and model answers, ready to be tried with other answers in their place.

    Parameters
    ----------
    slug : str
    unsafe : bool
        Without a sandbox.
    hash_seed : int
        Of Python's hashes in the interpreter that answers.

    Attributes
    ----------
    tests : list of Test
    limits : Limits
    """

    def __init__(self, slug: str, *, unsafe: bool = False, hash_seed: int = 0) -> None:
        self.slug = slug
        notebook = lab_source.read(slug)
        self.tests = judge.tests(notebook)
        self._model = [
            cell.source for cell in notebook.cells if role(cell) in ("setup", "solution")
        ]
        self._answers = _answers(notebook)
        self._uses = {name: _names(answer) for name, answer in self._answers.items()}
        self._long = {test.exercise for test in self.tests if test.is_long}
        self._known: dict[tuple[int, bytes], dict[str, Any]] = {}
        self._unsafe = unsafe
        self._hash_seed = hash_seed
        self.limits = Limits(memory=max([Limits.memory, *(test.memory for test in self.tests)]))
        self._kept = contextlib.ExitStack()
        self._shared = self._kept.enter_context(sandbox.scratch())
        self._shell: Shell | None = None

    @property
    def exercises(self) -> list[str]:
        """The names of what students write, in order."""
        return list(self._uses)

    def lost(
        self, code: str | None, seed: int = 0, without: AbstractSet[str] = frozenset()
    ) -> set[str]:
        """Return the tests an answer fails.

        Parameters
        ----------
        code : str, optional
            None for the model answer, against every test; else only the tests that ask for
            something the code defines, or for something made of it.
        seed : int
            What chance follows from.
        without : set of str
            Tests that are left out.
        """
        tests = [test for test in self.tests if test.name not in without]
        touched: set[str] = set()
        if code is not None:
            touched = self._touched(_defined(code))
            tests = [test for test in tests if _asked(test.code) & touched]
        if not self._write([*self._model, *([code] if code else [])], seed):
            return {test.name for test in tests}
        same = self._long - touched
        budgets = ((test, judge.budget(test, self.limits)) for test in tests)
        return {test.name for test, budget in budgets if not self._passes(test, budget, seed, same)}

    def tests_of(self, exercise: str, longest: float = judge.LONG_SECONDS) -> list[judge.Test]:
        """Return the tests that ask for an exercise, or for what is made of it.

        But for those of other exercises with a limit above the longest, s: they would be computed
        anew for each wrong answer here.
        """
        touched = self._touched(_defined(self._answers[exercise]))
        asking = [test for test in self.tests if _asked(test.code) & touched]
        return [test for test in asking if test.exercise == exercise or test.seconds <= longest]

    def cells_for(self, test: judge.Test, exercise: str = "", code: str = "") -> list[str]:
        """Return the cells a test depends on, with other code for one exercise."""
        home = {name: e for e, answer in self._answers.items() for name in _defined(answer)}
        needed, names = set[str](), _asked(test.code)
        while more := {home[name] for name in names if name in home} - needed:
            needed |= more
            names = set[str]().union(*(self._uses[each] for each in more))
        others = [self._answers[each] for each in self._answers if each not in needed]
        return [cell for cell in self._with(exercise, code) if cell not in others]

    def outcomes(
        self,
        exercise: str,
        code: str,
        tests: Sequence[tuple[judge.Test, Budget]],
        seed: int = 0,
    ) -> Iterator[bool]:
        """Put other code in the place of a model answer, and yield whether it passes each test.

        Parameters
        ----------
        exercise : str
            "" to leave all the model answers in place.
        code : str
        tests : sequence of (Test, Budget)
            With what may be used to answer each.
        seed : int
            What chance follows from.
        """
        touched = self._touched(_defined(code)) if exercise else set()
        alive = self._write(self._with(exercise, code), seed)
        for test, budget in tests:
            yield alive and self._passes(test, budget, seed, self._long - touched)

    def _with(self, exercise: str, code: str) -> list[str]:
        """Return the cells of the model, with other code for one exercise."""
        replaced = self._answers.get(exercise)
        return [code if cell == replaced else cell for cell in self._model]

    @property
    def long_tests(self) -> frozenset[str]:
        """The tests of exercises that train networks or sample posteriors."""
        return frozenset(test.name for test in self.tests if test.is_long)

    def blank(self) -> str:
        """Return what students start from: every exercise unwritten."""
        stub = "def {}(*args, **kwargs):\n    raise NotImplementedError\n"
        names = sorted(set[str]().union(*(_defined(code) for code in self._answers.values())))
        return "\n".join(stub.format(name) for name in names)

    def close(self) -> None:
        """End the sandbox."""
        if self._shell:
            self._shell.__exit__()
        self._kept.close()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, cells: list[str], seed: int) -> bool:
        """Run cells in a fresh namespace; say whether the interpreter survived."""
        try:
            if self._shell is None:
                self._shell = Shell(self._shared, self.limits, self._unsafe, self._hash_seed)
            self._ask({"do": "renew", "seed": seed})
            for cell in cells:
                self._ask({"do": "run", "source": cell})
        except Stopped:
            self._shell = None
            return False
        return True

    def _ask(self, request: dict[str, object]) -> None:
        seconds = self.limits.story_seconds
        budget = Budget(seconds, self.limits.waiting * seconds, self.limits.memory)
        assert self._shell is not None  # `_write` has opened it
        self._shell.ask(request, budget, "a cell")

    def _passes(self, test: judge.Test, budget: Budget, seed: int, same: set[str]) -> bool:
        if self._shell is None:  # an earlier test has ended it
            return False
        answers = _Answers(self._shell, budget, seed, same, self._known)
        try:
            with students.examined(students.INSTRUCTOR):
                return not judge.attempt(test, answers, self._shared, seed)[0]
        except Stopped:
            self._shell = None
            return False

    def _touched(self, names: set[str]) -> set[str]:
        """Return the exercises whose answer calls, directly or not, one of the names."""
        touched = set(names)
        while more := {e for e, used in self._uses.items() if used & touched} - touched:
            touched |= more
        return touched


class _Answers(judge.Answers):
    """Answers that are asked for once, where a rival does not change them.

    Parameters
    ----------
    shell, budget
        See `judge.Answers`.
    seed : int
        What chance follows from.
    same : set of str
        Functions that use nothing the rival defines.
    known : dict
        Their answers so far, by seed and question.
    """

    def __init__(
        self,
        shell: Shell,
        budget: Budget,
        seed: int,
        same: set[str],
        known: dict[tuple[int, bytes], dict[str, Any]],
    ) -> None:
        super().__init__(shell, budget)
        self._seed = seed
        self._same = same
        self._known = known

    def _ask(self, name: str, arguments: tuple[Any, ...] | None) -> dict[str, Any]:
        if name not in self._same or arguments is None:
            return super()._ask(name, arguments)
        question = self._seed, wire.encode([name, arguments])
        if question not in self._known:
            self._known[question] = super()._ask(name, arguments)
        return copy.deepcopy(self._known[question])  # a test may change what it gets


def _answers(notebook: NotebookNode) -> dict[str, str]:
    """Return the model answers by exercise, in order."""
    return {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in notebook.cells
        if role(cell) == "solution"
    }


def _asked(code: str) -> set[str]:
    return set(re.findall(r"submitted\(\s*\"(\w+)\"", code))


def _names(code: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}


def _defined(code: str) -> set[str]:
    return {
        name
        for node in ast.parse(code).body
        for name in (
            [node.name]
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
            else [t.id for t in getattr(node, "targets", []) if isinstance(t, ast.Name)]
        )
    }


# --- the table ----------------------------------------------------------------------------------


def table(lost: Mapping[Rival, set[str]]) -> list[dict[str, object]]:
    """Count by exercise how rivals fared.

    Parameters
    ----------
    lost : dict of Rival to set of str
        The tests each one failed.

    Returns
    -------
    list of dict
        ``lab``, ``exercise``, ``wrong`` and how many of them were ``caught``, ``right`` and how
        many of them ``failed``, and how many of all lost other tests ``than named``.
    """
    rows = []
    for lab, exercise in dict.fromkeys((rival.lab, rival.exercise) for rival in lost):
        own = {r: names for r, names in lost.items() if (r.lab, r.exercise) == (lab, exercise)}
        wrong = [names for rival, names in own.items() if rival.kind == "wrong"]
        right = [names for rival, names in own.items() if rival.kind == "right"]
        rows.append(
            {
                "lab": lab,
                "exercise": exercise,
                "wrong": len(wrong),
                "caught": sum(map(bool, wrong)),
                "right": len(right),
                "failed": sum(map(bool, right)),
                "than named": sum(names != rival.loses for rival, names in own.items()),
            }
        )
    return rows


def verdict(rows: list[dict[str, Any]]) -> tuple[str, bool]:
    """Return a table's sum in a sentence, and whether it is good enough."""
    wrong, caught, right, failed, other = (
        sum(row[key] for row in rows)
        for key in ("wrong", "caught", "right", "failed", "than named")
    )
    rate = caught / wrong if wrong else 0.0
    said = (
        f"{caught} of {wrong} wrong answers caught ({rate:.1%}), {failed} of {right} right ones "
        f"failed, {other} lost other tests than named"
    )
    return said, rate >= KILL_RATE and not failed and not other
