"""Hidden tests ask for the truth where they run; it stands in no notebook."""

import re

import nbformat
import numpy as np
import pytest

from helpers import checks
from labkit import ROOT, lab_source
from labkit.grading import judge, repair
from labkit.grading.cells import Cell
from labkit.sandbox import Budget, Limits, Shell, scratch
from surveys.errors import KitError
from surveys.folders import truth_folder
from tests.tiers import LABS

from . import known_answers
from .harvest import numbers_in

TRUTH = truth_folder()
LAB = "05_mcmc"
EXERCISE = "mystery_answer"


@pytest.fixture(scope="module")
def answers():
    return known_answers.everything(TRUTH), known_answers.mystery(TRUTH)


def _told(answers, text):
    """Say whether numbers of one cell are true values of one star, exact or rounded."""
    everything, mystery = answers
    numbers = np.array(numbers_in(text))
    if not numbers.size:
        return []
    found = everything.among(numbers, window=numbers.size)
    return found + ["mystery star, rounded"] * known_answers.typed(mystery, numbers, numbers.size)


@pytest.mark.parametrize("slug", LABS)
def test_no_notebook_holds_a_true_value(slug, answers):
    scripts = (ROOT / "solutions" / slug / f"{slug}.py").read_text()
    cells = re.split(r"^# %%", scripts, flags=re.MULTILINE)
    for folder in ("solutions", "labs"):
        notebook = nbformat.read(ROOT / folder / slug / f"{slug}.ipynb", as_version=4)
        for cell in notebook.cells:
            cells += [cell.source, *map(str, cell.get("outputs", []))]
    assert len(cells) > 100
    assert [(cell[:60], told) for cell in cells if (told := _told(answers, cell))] == []


def test_a_true_value_in_a_cell_is_found(answers):
    _, mystery = answers
    teff, logg, fe_h, *_ = mystery.tolist()
    with np.load(TRUTH / "lamost.npz") as file:
        period, mass = file["lamost_k2.true_period"][7], file["lamost_k2.true_mass"][7]
    cell = "import numpy as np\nanswer = np.array([{}])\nscatter = [24.0, 0.054, 0.018]"
    told = _told(answers, cell.format(f"{teff}, {logg}, {fe_h}"))
    assert told == ["mystery star", "mystery star, rounded"]
    assert _told(answers, cell.format(f"{teff:.1f}, {logg:.3f}, {fe_h:.3f}"))
    assert _told(answers, f"# the period is {period} d and the mass {mass} M_sun")
    assert _told(answers, cell.format(f"{teff + 4:.1f}, {logg:.3f}, {fe_h:.3f}")) == []


def test_model_answer_is_compared_with_the_truth_outside_the_sandbox():
    """The exercise by itself: the model answer, one of another star, one that asks for the truth."""
    source = lab_source.read(LAB)
    tests = [test for test in judge.tests(source) if test.exercise == EXERCISE]
    sources = {
        cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in source.cells
    }
    model = sources[EXERCISE]
    asks = 'from helpers import checks\ntruth = checks.truth("apogee", "mystery")[:5]\n'
    asks += "mystery_answer = np.column_stack([truth, [24, 0.05, 0.02, 0.03, 0.02]])"
    every = [test.name for test in tests]
    expected = {
        model: [],
        f"{model}\nmystery_answer = mystery_answer + np.array([100, 0])": every,
        asks: every,
    }
    for answer, lost in expected.items():
        cells = [Cell("setup", "setup", "code", "import numpy as np")]
        cells += [Cell("solution", EXERCISE, "code", answer)]
        cells += [Cell("test", test.name, "code", test.code) for test in tests]
        verdict = judge.judge(repair.Repaired(cells), tests)
        assert [each.name for each in verdict.outcomes if not each.points] == lost


def test_truth_is_refused_in_the_sandbox_with_advice():
    with scratch() as folder, Shell(folder, Limits()) as shell:
        source = 'from helpers import checks\nchecks.truth("apogee", "mystery")'
        request = {"do": "run", "source": source}
        error = shell.ask(request, Budget(30, 60, Limits.memory), "a cell")["error"]
    assert error.startswith("KitError: the truth 'mystery' of the apogee survey cannot be read")
    assert "run on the instructor's machine" in error


def test_truth_on_the_trusted_side(tmp_path, monkeypatch):
    assert checks.truth("apogee", "mystery").shape == (6,)
    assert checks.truth("lamost", "lamost_k2.true_teff").shape == (12_000,)
    with pytest.raises(KitError, match="'nobody' of the apogee survey cannot be read"):
        checks.truth("apogee", "nobody")
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path))
    with pytest.raises(KitError, match="`labkit data` makes it"):
        checks.truth("apogee", "mystery")
