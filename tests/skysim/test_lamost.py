"""The LAMOST-like instrument and its survey, on spectra that cost nothing."""

from functools import partial

import numpy as np
import pytest

from skysim.spectra import optical, residual
from skysim.spectra.features import HALPHA_VACUUM, TRIPLET_VACUUM
from skysim.stars import field
from skysim.survey import lamost, lamost_survey

WAVE = lamost.wavelength_grid()
FINE = optical.wavelength_grid()
DARK = field.Plate(130.0, 20.0, 57400, (12.0, 14.0), 0.03, 0.0)


def plain_spectrum(labels):
    """A black body with a sharp line every 40 A."""
    cm = FINE * 1e-8
    continuum = 3.74e-13 / cm**5 / np.expm1(1.4388 / (cm * labels.teff)) * 1e-8 * 1e8
    return continuum * (1 - 0.5 * (np.abs((FINE % 40.0) - 20.0) < 1.0)), continuum


@pytest.fixture(scope="module")
def exposure():
    return lamost.Exposure.of(DARK, np.random.default_rng(3))


@pytest.fixture(scope="module")
def stars():
    return field.draw(np.random.default_rng(8), field.K2_PLATES, 3000)


def test_grid_is_lamost_s():
    assert WAVE.size == 3909
    assert WAVE[0] == pytest.approx(3699.985, abs=1e-3)  # real files
    assert WAVE[-1] == pytest.approx(9099.133, abs=1e-3)


def test_smearing_keeps_flux_and_has_the_resolution_it_claims():
    for number in (1, 7):
        np.testing.assert_allclose(lamost.smear(FINE, np.ones(FINE.size), number), 1.0, rtol=1e-12)
        for centre in (4500.0, 6564.0, 8500.0):
            spike = np.exp(-0.5 * ((FINE - centre) / 0.4) ** 2)
            seen = lamost.smear(FINE, spike, number)
            near = np.abs(WAVE - centre) < 15
            step = np.gradient(WAVE)
            total = (seen * step)[near].sum()
            assert total == pytest.approx(0.4 * np.sqrt(2 * np.pi), rel=5e-3)
            mean = (seen * step * WAVE)[near].sum() / total
            width = np.sqrt((seen * step * (WAVE - mean) ** 2)[near].sum() / total - 0.16)
            claimed = lamost.resolution(np.array([centre]), number)[0]
            assert 2.3548 * width == pytest.approx(claimed, rel=0.01)
            assert 1300 < centre / claimed < 2900


def test_shift_is_a_doppler_shift():
    for velocity in (-311.0, 0.0, 12.5, 200.0):
        bump = np.exp(-0.5 * ((FINE - 6000.0) / 3.0) ** 2)
        moved = lamost.shift(FINE, bump[:, None], velocity)[:, 0]
        centre = (moved * FINE).sum() / moved.sum()
        assert centre == pytest.approx(6000.0 * (1 + velocity / 299792.458), abs=0.02)


def test_noise_is_what_the_inverse_variance_says(exposure):
    flat = np.ones(lamost.N_PIXELS)
    seen = [
        lamost.observe(np.random.default_rng(i), flat, exposure, 4, 13.5, 0.0) for i in range(60)
    ]
    clean = np.array([lamost.calibration_error(s.calibration) for s in seen])
    ratio = np.array([s.flux for s in seen]) / clean
    ratio /= np.median(ratio[:, (WAVE > 5000) & (WAVE < 5500)], axis=1)[:, None]
    error = np.array([np.sqrt(1 / np.where(s.ivar > 0, s.ivar, np.nan)) / s.flux for s in seen])
    for low, high in ((4000, 4300), (5000, 5500), (6620, 6800)):
        window = (low < WAVE) & (high > WAVE)
        scatter = 1.4826 * np.median(np.abs(ratio[:, window] - np.median(ratio[:, window])))
        assert scatter == pytest.approx(np.nanmedian(error[:, window]), rel=0.12)
    # Neighbours correlate as in real spectra (0.32), pixels further apart do not.
    window = (WAVE > 5000) & (WAVE < 5400)
    away = ratio[:, window] - 1.0
    away = np.clip(away, -0.1, 0.1)
    away -= away.mean(axis=1)[:, None]
    lag = [(away[:, k:] * away[:, : -k or None]).mean() / away.var() for k in (1, 3)]
    assert lag[0] == pytest.approx(0.32, abs=0.06)
    assert abs(lag[1]) < 0.06


def test_flagged_pixels_weigh_nothing_and_artefacts_do_what_they_are_called(exposure):
    flat = np.ones(lamost.N_PIXELS)

    def seen(artefact, seed=5):
        rng = np.random.default_rng(seed)
        return lamost.observe(rng, flat, exposure, 4, 12.0, 0.0, artefact)

    usual = seen("none")
    assert (usual.ivar[usual.bad] == 0).all()
    assert (usual.ivar[~usual.bad] > 0).all()
    blue, red = (WAVE > 5400) & (WAVE < 5600), (WAVE > 6000) & (WAVE < 6200)

    def step(observed):
        shape = lamost.calibration_error(observed.calibration)
        return np.median((observed.flux / shape)[blue]) / np.median((observed.flux / shape)[red])

    assert step(usual) == pytest.approx(1.0, abs=0.02)
    assert abs(np.log10(step(seen("arm_mismatch")))) > 0.06
    assert abs(seen("bad_sky").sky_left) > 0.1 > abs(usual.sky_left)
    gap = seen("gap").flux == 0
    assert 40 <= gap.sum() < 260


