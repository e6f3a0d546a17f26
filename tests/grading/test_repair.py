"""What students do to notebooks, and how it is put right: nothing lost, one sentence each."""

import dataclasses
import json

import nbformat
import pytest

from labkit import ROOT
from labkit.errors import GradingError
from labkit.grading import judge, repair
from labkit.sandbox import Limits
from labkit.sandbox.inside import cell_names

from .toy import LAB, hand_in, make_course

ANSWER = "def double(x):\n    return 2 * x"


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("course"))
    source = nbformat.read(course / "solutions" / LAB / f"{LAB}.ipynb", as_version=4)
    released = nbformat.read(course / "labs" / LAB / f"{LAB}.ipynb", as_version=4)
    notebook = json.loads(hand_in(course, "ada", ANSWER).read_text())
    return repair.handed_out(released), judge.tests(source), notebook


def _find(notebook, name):
    return next(
        cell
        for cell in notebook["cells"]
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == name
    )


def delete_test(notebook):
    notebook["cells"].remove(_find(notebook, "test_double"))


def delete_all_tests(notebook):
    notebook["cells"] = [c for c in notebook["cells"] if "submitted" not in "".join(c["source"])]


def edit_test(notebook):
    _find(notebook, "test_double")["source"] = "pass"


def move_test_up(notebook):
    cell = _find(notebook, "test_double_arrays")
    notebook["cells"].remove(cell)
    notebook["cells"].insert(0, cell)


def copy_test(notebook):
    cells = notebook["cells"]
    cells.insert(1, json.loads(json.dumps(_find(notebook, "test_double"))))


def copy_answer(notebook):
    stub = json.loads(json.dumps(_find(notebook, "double")))
    stub["source"] = "def double(x):\n    return 3 * x"
    notebook["cells"].insert(1, stub)


def lose_metadata(notebook):
    for cell in notebook["cells"]:
        cell["metadata"] = {}


def lose_metadata_and_ids(notebook):
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)


def same_ids(notebook):
    for cell in notebook["cells"]:
        cell["id"] = "same"


def wrong_kernel(notebook):
    notebook["metadata"]["kernelspec"] = {"name": "ir", "language": "R"}


def answer_as_markdown(notebook):
    _find(notebook, "double")["cell_type"] = "markdown"


def old_format(notebook):
    notebook["nbformat"] = 3
    notebook["worksheets"] = [{"cells": notebook.pop("cells")}]


REPAIRS = {
    delete_test: "was not in the notebook",
    delete_all_tests: "was not in the notebook",
    edit_test: "had been changed",
    move_test_up: "stood elsewhere",
    copy_test: "was there 2 times",
    copy_answer: "was there 2 times",
    lose_metadata: "5 cells had lost their metadata",
    lose_metadata_and_ids: "5 cells had lost their metadata",
    same_ids: "the id of another cell",
    wrong_kernel: "the kernel 'ir'",
    answer_as_markdown: "another cell type",
    old_format: "",
}


@pytest.mark.parametrize("damage", REPAIRS, ids=lambda damage: damage.__name__)
def test_repaired_and_graded_in_full(damage, toy):
    released, tests, notebook = toy
    notebook = json.loads(json.dumps(notebook))
    damage(notebook)
    work = repair.repair(json.dumps(notebook).encode(), released)
    assert REPAIRS[damage] in " ".join(work.repairs)
    assert len(set(work.repairs)) == len(work.repairs)
    verdict = judge.judge(work, tests)
    assert sum(outcome.points for outcome in verdict.outcomes) == 3
    names = [cell.name for cell in work.cells if cell.name]
    assert names == [cell.name for cell in released if cell.name]
    assert len({cell.id for cell in work.cells}) == len(work.cells)


def test_a_sound_notebook_needs_no_repair(toy):
    released, _, notebook = toy
    assert repair.repair(json.dumps(notebook).encode(), released).repairs == []


def test_line_ends_of_windows_are_no_change(toy):
    released, _, notebook = toy
    notebook = json.loads(json.dumps(notebook))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).replace("\n", "\r\n")
    assert repair.repair(json.dumps(notebook).encode(), released).repairs == []


