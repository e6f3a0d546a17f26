"""Rival answers: what people really write, and the points each must keep or lose.

A rivals file holds one exercise, in cells as a student would type them::

    # %% right: with astropy constants
    # %% wrong: natural logarithm | loses: test_surface_gravity
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import checks
from helpers.course import source

HERE = Path(__file__).parent
HEADER = re.compile(r"^# %% (?P<kind>right|wrong): (?P<title>[^|]+?)(?: \| loses: (?P<loses>.+))?$")


@dataclass(frozen=True)
class Rival:
    lab: str
    exercise: str
    kind: str
    title: str
    loses: frozenset[str]
    code: str

    def __str__(self) -> str:
        return f"{self.lab}/{self.exercise}: {self.kind}, {self.title}"


def read_rivals(lab: str) -> list[Rival]:
    rivals = []
    for path in sorted((HERE / lab).glob("*.py")):
        for block in re.split(r"^(?=# %%)", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
            header, _, code = block.partition("\n")
            if not header.startswith("# %%"):
                continue
            match = HEADER.match(header.strip())
            if match is None:
                raise ValueError(f"{path}: cannot read the rival's header {header!r}")
            loses = frozenset((match["loses"] or "").replace(",", " ").split())
            if (match["kind"] == "wrong") != bool(loses):
                raise ValueError(f"{path}: {header!r}: wrong answers lose tests, right ones none")
            rivals.append(Rival(lab, path.stem, match["kind"], match["title"], loses, code))
    return rivals


@dataclass(frozen=True)
class Test:
    name: str
    points: int
    exercises: frozenset[str]
    code: str


class Lab:
    """A lab's tests and model answers, ready to be tried with other answers in their place."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        self.tests: list[Test] = []
        self.exercises: list[str] = []
        uses: dict[str, set[str]] = {}
        for cell in source.read(slug).cells:
            grading = cell.metadata.get("nbgrader", {})
            if cell.cell_type != "code" or not grading:
                continue
            if grading["solution"]:
                self.exercises.append(grading["grade_id"])
                uses[grading["grade_id"]] = _names(cell.source)
            elif grading["grade"]:
                asked = re.findall(r"submitted\(\s*\"(\w+)\"", cell.source)
                self.tests.append(
                    Test(grading["grade_id"], grading["points"], frozenset(asked), cell.source)
                )
        self._prelude = source.solved_code(slug)
        self.model = source.execute(self._prelude, slug)
        self._uses = uses

    def _touched(self, names: set[str]) -> set[str]:
        """Return the exercises whose answer calls, directly or not, one of the names."""
        touched = set(names)
        while True:
            more = {e for e, used in self._uses.items() if used & touched} | touched
            if more == touched:
                return touched
            touched = more

    def lost(self, code: str | None) -> set[str]:
        """Return the tests an answer fails (None: the model answer, against every test)."""
        answers, tests = self.model, self.tests
        if code is not None:
            # a rival's functions and the model's see one another, as in one notebook
            answers = source.execute([*self._prelude, compile(code, "<rival>", "exec")], self.slug)
            touched = self._touched(_defined(code))
            tests = [test for test in self.tests if test.exercises & touched]
        return {test.name for test in tests if not passes(test, answers)}


def passes(test: Test, answers: dict[str, Any]) -> bool:
    with checks.answers_from(answers.__getitem__), contextlib.redirect_stdout(io.StringIO()):
        try:
            exec(compile(test.code, f"<{test.name}>", "exec"), {"__name__": "test"})
        except Exception:  # noqa: BLE001 - an answer may raise anything
            return False
    return True


def blank(lab: Lab) -> dict[str, Any]:
    def unwritten(*args: Any, **kwargs: Any) -> None:
        raise NotImplementedError

    return {**lab.model, **dict.fromkeys(lab.exercises, unwritten)}


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
