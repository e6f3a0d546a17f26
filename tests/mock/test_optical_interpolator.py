"""Fast optical spectra against exact ones, in two of the regions."""

import time

import numpy as np
import pytest

from helpers.mock.optical import OpticalSynthesizer, blur
from helpers.mock.optical_interpolator import (
    REGIONS,
    OpticalInterpolator,
    packed,
    unpacked,
)
from helpers.mock.synthesis import Labels

TESTED = tuple(r for r in REGIONS if r.name in ("G stars", "A stars"))


@pytest.fixture(scope="module")
def synthesizer():
    return OpticalSynthesizer()


@pytest.fixture(scope="module")
def sky(synthesizer):
    """An interpolator trained in this process."""
    return OpticalInterpolator.trained(
        lambda plan: (packed(*synthesizer.spectrum(s)) for s in plan), TESTED
    )


@pytest.fixture(scope="module")
def errors(sky, synthesizer):
    """rms errors of six stars of each region as made, and as seen at R = 1800."""
    rng, found, times = np.random.default_rng(6), {}, []
    for region in TESTED:
        rows = []
        for _ in range(6):
            star = region.labels(rng.uniform(-0.95, 0.95, 6) * (1, 1, 1, 0.8, 0.5, 0.5))
            start = time.process_time()
            exact = synthesizer.spectrum(star)[0]
            middle = time.process_time()
            fast = sky.spectrum(star)[0]
            times.append((middle - start, time.process_time() - middle))
            seen = blur(fast, 1800.0) / blur(exact, 1800.0) - 1.0
            rows.append([np.sqrt(np.mean(x**2)) for x in (fast / exact - 1.0, seen)])
        found[region.name] = np.array(rows)
        raw, seen = np.median(rows, axis=0)
        print(
            f"\n{region.name}: median rms error {raw:.4f}, at R = 1800 {seen:.4f}, worst "
            f"{np.max(rows, axis=0).round(4)}"
        )
    exact, fast = 1e3 * np.median(times, axis=0)
    print(f"{exact:.0f} ms exact, {fast:.1f} ms interpolated (one core)")
    return found


def test_error_is_a_few_per_cent_of_the_flux(errors):
    for name, rows in errors.items():
        assert np.median(rows[:, 0]) < 0.03, name


@pytest.mark.xfail(reason="asked of the survey: 0.3 per cent; so few nodes do not reach it")
def test_error_is_below_the_survey_s_figure(errors):
    for name, rows in errors.items():
        assert np.median(rows[:, 1]) < 0.003, name


def test_coordinates_and_labels_are_inverse():
    for region in REGIONS:
        for x in np.random.default_rng(1).uniform(-1, 1, (4, 6)):
            star = region.labels(x)
            np.testing.assert_allclose(region.coordinates(star), x, atol=1e-9)
            assert region.holds(star)
            assert not region.holds(star.changed(logg=star.logg + 6.0))


def test_regions_cover_the_grid_of_energy_distributions():
    rng = np.random.default_rng(3)
    for _ in range(200):
        teff = rng.uniform(5000.0, 9750.0)
        low = np.interp(teff, [5000.0, 6000.0, 7500.0, 9750.0], [0.0, 0.5, 1.0, 2.0])
        alpha = rng.uniform(-0.1, 0.5)
        star = Labels(teff, rng.uniform(low, 5.0), rng.uniform(-2.5, 0.5), alpha, alpha, alpha)
        assert any(region.holds(star) for region in REGIONS), star


def test_what_no_region_holds_is_exact(sky, synthesizer):
    star = Labels(5000.0, 2.5, -2.9)
    assert not sky.covers(star)
    for fast, exact in zip(sky.spectrum(star), synthesizer.spectrum(star), strict=True):
        np.testing.assert_array_equal(fast, exact)


def test_save_and_load(sky, tmp_path):
    sky.save(tmp_path / "sky.npz")
    again = OpticalInterpolator.load(tmp_path / "sky.npz", TESTED)
    star = Labels(5777.0, 4.44, 0.0)
    assert again.covers(star)
    np.testing.assert_array_equal(again.spectrum(star)[0], sky.spectrum(star)[0])


def test_packing_keeps_the_spectrum(synthesizer):
    flux, continuum = synthesizer.spectrum(Labels(5777.0, 4.44, 0.0))
    there = unpacked(packed(flux, continuum))
    np.testing.assert_allclose(there[0], flux, rtol=1e-5)
    np.testing.assert_allclose(there[1], continuum, rtol=2e-3)