def _solved(slug):
    return (ROOT / "solutions" / slug / f"{slug}.ipynb").read_bytes()


def _released(slug):
    notebook = nbformat.read(ROOT / "labs" / slug / f"{slug}.ipynb", as_version=4)
    return repair.handed_out(notebook)


def test_a_solved_notebook_differs_by_hidden_tests_only_and_that_is_silent():
    assert repair.repair(_solved("02_continuum"), _released("02_continuum")).repairs == []


def test_many_changed_cells_are_one_sentence():
    notebook = json.loads(_solved("02_continuum"))
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("locked"):
            cell["source"] = "".join(cell["source"]) + "\n# another release"
    (said,) = repair.repair(json.dumps(notebook).encode(), _released("02_continuum")).repairs
    assert "locked cells are not those of the lab" in said


def test_what_the_course_changed_after_release_is_not_held_against_a_student(toy):
    released, _, notebook = toy
    later = [dataclasses.replace(cell) for cell in released]
    for cell in later:
        if cell.role == "test":
            cell.source += "\n# a better hint"
    work = repair.repair(json.dumps(notebook).encode(), later)
    assert work.repairs == []
    assert [cell.source for cell in work.cells if cell.role == "test"] == [
        cell.source for cell in later if cell.role == "test"
    ]
    # a test that the lab has no more is not run as a cell of the student's
    fewer = [cell for cell in released if cell.name != "test_double_arrays"]
    work = repair.repair(json.dumps(notebook).encode(), fewer)
    assert work.repairs == []
    assert len(work.cells) == len(fewer)


@pytest.mark.parametrize("ids", [True, False], ids=["with ids", "without ids"])
@pytest.mark.parametrize("slug", ["02_continuum", "03_cannon", "05_mcmc"])
def test_a_students_name_in_the_story_changes_nothing(slug, ids):
    notebook = json.loads((ROOT / "labs" / slug / f"{slug}.ipynb").read_bytes())
    plain = _needed(notebook, slug)
    (cell,) = [c for c in notebook["cells"] if "FIRST_NAME, LAST_NAME =" in "".join(c["source"])]
    cell["source"] = "".join(cell["source"]).replace('"Ada", "Lovelace"', '"Grace", "Hopper"')
    for cell in () if ids else notebook["cells"]:
        cell.pop("id", None)
    assert _needed(notebook, slug) == plain


def _needed(notebook, slug):
    """Return which cells are run before the tests."""
    work = repair.repair(json.dumps(notebook).encode(), _released(slug))
    assert work.repairs == []
    code = {n: c.source for n, c in enumerate(work.cells) if c.kind == "code" and c.role != "test"}
    names = {n: cell_names.made_and_used(source) for n, source in code.items()}
    return judge.needed_cells(work.cells, names)


def test_own_cells_stay_where_they_are(toy):
    released, tests, notebook = toy
    notebook = json.loads(json.dumps(notebook))
    place = notebook["cells"].index(_find(notebook, "double"))
    own = {"cell_type": "code", "metadata": {}, "outputs": [], "source": "factor = 2"}
    notebook["cells"].insert(place, own)
    _find(notebook, "double")["source"] = "def double(x):\n    return factor * x"
    later = {**own, "source": "factor = 9"}  # after the tests, as in the student's own kernel
    notebook["cells"].append(later)
    work = repair.repair(json.dumps(notebook).encode(), released)
    assert work.repairs == []
    verdict = judge.judge(work, tests)
    assert sum(outcome.points for outcome in verdict.outcomes) == 3


@pytest.mark.parametrize("raw", [b"", b"\x00" * 10, b"hello", b"[]", b'{"cells": 3}', b"{}"])
def test_what_is_no_notebook_is_said_to_be_none(raw, toy):
    with pytest.raises(GradingError, match="not a notebook"):
        repair.repair(raw, toy[0])


def test_line_breaks_within_strings_and_a_byte_order_mark_are_mended(toy):
    released, _, notebook = toy
    text = json.dumps(notebook).replace("\\n", "\n")
    work = repair.repair(b"\xef\xbb\xbf" + text.encode() + b"\n<<<<<<< HEAD", released)
    assert ANSWER in [cell.source for cell in work.cells]
