"""A mystery star for each student: found by the name, graded by the name of the submission's folder."""

import gzip
import itertools
import json
import shutil
import unicodedata

import nbformat
import numpy as np
import pytest
from astropy.io import fits

from helpers import archive, checks, products
from labkit import lab_source
from labkit.grading import batch, examination, judge, repair, rivals
from labkit.grading.cells import Cell
from labkit.sandbox import Budget, Limits, Shell, scratch
from skysim.survey import apogee_survey, mystery_stars, tables
from skysim.survey.apogee_rows import mystery_row
from surveys import archives, fingerprints, own_star, students
from surveys.folders import fact_file

from ..tiny_archive import apstar_bytes, make_survey
from .course import copy_course, hand_in_cells

LAB = "05_mcmc"
EXERCISE = "mystery_answer"
SEED = 128
ODD_NAMES = ("b.o'b+1@hub.example", "Ада Лавлейс", "名前", "_", "a" * 200, "Zoë")
#: errors that nobody finds fault with
ERRORS = [24, 0.05, 0.02, 0.03, 0.02]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The data of a tiny survey with a few mystery stars."""
    data = tmp_path_factory.mktemp("kept") / "data"
    build = data / "build"
    make_survey(build)
    shared = build / "sas" / f"{own_star.SHARED}.gz"
    shared.parent.mkdir(parents=True)
    shared.write_bytes(gzip.compress(apstar_bytes(flat=True)))
    shutil.copy(fact_file(apogee_survey.CANNON), build / "products" / "03_cannon.npz")
    (data / "truth").mkdir()
    row = mystery_row(SEED)
    names = (*tables.LABELS, "alpha_fe")
    np.savez(
        data / "truth" / "apogee.npz", mystery=np.array([getattr(row.truth, n) for n in names])
    )
    assert mystery_stars.add(build, SEED, drawn=60) >= 3
    return data


@pytest.fixture
def data(kept, tmp_path, monkeypatch):
    """The same data, free to be changed, with nobody signed in."""
    for variable in (
        "LABKIT_ARCHIVE",
        "LABKIT_PRODUCTS",
        "LABKIT_STUDENT",
        "JUPYTERHUB_USER",
        "NBGRADER_EXECUTION",
    ):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    return shutil.copytree(kept, tmp_path / "data")


@pytest.fixture
def without(data):
    """The same survey without these stars."""
    mystery_stars._remove(data / "build")
    (data / "truth" / "mystery_stars.npz").unlink()
    _change_survey(data, None)
    return data


def _change_survey(data, stars):
    """Write something else about these stars into survey.json."""
    path = data / "build" / "survey.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"mystery_stars": stars or {}}))


def _labels(data):
    with np.load(data / "truth" / "mystery_stars.npz") as file:
        return file["labels"]


def _three(data):
    """Three names with three stars, two of them odd."""
    stars = len(_labels(data))
    found = {}
    for name in ("ada", *ODD_NAMES, *map(str, range(100))):
        found.setdefault(own_star.number(name, stars), name)
    names = list(found.values())[:3]
    assert set(names) & set(ODD_NAMES)
    return names


# --- which stars there are, and whose they are --------------------------------------------------


def test_stars_are_giants_like_the_shared_one_and_far_from_one_another(kept):
    labels = _labels(kept)
    with np.load(kept / "truth" / "apogee.npz") as file:
        every = np.vstack([file["mystery"], labels])
    assert (np.abs(every[:, 1] - 2.0) < 0.3).all()
    assert (np.abs(every[:, 2] + 0.5) < 0.2).all()
    for one, other in itertools.combinations(every, 2):
        assert np.abs((one - other)[:5] / mystery_stars.SCATTER).max() > 4.5


def test_what_the_reference_cannon_measures_passes_for_its_star_and_for_no_other(kept):
    """With lab 5's own hidden test, which sees each star's measurement beside each star's truth."""
    hidden = next(
        test for test in judge.tests(lab_source.read(LAB)) if test.name.endswith(EXERCISE)
    )
    labels = _labels(kept)
    measured = []
    for star in range(len(labels)):
        with np.load(kept / "build" / "products" / f"{own_star.PRODUCT.format(star)}.npz") as file:
            values = mystery_stars._measured(file["mystery_flux"], file["mystery_error"])
        measured.append(np.column_stack([values, ERRORS]))
    for (star, answer), truth in itertools.product(enumerate(measured), range(len(labels))):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(checks, "truth", lambda *_, truth=truth: labels[truth])
            told, _ = judge.attempt(hidden, {EXERCISE: answer}.__getitem__, kept)
        assert (not told) == (star == truth), (star, truth, told)


