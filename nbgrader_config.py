"""nbgrader for this course: `nbgrader generate_assignment 01_apogee`, autograde, formgrader."""

import sys

c = get_config()

c.CourseDirectory.course_id = "stellar_spectroscopy"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "labs"
# the percent script is the source of truth and holds the answers: it never leaves solutions/
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.py",
    "*.pyc",
    "__pycache__",
    "feedback",
    ".*",
]
c.ClearSolutions.code_stub = {"python": "# your code here\nraise NotImplementedError"}
c.ClearSolutions.text_stub = "*Your answer here.*"

# seconds that one cell may take; lab 1 downloads nineteen hundred files in one cell
TIMEOUTS = {"01_apogee": 600, "02_continuum": 300}
c.Execute.timeout = max(
    [limit for lab, limit in TIMEOUTS.items() if lab in sys.argv] or TIMEOUTS.values()
)
c.Execute.interrupt_on_timeout = True

# late days and extensions, by the rules in late.toml if there is one
c.AssignLatePenalties.plugin_class = "labkit.grading.late_days.LateDays"
