"""A small survey on disk, and the continuum list."""

import gzip
import hashlib
import json
import shutil
import sqlite3
import zipfile

import numpy as np
import pytest
from astropy.io import fits

from skysim.spectra.h_band import wavelength_grid
from skysim.stars.labels import Labels
from skysim.survey import apogee_survey, build, check, tables
from skysim.survey.__main__ import main as compare
from skysim.survey.apogee_files import TRIMMED, night_sky, trimmed_pixels
from skysim.survey.apogee_rows import mystery_row
from skysim.survey.continuum import continuum_pixels
from skysim.survey.differences import differences
from surveys import fingerprints


def _contents(root):
    """Yield every file below a folder, unpacked: its name and its bytes."""
    for path in sorted(root.rglob("*")):
        if path.suffix == ".npz":
            with zipfile.ZipFile(path) as packed:
                yield from ((f"{path}:{name}", packed.read(name)) for name in packed.namelist())
        elif path.is_file():
            kept = path.read_bytes()
            yield str(path), gzip.decompress(kept) if path.suffix == ".gz" else kept


CUTS = (
    "FROM apogeeStar s JOIN aspcapStar a ON s.apstar_id = a.apstar_id WHERE s.snr >= 50 "
    "AND a.teff > 0 AND a.teff <= 5700 AND a.logg > -1 AND a.logg <= 4 AND a.fe_h >= -1 "
    "AND a.mg_fe > -10 AND a.si_fe > -10"
)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The first 24 rows, built in this process."""
    root = tmp_path_factory.mktemp("survey") / "build"
    summary = build.build(root, jobs=1, progress=False, limit=24)
    return root, summary


def test_sql_tables_and_allstar_agree_on_the_counts(tmp_path, rows):
    tables.write_sqlite(tmp_path / "c.sqlite", rows)
    connection = sqlite3.connect(tmp_path / "c.sqlite")
    kept, stars = connection.execute(
        f"SELECT COUNT(*), COUNT(DISTINCT s.apogee_id) {CUTS}"
    ).fetchone()
    connection.close()
    assert (kept, stars) == (1886, 1855)
    tables.write_allstar(tmp_path / "allStar.fits", rows)
    t = fits.getdata(tmp_path / "allStar.fits", 1)
    labels = np.array([t[n] for n in ("TEFF", "LOGG", "FE_H", "MG_FE", "SI_FE")])
    good = (labels > -9000).all(axis=0) & (t["SNR"] >= 50) & (t["LOGG"] <= 4)
    good &= (t["TEFF"] <= 5700) & (t["FE_H"] >= -1)
    assert good.sum() == 1886
    assert len(set(t["APOGEE_ID"][good])) == 1855
    assert set(t["FIELD"]) == {"M15", "N6791", "K2_C4_168-21", "060+00"}


def test_small_survey_is_complete(small):
    root, summary = small
    assert json.loads((root / "survey.json").read_text()) == summary
    assert summary["rows"] == 24
    assert len(list(root.glob("sas/**/apStar-*.fits.gz"))) == 24
    assert len(list(root.glob("sas/**/aspcapStar-*.fits.gz"))) == 24
    assert check.check(root)["rows"] == 24
    assert not build.is_current(root)  # a cut survey never counts as the survey
    assert sorted(p.name for p in root.parent.iterdir()) == ["build", "truth"]
    assert not list(root.rglob("*truth*"))  # what is served holds none of it


def test_truth_is_closed_to_other_users(small):
    truth = small[0].with_name("truth")
    assert {path.name for path in truth.iterdir()} == {"apogee.npz", "lamost.npz", "sed.npz"}
    assert truth.stat().st_mode & 0o777 == 0o700


def test_isochrones_are_served_in_mists_layout(small):
    root, _ = small
    files = sorted(path.name for path in (root / "products").glob("*.iso"))
    assert len(files) == 11
    assert {"isochrones_feh_m100.iso", "isochrones_feh_p000.iso"} <= set(files)
    for name in files:
        assert (root / "products" / name).read_text().startswith("# SIMULATED, not MIST")


def test_product_holds_the_coadds_with_inflated_errors(small):
    root, summary = small
    product = np.load(root / "products" / "01_apogee.npz")
    assert product["flux"].shape == (summary["stars"], 8575)
    assert product["flux"].dtype == product["error"].dtype == np.float32
    assert list(product["label_names"]) == ["TEFF", "LOGG", "FE_H", "MG_FE", "SI_FE"]
    name = product["apogee_id"][0]
    (path,) = root.glob(f"sas/**/apo25m/*/apStar-dr17-{name}.fits.gz")
    with fits.open(path) as file:
        flux, error, mask = (np.atleast_2d(file[i].data)[0] for i in (1, 2, 3))
    np.testing.assert_allclose(product["flux"][0], flux, rtol=1e-6)
    bad = (mask & (255 | 1 << 12)) > 0
    assert (product["error"][0][bad] == np.float32(1e10)).all()
    np.testing.assert_allclose(product["error"][0][~bad], error[~bad], rtol=1e-6)


def test_normalised_product_is_the_aspcap_files_with_bad_pixels_marked(small):
    root, summary = small
    product = np.load(root / "products" / "02_continuum.npz")
    assert product["flux"].shape == product["error"].shape == (summary["stars"], 8575)
    assert np.isfinite(product["flux"]).all()
    known = product["error"] < 1e9
    assert (product["flux"][~known] == 1).all()
    assert not known[:, 3400:3460].any()
    assert (known == (np.load(root / "products" / "01_apogee.npz")["error"] < 1e9))[
        :, trimmed_pixels()
    ].all()
    name = product["apogee_id"][0]
    (path,) = root.glob(f"sas/**/apo25m/*/aspcapStar-dr17-{name}.fits.gz")
    with fits.open(path) as file:
        good = known[0]
        np.testing.assert_allclose(product["flux"][0][good], file[1].data[good], rtol=1e-6)
        np.testing.assert_allclose(product["error"][0][good], file[2].data[good], rtol=1e-6)


def test_the_mystery_star_is_wiped_and_in_no_table(small):
    root, _ = small
    with fits.open(root / apogee_survey.MYSTERY) as file:
        assert [hdu.data.shape for hdu in file[1:]] == [(8575,)] * 3
        assert file[3].data.dtype.kind == "i"
        words = " ".join(str(card) for hdu in file for card in hdu.header.cards)
        flux, error = file[1].data, file[2].data
    for telling in ("OBJID", "TEFF", "LOGG", "FE_H", "RA ", "VHELIO"):
        assert telling not in words
    assert "SIMULATED" in words
    snr = np.median((flux / error)[trimmed_pixels()])
    assert snr == pytest.approx(300, rel=0.1)
    with np.load(root.with_name("truth") / "apogee.npz") as truth:
        mystery, others = truth["mystery"], truth["labels"]
    assert mystery.shape == (6,)
    assert np.abs(others - mystery).max(axis=1).min() > 1
    product = np.load(root / "products" / "02_continuum.npz")
    good = product["mystery_error"] < 1e9
    assert good[trimmed_pixels()].mean() > 0.7
    assert np.median(product["mystery_flux"][good]) == pytest.approx(0.98, abs=0.03)


def test_decorrelated_stars_are_served_with_their_labels_and_stand_in_no_table(small):
    root, summary = small
    product = np.load(root / "products" / "06_decorrelated.npz")
    assert set(product) == {"labels", "label_names", "wavelength", "flux", "error"}
    assert list(product["label_names"]) == ["TEFF", "LOGG", "FE_H", "MG_FE", "SI_FE"]
    assert summary["parts"]["apogee"]["counts"]["decorrelated"] == len(product["labels"]) == 24
    assert product["flux"].shape == product["error"].shape == (24, 8575)
    known = product["error"] < 1e9
    assert (product["flux"][~known] == 1).all()
    assert known[:, trimmed_pixels()].mean() > 0.7
    snr = np.median((product["flux"] / product["error"])[:, trimmed_pixels()], axis=1)
    assert snr == pytest.approx(200, rel=0.15)
    # what is served of them opens no other secret: they are neither surveyed nor the mystery star
    with np.load(root.with_name("truth") / "apogee.npz") as truth:
        hidden = np.vstack([truth["labels"], truth["mystery"]])[:, :5]
    assert np.abs(hidden[:, None] - product["labels"]).max(axis=2).min() > 1e-3
    with sqlite3.connect(root / "catalogue.sqlite") as connection:
        names = {name for (name,) in connection.execute("SELECT apogee_id FROM apogeeStar")}
    connection.close()
    assert not [name for name in names if "decorrelated" in name]
    assert not list(root.glob("sas/**/*decorrelated*"))


def test_files_do_not_depend_on_the_number_of_processes(small, tmp_path):
    root, _ = small
    other = tmp_path / "build"
    build.build(other, jobs=2, progress=False, limit=4)
    for path in other.glob("sas/**/*.fits.gz"):
        twin = root / path.relative_to(other)
        assert gzip.decompress(path.read_bytes()) == gzip.decompress(twin.read_bytes())
    # Optical stars and models are as few in both: their files are twins.
    optical = [f"products/{name}.npz" for name in ("lamost_k2", "lamost_kepler", "sed_grid")]
    found = differences(root, other)
    assert not [name for name in found if name.startswith(tuple(optical))]
    truths = differences(root.with_name("truth"), other.with_name("truth"))
    assert not [name for name in truths if name.startswith("lamost")]
    served = "products/06_decorrelated.npz"
    with np.load(root / served) as all_stars, np.load(other / served) as first:
        np.testing.assert_array_equal(all_stars["flux"][:4], first["flux"])
        np.testing.assert_array_equal(all_stars["labels"][:4], first["labels"])


def test_parts_are_measured_and_told(small):
    root, summary = small
    assert list(summary["parts"]) == ["apogee", "isochrones", "optical model", "lamost", "sed"]
    assert summary["parts"]["lamost"]["counts"] == dict.fromkeys(
        ("lamost_k2", "lamost_kepler", "lamost_mock"), 2
    )
    assert summary["parts"]["sed"]["counts"]["sed_grid"] == 2
    parts = sum(part["bytes"] for part in summary["parts"].values())
    assert parts == summary["bytes"]
    assert 5e7 < summary["peak_memory_bytes"] < 2e10
    assert check.check(root)["optical_spectra"] == 6


def test_check_notices_a_stack_that_was_cut(small, tmp_path):
    root = shutil.copytree(small[0], tmp_path / "build")
    path = root / "products" / "lamost_k2.npz"
    with np.load(path) as file:
        cut = {name: file[name][:1] for name in file.files}
    np.savez(path, **cut)
    with pytest.raises(ValueError, match="lamost_k2"):
        check.check(root)


def test_differences_are_found_and_measured(small, tmp_path, capsys):
    root = shutil.copytree(small[0], tmp_path / "build")
    assert differences(small[0], root) == {}
    assert compare(["--compare", str(small[0]), str(root)]) == 0
    path = root / "products" / "sed_grid.npz"
    with np.load(path) as file:
        arrays = dict(file)
    arrays["sed"] = arrays["sed"] * 1.001
    np.savez(path, **arrays)
    (root / "products" / "sed_ngsl.npz").unlink()
    with sqlite3.connect(root / "catalogue.sqlite") as connection:
        connection.execute("UPDATE lamost SET subclass = 'Z9' WHERE rowid = 1")
    connection.close()
    found = differences(small[0], root)
    assert found["products/sed_ngsl.npz"] == np.inf
    assert found["catalogue.sqlite:lamost.subclass"] == np.inf
    assert found["products/sed_grid.npz:sed"] == pytest.approx(1e-3, rel=0.01)
    assert len(found) == 3
    assert compare(["--compare", str(small[0]), str(root)]) == 1
    assert "3 arrays differ" in capsys.readouterr().out


def test_build_refuses_a_folder_that_is_not_a_survey(tmp_path):
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "thesis.tex").write_text("mine")
    with pytest.raises(FileExistsError, match=r"no survey\.json"):
        build.build(tmp_path / "build", jobs=1, progress=False, limit=1)
    assert (tmp_path / "build" / "thesis.tex").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1


def test_check_names_a_missing_survey(tmp_path):
    with pytest.raises(ValueError, match=r"survey\.json is missing"):
        check.check(tmp_path)


def test_fingerprint_follows_the_seed():
    assert build.fingerprint(128) == build.fingerprint(128)
    assert build.fingerprint(128) != build.fingerprint(129)


def test_public_generator_does_not_know_the_answers_of_a_course_with_a_secret(small, tmp_path):
    """Mystery star, other stars and noise differ, and what is served does not tell the seed."""
    secret = "nobody outside this course knows it"
    seed = build.seed_of(secret)
    root = tmp_path / "build"
    summary = build.build(root, seed, jobs=1, progress=False, limit=24)
    told = [secret.encode(), str(seed).encode(), f"{seed:x}".encode(), seed.to_bytes(8, "big")]
    told += [seed.to_bytes(8, "little"), hashlib.sha256(f"survey {secret}".encode()).digest()]
    served = dict(_contents(root))
    assert len(served) > 100
    assert not [(path, text) for path, kept in served.items() for text in told if text in kept]
    names = "".join(str(path) for path in root.rglob("*")) + json.dumps(summary)
    assert not [text for text in told[:3] if text.decode() in names]
    header = next(kept for path, kept in served.items() if "apStar" in path)
    assert b"SIMULATED" in header  # so headers are searched
    public = tables.LABELS
    with np.load(root.with_name("truth") / "apogee.npz") as truth:
        mystery, planted = truth["mystery"], truth["kind"]
        labels = truth["labels"]
    for known in (mystery_row(), mystery_row(build.PUBLIC_SEED)):
        guessed = np.array([getattr(known.truth, name) for name in public])
        assert np.abs(guessed - mystery[:5]).max() > 1
    with np.load(small[0].with_name("truth") / "apogee.npz") as truth:
        assert np.abs(truth["labels"] - labels).max(axis=1).min() > 0.1
    assert planted.size == 24
    served = "products/06_decorrelated.npz"
    with np.load(small[0] / served) as one, np.load(root / served) as other:
        assert np.abs(one["labels"] - other["labels"]).max(axis=1).min() > 0.1
        assert (one["flux"] != other["flux"]).any(axis=1).all()
        flux = np.array([one["flux"][0], other["flux"][0]], float)
        known = (np.array([one["error"][0], other["error"][0]]) < 1e9).all(axis=0)
    # lines are alike in all giants; between them a pixel's jump from its neighbours is noise
    continuum = known & (flux > 0.985).all(axis=0)
    between = continuum[1:-1] & continuum[2:] & continuum[:-2]
    noise = (2 * flux[:, 1:-1] - flux[:, 2:] - flux[:, :-2])[:, between]
    assert noise.shape[1] > 300
    assert abs(np.corrcoef(noise)[0, 1]) < 0.3
    # the Cannon that is handed out holds this survey's mystery star, not the public one
    products = [root / "products" / f"{name}.npz" for name in ("03_cannon", "02_continuum")]
    cannon, continuum = (np.load(path)["mystery_flux"] for path in products)
    np.testing.assert_array_equal(cannon, continuum)
    assert build.seed_of("") == build.PUBLIC_SEED
    assert build.seed_of(secret) != build.seed_of(secret + "!")


def test_a_comment_in_a_report_writer_builds_no_survey_again():
    """The survey's fingerprint follows what its code imports, not the folder it lies in."""
    used = fingerprints.imported([build.__name__], ("skysim", "surveys"))
    assert {"skysim.survey.lamost", "skysim.physics.bands", "surveys.catalogue"} <= set(used)
    unused = {"skysim.survey.check", "skysim.survey.differences", "surveys.download"}
    assert not unused & set(used)
    assert not [path for path in used.values() if "make" in path.parts]


