"""Grade one submission of a lab: from the handed-in bytes to marks and pages.

Nothing here reads or writes the course folder, so that it may run in any process on any machine
that has the package and the survey.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat

import helpers
from labkit import lab_source
from labkit.errors import GradingError
from labkit.grading import feedback, judge, lab_files, repair
from labkit.grading.cells import handed_out, role
from labkit.grading.repair import Repaired
from labkit.grading.story import saved
from labkit.sandbox import BUBBLEWRAP, Limits, inside
from surveys import fingerprints
from surveys.archives import fingerprints_of, read_survey
from surveys.folders import facts_folder, survey_folder

#: in these, modules that others import count too
PACKAGES = ("helpers", "labkit", "surveys")
#: errors of cells that a page tells of, and characters of one
MAX_ERRORS = 10
MAX_ERROR = 300


@dataclass(frozen=True)
class Settings:
    """What is to be graded and how; the same for all submissions of a batch.

    Attributes
    ----------
    course : Path
    lab : str
    limits : Limits
    unsafe : bool
        Without a sandbox.
    wall : str
        Around the sandbox, one of `sandbox.WALLS`.
    story : bool
        Whether pages show what the notebook prints and draws.
    seed : int
        What chance follows from, in tests and in students' code. 0 is the seed of record.
    """

    course: Path
    lab: str
    limits: Limits = field(default_factory=Limits)
    unsafe: bool = False
    wall: str = BUBBLEWRAP
    story: bool = True
    seed: int = 0

    def conditions(self, student: str) -> judge.Conditions:
        """Return under which conditions a student's submission runs."""
        return judge.Conditions(self.limits, self.unsafe, self.wall, self.seed, student)


@dataclass(frozen=True)
class GradedSubmission:
    """Marks, graded notebook and feedback page of one submission.

    Attributes
    ----------
    result : dict
        What goes into the gradebook; only ``error`` if it could not be graded. While its
        ``to_show`` is true, notebook and page lack what the cells showed: see `Examination.show`.
    notebook : str
        The graded notebook; "" if it could not be graded.
    page : str
        The student's page; "" if the fault is not the submission's.
    """

    result: dict[str, Any]
    notebook: str = ""
    page: str = ""


def failure(why: str) -> GradedSubmission:
    """Return the result of a submission over which the grader itself failed."""
    return GradedSubmission({"error": feedback.printable(why)})