def test_a_name_has_one_star_however_it_is_written():
    for name in ("ada", *ODD_NAMES):
        star = own_star.number(name, 19)
        assert 0 <= star < 19
        for form in ("NFC", "NFD"):
            written = unicodedata.normalize(form, f" {name.upper()}\n")
            assert own_star.number(written, 19) == star
    assert own_star.number("\udcff folder", 19) in range(19)  # a folder's name that is no text
    assert own_star.number("ada", 0) is None
    assert own_star.number(students.INSTRUCTOR, 19) is None


def test_names_are_spread_over_all_stars():
    count = np.bincount([own_star.number(f"student{i}", 19) for i in range(1900)], minlength=19)
    assert count.min() > 60
    assert count.max() < 150


# --- in a student's notebook --------------------------------------------------------------------


def _seen():
    """Return the mystery star's flux as lab 2 reads it, and as labs 3 and 5 load it."""
    (path,) = archive.fetch([own_star.SHARED], progress=False)
    return fits.getdata(path, 1), products.load("03_cannon")["mystery_flux"]


def test_the_hub_says_who_is_at_work_and_two_students_have_two_stars(data, monkeypatch):
    build = data / "build"
    fluxes = []
    for name in _three(data):
        monkeypatch.setenv("JUPYTERHUB_USER", name)
        star = own_star.number(name, len(_labels(data)))
        raw, normalised = _seen()
        np.testing.assert_array_equal(
            raw, fits.getdata(build / "sas" / f"{own_star.FILE.format(star)}.gz", 1)
        )
        with np.load(build / "products" / f"{own_star.PRODUCT.format(star)}.npz") as file:
            np.testing.assert_array_equal(normalised, file["mystery_flux"])
        np.testing.assert_array_equal(checks.truth("apogee", "mystery"), _labels(data)[star])
        fluxes.append(normalised)
    for one, other in itertools.combinations(fluxes, 2):
        assert np.abs(one - other).max() > 0.01


