"""Marks in nbgrader's gradebook: the rows its own autograde would write, in one transaction.

Beside them, in the same database and the same transaction, stands what was graded (a digest) and
what the student's page shows, so that a batch that was killed knows what is done, and a page that
what a person has changed since.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from labkit.errors import GradingError
from labkit.grading import comments, gradebook_cells, lateness, nbgrader_cycle
from labkit.grading.comments import ReusableComments
from labkit.grading.standing import Standing, score
from labkit.notebooks import nbgrader_api, on_path

#: how long to wait while another program writes to the gradebook, s
PATIENCE = 60.0
_TABLE = """
CREATE TABLE IF NOT EXISTS labkit_graded (
    lab VARCHAR(128) NOT NULL, student VARCHAR(128) NOT NULL, digest VARCHAR(64) NOT NULL,
    result TEXT NOT NULL, PRIMARY KEY (lab, student))
"""


class Marks:
    """The gradebook of a course, open for one lab. Use `opened`.

    Attributes
    ----------
    reusable : ReusableComments
    """

    def __init__(self, gradebook: Any, lab: str, plugin: Any, reusable: ReusableComments) -> None:
        self._gradebook = gradebook
        self._lab = lab
        self._plugin = plugin
        self.reusable = reusable
        self._run(_TABLE)
        gradebook.db.commit()

    def _run(self, statement: str, **values: str) -> Any:
        from sqlalchemy import text

        return self._gradebook.db.execute(text(statement), values)

    def earlier(self, student: str, digest: str) -> dict[str, Any] | None:
        """Return what was recorded for exactly this submission, if its marks still stand.

        Parameters
        ----------
        student, digest : str

        Returns
        -------
        dict or None
            None as well if the gradebook has other marks from the tests by now.
        """
        found = self._recorded(student)
        if found is None or found[0] != digest:
            return None
        result = _result(found)
        wanted = {outcome["name"]: outcome["points"] for outcome in result["outcomes"]}
        notebook = self._notebook(student)
        if notebook is None:
            return None
        standing = {g.name: g.auto_score for g in notebook.grades if g.cell.cell_type == "code"}
        return result if standing == wanted else None

    def recorded(self, student: str) -> dict[str, Any] | None:
        """Return what was recorded when a student was last graded.

        Parameters
        ----------
        student : str

        Returns
        -------
        dict or None
            None as well if the gradebook no longer has the submission.
        """
        found = self._recorded(student)
        return _result(found) if found and self._notebook(student) else None

    def _recorded(self, student: str) -> Any:
        return self._run(
            "SELECT digest, result FROM labkit_graded WHERE lab = :lab AND student = :student",
            lab=self._lab,
            student=student,
        ).first()

    def _notebook(self, student: str) -> Any:
        """Return the gradebook's row of a submission; None if it has none."""
        from nbgrader.api import MissingEntry

        try:
            return self._gradebook.find_submission_notebook(self._lab, self._lab, student)
        except MissingEntry:
            return None

    @contextmanager
    def entering(
        self, student: str, digest: str, result: dict[str, Any], timestamp: str
    ) -> Iterator[Standing]:
        """Write one submission's marks, all or none, when what is done meanwhile has worked.

        Parameters
        ----------
        student, digest : str
        result : dict
            ``outcomes`` (dictionaries of `judge.Outcome`), ``unanswered`` (names of answers left as
            they were handed out) and whatever else should be remembered.
        timestamp : str
            When it was handed in; "" if that is not known.

        Yields
        ------
        Standing
            What will stand in the gradebook.

        Raises
        ------
        GradingError
            If the gradebook cannot be used.
        """
        from nbgrader.api import MissingEntry

        book, lab = self._gradebook, self._lab
        with self._all_or_none():
            try:
                book.find_student(student)
            except MissingEntry:
                book.add_student(student)
            self._hand_in(student, timestamp)
            points = {outcome["name"]: outcome["points"] for outcome in result["outcomes"]}
            notebook = book.find_submission_notebook(lab, lab, student)
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
            self.reusable.enter(notebook)
            self._enter_penalty(notebook)
            standing = self._standing(notebook)
            yield standing
            self._remember(student, digest, {**result, "shown": standing.to_dict()})

    def revisit(self, student: str, timestamp: str) -> Standing:
        """Return what stands of a submission graded before.

        Reusable comments are written out; lateness follows dates and plugin.

        Parameters
        ----------
        student : str
        timestamp : str
            When it was handed in; "" if that is not known.

        Returns
        -------
        Standing

        Raises
        ------
        GradingError
            If the gradebook cannot be used.
        """
        with self._all_or_none():
            self._hand_in(student, timestamp)
            notebook = self._notebook(student)
            self.reusable.enter(notebook)
            self._enter_penalty(notebook)
            return self._standing(notebook)

    def standing(self, student: str) -> Standing | None:
        """Return what stands of a student's earlier submission; None if nothing was graded."""
        try:
            student.encode()
        except UnicodeEncodeError:
            return None
        with self._all_or_none():
            notebook = self._notebook(student)
            graded = notebook and any(grade.auto_score is not None for grade in notebook.grades)
            return self._standing(notebook) if graded else None

    def everyone(self) -> Iterator[tuple[str, str, Standing | None, dict[str, Any]]]:
        """Yield all students of the gradebook, those too who have not handed in this lab.

        Yields
        ------
        student, name : str
            The name is "" if the gradebook has none.
        standing : Standing or None
            None if nothing was graded.
        result : dict
            What was recorded (see `entering`); empty if `labkit grade` has not graded it.
        """
        for student in self._gradebook.students:
            names = (student.first_name, student.last_name)
            found = self._recorded(student.id)
            standing = self.standing(student.id)
            result = json.loads(found[1]) if found and standing else {}
            yield student.id, " ".join(filter(None, names)), standing, result

    def show(self, student: str, result: dict[str, Any], standing: Standing | None) -> None:
        """Remember what a student's page shows.

        Parameters
        ----------
        student : str
        result : dict
            See `earlier`.
        standing : Standing or None
            None for a page that does not show it.
        """
        with self._all_or_none():
            if found := self._recorded(student):
                shown = standing.to_dict() if standing else None
                self._remember(student, found[0], {**result, "shown": shown})

    def hide(self, student: str) -> None:
        """Remember that a student's page says something else now."""
        if found := self._recorded(student):
            self.show(student, _result(found), None)

    def _hand_in(self, student: str, timestamp: str) -> None:
        from sqlalchemy.exc import SAWarning

        when = {"timestamp": timestamp} if timestamp else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's own use of its database
            self._gradebook.update_or_create_submission(self._lab, student, **when)

    @contextmanager
    def _all_or_none(self) -> Iterator[None]:
        with _usable(self._gradebook.engine.url):
            try:
                yield
                self._gradebook.db.commit()
            except BaseException:
                self._gradebook.db.rollback()
                raise

    def _remember(self, student: str, digest: str, result: dict[str, Any]) -> None:
        values = {"lab": self._lab, "student": student}
        self._run("DELETE FROM labkit_graded WHERE lab = :lab AND student = :student", **values)
        self._run(
            "INSERT INTO labkit_graded VALUES (:lab, :student, :digest, :result)",
            **values,
            digest=digest,
            result=json.dumps(result),
        )

    def _enter_penalty(self, notebook: Any) -> None:
        """Enter the penalty for handing in late, as nbgrader's autograde would."""
        self._gradebook.db.flush()
        self._gradebook.db.refresh(notebook)  # its score is a sum made by the database
        notebook.late_submission_penalty = lateness.penalty(self._plugin, notebook)

    def _standing(self, notebook: Any) -> Standing:
        grades = sorted(notebook.grades, key=lambda grade: str(grade.name))
        return Standing(
            points={grade.name: score(grade) for grade in grades},
            most={grade.name: float(grade.cell.max_score) for grade in grades},
            by_hand=[
                grade.name
                for grade in grades
                if grade.manual_score is not None or grade.extra_credit is not None
            ],
            waiting=[grade.name for grade in grades if grade.needs_manual_grade],
            comments={c.name: c.manual_comment for c in notebook.comments if c.manual_comment},
            late=notebook.late_submission_penalty or 0.0,
            lateness=lateness.told(self._plugin, notebook),
        )


