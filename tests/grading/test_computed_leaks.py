"""No answer can be read, imported or computed from what the sandbox shows of the kit.

harvest.py collects numbers and words inside the sandbox; here they are compared with the truth.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits

import helpers
import surveys
from labkit.sandbox import Budget, Limits, Shell, scratch, view
from surveys.folders import survey_folder, truth_folder
from tests.tiers import LABS

from . import known_answers
from .test_leaks import secrets_of

HARVEST = Path(__file__).with_name("harvest.py").read_text()
TRUTH = truth_folder()
#: in more numbers than these, two labels of one star may be chance, and three are asked for
FEW = 20_000
#: so many of a column's numbers are true ones where the column is of the truth
SHARE = 0.5
#: shorter columns may have so many by chance
LONG_COLUMN = 20
#: spectra are thousands of files of one kind
STARS_LOOKED_AT = 12
#: words that also have another meaning in the survey's public columns
PUBLIC_COLUMNS = ("true_artefact",)


class Inside:
    """A sandbox in which harvest.py has been run."""

    def __init__(self, shell: Shell, seconds: float = 10) -> None:
        self._shell = shell
        source = HARVEST + f"\nSECONDS = {seconds}\n"
        self._ask({"do": "run", "source": source}, "error")

    def __call__(self, name: str, *arguments: str):
        request = {"do": "call", "name": name, "arguments": (arguments, {})}
        answer = self._ask(request, "refused")
        assert "value" in answer, (name, arguments, answer)
        return answer["value"]

    def _ask(self, request, fault):
        answer = self._shell.ask(request, Budget(120, 240, Limits.memory), "harvest")
        assert not answer.get(fault), answer
        return answer


@pytest.fixture(scope="module")
def answers():
    """The stars' labels, all that was planted, and the mystery star's five labels."""
    return SimpleNamespace(
        stars=known_answers.surveyed(TRUTH),
        everything=known_answers.everything(TRUTH),
        mystery=known_answers.mystery(TRUTH),
    )


@pytest.fixture(scope="module")
def seen():
    """What the sandbox shows: by module and by file."""
    with scratch() as folder, Shell(folder, Limits()) as shell:
        inside = Inside(shell)
        files = inside("seen_files")
        spectra = [f for f in files if Path(f).name.startswith(("apStar-", "aspcapStar-"))]
        others = [f for f in files if f not in set(spectra) and "/labkit/cache/" not in f]
        some = spectra[:: max(1, len(spectra) // STARS_LOOKED_AT)]
        return SimpleNamespace(
            modules={
                name: inside("look_at_module", name)
                for name in inside("kit_modules")
                if name != "absent"  # it only raises: what stands in a hidden package's place
            },
            files={path: inside("look_at_file", path) for path in (*others, *some)},
        )


def recognised(answers, numbers, window=known_answers.WINDOW):
    """Return which stars' true values stand in numbers that are seen together."""
    least = 2 if numbers.size <= FEW or numbers.ndim == 2 else 3
    found = answers.stars.among(numbers, window, least)
    # of these there are so many that two near each other may always be chance
    found += answers.everything.among(numbers, window, least=3)
    if known_answers.typed(answers.mystery, numbers):
        found.append("mystery star, rounded")
    return found


def told_by_module(answers, module):
    """Return the stars that a module tells of; all its short constants are seen together."""
    found = recognised(answers, module["numbers"], window=max(module["numbers"].size, 1))
    for array in module["arrays"]:
        found += recognised(answers, array.ravel())
    return found


def told_by_file(answers, file):
    """Return the stars that a file tells of; the columns of a table are seen together."""
    found = []
    for table in file["tables"].values():
        found += recognised(answers, table, window=table.shape[1])
        if len(table) >= LONG_COLUMN:
            shares = [answers.everything.share(column) for column in table.T]
            found += [f"column {i}" for i, share in enumerate(shares) if share > SHARE]
    for numbers in file["flat"].values():
        found += recognised(answers, numbers)
    return found


# --- the kit as it is ---------------------------------------------------------------------------


def test_every_module_and_every_served_product_is_looked_at(seen):
    folders = [(Path(package.__path__[0]), package.__name__) for package in (helpers, surveys)]
    expected = {
        ".".join((name, *path.relative_to(folder).with_suffix("").parts)).removesuffix(".__init__")
        for folder, name in folders
        for path in folder.rglob("*.py")
    }
    expected |= {path.stem for path in view.INSIDE.glob("*.py")} - {"absent"}
    assert set(seen.modules) == expected
    served = {path.name for path in (survey_folder() / "products").iterdir()}
    assert served <= {Path(path).name for path in seen.files}
    assert {"catalogue.sqlite", "survey.json", "mystery_spec_wiped.fits.gz"} <= {
        Path(path).name for path in seen.files
    }
    assert any("allStar" in path for path in seen.files)
    called = {name for module in seen.modules.values() for name in module["called"]}
    assert {
        "helpers.csst.models",
        "helpers.corona.simulated_spectra",
        "surveys.coronal_lines.line_table",
        "surveys.archives.current",
    } <= called


