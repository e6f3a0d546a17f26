"""The reader of apStar and aspcapStar files, on made files and on real ones."""

import gzip
import io

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


def with_card(name, value):
    """An apStar file in which one card is written in another way."""
    content = apstar_bytes()
    start = content.index(f"{name:8}=".encode())
    return content[:start] + f"{name:8}= {value:>20}".ljust(80).encode() + content[start + 80 :]


@pytest.mark.parametrize("value", ["", "'****'", "****", "NaN"])
def test_files_without_a_number_for_the_noise_are_read(write, value):
    """An undefined card, and asterisks where a number did not fit (fitsio 243, astropy 873)."""
    spectrum = apogee.read_apstar(write(with_card("SNR", value)))
    assert np.isnan(spectrum.snr)
    assert spectrum.n_visits == 2


@pytest.mark.parametrize("value", ["", "'****'", "NaN"])
def test_files_without_a_number_of_visits_are_counted(write, value):
    spectrum = apogee.read_apstar(write(with_card("NVISITS", value)))
    assert spectrum.n_visits == 2  # four rows, two of them combined
    assert spectrum.snr == 123.5


def with_mask(mask):
    out = io.BytesIO()
    with fits.open(io.BytesIO(apstar_bytes())) as hdus:
        hdus[3] = fits.ImageHDU(mask)
        hdus.writeto(out)
    return out.getvalue()


@pytest.mark.parametrize("kind", [np.int64, np.float32, np.float64, np.uint32])
def test_files_with_a_mask_of_another_type_are_read(write, kind):
    mask = np.zeros((4, 8575), kind)
    mask[0, 10] = 1 << 14
    spectrum = apogee.read_apstar(write(with_mask(mask)))
    assert spectrum.mask.dtype == np.int32
    assert np.flatnonzero(spectrum.mask).tolist() == [10]
    assert spectrum.mask[10] == 1 << 14


@pytest.mark.parametrize("value", [np.nan, 0.5, -1.0, 2.0**31, 2.0**40])
def test_files_whose_mask_holds_no_bits_are_named(write, value):
    mask = np.zeros((4, 8575))
    mask[0, 10] = value
    with pytest.raises(apogee.ApogeeFileError, match=r"\.fits: HDU 3 .*whole numbers.*Fetch"):
        apogee.read_apstar(write(with_mask(mask)))


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
        # the 7514 pixels of ASPCAP since DR13, as the text of CHIPS gives them
        kept = np.flatnonzero(spectrum.model)
        assert [[int(run[0]), int(run[-1])] for run in np.split(kept, [3028, 5523])] == [
            [246, 3273],
            [3585, 6079],
            [6344, 8334],
        ]
        assert len(kept) == 7514


def test_real_mystery_spectrum_and_grid(real):
    spectrum = apogee.read_apstar(real / "mystery_spec_wiped.fits")
    assert spectrum.flux.shape == (8575,)
    assert spectrum.snr == pytest.approx(366.5, abs=0.1)
    chips = np.concatenate([spectrum.wavelength[chip] for chip in apogee.CHIPS.values()])
    with np.load(real / "apogee_wavelength.npz") as grid:
        np.testing.assert_allclose(chips, grid[grid.files[0]], rtol=1e-9)
