"""One run of a toy lab gives its page, marks, claims; what is not touched is not run again."""

import pytest

from labkit import lab_source, notebooks
from labkit.book import execution, walkthrough
from labkit.lab_source import SourceError

from ..grading.toy import LAB, SCRIPT, make_course

STORY = """
# %%
heights = [1.0, double(2.0)]
# claim: max(heights) == 4.0
# claim (simulated): heights[0] < heights[1]

# %% [markdown]
# The second value is
# four times the first.
# claim: heights[1] == {four} * heights[0]
#
# That ends the lab.
"""


def course_with_story(folder, four="4"):
    make_course(folder)
    path = folder / "solutions" / LAB / f"{LAB}.py"
    path.write_text(SCRIPT + STORY.format(four=four))
    notebooks.derive([LAB], folder)
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_data):
    """A toy course after its walkthrough, with what was reported."""
    course = course_with_story(tmp_path_factory.mktemp("course"))
    said = []
    (row,) = walkthrough.walkthrough([LAB], course, said.append)
    return course, row, said


@pytest.fixture(scope="module")
def tiny_data(tmp_path_factory):
    """A tiny embedded survey as the archive in use."""
    from tests.tiny_archive import make_survey

    data = tmp_path_factory.mktemp("data")
    make_survey(data / "build")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LABKIT_ARCHIVE", raising=False)
        patch.setenv("LABKIT_DATA", str(data))
        patch.setenv("LABKIT_CACHE", str(data / "cache"))
        yield data


def test_one_run_gives_marks_claims_time_and_memory(finished):
    course, row, _ = finished
    assert (row.points_model, row.points_max, row.points_blank) == (3, 3, 0)
    assert row.points_manual == 3
    assert (row.claims, row.claims_skipped) == (3, 0)
    assert row.seconds > 0
    assert row.cpu_seconds > 0
    assert 20 < row.peak_rss_mb < 2000
    page = (course / "build" / "walkthrough" / f"{LAB}.html").read_text()
    assert "four times the first" in page
    assert "claim" not in page


def test_notebooks_hold_no_claims(finished):
    course, _, _ = finished
    for folder in ("solutions", "labs"):
        text = (course / folder / LAB / f"{LAB}.ipynb").read_text()
        assert "heights" in text
        assert "claim" not in text


def test_progress_is_a_line_when_a_lab_starts_and_one_when_it_ends(finished):
    _, _, said = finished
    assert said[0].startswith(f"{LAB}: started, about 60 s expected")
    assert said[1].startswith(f"{LAB}: 3 of 3 points, 3 claims true")


def test_a_second_walkthrough_keeps_what_has_not_changed(finished):
    course, row, _ = finished
    said = []
    assert walkthrough.walkthrough([LAB], course, said.append) == [row]
    assert said == [f"{LAB}: nothing changed, kept"]


@pytest.mark.slow
def test_a_false_claim_fails_the_walkthrough_and_shows_its_sentence(tmp_path, tiny_data):
    course = course_with_story(tmp_path, four="5")
    with pytest.raises(execution.WalkthroughError) as caught:
        walkthrough.walkthrough([LAB], course, lambda _: None)
    assert "The second value is four times the first." in str(caught.value)
    assert "heights[1] == 5 * heights[0]" in str(caught.value)
    assert not (course / "build" / "walkthrough" / f"{LAB}.json").exists()


@pytest.mark.parametrize(("claim", "said"), [("1 +", "is no expression"), ("2 > 1", "cannot fail")])
def test_a_claim_that_says_nothing_is_refused(tmp_path, claim, said):
    course = make_course(tmp_path)
    path = course / "solutions" / LAB / f"{LAB}.py"
    path.write_text(f"{SCRIPT}\n# %%\nx = 1\n# claim: {claim}\n")
    with pytest.raises(SourceError, match=said):
        lab_source.claims(LAB, course)


def test_a_claim_that_is_no_boolean_counts_as_false(tmp_path):
    run = evaluated(tmp_path, [lab_source.Claim("x", "The value is one.", False)])
    assert run.claims_true == 0
    assert "is 1, no boolean" in run.claims_false[0]


def test_claims_about_the_simulated_survey_are_skipped_on_real_data(tmp_path):
    claims = [lab_source.Claim("x == 2", "", True), lab_source.Claim("x == 1", "", False)]
    run = evaluated(tmp_path, claims, simulated=False)
    assert (run.claims_true, run.claims_skipped, run.claims_false) == (1, 1, [])


def evaluated(folder, claims, **options):
    notebook = execution.nbformat.v4.new_notebook(
        cells=[execution.nbformat.v4.new_code_cell("x = 1")]
    )
    return execution.execute(notebook, "toy", folder, {}, claims=claims, **options)


def test_labs_wait_for_the_labs_whose_products_they_load():
    assert lab_source.needs("01_apogee") == set()
    assert "02_continuum" in lab_source.needs("03_cannon")


def test_an_edit_of_the_grader_runs_no_lab_again():
    """A lab's key follows what its notebook imports: helpers and what these import."""
    from surveys import fingerprints

    for slug in lab_source.labs():
        code = "\n".join(c.source for c in lab_source.read(slug).cells if c.cell_type == "code")
        used = fingerprints.imported(fingerprints.imports(code), ("helpers", "surveys", "labkit"))
        assert "helpers.checks" in used
        assert not [name for name in used if name.startswith("labkit")]


@pytest.mark.slow
def test_an_edit_of_a_lab_runs_it_and_those_that_follow(tmp_path, tiny_data):
    course = make_course(tmp_path)
    later = course / "solutions" / "01_later"
    later.mkdir()
    script = SCRIPT.replace("import numpy as np\n", "from helpers import products\n", 1)
    (later / "01_later.py").write_text(script + f'\n# %%\nold = products.load("{LAB}")\n')
    notebooks.derive([LAB, "01_later"], course)
    before = walkthrough._keys(course)
    path = course / "solutions" / "01_later" / "01_later.ipynb"
    text = path.read_text()
    path.write_text(text.replace("A toy lab", "Another toy lab"))
    changed = walkthrough._keys(course)
    assert changed[LAB] == before[LAB]
    assert changed["01_later"] != before["01_later"]
    path.write_text(text)
    first = course / "solutions" / LAB / f"{LAB}.ipynb"
    first.write_text(first.read_text().replace("A toy lab", "Another toy lab"))
    changed = walkthrough._keys(course)
    assert changed[LAB] != before[LAB]
    assert changed["01_later"] != before["01_later"]
