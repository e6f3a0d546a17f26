"""The instrument and its files, read back with astropy."""

import io

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skysim.survey import apogee_files, apogee_survey, tables
from skysim.survey.apogee_files import BAD_BITS, BIT, EMPTY_ERROR, trimmed_pixels
from skysim.survey.fitsfile import round_mantissa
from skysim.survey.sky_position import doppler_pixels

SEED = 128


@pytest.fixture(scope="module")
def some(rows):
    """A clean star of each number of visits."""
    clean = [r for r in tables.clean_rows(rows) if r.artefact == "none"]
    return {n: next(r for r in clean if len(r.visits) == n) for n in (1, 2, 3)}


@pytest.mark.parametrize("number", [1, 3])
def test_apstar_reads_back(some, synthesizer, number):
    row = some[number]
    spectra = apogee_files.observe(row, synthesizer, SEED)
    content = apogee_files.apstar_bytes(row, spectra)
    assert len(content) % 2880 == 0
    with fits.open(io.BytesIO(content)) as file:
        file.verify("exception")
        shape = (1 if number == 1 else number + 2, 8575)  # as DR17's pipeline writes them
        assert [h.data.shape for h in file[1:8]] == [shape] * 7
        assert file[3].data.dtype.kind == "i"
        head = file[0].header
        assert head["OBJID"] == row.apogee_id
        assert head["NVISITS"] == number
        assert (head["CRVAL1"], head["CDELT1"], head["NWAVE"]) == (4.179, 6e-6, 8575)
        assert "SIMULATED" in str(head["HISTORY"])
        for i, visit in enumerate(row.visits, start=1):
            assert head[f"VRAD{i}"] + head[f"BC{i}"] == pytest.approx(head[f"VHELIO{i}"], abs=1e-6)
            assert head[f"SNRVIS{i}"] == pytest.approx(visit.snr)
        for key in ("RMIN", "RMAX", "GMIN", "GMAX", "BMIN", "BMAX", "BOVERMAX", "ROVERMIN"):
            assert 0 < head[key] < 8575
        np.testing.assert_allclose(
            np.atleast_2d(file[1].data)[0], spectra.flux[0], rtol=3e-4, atol=1e-6
        )
        np.testing.assert_array_equal(np.atleast_2d(file[3].data), spectra.mask)
        assert list(file[9].data["MJD"].ravel()) == [v.mjd for v in row.visits]


@pytest.mark.parametrize("number", [1, 3])
def test_other_readers_know_the_files_by_their_cards(some, synthesizer, number):
    """What specutils 2.4 asks of a file before it reads it as `APOGEE apStar` or `aspcapStar`."""
    row = some[number]
    spectra = apogee_files.observe(row, synthesizer, SEED)
    with fits.open(io.BytesIO(apogee_files.apstar_bytes(row, spectra))) as file:
        head = file[0].header
        assert "APOGEE" in "".join(head["HISTORY"])
        assert [head[f"SFILE{i}"][:8] for i in range(1, number + 1)] == ["apVisit-"] * number
        assert f"SFILE{number + 1}" not in head
        # its loader takes the first row and, from the image's cards, the wavelengths
        np.testing.assert_allclose(file[1].data[0, :], spectra.flux[0], rtol=3e-4, atol=1e-6)
        places = np.column_stack([np.arange(8575), np.zeros(8575)])
        log_wavelength = WCS(file[1].header).all_pix2world(places, 0)[:, 0]
        np.testing.assert_allclose(log_wavelength, 4.179 + 6e-6 * np.arange(8575), rtol=1e-12)
    arrays = apogee_files.aspcap_arrays(row, spectra, synthesizer, SEED)
    with fits.open(io.BytesIO(apogee_files.aspcap_bytes(row, arrays))) as file:
        assert len(file) > 4
        assert min(file[1].header["NAXIS1"], file[2].header["NAXIS1"]) > 8000
        assert "ASPCAPFLAG" in file[-1].header.values()


def test_files_lie_where_the_archive_s_own_tools_look_for_them(some):
    """Templates of SDSS's `tree` for DR17, which sdss_access fills in; nothing is called."""
    redux, aspcap = "sas/dr17/apogee/spectro/redux", "sas/dr17/apogee/spectro/aspcap"
    assert apogee_survey.STARS.as_posix() == f"{redux}/dr17/stars"
    assert apogee_survey.ASPCAP.as_posix() == f"{aspcap}/dr17/synspec_rev1"
    assert some[1].path == f"{some[1].telescope}/{some[1].field}"


def test_aspcap_reads_back(some, synthesizer):
    row = some[1]
    spectra = apogee_files.observe(row, synthesizer, SEED)
    arrays = apogee_files.aspcap_arrays(row, spectra, synthesizer, SEED)
    with fits.open(io.BytesIO(apogee_files.aspcap_bytes(row, arrays))) as file:
        file.verify("exception")
        flux, error, model = (file[i].data for i in (1, 2, 3))
        good = trimmed_pixels()[(spectra.mask[0][trimmed_pixels()] & BAD_BITS) == 0]
        pull = (flux[good] - model[good]) / np.hypot(error[good], 0.01)
        assert np.median(np.abs(pull)) < 1.0
        assert np.median(flux[good]) == pytest.approx(1.0, abs=0.05)
        assert (flux[:300] == 0).all()
        assert file[4].data["PARAM"][0][0] == pytest.approx(row.catalogue["teff"], rel=1e-6)
        assert file[4].data["PARAM"].shape == (1, 9)


