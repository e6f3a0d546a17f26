"""Mutants: wrong answers that a machine makes of the model answers, tried as submissions are.

A mutant is a model answer with one slip (see `mutations`). It is killed when it loses a test,
crashes, or uses far more time than the model answer does; one that survives shows what no test
looks at. Some change nothing that a test could or should see: these stand, each with the reason,
in ``tests/grading/NN_slug/equivalent.toml``::

    [[equivalent]]
    exercise = "robust_polynomial"
    reason = "the loop ends when the fit has settled, long before"
    mutants = ["constant: range(25) => range(26)"]
"""

from __future__ import annotations

import hashlib
import tomllib
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from labkit import ROOT, lab_source
from labkit.errors import GradingError
from labkit.grading import judge, mutations
from labkit.grading.cells import role

#: the least share of the mutants that are not equivalent that the tests of a lab must kill
KILL_SHARE = 0.95
#: mutants that are tried of an exercise that trains a network or samples for minutes
LONG_SAMPLE = 10


@dataclass(frozen=True)
class Mutant:
    """A model answer with one slip.

    Attributes
    ----------
    lab, exercise : str
    line : int
        Of the lab's script.
    change : str
        The operator, the text before and after; no other mutant of the exercise reads like it.
    code : str
    """

    lab: str
    exercise: str
    line: int
    change: str
    code: str

    @property
    def key(self) -> tuple[str, str]:
        """Exercise and change, as in the list of equivalent ones."""
        return self.exercise, self.change

    def __str__(self) -> str:
        return f"solutions/{self.lab}/{self.lab}.py:{self.line}: {self.exercise}: {self.change}"


def of_lab(lab: str, root: Path = ROOT, only: str | None = None) -> list[Mutant]:
    """Make every mutant of a lab, in order.

    Parameters
    ----------
    lab : str
        For example ``"01_apogee"``.
    only : str, optional
        Of this exercise.
    root : Path
        The course folder.

    Returns
    -------
    list of Mutant

    Raises
    ------
    GradingError
        If there is no such exercise.
    """
    script = lab_source.script(lab, root).read_text(encoding="utf-8")
    cells = [cell for cell in lab_source.read(lab, root).cells if role(cell) == "solution"]
    answers = {cell.metadata.nbgrader.grade_id: cell.source for cell in cells}
    if only and only not in answers:
        raise GradingError(f"{lab} has no exercise {only!r}; it has {', '.join(answers)}")
    made = []
    for exercise in [only] if only else answers:
        answer = answers[exercise]
        above = script[: script.index(answer, script.index(f'solution="{exercise}"'))].count("\n")
        for mutation in mutations.mutations(answer):
            line = above + mutation.line
            made.append(Mutant(lab, exercise, line, str(mutation), mutation.code))
    return made


def most(lab: str, number: int | None = None, long: int = LONG_SAMPLE) -> dict[str, int]:
    """Return how many mutants of each exercise of a lab to try.

    Parameters
    ----------
    lab : str
    number : int, optional
        Of each; all by default.
    long : int
        Of one that trains a network or samples for minutes.

    Returns
    -------
    dict of str to int
        By exercise; without those of which all are tried.
    """
    tests = judge.tests(lab_source.read(lab))
    found = {} if number is None else {test.exercise: number for test in tests}
    return found | {test.exercise: long for test in tests if test.is_long}


def sample(mutants: Iterable[Mutant], numbers: Mapping[str, int], seed: int = 0) -> list[Mutant]:
    """Draw some of the mutants of each exercise.

    Parameters
    ----------
    mutants : iterable of Mutant
    numbers : dict of str to int
        How many, by exercise; all of one that is not in it.
    seed : int
        Another seed draws others. Whether a mutant is drawn hardly depends on the other ones, so
        that an edit of an answer leaves most of the sample as it is.

    Returns
    -------
    list of Mutant
        In the order given.
    """
    mutants = list(mutants)
    drawn = set()
    for exercise in {mutant.exercise for mutant in mutants}:
        own = [mutant for mutant in mutants if mutant.exercise == exercise]
        own.sort(key=lambda mutant: digest(str(seed), mutant.exercise, mutant.change))
        drawn.update(own[: numbers.get(exercise)])
    return [mutant for mutant in mutants if mutant in drawn]


def equivalents(lab: str, root: Path = ROOT) -> dict[tuple[str, str], str]:
    """Read which mutants of a lab no test could or should tell from a right answer.

    Parameters
    ----------
    lab : str
    root : Path
        The course folder.

    Returns
    -------
    dict
        The reason, by exercise and change.

    Raises
    ------
    GradingError
        If an entry cannot be understood or gives no reason.
    """
    path = root / "tests" / "grading" / lab / "equivalent.toml"
    if not path.is_file():
        return {}
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", [])
    except tomllib.TOMLDecodeError as error:
        raise GradingError(f"{path}: {error}") from None
    found = {}
    for number, entry in enumerate(entries, start=1):
        exercise, reason, changes = map(entry.get, ("exercise", "reason", "mutants"))
        if not (exercise and changes) or len(str(reason or "").split()) < 3:
            raise GradingError(
                f"{path}: entry {number} needs an exercise, a reason in words, and mutants as "
                "`labkit mutants` prints them"
            )
        found.update({(exercise, change): str(reason) for change in changes})
    return found


def digest(*parts: str) -> str:
    """Return a short name for some texts, another one for any others."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


# --- the table ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """How the mutants of a lab fared.

    Attributes
    ----------
    made : dict of str to int
        How many there are, by exercise.
    killed, equivalent, survivors : list of Mutant
        Of those that were tried; recorded as equivalent; left.
    """

    made: dict[str, int]
    killed: list[Mutant]
    equivalent: list[Mutant]
    survivors: list[Mutant]

    @classmethod
    def of(
        cls,
        made: Iterable[Mutant],
        drawn: Iterable[Mutant],
        equivalent: Container[tuple[str, str]],
        killers: Mapping[Mutant, str],
    ) -> Result:
        """Sort the mutants that were drawn by what was recorded of them, and what killed them."""
        drawn = list(drawn)
        counted = [mutant for mutant in drawn if mutant.key not in equivalent]
        return cls(
            dict(Counter(mutant.exercise for mutant in made)),
            [mutant for mutant in counted if killers[mutant]],
            [mutant for mutant in drawn if mutant.key in equivalent],
            [mutant for mutant in counted if not killers[mutant]],
        )

    def __str__(self) -> str:
        counted = len(self.killed) + len(self.survivors)
        return (
            f"{len(self.killed)} of {counted} mutants killed ({self.share:.1%}), "
            f"{len(self.survivors)} survive, {len(self.equivalent)} more are equivalent"
        )

    @property
    def share(self) -> float:
        """The share of the mutants that are not equivalent that was killed."""
        return _share(len(self.killed), len(self.survivors))

    def table(self) -> list[dict[str, object]]:
        """Return a row for each exercise, and one for the lab."""
        rows = []
        for exercise in [*self.made, ""]:
            killed, equivalent, survivors = (
                sum(exercise in ("", mutant.exercise) for mutant in mutants)
                for mutants in (self.killed, self.equivalent, self.survivors)
            )
            rows.append(
                {
                    "exercise": exercise or "all",
                    "mutants": self.made.get(exercise, sum(self.made.values())),
                    "tried": killed + equivalent + survivors,
                    "killed": killed,
                    "equivalent": equivalent,
                    "survivors": survivors,
                    "share": f"{_share(killed, survivors):.1%}",
                }
            )
        return rows


def _share(killed: int, survivors: int) -> float:
    return killed / (killed + survivors) if killed + survivors else 1.0
