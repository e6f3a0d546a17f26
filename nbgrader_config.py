"""nbgrader for this course: `nbgrader generate_assignment 01_apogee`, autograde, formgrader."""

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

# what `nbgrader autograde`, `nbgrader generate_feedback` and the formgrader's buttons are asked for
# is handed over to `labkit grade`: students' code runs in its sandbox or not at all
c.Autograde.exporter_class = "labkit.grading.converters.SandboxedAutograde"
c.GenerateFeedback.exporter_class = "labkit.grading.converters.FeedbackPages"
# the gradebook names a kernel that nobody has, so that without the lines above nothing is run
c.GenerateAssignment.preprocessors.prepend(["labkit.grading.converters.NoKernel"])
c.GenerateAssignment.preprocessors.append("labkit.grading.converters.StudentsKernel")

# seconds that one cell may take in `nbgrader validate`; lab 1 downloads 1900 files in one cell
c.Execute.timeout = 600
c.Execute.interrupt_on_timeout = True

# late days and extensions, by the rules in late.toml if there is one
c.AssignLatePenalties.plugin_class = "labkit.grading.late_days.LateDays"
