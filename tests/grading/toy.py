"""A course of one tiny lab in a folder of its own, for tests of the machinery around labs."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import nbformat

from labkit import ROOT, notebooks

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
