"""Labs through the safe path: model answer, blank sheet, and rivals as the harness judges them."""

import json
import re

import nbformat
import pytest

from labkit import ROOT
from labkit.grading import judge, repair, rivals
from labkit.grading.cells import Cell, handed_out
from labkit.sandbox import Limits
from labkit.sandbox.inside import cell_names
from tests.tiers import LABS, QUICK_LABS, THOROUGH

pytestmark = pytest.mark.measured


def _examine(slug, notebook, long=True, **options):
    """Examine a notebook, by all tests or without those of trainings and samplings."""
    read = {
        folder: nbformat.read(ROOT / folder / slug / f"{slug}.ipynb", as_version=4)
        for folder in ("solutions", "labs")
    }
    work = repair.repair(json.dumps(notebook).encode(), handed_out(read["labs"]))
    tests = [test for test in judge.tests(read["solutions"]) if long or not test.is_long]
    return work, judge.judge(work, tests, judge.Conditions(**options))


def _notebook(slug, folder):
    return nbformat.read(ROOT / folder / slug / f"{slug}.ipynb", as_version=4)


@pytest.mark.parametrize("slug", LABS)
def test_model_keeps_everything(slug):
    """But for trainings and samplings, which the walkthrough's run of the lab grades too."""
    work, verdict = _examine(slug, _notebook(slug, "solutions"), long=THOROUGH)
    assert [outcome.told for outcome in verdict.outcomes if outcome.told] == []
    assert all(outcome.points == outcome.points_max > 0 for outcome in verdict.outcomes)
    assert verdict.stopped == []
    assert all(
        "changed" in line for line in work.repairs
    )  # hidden tests are not in what is released
    points = sum(outcome.points for outcome in verdict.outcomes)
    print(f"{slug}: model {points:g}, {verdict.seconds:.0f} s, {verdict.peak / 1e6:.0f} MB")


@pytest.mark.parametrize("slug", LABS)
def test_blank_has_nothing(slug):
    work, verdict = _examine(slug, _notebook(slug, "labs"))
    assert work.repairs == []
    assert all(outcome.points == 0 and outcome.told for outcome in verdict.outcomes)


@pytest.mark.parametrize("slug", QUICK_LABS)
def test_rivals_are_judged_alike(slug):
    """A wrong answer to each exercise, all in one notebook: its marks are those of `rivals`."""
    chosen = {}
    for rival in rivals.read(slug):
        if rival.kind == "wrong":
            chosen.setdefault(rival.exercise, rival)
    notebook = _notebook(slug, "solutions")
    for cell in notebook.cells:
        if rival := chosen.get(cell.metadata.get("nbgrader", {}).get("grade_id")):
            cell.source = rival.code
    _, verdict = _examine(slug, notebook)
    lost = {outcome.name for outcome in verdict.outcomes if not outcome.points}
    with rivals.Lab(slug) as lab:
        assert lost == lab.lost("\n".join(rival.code for rival in chosen.values()))


def test_what_is_said_of_hidden_tests_is_their_authors():
    """Of every lab: what a failing answer is told quotes no input and no code of a hidden test."""
    for slug in LABS:
        for test in judge.tests(_notebook(slug, "solutions")):
            shown = judge.visible(test.code)
            assert "HIDDEN" not in shown
            assert "_hidden" not in shown
            compile(shown, test.name, "exec")
            assert re.search(r"submitted\(", shown)


def test_only_what_answers_are_made_of_runs_before_the_tests():
    """The story as handed out is left out, but for cells whose names an answer uses."""
    cells = [
        Cell("setup", "setup", "code", "import numpy as np"),
        Cell("own", "", "code", "flux = slow()\nunit = 1e-17", released=True),
        Cell("own", "", "code", "scale = unit * 2", released=True),
        Cell("own", "", "code", "mine = 3"),
        Cell("own", "", "code", "error = slow()", released=True),
        Cell("solution", "f", "code", "def f(flux, error):\n    x = mine\n    return flux * x"),
    ]

    def needed():
        return judge.needed_cells(
            cells, {n: cell_names.made_and_used(cell.source) for n, cell in enumerate(cells)}
        )

    assert needed() == ({0, 3, 5}, {0, 3, 5})
    cells[5].source = "def f(flux, error):\n    return [scale * e for e in error]"
    assert needed() == ({0, 1, 2, 3, 5}, {0, 1, 2, 5})  # no answer uses `mine`
    cells[5].source = "%timeit error\ndef f(x): return x"
    assert needed() == ({0, 3, 4, 5}, {0, 4, 5})
    # what a student writes into a cell of the story changes nothing
    cells[1].released, cells[1].story = False, True
    assert needed() == ({0, 3, 4, 5}, {0, 4, 5})
