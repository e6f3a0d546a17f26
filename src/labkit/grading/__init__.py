"""Grading by nbgrader itself (`nbgrader_cycle`), and by `labkit grade` in a sandbox (`batch`)."""

from labkit.grading.nbgrader_cycle import (
    Mark,
    grade_executed,
    read_mark,
    register,
)

__all__ = ["Mark", "grade_executed", "read_mark", "register"]
