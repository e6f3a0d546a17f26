"""Enter labs into nbgrader's gradebook, mark executed notebooks of our own, and read marks back.

The plain way, which runs nothing: the walkthrough's notebooks have been run before. It never trusts
an exit code (nbgrader's `validate` ends with 0 on failure), it looks at the marks in the gradebook.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from traitlets.config import Config
from traitlets.log import get_logger

from labkit.errors import GradingError
from labkit.grading import lab_files
from labkit.notebooks import nbgrader_api, on_path


@dataclass(frozen=True)
class Mark:
    """The marks of one submission.

    Attributes
    ----------
    student, lab : str
    points, points_max : float
        Autograded points and their maximum.
    manual, manual_max : float
        Points given by hand and their maximum.
    lost : dict
        Points lost, by name of the test that failed.
    """

    student: str
    lab: str
    points: float
    points_max: float
    manual: float
    manual_max: float
    lost: dict[str, float]


def register(course: Path, lab: str) -> None:
    """Enter a lab with its tests into the gradebook (nbgrader's generate_assignment).

    Raises
    ------
    GradingError
    """
    lab_files.solved(course, lab)  # a sentence, where nbgrader would have a traceback
    with quiet_nbgrader(), on_path():
        result = nbgrader_api(course).generate_assignment(lab, force=True, create=True)
    if not result["success"]:
        raise GradingError(f"nbgrader cannot generate {lab}: {_reason(result)}")


def grade_executed(course: Path, lab: str, student: str, notebook: NotebookNode) -> Mark:
    """Let nbgrader mark a notebook of our own from the outputs it has, without running it again.

    Parameters
    ----------
    course : Path
        The course folder; the notebook is handed in there.
    lab, student : str
    notebook : NotebookNode
        Executed, tests included.

    Returns
    -------
    Mark

    Raises
    ------
    GradingError
    """
    handed_in = course / "submitted" / student / lab
    handed_in.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, handed_in / f"{lab}.ipynb")
    # nbgrader's own steps, but for those that clear the outputs and make them again
    steps = Config()
    steps.Autograde.exporter_class = "nbconvert.exporters.NotebookExporter"
    steps.Autograde.sanitize_preprocessors = [
        f"nbgrader.preprocessors.{name}"
        for name in ("DeduplicateIds", "OverwriteKernelspec", "OverwriteCells", "CheckCellMetadata")
    ]
    steps.Autograde.autograde_preprocessors = [
        f"nbgrader.preprocessors.{name}"
        for name in ("LimitOutput", "SaveAutoGrades", "AssignLatePenalties", "CheckCellMetadata")
    ]
    with quiet_nbgrader(), on_path():
        result = nbgrader_api(course, steps).autograde(lab, student, force=True, create=True)
    if not result["success"]:
        raise GradingError(f"{lab} of {student} could not be graded: {_reason(result)}")
    return read_mark(course, lab, student)


def read_mark(course: Path, lab: str, student: str) -> Mark:
    """Read one submission's marks from the gradebook.

    Raises
    ------
    GradingError
        If the gradebook has none.
    """
    from nbgrader.api import Gradebook, MissingEntry

    url = nbgrader_api(course).coursedir.db_url
    with Gradebook(url) as gradebook:
        try:
            notebook = gradebook.find_submission_notebook(lab, lab, student)
        except MissingEntry:
            raise GradingError(f"the gradebook has no {lab} of {student}") from None
        auto = [entry for entry in notebook.grades if entry.cell.cell_type == "code"]
        manual = [entry for entry in notebook.grades if entry.cell.cell_type != "code"]
        lost = {e.name: e.max_score - (e.auto_score or 0.0) for e in auto}
        return Mark(
            student=student,
            lab=lab,
            points=sum(entry.auto_score or 0.0 for entry in auto),
            points_max=sum(entry.max_score for entry in auto),
            manual=sum(entry.manual_score or 0.0 for entry in manual),
            manual_max=sum(entry.max_score for entry in manual),
            lost={name: points for name, points in lost.items() if points > 0},
        )


def _reason(result: dict[str, object]) -> str:
    """Take what helps out of what nbgrader's API returns."""
    told = str(result.get("error") or result.get("log") or "no reason given").strip().splitlines()
    return "\n".join(told[-12:])


@contextlib.contextmanager
def quiet_nbgrader() -> Iterator[None]:
    """Keep nbgrader's and alembic's progress messages off the terminal."""
    # the last is the application's, if nbgrader itself asks for grades
    names = ("alembic", "nbgrader", "traitlets", get_logger().name)
    with contextlib.ExitStack() as stack:
        for logger in map(logging.getLogger, names):
            stack.callback(setattr, logger, "disabled", logger.disabled)
            logger.disabled = True  # their levels are nbgrader's to set
        with contextlib.redirect_stderr(io.StringIO()):
            yield