def test_there_are_answers_to_look_for(answers):
    assert len(answers.stars.names) > 1800
    with np.load(TRUTH / "lamost.npz") as truth:
        names = ("teff", "age", "velocity")
        star = np.array([truth[f"lamost_k2.true_{name}"][17] for name in names])
        spot = np.array([truth["lamost_k2.residual_ew"][17, 2], star[0]])
        cosmic = truth["lamost_kepler.cosmic"]
    (name,) = answers.everything.among(star)
    assert name == "row 17 of 12000 in lamost_k2"
    assert answers.everything.among(spot) == [name]
    assert answers.everything.share(np.array([1.5, *star])) == 0.75
    assert len(answers.everything.names) > 12_000 + 1200 + len(cosmic)
    assert answers.stars.among(answers.mystery) == ["mystery star"]
    assert answers.stars.among(answers.mystery.astype(np.float32)) == ["mystery star"]
    assert answers.stars.among(answers.mystery[[0, 0, 0]]) == []
    assert answers.stars.among(answers.mystery * (1 + 2e-6)) == []
    assert answers.stars.among(answers.mystery, least=3) == ["mystery star"]
    assert answers.stars.among(answers.mystery[:2], least=3) == []


def test_no_module_tells_an_answer(seen, answers):
    told = {name: told_by_module(answers, module) for name, module in seen.modules.items()}
    assert {name: stars[:5] for name, stars in told.items() if stars} == {}


def test_no_file_tells_an_answer(seen, answers):
    told = {path: told_by_file(answers, file) for path, file in seen.files.items()}
    assert {path: stars[:5] for path, stars in told.items() if stars} == {}


def test_no_column_or_header_names_what_was_planted(seen):
    planted = known_answers.words(TRUTH)
    assert {"low_snr", "wrong_velocity", "bad_sky"} <= planted
    told = {
        (path, column): planted & set(words)
        for path, file in seen.files.items()
        for column, words in file["words"].items()
        if column not in PUBLIC_COLUMNS and planted & set(words)
    }
    assert told == {}


def test_no_module_holds_numbers_of_hidden_tests(seen):
    hidden = {
        slug: {float(text) for text in secrets_of(slug) if re.fullmatch(r"[\d_]+\.?\d*", text)}
        for slug in LABS
    }
    assert sum(map(len, hidden.values())) > 20
    told = {
        (name, slug): sorted(numbers & set(module["numbers"].tolist()))
        for name, module in seen.modules.items()
        for slug, numbers in hidden.items()
    }
    assert {where: found for where, found in told.items() if len(found) > 1} == {}


# --- the search finds what is planted for it ----------------------------------------------------

PLANTED_MODULES = {
    "constant": "STAR = {labels}",
    "separate_constants": "TEFF = {teff!r}\nNAMES = 'abc'\nLOGG = {logg!r}",
    "text": "STAR = 'Teff {teff!r}, log g {logg!r}'",
    "class_attribute": "class Star:\n    labels = {labels}",
    "default_argument": "def star(x, labels=tuple({labels})):\n    return x",
    "code_of_a_function_with_arguments": "def star(x):\n    return {labels}",
    "nested_function": "def star(x):\n    def of(y):\n        return {labels}\n    return of",
    "function_without_arguments": """
        import numpy as np
        HALVES = np.array({halves})
        def star():
            return 2 * HALVES
        """,
    "method_without_arguments": """
        HALVES = {halves}
        class Star:
            def labels(self):
                return [2 * half for half in HALVES]
        """,
    "property": """
        HALVES = {halves}
        class Star:
            @property
            def labels(self):
                return [2 * half for half in HALVES]
        """,
    "generator": "def star():\n    for half in {halves}:\n        yield 2 * half",
    "dataclass": """
        from dataclasses import dataclass
        @dataclass(frozen=True)
        class Star:
            halves: list
        _STAR = Star({halves})
        def star():
            return Star([2 * half for half in _STAR.halves])
        """,
    "another_survey": "ACTIVITY = {{'period': {period}, 'mass': {mass}, 'age': {age}}}",
    "rounded": "STAR = [{teff:.1f}, {logg:.3f}, {fe_h:.3f}]",
    "beside_functions_that_do_not_end": """
        def forever():
            while True:
                pass
        def leaves():
            raise SystemExit
        STAR = {labels}
        """,
}


