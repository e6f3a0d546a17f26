"""What students get follows from the one source, and holds no answer."""

import json
import re
from pathlib import Path

import nbformat
import pytest

from labkit import ROOT, lab_source, notebooks

LABS = lab_source.labs()


def test_committed_notebooks_follow_their_sources():
    stale = [path.relative_to(ROOT) for path in notebooks.stale(LABS)]
    assert stale == [], "run `make notebooks`"


def test_labs_hold_notebooks_only():
    files = [path for path in (ROOT / "labs").rglob("*") if path.is_file()]
    files = [path for path in files if ".ipynb_checkpoints" not in path.parts]
    assert sorted(files) == [ROOT / "labs" / slug / f"{slug}.ipynb" for slug in LABS]


@pytest.mark.parametrize("slug", LABS)
def test_student_notebook_holds_no_answer(slug):
    """No solution line, hidden-test line or model explanation is in the student's file."""
    released = (ROOT / "labs" / slug / f"{slug}.ipynb").read_text()
    for mark in ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS", "Rubric", "jupytext"):
        assert mark not in released
    open_lines, secret_lines = set(), set()
    for cell in lab_source.read(slug).cells:
        grading = cell.metadata.get("nbgrader", {})
        hidden = re.compile(r"### BEGIN (SOLUTION|HIDDEN TESTS).*?### END \1", re.DOTALL)
        if cell.cell_type == "markdown" and grading.get("solution"):
            secret_lines |= set(cell.source.splitlines())
            continue
        for match in hidden.finditer(cell.source):
            secret_lines |= {line.strip() for line in match[0].splitlines()[1:-1]}
        open_lines |= {line.strip() for line in hidden.sub("", cell.source).splitlines()}
    shown = {
        line.strip()
        for cell in json.loads(released)["cells"]
        for line in "".join(cell["source"]).splitlines()
    }
    assert len(secret_lines) > 50
    leaked = {line for line in secret_lines - open_lines if len(line) > 12} & shown
    assert leaked == set()


@pytest.mark.parametrize("slug", LABS)
@pytest.mark.parametrize("folder", ["labs", "solutions"])
def test_notebooks_are_clean(slug, folder):
    notebook = nbformat.read(ROOT / folder / slug / f"{slug}.ipynb", as_version=4)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("slug", LABS)
def test_a_lab_has_the_size_the_design_asks_for(slug):
    grading = [cell.metadata.get("nbgrader", {}) for cell in lab_source.read(slug).cells]
    exercises = [cell for cell in grading if cell.get("solution")]
    points = sum(cell.get("points", 0) for cell in grading)
    print(f"\n{slug}: {len(exercises)} exercises, {points} points")
    assert 8 <= len(exercises) <= 16
    assert 40 <= points <= 70


@pytest.mark.parametrize("slug", LABS)
def test_every_figure_has_alt_text_and_the_lab_its_closing(slug):
    text = Path(lab_source.script(slug)).read_text()
    assert "plt.show()" not in text
    assert text.count("plots.show(") >= 5
    assert re.search(r"^# ## .*[Tt]ake away", text, re.MULTILINE)
    assert re.search(r"^# ## .*[Gg]o further", text, re.MULTILINE)
