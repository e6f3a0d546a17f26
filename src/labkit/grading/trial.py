"""Mutants on trial: in the sandbox, asked by the trusted tests, as submissions are."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labkit.errors import GradingError
from labkit.grading import examination, judge
from labkit.grading.mutants import Mutant, digest
from labkit.grading.rivals import Lab
from labkit.sandbox import Budget
from surveys import fingerprints

#: how many times the model's own processor time a mutant may use, and what it may use anyway, s:
#: enough to load a large library
TIMES_MODEL, LEAST_SECONDS = 3.0, 8.0
#: how many times its processor time the clock may run, since other work may share the machine
WAITING = 10.0


class Known:
    """What earlier runs have found of mutants and tests that have not changed since.

    Parameters
    ----------
    path : Path, optional
        A file to which it is added line by line, so that nothing is lost when a run is stopped.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._found: dict[str, dict[str, Any]] = {}
        if path and path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(ValueError):  # cut off by a power failure
                    found = json.loads(line)
                    self._keep(found.pop("key"), found)

    def get(self, key: str) -> dict[str, Any]:
        """Return what is known of a mutant and a test."""
        return self._found.get(key, {})

    def add(self, key: str, **found: Any) -> None:
        """Keep what was found."""
        self._keep(key, found)
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, **found}) + "\n")

    def _keep(self, key: str, found: dict[str, Any]) -> None:
        self._found[key] = {**self.get(key), **found}


class Trial:
    """Tries mutants on the tests of a lab.

    Parameters
    ----------
    lab : Lab
    known : Known, optional
        What need not be tried again.
    longest : float
        The largest limit of another exercise whose tests are asked as well, s.
    """

    def __init__(
        self, lab: Lab, known: Known | None = None, longest: float = judge.LONG_SECONDS
    ) -> None:
        self._lab = lab
        self._longest = longest
        self._known = known or Known()
        # a test that was passed may be lost once the grader sees more
        modules = ["labkit.grading.judge", *examination.modules_of_answers()]
        self._grader = fingerprints.digest(modules, examination.PACKAGES)

    def killer(self, exercise: str, code: str) -> str:
        """Return the name of a test that an answer loses; "" if it survives them all.

        Parameters
        ----------
        exercise : str
        code : str

        Raises
        ------
        GradingError
            If the model answer loses a test: then nothing can be said.
        """
        tests = self._lab.tests_of(exercise, self._longest)
        keys = {test.name: self._key(test, exercise, code) for test in tests}
        before = {test.name: self._known.get(keys[test.name]) for test in tests}
        for test in tests:
            if before[test.name].get("lost"):
                return test.name
        tests = [test for test in tests if before[test.name].get("grader") != self._grader]
        seconds = self._seconds(tests)
        # its own first, those that take the model least time first
        tests.sort(key=lambda test: (test.exercise != exercise, seconds[test.name]))
        # one of the model's tests came first and compiled or loaded what all of them need; a mutant
        # whose predecessor has ended the sandbox must do so again, in whichever test it meets first
        first = max(seconds.values(), default=0.0)
        budgets = [(test, self._budget(test, seconds[test.name], first)) for test in tests]
        outcomes = self._lab.outcomes(exercise, code, budgets)
        for test, passed in zip(tests, outcomes, strict=True):
            self._known.add(keys[test.name], lost=not passed, grader=self._grader)
            if not passed:
                return test.name
        return ""

    def _key(self, test: judge.Test, exercise: str = "", code: str = "") -> str:
        return digest(test.name, test.code, *self._lab.cells_for(test, exercise, code))

    def _budget(self, test: judge.Test, seconds: float, first: float) -> Budget:
        granted = judge.budget(test, self._lab.limits)
        cpu = min(max(TIMES_MODEL * seconds + first, LEAST_SECONDS), granted.cpu)
        return Budget(cpu, WAITING * cpu, granted.memory)

    def _seconds(self, tests: list[judge.Test]) -> dict[str, float]:
        """Return the processor time that the model answer takes in tests, s."""
        keys = {test.name: self._key(test) for test in tests}
        known = {name: self._known.get(key).get("seconds") for name, key in keys.items()}
        new = [(t, judge.budget(t, self._lab.limits)) for t in tests if known[t.name] is None]
        granted = [budget.cpu for _, budget in new]
        passed = list(self._lab.outcomes("", "", new)) if new else []
        for (test, budget), before, fine in zip(new, granted, passed, strict=True):
            if not fine:
                raise GradingError(f"the model answer loses {test.name}: mend that first")
            known[test.name] = before - budget.cpu
            self._known.add(keys[test.name], seconds=known[test.name])
        return {name: seconds or 0.0 for name, seconds in known.items()}


def killers(
    lab: str,
    mutants: list[Mutant],
    *,
    workers: int = 1,
    unsafe: bool = False,
    kept: Path | None = None,
    longest: float = judge.LONG_SECONDS,
) -> Iterator[tuple[Mutant, str]]:
    """Try mutants of a lab.

    Parameters
    ----------
    lab : str
    mutants : list of Mutant
    workers : int
        How many processes try them.
    unsafe : bool
        Without a sandbox.
    kept : Path, optional
        Where results are kept from one run to the next, see `Known`.
    longest : float
        See `Trial`, s.

    Yields
    ------
    (Mutant, str)
        As they come, with the name of a test that it lost; "" if it survived.
    """
    if workers <= 1:
        with Lab(lab, unsafe=unsafe) as opened:
            trial = Trial(opened, Known(kept), longest)
            for mutant in mutants:
                yield mutant, trial.killer(mutant.exercise, mutant.code)
        return
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[tuple[int, str]] = context.Queue()
    shares = [list(range(n, len(mutants), workers)) for n in range(workers)]
    options = {"unsafe": unsafe, "kept": kept, "longest": longest}
    processes = [
        context.Process(target=_work, args=(lab, mutants, share, options, results))
        for share in shares
    ]
    for process in processes:
        process.start()
    try:
        waiting = len(mutants)
        while waiting:
            try:
                number, killer = results.get(timeout=1.0)
            except queue.Empty:
                if any(process.exitcode for process in processes):
                    raise GradingError(f"a process that tried mutants of {lab} died") from None
                continue
            waiting -= 1
            yield mutants[number], killer
    except BaseException:
        for process in processes:
            process.terminate()
        raise
    finally:
        for process in processes:
            process.join()


def _work(
    lab: str,
    mutants: list[Mutant],
    share: list[int],
    options: dict[str, Any],
    results: multiprocessing.Queue[tuple[int, str]],
) -> None:
    """Try some of the mutants. Runs in a process of its own."""
    tried = killers(lab, [mutants[number] for number in share], **options)
    for number, (_, killer) in zip(share, tried, strict=True):
        results.put((number, killer))