def _result(recorded: Any) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(recorded[1])
    return result


@contextmanager
def opened(course: Path, lab: str, source: NotebookNode) -> Iterator[Marks]:
    """Open the gradebook for a lab, entering the lab first if its cells are new or changed.

    Parameters
    ----------
    course : Path
    lab : str
    source : NotebookNode
        The source notebook.

    Raises
    ------
    GradingError
        If nbgrader cannot enter it, or the gradebook or the file of reusable comments cannot be
        used.
    CourseError
        If something in `late.toml` is wrong.
    """
    with _opened(course, lab, source) as marks:
        yield marks


@contextmanager
def opened_to_read(course: Path, lab: str) -> Iterator[Marks]:
    """Open the gradebook for a lab as it is, to look at what stands in it.

    Parameters
    ----------
    course : Path
    lab : str

    Raises
    ------
    GradingError
        If there is no gradebook, or it or the file of reusable comments cannot be used.
    """
    with _opened(course, lab, None) as marks:
        yield marks


@contextmanager
def _opened(course: Path, lab: str, source: NotebookNode | None) -> Iterator[Marks]:
    from nbgrader.api import Gradebook
    from sqlalchemy.engine import make_url

    reusable = comments.read(course, lab)
    log = logging.getLogger("tornado.application")  # where nbgrader tells of its database
    silent, log.disabled = log.disabled, True
    with contextlib.ExitStack() as stack:
        stack.callback(setattr, log, "disabled", silent)
        with nbgrader_cycle.quiet_nbgrader(), on_path():
            api = nbgrader_api(course)
            url = make_url(api.coursedir.db_url)
            _require_usable(url, made_if_missing=source is not None)
            if url.get_backend_name() == "sqlite":
                url = url.update_query_dict({"timeout": str(PATIENCE)})
            with _usable(url):
                if source is not None:
                    _enter_lab(url, course, lab, source)
                gradebook = stack.enter_context(Gradebook(url))
                if source is not None:
                    gradebook_cells.name_no_kernel(gradebook, lab)
                plugin = lateness.plugin(api, gradebook, lab)
                marks = Marks(gradebook, lab, plugin, reusable)
        yield marks