def test_brighter_stars_have_higher_signal_to_noise(exposure):
    flat = np.ones(lamost.N_PIXELS)
    snr = [
        lamost.observe(np.random.default_rng(1), flat, exposure, 4, m, 0.0).snr()["snrr"]
        for m in (11.0, 13.5, 16.0)
    ]
    assert snr[0] > 2.5 * snr[1] > 6 * snr[2]
    assert 10 < snr[2] < 60


def test_stars_are_those_the_paper_looks_at(stars):
    count = np.histogram(stars.teff, field.TEFF_EDGES)[0] / len(stars)
    assert count.sum() == pytest.approx(1.0)
    assert (count > 0.012).all()
    giants = stars.logg < 3.5
    assert 0.1 < giants.mean() < 0.25
    assert len(set(zip(stars.plate, stars.spectrograph, stars.fiber, strict=True))) == len(stars)
    assert 0.95 < (stars.artefact == "none").mean() < 1.0
    young = stars.member
    assert np.median(stars.r_halpha[young]) > 5 * np.median(stars.r_halpha[~young])
    assert 0.005 < (stars.nebula[:, 0] > 0).mean() < 0.05
    assert (stars.e_bv >= 0).all()


def test_residual_widths_are_those_planted():
    grid = np.arange(6300.0, 8900.0, 0.9)
    calm = 1.0 + 0.02 * np.sin(grid / 170.0)
    busy = calm.copy()
    for centre, ew in ((HALPHA_VACUUM, 1.5), (TRIPLET_VACUUM[2], 0.4)):
        busy += ew * np.exp(-0.5 * ((grid - centre) / 1.4) ** 2) / (1.4 * np.sqrt(2 * np.pi))
    found = residual.residual_widths(grid, calm, busy[None], 0.0)[0]
    level = np.interp([HALPHA_VACUUM, *TRIPLET_VACUUM], grid, calm)
    np.testing.assert_allclose(found, np.array([1.5, 0.0, 0.0, 0.4]) / level, atol=0.003)
    moved = residual.residual_widths(grid * (1 + 150 / 299792.458), calm, busy[None], 150.0)[0]
    np.testing.assert_allclose(moved, found, rtol=1e-3)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The three sets, 60 stars each."""
    folder = tmp_path_factory.mktemp("lamost")
    (folder / "products").mkdir()
    (folder / "truth").mkdir()

    def run(jobs, what):
        return map(partial(lamost_survey.observe, source=plain_spectrum), jobs)

    return folder, lamost_survey.build(folder, 128, run, limit=60)


def test_stacks_have_the_layout_of_the_real_sample(built):
    folder, counts = built
    assert counts == {"lamost_k2": 60, "lamost_kepler": 60, "lamost_mock": 60}
    with np.load(folder / "products" / "lamost_k2.npz") as file:
        flux = file["flux_i2"] * file["flux_scale"][:, None]
        error = file["err_f2"].astype(float) * file["flux_scale"][:, None] * 100.0
        bad = np.unpackbits(file["bad"], axis=1)[:, :3909].astype(bool)
        assert flux.shape == error.shape == bad.shape == (60, 3909)
        assert np.isinf(error[bad]).all()
        assert np.isfinite(error[~bad]).all()
        window = (file["wavelength"] > 5500) & (file["wavelength"] < 6900)
        ratio = np.median(np.where(bad, np.nan, flux / error)[:, window][:, :40], axis=1)
        known = np.isfinite(ratio)
        assert np.corrcoef(ratio[known], file["snrr"][known])[0, 1] > 0.95
        assert not [name for name in file.files if "true" in name or "residual" in name]


def test_truth_is_complete_and_told_for_one_set_only(built):
    folder, _ = built
    with np.load(folder / "truth" / "lamost.npz") as truth:
        for survey in lamost_survey.SETS:
            assert truth[f"{survey.name}.residual_ew"].shape == (60, 4)
            assert truth[f"{survey.name}.calibration"].shape == (60, 4)
            cosmic = truth[f"{survey.name}.cosmic"]
            assert cosmic.shape[1] == 4
            assert set(cosmic[:, 0]) <= set(range(60))
        wanted = truth["lamost_mock.residual_ew"]
        excess = truth["lamost_k2.excess_ew"][:, 0]
        assert (excess >= 0).all()
        kinds = truth["lamost_k2.true_artefact"]
        assert set(kinds) <= {"none", *field.ARTEFACTS}
    with np.load(folder / "products" / "lamost_mock.npz") as file:
        np.testing.assert_array_equal(file["residual_ew"], wanted)


def test_a_star_depends_on_nothing_but_its_number(built):
    survey = lamost_survey.SETS[2]
    _, jobs = lamost_survey.plan(survey, 128, 60)
    assert [len(job.stars) for job in jobs] == [40, 20]
    again = lamost_survey.observe(jobs[1], plain_spectrum)
    with np.load(built[0] / "products" / "lamost_mock.npz") as file:
        np.testing.assert_array_equal(file["flux_i2"][40:], again["flux_i2"])
        np.testing.assert_array_equal(file["err_f2"][40:], again["err_f2"])
    _, other = lamost_survey.plan(survey, 129, 60)
    assert not np.array_equal(other[1].stars.teff, jobs[1].stars.teff)


@pytest.mark.parametrize(
    ("teff", "kind"), [(9000.0, "A2"), (5772.0, "G2"), (4400.0, "K6"), (3100.0, "M4")]
)
def test_spectral_types_follow_temperature(teff, kind):
    assert lamost_survey.spectral_type(teff) == kind
