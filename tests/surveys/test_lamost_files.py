"""LAMOST's files in their two layouts: made from stacks by the archive, and read."""

import gzip
import io
import sqlite3
import zipfile

import numpy as np
import pytest
from astropy.io import fits

from helpers import activity, archive
from surveys.formats.lamost import LamostFileError, read_lamost
from surveys.formats.npz import stored_array
from surveys.lamost_files import stacked_file
from surveys.server import ArchiveServer
from tests.surveys.test_server import get

PIXELS = 3909
NAMES = {
    "lamost_a": "lamost/dr10/20220305/KP083000N1700V01/spec-59644-KP083000N1700V01_sp10-{:03d}",
    "lamost_b": "lamost/dr6/20120601/KP192400N4430V01/spec-56084-KP192400N4430V01_sp02-{:03d}",
}


def scale(row):
    return 0.01 * (row + 1)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two stacks of three spectra with their catalogue."""
    root = tmp_path_factory.mktemp("survey")
    (root / "sas").mkdir()
    (root / "products").mkdir()
    catalogue = sqlite3.connect(root / "catalogue.sqlite")
    columns = (
        "obsid, survey, path, designation, obsdate, lmjd, planid, spid, fiberid, ra, dec, mag_r, "
        "helio_rv, snru, snrg, snrr, snri, snrz, class, subclass, z, z_err"
    )
    catalogue.execute(f"CREATE TABLE lamost ({columns})")
    for survey, name in NAMES.items():
        flux = np.arange(3 * PIXELS, dtype=np.int16).reshape(3, PIXELS)
        error = np.full((3, PIXELS), 2.0, np.float16)
        error[:, 100:104] = np.inf
        bad = np.zeros((3, PIXELS), bool)
        bad[:, 100:104] = True
        np.savez(
            root / "products" / f"{survey}.npz",
            flux_i2=flux, err_f2=error, bad=np.packbits(bad, axis=1),
            flux_scale=np.array([scale(r) for r in range(3)]),
        )  # fmt: skip
        for row in range(3):
            values = (
                row, survey, f"{name.format(row)}.fits.gz", "J083000.00+170000.0", "2022-03-05",
                59644, "KP083000N1700V01", 10, row, 127.5, 17.0, 13.1,
                -22.5, 5.0, 20.0, 30.0, 40.0, 35.0, "STAR", "K2", -0.0001, 1e-5,
            )  # fmt: skip
            catalogue.execute(f"INSERT INTO lamost VALUES ({', '.join('?' * len(values))})", values)
    catalogue.commit()
    catalogue.close()
    return root


def opened(root, survey, row):
    content = stacked_file(root, f"{NAMES[survey].format(row)}.fits.gz")
    return fits.open(io.BytesIO(gzip.decompress(content)))


def test_binary_table_as_in_dr10(root):
    with opened(root, "lamost_a", 2) as file:
        assert file[0].header["OBSID"] == 2
        assert "SIMULATED" in file[0].header["ORIGIN"]
        table = file["COADD"].data
        assert table.dtype.names[:5] == ("FLUX", "IVAR", "WAVELENGTH", "ANDMASK", "ORMASK")
        expected = (2 * PIXELS + np.arange(PIXELS)) * scale(2)
        np.testing.assert_allclose(table["FLUX"][0], expected, rtol=1e-5)
        np.testing.assert_allclose(table["IVAR"][0][:100], (200.0 * scale(2)) ** -2.0, rtol=1e-5)
        assert (table["IVAR"][0][100:104] == 0).all()
        np.testing.assert_array_equal(np.flatnonzero(table["ORMASK"][0]), [100, 101, 102, 103])
        header = file[0].header
        wave = 10 ** (header["COEFF0"] + header["COEFF1"] * np.arange(PIXELS))
        np.testing.assert_allclose(table["WAVELENGTH"][0], wave, rtol=1e-6)


def test_image_of_five_rows_as_up_to_dr6(root):
    with opened(root, "lamost_b", 1) as file:
        assert len(file) == 1
        assert file[0].data.shape == (5, PIXELS)
        expected = (PIXELS + np.arange(PIXELS)) * scale(1)
        np.testing.assert_allclose(file[0].data[0], expected, rtol=1e-5)
        assert file[0].data[2][0] == pytest.approx(3699.985, abs=1e-3)
        assert file[0].data[4].sum() == 4


def test_server_sends_it_zipped_or_plain(root):
    name = NAMES["lamost_a"].format(0)
    with ArchiveServer(root) as server:
        response, body = get(server, f"/sas/{name}.fits.gz")
        assert response.status == 200
        plain = get(server, f"/sas/{name}.fits")[1]
        assert gzip.decompress(body) == plain
        response, body = get(server, f"/sas/{name}.fits.gz", "HEAD")
        assert (response.status, body) == (200, b"")
        for wrong in (
            NAMES["lamost_a"].format(7) + ".fits.gz",
            name.replace("dr10", "dr9") + ".fits.gz",
            name.replace("spec-", "../spec-") + ".fits.gz",
            name + ".npz",
            "lamost/products/lamost_a.npz",
        ):
            assert get(server, f"/sas/{wrong}")[0].status == 404, wrong


def test_fetch_reaches_it(root, tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_ARCHIVE", str(root))
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path))
    names = [f"{NAMES[survey].format(row)}.fits.gz" for survey in NAMES for row in range(3)]
    paths = archive.fetch(names, progress=False)
    assert [path.name for path in paths] == [name.rpartition("/")[2] for name in names]
    assert fits.getheader(paths[1])["OBSID"] == 1


@pytest.mark.parametrize("survey", ["lamost_a", "lamost_b"])
@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_both_layouts_are_read(root, tmp_path, survey, zipped):
    name = f"{NAMES[survey].format(1)}.fits{'.gz' if zipped else ''}"
    path = tmp_path / name.rpartition("/")[2]
    path.write_bytes(stacked_file(root, name))
    spectrum = read_lamost(path)
    np.testing.assert_allclose(spectrum.wavelength, 10 ** (3.5682 + 1e-4 * np.arange(PIXELS)))
    np.testing.assert_allclose(spectrum.flux, (PIXELS + np.arange(PIXELS)) * scale(1), rtol=1e-5)
    assert np.flatnonzero(np.isinf(spectrum.error)).tolist() == [100, 101, 102, 103]
    np.testing.assert_allclose(spectrum.error[:100], 200.0 * scale(1), rtol=1e-5)
    assert (spectrum.about["obsid"], spectrum.about["class"]) == (1, "STAR")
    # lab 7 reads a single file as a stack of one
    stack = activity.read(path, 6000.0, 7000.0)
    inside = (spectrum.wavelength >= 6000) & (spectrum.wavelength < 7000)
    np.testing.assert_array_equal(stack.wavelength, spectrum.wavelength[inside])
    np.testing.assert_allclose(stack.flux, [spectrum.flux[inside]], rtol=1e-6)
    assert stack.table["obsid"].tolist() == [1]


def changed(root, survey, change):
    """A file of the archive in which something is changed."""
    with opened(root, survey, 1) as hdus:
        change(hdus)
        out = io.BytesIO()
        hdus.writeto(out)
    return out.getvalue()


def test_pixels_flagged_in_every_exposure_have_no_weight(root, tmp_path):
    def flag(hdus):
        hdus["COADD"].data["ANDMASK"][0][200] = 8

    path = tmp_path / "spec.fits"
    path.write_bytes(changed(root, "lamost_a", flag))
    assert np.isinf(read_lamost(path).error[[100, 200]]).all()
    assert np.isfinite(read_lamost(path).error[[99, 199, 201]]).all()


def test_wavelengths_in_air_are_made_those_in_vacuum(root, tmp_path):
    def say(hdus):
        hdus[0].header["VACUUM"] = False

    path = tmp_path / "spec.fits"
    path.write_bytes(changed(root, "lamost_b", say))
    shift = read_lamost(path).wavelength / 10 ** (3.5682 + 1e-4 * np.arange(PIXELS))
    np.testing.assert_allclose(shift, 1.00028, atol=1e-5)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds nothing at all"),
        (b"<html>Please log in</html>", "web page"),
        ("cut", "not a complete FITS file"),
        ("other", "neither an image of the five rows"),
    ],
    ids=["empty", "web page", "cut", "other"],
)
def test_files_that_hold_no_spectrum_are_named(root, tmp_path, content, words):
    if content == "cut":
        content = stacked_file(root, f"{NAMES['lamost_a'].format(1)}.fits")[:40_000]
    elif content == "other":
        content = changed(root, "lamost_a", lambda hdus: hdus["COADD"].columns.del_col("IVAR"))
    path = tmp_path / "spec-1.fits"
    path.write_bytes(content)
    with pytest.raises(LamostFileError, match=rf"spec-1\.fits.*{words}"):
        activity.read(path)


def test_a_survey_without_lamost_has_none(tmp_path):
    assert stacked_file(tmp_path, f"{NAMES['lamost_a'].format(0)}.fits.gz") is None
    sqlite3.connect(tmp_path / "catalogue.sqlite").close()
    assert stacked_file(tmp_path, f"{NAMES['lamost_a'].format(0)}.fits.gz") is None


def test_stored_arrays_are_mapped_and_packed_ones_refused(tmp_path):
    rng = np.random.default_rng(0)
    wanted = rng.normal(size=(7, 5)).astype(np.float32)
    np.savez(
        tmp_path / "plain.npz", first=np.arange(3), a=wanted, fortran=np.asfortranarray(wanted)
    )
    for name in ("a", "fortran"):
        found = stored_array(tmp_path / "plain.npz", name)
        assert isinstance(found, np.memmap)
        np.testing.assert_array_equal(found, wanted)
    np.savez_compressed(tmp_path / "packed.npz", a=wanted)
    with pytest.raises(ValueError, match="compressed"):
        stored_array(tmp_path / "packed.npz", "a")
    with zipfile.ZipFile(tmp_path / "plain.npz") as file:
        assert file.getinfo("a.npy").compress_type == zipfile.ZIP_STORED