def test_continuum_pixels_cover_every_chip(synthesizer):
    wavelengths, trusted = continuum_pixels(synthesizer)
    np.testing.assert_array_equal(wavelengths, wavelength_grid()[trimmed_pixels()])
    assert 0.07 <= trusted.mean() <= 0.09
    assert trusted.dtype == bool
    start = 0
    for first, last in TRIMMED:
        chip = slice(start, start + last - first)
        start += last - first
        marks = wavelengths[chip][trusted[chip]]
        ends = [wavelengths[chip][0], wavelengths[chip][-1]]
        assert np.diff(np.sort(np.r_[marks, ends])).max() < 70
    # They stay at the continuum for stars that the rule did not look at, and clear of airglow.
    pixels = trimmed_pixels()[trusted]
    for labels in (
        Labels(4250, 1.6, -0.3, 0.1, 0.25, 0.1),
        Labels(4900, 2.6, 0.25, 0.0, 0.15, 0.0),
    ):
        flux = synthesizer.spectrum(labels)
        assert np.median(flux[pixels]) > 0.985
        assert flux[pixels].min() > 0.98
    assert np.percentile(night_sky().airglow[pixels], 98) < 60


def test_continuum_pixels_of_a_chip_lie_on_one_parabola(synthesizer):
    """Neither deep lines nor the wings of hydrogen ask for a polynomial of higher degree."""
    wavelengths, trusted = continuum_pixels(synthesizer)
    flux = synthesizer.spectrum(Labels(4800, 2.5, -0.1, 0.05, 0.2, 0.05))[trimmed_pixels()]
    start = 0
    for first, last in TRIMMED:
        chip = slice(start, start + last - first)
        start += last - first
        x, y = wavelengths[chip][trusted[chip]], flux[chip][trusted[chip]]
        parabola = np.polynomial.Chebyshev.fit(x, y, 2)
        print(f"\ncontinuum pixels scatter about a parabola by {np.std(y - parabola(x)):.2%}")
        assert np.std(y - parabola(x)) < 0.003
