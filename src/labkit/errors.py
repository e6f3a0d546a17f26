"""Errors of the instructor's command."""

from __future__ import annotations

from surveys.errors import KitError


class CourseError(KitError, RuntimeError):
    """Something of the course folder is not as it must be; the message says what to do."""


class GradingError(KitError, RuntimeError):
    """A submission could not be graded; the message says which one and why."""


class ServiceError(KitError, RuntimeError):
    """The web service cannot start; the message says what to do."""