def test_median_signal_to_noise_is_the_catalogue_s(some, synthesizer):
    for row in some.values():
        spectra = apogee_files.observe(row, synthesizer, SEED)
        ratio = (spectra.flux[0] / spectra.error[0])[trimmed_pixels()]
        assert np.median(ratio) == pytest.approx(row.snr, rel=0.05)


def test_flux_is_the_h_magnitude(some):
    row = some[1]
    level = np.median(apogee_files.continuum(row)[3600:6000])
    assert -2.5 * np.log10(level / apogee_files.H_ZERO) == pytest.approx(row.h, abs=0.05)


def test_gaps_are_empty_as_in_real_files(some, synthesizer):
    row = some[3]
    spectra = apogee_files.observe(row, synthesizer, SEED)
    for where in (slice(0, 100), slice(3400, 3450), slice(6190, 6220), slice(8500, 8575)):
        assert (spectra.flux[:, where] == 0).all()
        assert (spectra.error[:, where] == EMPTY_ERROR).all()
        assert (spectra.mask[:, where] == 1).all()


def test_bad_pixels_are_bad_and_good_ones_are_gaussian(rows, synthesizer):
    good_pull, bad_pull = [], []
    for row in [r for r in tables.clean_rows(rows) if len(r.visits) == 1][:12]:
        if row.artefact != "none":
            continue
        rng = np.random.default_rng([1, row.index])
        fine = synthesizer.fine_spectrum(row.truth)
        visit = apogee_files.visit_spectrum(rng, row, row.visits[0], fine, SEED)
        pixels = trimmed_pixels()
        # Differences of neighbours remove the slow calibration.
        star = apogee_files.continuum(row) * synthesizer.spectrum(row.truth)
        ratio = visit["flux"] / star
        step = (ratio - 0.5 * (np.roll(ratio, 3) + np.roll(ratio, -3)))[pixels]
        pull = step / (visit["error"] / star)[pixels] / np.sqrt(1.5)
        mask = visit["mask"][pixels]
        around = np.array([mask, np.roll(mask, 3), np.roll(mask, -3)])
        clean = (np.bitwise_or.reduce(around) & (BAD_BITS | 1 << 12 | 1 << 13)) == 0
        good_pull.append(pull[clean])
        damaged = ((mask & 0b10) > 0) & (visit["error"][pixels] < 1e9)
        bad_pull.append(pull[damaged])
    assert np.concatenate(good_pull).std() == pytest.approx(1.0, abs=0.12)
    assert np.median(np.abs(np.concatenate(bad_pull))) > 3


def test_mask_fractions_are_those_of_real_files(rows, synthesizer):
    """Ranges from 76 visits in 19 real DR13 files, trimmed pixels."""
    ranges = {
        "BADPIX": (0.003, 0.012),
        "CRPIX": (0.0002, 0.0025),
        "LITTROW_GHOST": (0.006, 0.010),
        "PERSIST_HIGH": (0.05, 0.35),
        "SIG_SKYLINE": (0.03, 0.25),
        "SIG_TELLURIC": (0.03, 0.08),
    }
    pixels = trimmed_pixels()
    total = []
    for row in tables.clean_rows(rows)[::70]:
        mask = apogee_files.observe(row, synthesizer, SEED).mask[-1][pixels]
        total.append([((mask >> BIT[n]) & 1).mean() for n in ranges])
    for name, fraction in zip(ranges, np.mean(total, axis=0), strict=True):
        low, high = ranges[name]
        assert low < fraction < high, f"{name}: {fraction:.4f}"


def test_airglow_lands_on_other_rest_pixels_in_each_visit(some, synthesizer):
    row = some[2]
    spectra = apogee_files.observe(row, synthesizer, SEED)
    pixels = np.arange(4400, 5600)
    sky = spectra.sky[2:, pixels]
    peak = [pixels[np.argmax(s)] for s in sky]
    for visit, found in zip(row.visits, peak, strict=True):
        observed = found + doppler_pixels(visit.velocity)
        assert apogee_files.night_sky().airglow[round(observed)] > 1000


def test_coadd_leaves_out_a_pixel_that_is_bad_in_one_visit(some, synthesizer):
    row = some[3]
    spectra = apogee_files.observe(row, synthesizer, SEED)
    mask = spectra.mask
    visits = (mask[2:] & BAD_BITS) > 0
    rescued = np.flatnonzero((visits.sum(axis=0) == 1) & (spectra.error[0] < 1e9))
    rescued = rescued[np.isin(rescued, trimmed_pixels())]
    level = np.convolve(spectra.flux[0], np.ones(51) / 51, "same")
    weighted = np.abs(spectra.flux[0] - level)[rescued]
    plain = np.abs(spectra.flux[1] - level)[rescued]
    assert np.mean(weighted) < np.mean(plain)
    assert (mask[0] == np.bitwise_or.reduce(mask[2:], axis=0))[trimmed_pixels()].all()
    assert (mask[1] == np.bitwise_and.reduce(mask[2:], axis=0)).all()


def test_one_star_is_the_same_every_time(some, synthesizer):
    row = some[2]
    a = apogee_files.apstar_bytes(row, apogee_files.observe(row, synthesizer, SEED))
    b = apogee_files.apstar_bytes(row, apogee_files.observe(row, synthesizer, SEED))
    c = apogee_files.apstar_bytes(row, apogee_files.observe(row, synthesizer, SEED + 1))
    assert a == b
    assert a != c


def test_rounding_keeps_the_promised_precision():
    x = np.random.default_rng(0).lognormal(0, 3, 1000).astype(np.float32)
    x[::2] *= -1
    assert np.abs(round_mantissa(x, 11) / x - 1).max() <= 2.0**-12
    assert (round_mantissa(np.zeros(3), 6) == 0).all()