def _enter_lab(url: Any, course: Path, lab: str, source: NotebookNode) -> None:
    """Enter a lab into the gradebook if its cells are new or changed."""
    from nbgrader.api import Gradebook

    with Gradebook(url) as gradebook:
        entered = gradebook_cells.agree(gradebook, lab, source)
        if not entered:
            gradebook_cells.follow(gradebook, lab, source)
    if not entered:
        nbgrader_cycle.register(course, lab)


@contextmanager
def _usable(url: Any) -> Iterator[None]:
    """Say in a sentence what keeps a gradebook from being used."""
    from nbgrader.api import InvalidEntry
    from sqlalchemy.exc import DatabaseError

    try:
        yield
    except (DatabaseError, InvalidEntry, sqlite3.DatabaseError) as error:
        said = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise _not_usable(url, said) from error


def _not_usable(url: Any, said: str) -> GradingError:
    advice = "What was graded before stays; run the command again when it can be used."
    if "locked" in said:
        advice = "Another program writes to it (the formgrader, nbgrader?): try again when it ends."
    elif "malformed" in said or "not a database" in said:
        advice = "It is damaged: put a copy of it back, then run the command again."
    return GradingError(f"the gradebook {url.database} cannot be used ({said}).", advice)


def _require_usable(url: Any, made_if_missing: bool) -> None:
    """Look whether a gradebook is whole and can be written to, waiting for its turn."""
    path = Path(url.database or "")
    if url.get_backend_name() != "sqlite":
        return
    if not path.is_file():
        if not made_if_missing:
            raise GradingError(
                f"there is no gradebook {path}:", "grade first, with `labkit grade`."
            )
        return
    with (
        _usable(url),
        contextlib.closing(sqlite3.connect(path, timeout=PATIENCE)) as database,
    ):
        (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise _not_usable(url, f"malformed: {found}")
        database.execute("BEGIN IMMEDIATE")
        database.rollback()