@pytest.fixture(scope="module")
def planted_modules(answers, tmp_path_factory):
    """What a sandbox shows of `helpers` with modules that tell an answer."""
    labels = answers.mystery.tolist()
    names = ("period", "mass", "age")
    with np.load(TRUTH / "lamost.npz") as truth:
        star = {name: float(truth[f"lamost_kepler.true_{name}"][5]) for name in names}
    filled = {
        **star,
        "labels": labels,
        "halves": (answers.mystery / 2).tolist(),
        **dict(zip(("teff", "logg", "fe_h"), labels, strict=False)),
    }
    copy = tmp_path_factory.mktemp("kit") / "helpers"
    shutil.copytree(helpers.__path__[0], copy, ignore=shutil.ignore_patterns("__pycache__"))
    for name, source in PLANTED_MODULES.items():
        (copy / f"{name}.py").write_text(textwrap.dedent(source).format(**filled))
    with pytest.MonkeyPatch.context() as patch, scratch() as folder:
        patch.setattr(view, "helpers", SimpleNamespace(__path__=[str(copy)]))
        with Shell(folder, Limits()) as shell:
            inside = Inside(shell, seconds=1)
            names = [name for name in inside("kit_modules") if name.startswith("helpers.")]
            looked_at = (*PLANTED_MODULES, "apogee", "csst")
            assert {f"helpers.{name}" for name in looked_at} <= set(names)
            return {name: inside("look_at_module", f"helpers.{name}") for name in looked_at}


@pytest.mark.parametrize("name", PLANTED_MODULES)
def test_an_answer_in_a_module_is_found(name, planted_modules, answers):
    assert told_by_module(answers, planted_modules[name])


def test_modules_beside_it_are_not_blamed(planted_modules, answers):
    assert told_by_module(answers, planted_modules["apogee"]) == []
    assert told_by_module(answers, planted_modules["csst"]) == []


def _plant(build: Path, labels: np.ndarray, many: np.ndarray, periods: np.ndarray) -> None:
    """Make a survey of files each of which tells an answer."""
    products = build / "products"
    (build / "sas").mkdir(parents=True)
    products.mkdir()
    np.savez(products / "alone.npz", star=labels)
    np.savez(products / "rows.npz", stars=many)
    np.savez(products / "across.npz", stars=many.T)
    np.savez(products / "columns.npz", a=many[:, 0], name=np.arange(len(many)), b=many[:, 3])
    np.savez(products / "single.npz", stars=many.astype(np.float32))
    np.savez(products / "period.npz", days=periods, snr=np.linspace(10, 90, len(periods)))
    np.savez(products / "words.npz", remark=np.array(["a", "wrong_velocity"]))
    with sqlite3.connect(build / "catalogue.sqlite") as connection:
        connection.execute("CREATE TABLE star (name TEXT, teff REAL, kind TEXT, logg REAL)")
        rows = [("one", teff, "low_snr", logg) for teff, logg in many[:, :2].tolist()]
        connection.executemany("INSERT INTO star VALUES (?, ?, ?, ?)", rows)
    connection.close()
    header = fits.Header({"TRUETEFF": labels[0], "REMARK": "bad_spectrum"})
    header["COMMENT"] = f"log g is {labels[1]:.6f}"
    fits.PrimaryHDU(header=header).writeto(build / "sas" / "header.fits")
    columns = [fits.Column(n, "E", array=many[:, i]) for i, n in enumerate("ab")]
    table = fits.BinTableHDU.from_columns(columns)
    table.writeto(build / "sas" / "table.fits")
    (build / "survey.json").write_text(f'{{"stars": {{"mystery": {labels.tolist()}}}}}')
    np.savez(build / "truth.npz", labels=many)


PLANTED_FILES = (
    *("alone.npz", "rows.npz", "across.npz", "columns.npz", "single.npz", "period.npz"),
    *("catalogue.sqlite", "header.fits", "table.fits", "survey.json"),
)


@pytest.fixture(scope="module")
def planted_files(answers, tmp_path_factory):
    """What a sandbox shows of a survey in which every file tells an answer, by name."""
    data = tmp_path_factory.mktemp("data")
    with np.load(TRUTH / "apogee.npz") as apogee, np.load(TRUTH / "lamost.npz") as lamost:
        periods = lamost["lamost_k2.true_period"][:100].astype(np.float32)
        _plant(data / "build", answers.mystery, apogee["labels"][:40], periods)
    with pytest.MonkeyPatch.context() as patch, scratch() as folder:
        patch.setenv("LABKIT_DATA", str(data))
        patch.setenv("LABKIT_CACHE", str(data / "cache"))
        with Shell(folder, Limits()) as shell:
            inside = Inside(shell)
            paths = [path for path in inside("seen_files") if path.startswith("/labkit/survey")]
            return {Path(path).name: inside("look_at_file", path) for path in paths}


@pytest.mark.parametrize("name", PLANTED_FILES)
def test_an_answer_in_a_served_file_is_found(name, planted_files, answers):
    assert told_by_file(answers, planted_files[name])


def test_names_of_what_was_planted_are_found(planted_files):
    planted = known_answers.words(TRUTH)
    found = {
        name: planted & {word for words in file["words"].values() for word in words}
        for name, file in planted_files.items()
    }
    assert {name: words for name, words in found.items() if words} == {
        "words.npz": {"wrong_velocity"},
        "catalogue.sqlite": {"low_snr"},
        "header.fits": {"bad_spectrum"},
    }


def test_of_the_survey_only_what_is_served_is_seen(planted_files):
    assert set(planted_files) == {*PLANTED_FILES, "words.npz"}
