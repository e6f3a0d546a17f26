"""The reader of apStar and aspcapStar files, on made files and on real ones."""

import gzip

import numpy as np
import pytest
from astropy.io import fits

from helpers import apogee
from tests.tiny_archive import apstar_bytes


@pytest.fixture
def write(tmp_path):
    def write(content, name="apStar-dr17-2M00000000+0000000.fits"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def test_grid_and_names():
    assert sum(chip.stop - chip.start for chip in apogee.CHIPS.values()) == 7214
    assert max(chip.stop for chip in apogee.CHIPS.values()) <= apogee.N_PIXELS
    assert list(apogee.PIXMASK) == list(apogee.PIXMASK_MEANING) == list(range(15))
    assert apogee.PIXMASK[0] == "BADPIX"
    assert apogee.PIXMASK[12] == "SIG_SKYLINE"


@pytest.mark.parametrize("mask", [np.int16, np.int32])
def test_star_with_visits(write, mask):
    spectrum = apogee.read_apstar(write(apstar_bytes(rows=5, mask=mask)))
    assert spectrum.apogee_id == "2M21290000+1210000"
    assert spectrum.visits.shape == (3, 8575)
    assert spectrum.n_visits == 3
    assert spectrum.snr == 123.5
    assert spectrum.mask[10] == 4096
    assert spectrum.mask.sum() == 4096
    assert spectrum.wavelength[0] == pytest.approx(10**4.179)
    assert spectrum.wavelength[-1] == pytest.approx(10 ** (4.179 + 6e-6 * 8574))
    np.testing.assert_array_equal(spectrum.flux[:3], [100, 101, 102])
    np.testing.assert_array_equal(spectrum.error, 2)
    assert spectrum.unit.startswith("1e-17 erg")
    assert spectrum.header["FIELD"] == "M15"


def test_star_seen_once(write):
    spectrum = apogee.read_apstar(write(apstar_bytes(flat=True)))
    assert spectrum.flux.shape == spectrum.mask.shape == (8575,)
    assert spectrum.visits.shape == (0, 8575)
    assert spectrum.n_visits == 1


def test_gzipped_file_is_read(write):
    path = write(gzip.compress(apstar_bytes()), "a.fits.gz")
    assert apogee.read_apstar(path).visits.shape == (2, 8575)


def test_mask_bits_come_back_undecoded(write):
    # a reader that inflated the errors of flagged pixels would give an answer of lab 1 away
    spectrum = apogee.read_apstar(write(apstar_bytes()))
    assert spectrum.error[10] == spectrum.error[11]


HTML = b"<!DOCTYPE html><html><body>503 Service Unavailable</body></html>"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (HTML, "web page"),
        (b'{"ErrorCode": 500}', "JSON"),
        (b"", "nothing at all"),
        (b"SIMPLE it is not", "not a complete FITS"),
        (b"\x00" * 5000, "not a complete FITS"),
        (apstar_bytes()[:-5000], "not a complete FITS"),
        (apstar_bytes()[: 2880 * 10], "not a complete FITS"),
        (apstar_bytes()[:2880], "HDU 1 .* missing"),
        (apstar_bytes(pixels=8574), "8574 pixels, 8575 expected"),
        (gzip.compress(apstar_bytes())[:-2000], "not a complete FITS"),
    ],
    ids=["html", "json", "empty", "text", "zeros", "tail", "middle", "header", "pixels", "gzip"],
)
def test_bad_files_are_named(write, content, word):
    path = write(content)
    with pytest.raises(apogee.ApogeeFileError, match=word) as caught:
        apogee.read_apstar(path)
    assert str(path) in str(caught.value)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(apogee.ApogeeFileError, match=r"nowhere\.fits.*[Ff]etch"):
        apogee.read_apstar(tmp_path / "nowhere.fits")


def test_a_table_is_no_image(write, tmp_path):
    path = tmp_path / "t.fits"
    table = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=np.arange(8575.0))])
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)
    with pytest.raises(apogee.ApogeeFileError, match="HDU 1"):
        apogee.read_apstar(path)


def test_real_apstar_files(real):
    files = sorted((real / "apstar").glob("*.fits"))
    assert len(files) == 19
    for path in files:
        spectrum = apogee.read_apstar(path)
        assert spectrum.apogee_id in path.name
        assert spectrum.flux.shape == spectrum.error.shape == spectrum.mask.shape == (8575,)
        expected = spectrum.n_visits if spectrum.n_visits > 1 else 0
        assert spectrum.visits.shape == (expected, 8575)
        assert 5 < spectrum.snr < 500
        assert np.median(spectrum.flux[apogee.CHIPS["green"]]) > 0
        assert spectrum.mask.max() > 0
        assert spectrum.mask.min() >= 0


def test_real_aspcapstar_files(real):
    files = sorted((real / "aspcap").glob("*.fits"))
    assert len(files) == 25
    for path in files:
        spectrum = apogee.read_aspcapstar(path)
        assert spectrum.apogee_id in path.name
        assert "continuum" in spectrum.unit
        assert spectrum.model.shape == (8575,)
        assert 0.5 < np.median(spectrum.flux[apogee.CHIPS["red"]]) < 1.2
        assert spectrum.snr > 5


def test_real_mystery_spectrum_and_grid(real):
    spectrum = apogee.read_apstar(real / "mystery_spec_wiped.fits")
    assert spectrum.flux.shape == (8575,)
    assert spectrum.snr == pytest.approx(366.5, abs=0.1)
    chips = np.concatenate([spectrum.wavelength[chip] for chip in apogee.CHIPS.values()])
    with np.load(real / "apogee_wavelength.npz") as grid:
        np.testing.assert_allclose(chips, grid[grid.files[0]], rtol=1e-9)