def test_among_other_files_the_own_star_stands_where_it_was_asked_for(data, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    spectra = sorted((data / "build" / "sas" / "dr17").rglob("apStar*"))[:2]
    others = [str(p.relative_to(data / "build" / "sas")).removesuffix(".gz") for p in spectra]
    found = archive.fetch([others[0], own_star.SHARED, others[1]], progress=False)
    names = [path.name for path in found]
    assert names[0] == spectra[0].name.removesuffix(".gz")
    assert names[1].endswith("_spec_wiped.fits")
    assert names[2] == spectra[1].name.removesuffix(".gz")


def test_without_a_hub_a_name_is_typed_once(data, monkeypatch):
    name, other, _ = _three(data)
    for ask in (lambda: products.load("03_cannon"), _seen):
        with pytest.raises(students.StudentError, match=r"archive\.sign_in"):
            ask()
    assert not issubclass(students.StudentError, archive.ArchiveError)  # lab 2 goes on after these
    archive.sign_in(f" {name} ")
    archive.sign_in(name.upper())  # the same name once more
    mine = _seen()[1]
    with pytest.raises(students.StudentError, match="run labs 2 and 3 again"):
        archive.sign_in(other)
    with pytest.raises(students.StudentError, match="empty"):
        archive.sign_in(" ")
    np.testing.assert_array_equal(_seen()[1], mine)
    monkeypatch.setenv("JUPYTERHUB_USER", other)  # which knows better
    assert np.abs(_seen()[1] - mine).max() > 0.01


def test_products_without_the_mystery_star_ask_for_no_name(data):
    assert products.load("01_apogee")["labels"].tolist() == [0, 1, 2, 3, 4]


def test_nbgraders_own_autograde_gives_no_marks_for_the_star_and_runs_the_labs(data, monkeypatch):
    """It does not say whose notebook it runs; on a hub it runs in the instructor's name."""
    monkeypatch.setenv("JUPYTERHUB_USER", "prof")
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(students.StudentError, match="labkit grade"):
        checks.truth("apogee", "mystery")
    with np.load(fact_file(apogee_survey.CANNON)) as file:
        np.testing.assert_array_equal(_seen()[1], file["mystery_flux"])
    monkeypatch.setenv("LABKIT_STUDENT", students.INSTRUCTOR)  # the walkthrough says it
    assert checks.truth("apogee", "mystery")[0] == mystery_row(SEED).truth.teff
    with students.examined("ada"):
        ada = own_star.number("ada", len(_labels(data)))
        np.testing.assert_array_equal(checks.truth("apogee", "mystery"), _labels(data)[ada])


# --- without the option -------------------------------------------------------------------------


def test_a_course_without_these_stars_asks_for_no_name_and_gives_the_shared_one(without):
    raw, normalised = _seen()
    np.testing.assert_array_equal(raw, fits.getdata(without / f"build/sas/{own_star.SHARED}.gz", 1))
    with np.load(fact_file(apogee_survey.CANNON)) as file:
        np.testing.assert_array_equal(normalised, file["mystery_flux"])
    assert checks.truth("apogee", "mystery")[0] == mystery_row(SEED).truth.teff
    assert archives.current().key == "embedded-one"


def test_the_survey_itself_does_not_depend_on_these_stars():
    made_of = fingerprints.imported(["skysim.survey.build"], ("skysim", "surveys"))
    assert "skysim.survey.apogee_survey" in made_of
    assert not {"skysim.survey.mystery_stars", "surveys.own_star", "surveys.students"} & set(
        made_of
    )


def test_downloads_and_saved_products_are_kept_apart_once_there_are_such_stars(data):
    with_stars = archives.current().key
    assert with_stars.startswith("embedded-one-")
    _change_survey(data, {"count": 2, "fingerprint": "others"})
    assert archives.current().key not in (with_stars, "embedded-one")


# --- grading ------------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path):
    """Lab 5 with the one exercise that asks for the star."""
    (tmp_path / "course").mkdir()
    course = copy_course(tmp_path / "course", [LAB])
    for folder in ("solutions", "labs"):
        path = course / folder / LAB / f"{LAB}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        notebook.cells = [cell for cell in notebook.cells if EXERCISE in _name(cell)]
        assert len(notebook.cells) == 3
        nbformat.write(notebook, path)
    return course


def _name(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def _answer(labels):
    return f"mystery_answer = {np.column_stack([labels[:5], ERRORS]).tolist()}"


LOSES = [f"test_{EXERCISE}"]


def test_each_student_is_graded_by_the_truth_of_the_folders_name(data, course):
    """Own answers, borrowed ones, and a notebook that calls itself by another's name."""
    labels = _labels(data)
    one, other, third = _three(data)
    fourth = next(
        name
        for name in map("student{}".format, range(100))
        if own_star.number(name, len(labels)) == own_star.number(other, len(labels))
    )
    own, borrowed, thirds = (
        _answer(labels[own_star.number(name, len(labels))]) for name in (one, one, third)
    )
    forged = (
        "import os\nfrom helpers import archive, products\n"
        f"os.environ['LABKIT_STUDENT'] = os.environ['JUPYTERHUB_USER'] = {one!r}\n"
        f"archive.sign_in({one!r})\n"
    )
    handed_in = {
        one: (own, []),
        other: (borrowed, LOSES),
        third: (forged + thirds, []),
        fourth: (forged + borrowed, LOSES),
    }
    for name, (answer, _) in handed_in.items():
        hand_in_cells(course, name, LAB, {EXERCISE: answer})
    lines = batch.grade(batch.Settings(course, LAB, story=False))
    assert {line.student: line.lost for line in lines} == {
        name: lost for name, (_, lost) in handed_in.items()
    }
    assert not [line for line in lines if line.error or line.stopped]


def test_the_sandbox_shows_the_students_own_star_and_no_truth(data, course, monkeypatch):
    name = _three(data)[1]
    star = own_star.number(name, len(_labels(data)))
    shows = (
        "from pathlib import Path\nfrom astropy.io import fits\nfrom helpers import archive, products\n"
        f"(path,) = archive.fetch([{own_star.SHARED!r}], progress=False)\n"
        "print('raw', float(fits.getdata(path, 1)[4000]))\n"
        "print('normalised', float(products.load('03_cannon')['mystery_flux'][4000]))\n"
        "print('truth', [str(path) for path in Path('/').rglob('mystery_stars.npz')])\n"
        "from helpers import checks\nchecks.truth('apogee', 'mystery')"
    )
    monkeypatch.setenv("LABKIT_STUDENT", students.INSTRUCTOR)
    _seen()  # what the instructor has fetched is shown there, and read-only
    hand_in_cells(course, name, LAB, {EXERCISE: shows})
    examined = examination.Examination(batch.Settings(course, LAB))
    raw = (course / "submitted" / name / LAB / f"{LAB}.ipynb").read_bytes()
    marked = examined.mark(name, raw, [])
    graded = nbformat.reads(examined.show(name, raw, [], marked.result).notebook, as_version=4)
    shown = json.dumps([cell.get("outputs", []) for cell in graded.cells])
    served = data / "build"
    raw = fits.getdata(served / "sas" / f"{own_star.FILE.format(star)}.gz", 1)[4000]
    with np.load(served / "products" / f"{own_star.PRODUCT.format(star)}.npz") as file:
        normalised = file["mystery_flux"][4000]
    assert f"raw {float(raw)}" in shown
    assert f"normalised {float(normalised)}" in shown
    assert "truth []" in shown
    assert "mystery stars cannot be read" in shown


def test_no_file_that_is_served_holds_the_labels(kept):
    labels = _labels(kept)
    for path in (kept / "build").rglob("*"):
        if path.suffix == ".npz" and "mystery_star" in path.name:
            with np.load(path) as file:
                assert set(file) == {"mystery_flux", "mystery_error"}
                assert not np.isin(np.float32(labels), file["mystery_flux"]).any()
        if path.parent.name == "mystery_stars":
            with fits.open(path) as file:
                words = " ".join(str(card) for hdu in file for card in hdu.header.cards)
            assert "TEFF" not in words
            assert not [value for value in labels[:, 0] if f"{value:.0f}" in words]


def test_solved_lab_and_rivals_go_on_with_the_shared_star(data, monkeypatch):
    """The model answer is right for it, whoever the hub says that the instructor is."""
    monkeypatch.setenv("JUPYTERHUB_USER", "prof")
    source = lab_source.read(LAB)
    tests = [test for test in judge.tests(source) if test.exercise == EXERCISE]
    model = next(cell.source for cell in source.cells if _name(cell) == EXERCISE)
    cells = [Cell("setup", "setup", "code", "import numpy as np")]
    cells += [Cell("solution", EXERCISE, "code", model)]
    cells += [Cell("test", test.name, "code", test.code) for test in tests]
    verdict = judge.judge(repair.Repaired(cells), tests)
    assert [outcome.points for outcome in verdict.outcomes] == [2, 2]
    granted = Budget(30, 60, Limits.memory)
    with rivals.Lab(LAB) as lab:
        lab._model, lab.tests = ["import numpy as np", model], tests
        budgets = [(test, granted) for test in tests]
        assert list(lab.outcomes("", "", budgets)) == [True, True]
    with scratch() as folder, Shell(folder, Limits()) as shell:
        asks = (
            "from helpers import products\nprint(products.load('03_cannon')['mystery_flux'][4000])"
        )
        shown = shell.ask({"do": "run", "source": asks}, granted, "a cell")["printed"]
    with np.load(fact_file(apogee_survey.CANNON)) as file:
        assert shown.strip() == str(file["mystery_flux"][4000])


def test_submissions_are_graded_again_once_there_are_such_stars(data, course):
    def digest():
        return examination.Examination(batch.Settings(course, LAB)).digest(b"", [])

    digests = {digest()}
    for stars in ({"count": 2, "fingerprint": "others"}, None):
        _change_survey(data, stars)
        digests.add(digest())
    assert len(digests) == 3