class Examination:
    """A lab's source, its tests, and what was handed out.

    Parameters
    ----------
    settings : Settings

    Raises
    ------
    GradingError
        If the course has no such lab.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        course, lab = settings.course, settings.lab
        source, released = lab_files.solved(course, lab), lab_files.released(course, lab)
        self.source = nbformat.read(source, as_version=4)
        self.released = nbformat.read(released, as_version=4)
        self.tests = judge.tests(self.source)
        self.handed_out = handed_out(self.released)
        self.title = lab_source.title(self.source, lab)
        self.by_hand = {
            cell.metadata.nbgrader.grade_id: float(cell.metadata.nbgrader.points)
            for cell in self.source.cells
            if role(cell) == "explain"
        }
        self._code = fingerprints.digest(
            ["labkit.grading.examination", *modules_of_answers()],
            PACKAGES,
            [source, released, *sorted(facts_folder().glob("*.csv"))],
            repr((settings.limits, settings.seed)),
            _survey(),
        ).encode()

    def digest(self, raw: bytes, notes: list[str]) -> str:
        """Return what identifies a submission together with all its marks depend on."""
        return hashlib.sha256(self._code + raw + "\n".join(notes).encode()).hexdigest()

    def mark(self, student: str, raw: bytes, notes: list[str]) -> GradedSubmission:
        """Repair a submission, run its answers in the sandbox, and say what it came to.

        Parameters
        ----------
        student : str
            The name of the folder in which it was handed in; what the notebook says is not asked.
        raw : bytes
            The submitted file.
        notes : list of str
            What is to be said of how it was handed in.

        Returns
        -------
        GradedSubmission
            With its marks; what its cells show comes later, since no mark depends on it.
        """
        try:
            work = repair.repair(raw, self.handed_out)
        except GradingError as error:
            return self.refuse(student, str(error))
        verdict = judge.judge(work, self.tests, self.settings.conditions(student))
        answers = [cell for cell in work.cells if cell.role in ("solution", "explain")]
        unanswered = [cell.name for cell in answers if cell.released]
        exercises = {test.exercise for test in self.tests}
        outcomes = [asdict(outcome) for outcome in verdict.outcomes]
        for outcome in outcomes:
            outcome["told"] = feedback.printable(outcome["told"])
        result = {
            "outcomes": outcomes,
            "unanswered": unanswered,
            "explanations": self.by_hand,
            "by_hand": sum(p for name, p in self.by_hand.items() if name not in unanswered),
            "errors": [],
            "ended_with_errors": verdict.errors,
            "repairs": [feedback.printable(line) for line in (*notes, *work.repairs)],
            "stopped": [feedback.printable(line) for line in verdict.stopped],
            "deadly": verdict.deadly,
            "seconds": round(verdict.seconds, 2),
            "story_seconds": 0.0,
            "peak_mb": round(verdict.peak / 1e6),
            "to_show": self.settings.story,
            "spent": {name: round(s, 2) for name, s in verdict.spent.items() if name in exercises},
        }
        return GradedSubmission(result, *self._files(student, work, result, []))

    def show(
        self, student: str, raw: bytes, notes: list[str], result: dict[str, Any]
    ) -> GradedSubmission:
        """Add to a marked submission what its cells show and what its visible tests say.

        Pictures and texts are those that the student saved; cells run once more only if none were
        saved, or if it can be told why a visible test failed or a cell ended with an error.

        Parameters
        ----------
        student : str
        raw : bytes
            The submitted file.
        notes : list of str
            What is to be said of how it was handed in.
        result : dict
            What `mark` returned.

        Returns
        -------
        GradedSubmission
            With the same marks.
        """
        work = repair.repair(raw, self.handed_out)
        story = saved(work.cells)
        outcomes = [judge.Outcome(**outcome) for outcome in result["outcomes"]]
        result = {**result, "to_show": False}
        heard = result["ended_with_errors"] or any(outcome.visible for outcome in outcomes)
        if heard or not story.shown:
            verdict = judge.Verdict(outcomes, result["deadly"])
            conditions = self.settings.conditions(student)
            whole = not story.shown
            shown = judge.show(work, self.tests, verdict, conditions, whole=whole)
            for outcome in outcomes:
                outcome.told = feedback.printable(shown.told.get(outcome.name, outcome.told))
            result["outcomes"] = [asdict(outcome) for outcome in outcomes]
            result["errors"] = _errors(work, shown.story)
            stopped = [feedback.printable(line) for line in shown.stopped]
            result["stopped"] = list(dict.fromkeys([*result["stopped"], *stopped]))
            result["story_seconds"] = round(shown.seconds, 2)
            result["peak_mb"] = max(result["peak_mb"], round(shown.peak / 1e6))
        story_shown = story.shown or shown.story
        return GradedSubmission(result, *self._files(student, work, result, story_shown))

    def _files(
        self, student: str, work: Repaired, result: dict[str, Any], story: list[dict[str, Any]]
    ) -> tuple[str, str]:
        """Return graded notebook and page; without what cells showed, or empty, if need be."""
        for shown in (story, []):
            try:
                drawn = feedback.pictures(shown)
                return (
                    feedback.graded_notebook(work.cells, self.released, result, shown, drawn),
                    feedback.page(self.settings.lab, self.title, student, result, drawn),
                )
            except Exception:  # noqa: BLE001 - whatever it showed, the marks stand
                result["stopped"] = [*result["stopped"], judge.NO_STORY]
        return "", ""

    def refuse(self, student: str, why: str) -> GradedSubmission:
        """Return the result of a submission that cannot be graded."""
        page = feedback.refusal(self.settings.lab, self.title, student, why)
        return GradedSubmission({"error": why}, page=page)


def _errors(work: Repaired, story: list[dict[str, Any]]) -> list[str]:
    """Say with which errors cells of the student's own ended, where no test has been."""
    said = []
    for shown in story:
        cell, error = work.cells[shown["cell"]], shown["error"]
        mine = cell.role == "solution" or (cell.role == "own" and not cell.released)
        if mine and error and not error.startswith("NotImplementedError"):
            first = next((line for line in cell.source.splitlines() if line.strip()), "")
            what = f"The cell of `{cell.name}`" if cell.name else f"Your cell `{first[:60]}`"
            said.append(feedback.printable(f"{what}: {error}", MAX_ERROR))
    return said[:MAX_ERRORS]


def modules_of_answers() -> Iterator[str]:
    """Yield the modules in which answers run and that they use; marks depend on them."""
    yield "labkit.sandbox.inside.student"  # a script, which nothing imports ...
    for path in sorted(Path(inside.__path__[0]).glob("*.py")):  # ... and its neighbours
        yield f"labkit.sandbox.inside.{path.stem}"
    for path in sorted(Path(helpers.__path__[0]).glob("*.py")):  # what answers and tests may use
        yield f"helpers.{path.stem}"


def _survey() -> str:
    """Return what identifies the survey that is served, and students' own stars; "" if none is."""
    return " ".join(fingerprints_of(read_survey(survey_folder())))
