"""What handing in late costs by nbgrader's plugin, whichever `nbgrader_config.py` names."""

from __future__ import annotations

import datetime
from typing import Any

from labkit.errors import GradingError
from surveys.errors import KitError


def plugin(parent: Any, gradebook: Any, lab: str) -> Any:
    """Return nbgrader's plugin for late submissions, ready for one lab.

    Parameters
    ----------
    parent : traitlets.config.Configurable
        Whose settings count.
    gradebook : nbgrader.api.Gradebook
    lab : str

    Raises
    ------
    CourseError
        If something in `late.toml` is wrong.
    """
    from nbgrader.preprocessors import AssignLatePenalties

    step = AssignLatePenalties(parent=parent)
    step.init_plugin()
    # what nbgrader's own autograde sets before it calls the plugin
    step.gradebook, step.assignment_id = gradebook, lab
    if _is_ours(step.plugin_inst):
        _ = step.plugin_inst.rules  # an error in late.toml is told of before anybody is graded
    return step.plugin_inst


def penalty(plugin: Any, notebook: Any) -> float | None:
    """Return the points that a plugin takes for a submitted notebook.

    Parameters
    ----------
    plugin : nbgrader.plugins.BasePlugin
        See `plugin`.
    notebook : nbgrader.api.SubmittedNotebook

    Returns
    -------
    float or None
        From 0 to the points it got; None if it was handed in in time.

    Raises
    ------
    GradingError
        If the plugin fails.
    """
    seconds = _seconds(notebook.assignment)
    if not seconds:
        return None
    student, score = notebook.assignment.student.id, notebook.score
    try:
        taken: float | None = plugin.late_submission_penalty(student, score, seconds)
    except KitError:
        raise
    except Exception as error:
        raise GradingError(
            "the plugin for late submissions that nbgrader_config.py names failed "
            f"({type(error).__name__}: {error})"
        ) from error
    return None if taken is None else min(max(taken, 0.0), score)


def told(plugin: Any, notebook: Any) -> str:
    """Say how late a submitted notebook is and what that cost; "" if there is nothing to say.

    Parameters
    ----------
    plugin : nbgrader.plugins.BasePlugin
        See `plugin`.
    notebook : nbgrader.api.SubmittedNotebook
        With its penalty entered.
    """
    from labkit.grading.late_days import sentence

    submission, taken = notebook.assignment, notebook.late_submission_penalty or 0.0
    if _is_ours(plugin):
        return str(plugin.sentence(submission, taken))
    if not taken:
        return ""
    by, due = late_by(plugin, submission), submission.duedate.replace(tzinfo=datetime.UTC)
    return sentence(by, due, bool(submission.extension), taken)


def late_by(plugin: Any, submission: Any) -> datetime.timedelta:
    """Return how long after it was due something was handed in, extensions considered.

    Parameters
    ----------
    plugin : nbgrader.plugins.BasePlugin
        See `plugin`.
    submission : nbgrader.api.SubmittedAssignment
    """
    if _is_ours(plugin):
        late = plugin.late(submission)
        return late.by if late else datetime.timedelta(0)
    return datetime.timedelta(seconds=_seconds(submission))


def _is_ours(plugin: Any) -> bool:
    # imported here: it brings all of nbgrader along, which workers that grade do without
    from labkit.grading.late_days import LateDays

    return isinstance(plugin, LateDays)


def _seconds(submission: Any) -> float:
    # nbgrader itself fails over an extension where no date is set
    return float(submission.total_seconds_late) if submission.assignment.duedate else 0.0
