"""Marks in nbgrader's gradebook: the rows its own autograde would write, in one transaction.

Beside them, in the same database and the same transaction, stands what was graded (a digest), so
that a batch that was killed knows what is done.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from labkit.grading import nbgrader_cycle, repair
from labkit.notebooks import nbgrader_api, on_path

_TABLE = """
CREATE TABLE IF NOT EXISTS labkit_graded (
    lab VARCHAR(128) NOT NULL, student VARCHAR(128) NOT NULL, digest VARCHAR(64) NOT NULL,
    result TEXT NOT NULL, PRIMARY KEY (lab, student))
"""


class Marks:
    """The gradebook of a course, open for one lab. Use `opened`."""

    def __init__(self, gradebook: Any, lab: str, penalty: Any) -> None:
        self._gradebook = gradebook
        self._lab = lab
        self._penalty = penalty
        self._run(_TABLE)
        gradebook.db.commit()

    def _run(self, statement: str, **values: str) -> Any:
        from sqlalchemy import text

        return self._gradebook.db.execute(text(statement), values)

    def earlier(self, student: str, digest: str) -> tuple[dict[str, Any], float] | None:
        """Return what was recorded for exactly this submission, if its marks still stand.

        Parameters
        ----------
        student, digest : str

        Returns
        -------
        result : dict
        late : float
            Points taken for handing in late.

        None as well if somebody else, nbgrader's autograde perhaps, has marked it since.
        """
        from nbgrader.api import MissingEntry

        found = self._run(
            "SELECT digest, result FROM labkit_graded WHERE lab = :lab AND student = :student",
            lab=self._lab,
            student=student,
        ).first()
        if found is None or found[0] != digest:
            return None
        result = json.loads(found[1])
        wanted = {outcome["name"]: outcome["points"] for outcome in result["outcomes"]}
        try:
            notebook = self._gradebook.find_submission_notebook(self._lab, self._lab, student)
        except MissingEntry:
            return None
        standing = {g.name: g.auto_score for g in notebook.grades if g.cell.cell_type == "code"}
        if standing != wanted:
            return None
        return result, notebook.late_submission_penalty or 0.0

    def record(self, student: str, digest: str, result: dict[str, Any], timestamp: str) -> float:
        """Write one submission's marks, all or none.

        Parameters
        ----------
        student, digest : str
        result : dict
            ``outcomes`` (dictionaries of `judge.Outcome`), ``unanswered`` (names of answers left as
            they were handed out) and whatever else should be remembered.
        timestamp : str
            When it was handed in; "" if that is not known.

        Returns
        -------
        float
            Points taken for handing in late, by the plugin that nbgrader is configured with.
        """
        from nbgrader.api import MissingEntry
        from sqlalchemy.exc import SAWarning

        book, lab = self._gradebook, self._lab
        try:
            book.find_student(student)
        except MissingEntry:
            book.add_student(student)
        when = {"timestamp": timestamp} if timestamp else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's own use of its database
            book.update_or_create_submission(lab, student, **when)
        points = {outcome["name"]: outcome["points"] for outcome in result["outcomes"]}
        notebook = book.find_submission_notebook(lab, lab, student)
        try:
            for grade in notebook.grades:
                if grade.name in points:
                    grade.auto_score = points[grade.name]
                else:  # graded by hand, unless there is nothing to read
                    grade.auto_score = 0.0 if grade.name in result["unanswered"] else None
                by_hand = grade.manual_score is not None
                grade.needs_manual_grade = by_hand or grade.auto_score is None
            for comment in notebook.comments:
                empty = comment.name in result["unanswered"]
                comment.auto_comment = "No response." if empty else None
            late = self._late(student, notebook)
            values = {"lab": lab, "student": student}
            self._run("DELETE FROM labkit_graded WHERE lab = :lab AND student = :student", **values)
            self._run(
                "INSERT INTO labkit_graded VALUES (:lab, :student, :digest, :result)",
                **values,
                digest=digest,
                result=json.dumps(result),
            )
            book.db.commit()
        except BaseException:
            book.db.rollback()
            raise
        return late

    def _late(self, student: str, notebook: Any) -> float:
        """Enter the penalty for handing in late, as nbgrader's autograde would."""
        book = self._gradebook
        book.db.flush()
        book.db.refresh(notebook)  # its score is a sum made by the database
        seconds = book.find_submission(self._lab, student).total_seconds_late
        penalty = None
        if seconds > 0:
            penalty = self._penalty(student, notebook.score, seconds)
        if penalty is not None:
            penalty = min(max(penalty, 0.0), notebook.score)
        notebook.late_submission_penalty = penalty
        return penalty or 0.0


@contextmanager
def opened(course: Path, lab: str, source: NotebookNode) -> Iterator[Marks]:
    """Open the gradebook for a lab, entering the lab first if its tests are new or changed.

    Parameters
    ----------
    course : Path
    lab : str
    source : NotebookNode
        The source notebook.

    Raises
    ------
    GradingError
        If nbgrader cannot enter it.
    """
    from nbgrader.api import Gradebook

    with nbgrader_cycle.quiet_nbgrader(), on_path():
        api = nbgrader_api(course)
        url = api.coursedir.db_url
        penalty = _penalty_plugin(api)
        if not _registered(url, lab, source):
            nbgrader_cycle.register(course, lab)
        gradebook = Gradebook(url)
    with gradebook:
        yield Marks(gradebook, lab, penalty)


def _penalty_plugin(api: Any) -> Callable[[str, float, float], float | None]:
    """Return the late_submission_penalty of the plugin in nbgrader_config.py."""
    from nbgrader.preprocessors import AssignLatePenalties

    penalties = AssignLatePenalties(parent=api)
    penalties.init_plugin()
    penalty: Callable[[str, float, float], float | None]
    penalty = penalties.plugin_inst.late_submission_penalty
    return penalty


def _registered(url: str, lab: str, source: NotebookNode) -> bool:
    from nbgrader.api import Gradebook, MissingEntry

    wanted = {
        cell.metadata.nbgrader.grade_id: (float(cell.metadata.nbgrader.points), cell.source)
        for cell in source.cells
        if repair.role(cell) == "test"
    }
    with Gradebook(url) as gradebook:
        try:
            notebook = gradebook.find_notebook(lab, lab)
        except MissingEntry:
            return False
        sources = {cell.name: cell.source for cell in notebook.source_cells}
        found = {
            cell.name: (float(cell.max_score), sources.get(cell.name, ""))
            for cell in notebook.grade_cells
            if cell.cell_type == "code"
        }
    return found == wanted
