"""Grading: nbgrader's own way (`plain`), and the safe one of `labkit grade` (`batch`)."""

from helpers.course.grading.plain import (
    GradingError,
    Mark,
    grade,
    read_mark,
    register,
    submissions,
)

__all__ = ["GradingError", "Mark", "grade", "read_mark", "register", "submissions"]
