"""nbgrader's own `autograde` and `generate_feedback`, done as `labkit grade` does them.

A course names in nbgrader_config.py the class with which nbgrader converts notebooks. nbgrader
makes one when it has found the folders to convert, before it has copied or run anything in them.
The classes here do all the work at that moment, and leave nbgrader nothing to convert: from the
command line and from the formgrader, students' code runs in the sandbox or not at all.
"""

from __future__ import annotations

import fnmatch
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbconvert.exporters import NotebookExporter
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader.converters import Autograde, NbGraderException
from traitlets import Bool

from labkit.errors import GradingError
from labkit.grading import nbgrader_cycle
from labkit.lab_source import NO_KERNEL, STUDENTS_KERNEL
from labkit.notebooks import nbgrader_api
from surveys.errors import KitError

if TYPE_CHECKING:
    from labkit.grading.batch import Graded


class _ByLabkit(NotebookExporter):
    """Does all of a converter's work when it is made; a subclass says how.

    Parameters
    ----------
    parent : nbgrader.converters.BaseConverter
    **options
        As other exporters.

    Raises
    ------
    nbgrader.converters.NbGraderException
        If something could not be done; the log says why, and what to do.
    """

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent=parent, **options)  # type: ignore[no-untyped-call]
        parent.assignments = {}  # what nbgrader would convert
        lab, log = parent.coursedir.assignment_id, parent.log
        try:
            report = self.work(parent, _course(parent.coursedir), lab)
        except (KitError, OSError) as error:
            log.error("%s %s", error, _advice(lab))
            raise NbGraderException(f"{lab} was not graded: {error}") from None
        for line in report:
            _tell(log, line)
        if failed := [line.student for line in report if line.error]:
            raise NbGraderException(f"{lab} of {', '.join(failed)}: see the log above")

    def work(self, converter: Any, course: Path, lab: str) -> list[Graded]:
        """Return what became of each student's submission."""
        raise NotImplementedError

    def from_notebook_node(self, *_: Any, **__: Any) -> Any:
        """Refuse to convert a notebook: nbgrader has been left none."""
        raise GradingError(
            "nbgrader's own way to convert notebooks is switched off.", _advice("LAB")
        )


class SandboxedAutograde(_ByLabkit):
    """Grades submissions as `labkit grade` does; for ``Autograde.exporter_class``."""

    def work(self, converter: Any, course: Path, lab: str) -> list[Graded]:
        """Grade those whom nbgrader was asked for."""
        from labkit import sandbox
        from labkit.grading import batch, handed_in

        students = _asked_for(converter.coursedir, handed_in.students(course, lab))
        settings = batch.Settings(course, lab)
        sandbox.require(settings.wall)
        if missing := sandbox.missing_limits(wall=settings.wall):
            converter.log.warning(missing)
        shown = len(students) > 1 and sys.stderr.isatty()
        return batch.grade(settings, students, force=converter.force, progress=shown)


_init_notebooks = Autograde.init_notebooks


def _init_notebooks_or_none(converter: Any) -> None:
    """Go on where nbgrader finds no notebook, and would stop before it makes the class above.

    What it does not find may lie in a folder further in, and who handed in nothing that can be read
    is to get a page.
    """
    try:
        _init_notebooks(converter)
    except NbGraderException:
        if converter.exporter_class is not SandboxedAutograde:
            raise


# no setting of nbgrader's reaches this
Autograde.init_notebooks = _init_notebooks_or_none


class FeedbackPages(_ByLabkit):
    """Brings pages up to date, grading nothing; for ``GenerateFeedback.exporter_class``."""

    def work(self, converter: Any, course: Path, lab: str) -> list[Graded]:
        """Write the pages of those whom nbgrader was asked for."""
        from labkit.grading import batch

        folders = (course / "autograded").glob(f"*/{lab}")
        students = _asked_for(converter.coursedir, sorted(path.parent.name for path in folders))
        return batch.write_pages(batch.Settings(course, lab), students)


class NoKernel(Preprocessor):
    """Names a kernel that nobody has in a lab; the first of ``GenerateAssignment.preprocessors``.

    So it is entered in the gradebook: see `lab_source.NO_KERNEL`.
    """

    enabled = Bool(True).tag(config=True)
    kernel = NO_KERNEL

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook with that kernel, and the resources as they are."""
        nb.metadata.kernelspec = dict(self.kernel)
        return nb, resources


class StudentsKernel(NoKernel):
    """Names the students' kernel in a released lab; the last of the preprocessors."""

    kernel = STUDENTS_KERNEL


def _course(folders: Any) -> Path:
    """Return the course folder, if nbgrader keeps its marks where labkit does."""
    course = Path(folders.root)
    with nbgrader_cycle.quiet_nbgrader():
        kept = nbgrader_api(course).coursedir.db_url
    if folders.db_url != kept:
        raise GradingError(
            f"nbgrader is told to use the gradebook {folders.db_url}, but the course has {kept}.",
            f"Name it in {course / 'nbgrader_config.py'} (CourseDirectory.db_url), nowhere else.",
        )
    return course


def _asked_for(folders: Any, known: list[str]) -> list[str]:
    """Return those students whom nbgrader was asked for, by name or by pattern."""
    asked = folders.student_id
    left_out = folders.student_id_exclude.split(",")
    chosen = [asked] if asked in known else fnmatch.filter(known, asked)
    students = [student for student in chosen if student not in left_out]
    if not students:
        raise GradingError(f"there is nothing of {folders.assignment_id} from {asked!r}.")
    return students


def _tell(log: Any, line: Graded) -> None:
    from labkit.grading import feedback

    student = feedback.printable(line.student, 40)
    if line.error:
        log.error("%s: %s", student, feedback.printable(line.error))
        return
    log.info("%s: %g of %g points from the tests", student, line.points, line.points_max)
    for said in (*line.repairs, *line.stopped):
        log.warning("%s: %s", student, said)


def _advice(lab: str) -> str:
    return f"Nothing was run. The command for it is `labkit grade {lab}`; its --help tells more."
