"""A course of one tiny lab in a folder of its own, for tests of the machinery around labs."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import nbformat

from labkit import ROOT, notebooks
from labkit.notebooks import nbgrader_api

LAB = "00_toy"
SCRIPT = '''# %% [markdown]
# # A toy lab
#
# One exercise, one explanation.

# %% setup=true
import numpy as np

# %% solution="double"
def double(x):
    """Return twice x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %% test="double" points=2
from helpers import checks

@checks.run
def test_double():
    checks.close(checks.submitted("double")(1.0), 2.0, atol=1e-9, hint="that is not twice")
### BEGIN HIDDEN TESTS
@checks.run
def test_double_hidden():
    checks.close(checks.submitted("double")(-7.5), -15.0, atol=1e-9, hint="negative numbers?")
### END HIDDEN TESTS

# %% test="double.arrays" points=1
import numpy as np

from helpers import checks

@checks.run
def test_double_arrays():
    doubled = checks.submitted("double")([1.0, 2.0] * np.ones(2))
    checks.close(doubled, np.array([2.0, 4.0]), atol=1e-9, hint="does it work for arrays?")

# %% [markdown] explain="why" points=3
# Because twice is two times.
#
# **Rubric**: three points for saying so.
'''


def make_course(folder: Path) -> Path:
    script = folder / "solutions" / LAB / f"{LAB}.py"
    script.parent.mkdir(parents=True)
    script.write_text(SCRIPT)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    notebooks.derive([LAB], folder)
    return folder


def hand_in(
    course: Path,
    student: str,
    answer: str | None,
    before: Sequence[str] = (),
    after: Sequence[str] = (),
) -> Path:
    """Submit the released notebook with an answer in its solution cell (None: as released).

    Cells of the student's own stand before the answer, and at the end.
    """
    path = course / "submitted" / student / LAB / f"{LAB}.ipynb"
    path.parent.mkdir(parents=True)
    notebook = nbformat.read(course / "labs" / LAB / f"{LAB}.ipynb", as_version=4)
    names = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]
    place = names.index("double")
    if answer is not None:
        notebook.cells[place].source = answer
    notebook.cells[place:place] = [nbformat.v4.new_code_cell(source) for source in before]
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in after]
    nbformat.write(notebook, path)
    return path


def gradebook(course: Path):
    """Return nbgrader's own gradebook of a course, to be used in a with statement."""
    from nbgrader.api import Gradebook

    return Gradebook(nbgrader_api(course).coursedir.db_url)


def give(course: Path, student: str, points, comment=None, cell="explain_why", lab=LAB) -> None:
    """Give points and words by hand, as the formgrader does; no points if they are None."""
    with gradebook(course) as book:
        if points is not None:
            grade = book.find_grade(cell, lab, lab, student)
            grade.manual_score, grade.needs_manual_grade = points, False
        if comment:
            book.find_comment(cell, lab, lab, student).manual_comment = comment
        book.db.commit()
