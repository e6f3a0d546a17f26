"""Lab 5's solution, unchanged, on the real mystery star with a Cannon trained on real giants.

The real Cannon has four labels (Teff, log g, [M/H], [alpha/M]) and 15 terms; the lab's functions
want five labels and 21. A fifth label without any effect on the spectrum makes up the difference:
its posterior must be its prior.
"""

import numpy as np
import pytest
from astropy.io import fits
from scipy.optimize import least_squares

from helpers import apogee
from labkit import lab_source

from .conftest import real_file

#: bits of the sheet: what makes a pixel bad
BAD_BITS = sum(1 << bit for bit in (0, 1, 2, 3, 4, 5, 6, 7, 12))
SCALE = np.array([100.0, 0.3, 0.1, 0.05, 1.0])


@pytest.fixture(scope="module")
def lab():
    return lab_source.solved_namespace("05_mcmc")


@pytest.fixture(scope="module")
def star():
    """Normalised flux, error (7214,) of the real mystery star: Chebyshev of degree 2, per chip."""
    with fits.open(real_file("apogee/mystery_spec_wiped.fits")) as file:
        flux, error, mask = (np.asarray(file[i].data).ravel() for i in (1, 2, 3))
    chips = np.concatenate([np.arange(c.start, c.stop) for c in apogee.CHIPS.values()])
    flux, error, mask = flux[chips].astype(float), error[chips].astype(float), mask[chips]
    good = ((mask & BAD_BITS) == 0) & np.isfinite(flux) & (error > 0) & (error < 1e9)
    with np.load(real_file("apogee/cannon_continuum_apogee.npz")) as listed:
        wavelength, trusted = listed["wavelengths"], listed["trusted"]
    continuum = np.ones_like(flux)
    first = 0
    for chip in apogee.CHIPS.values():
        part = slice(first, first + chip.stop - chip.start)
        use = trusted[part] & good[part]
        fit = np.polynomial.Chebyshev.fit(
            wavelength[part][use], flux[part][use], 2, w=1 / error[part][use]
        )
        continuum[part] = fit(wavelength[part])
        first = part.stop
    return np.where(good, flux / continuum, np.nan), np.where(good, error / continuum, 1e10)


@pytest.fixture(scope="module")
def cannon():
    """Coefficients (21, 7214), s2, and the five labels' mean."""
    with np.load(real_file("apogee/cannon_trained_on_real.npz")) as trained:
        theirs, scatter, baseline = (
            trained[name].astype(float) for name in ("coefficients", "scatter", "baseline")
        )
    coefficients = np.zeros((21, theirs.shape[1]))
    coefficients[0] = theirs[0]
    coefficients[1:5] = theirs[1:5] * SCALE[:4, None]
    pairs5 = list(zip(*np.triu_indices(5), strict=True))
    for k, (i, j) in enumerate(zip(*np.triu_indices(4), strict=True)):
        coefficients[6 + pairs5.index((i, j))] = theirs[5 + k] * SCALE[i] * SCALE[j]
    return coefficients, scatter**2, np.append(baseline, 0.0)


def test_posterior_of_the_real_mystery_star(lab, star, cannon):
    flux, error = star
    coefficients, s2, mean = cannon
    prior = np.stack([mean, [600.0, 1.2, 0.5, 0.3, 1.0]], axis=1)
    statistics = lab["sufficient_statistics"](flux, error, s2, coefficients)
    run = lab["sample_posterior"](*statistics, mean, SCALE, prior, 1000, 500, 4, 12)
    assert lab["has_converged"](run["labels"], run["energy"], run["diverging"])
    table = lab["summarise"](run["labels"])[:4]

    good = error < 1e9

    def residuals(x):
        model = lab["predict"](mean + SCALE * np.append(x, 0.0), coefficients, mean, SCALE)[0]
        return ((flux - model) / np.sqrt(error**2 + s2))[good]

    starts = ([0, 0, 0, 0], [3, 2, 1, 0], [-3, -2, -1, 0])
    best = min((least_squares(residuals, start) for start in starts), key=lambda fit: fit.cost)
    optimum = mean[:4] + SCALE[:4] * best.x
    away = np.abs(table[:, 0] - optimum) / table[:, 1]
    print("\nreal mystery star (real Cannon): Teff, log g, [M/H], [alpha/M]")
    print(f"  posterior {np.round(table[:, 0], 3)} ± {np.round(table[:, 1], 4)}")
    print(f"  optimum   {np.round(optimum, 3)}, {away.max():.2f} sigma away at most")
    print(f"  reduced chi-squared {2 * best.cost / good.sum():.2f}")
    assert (away < 0.3).all()
    assert np.allclose(optimum, [4463, 1.98, -0.523, 0.230], rtol=0, atol=[2, 0.01, 0.002, 0.002])


def test_full_spectrum_and_statistics_agree_on_the_real_star(lab, star, cannon):
    flux, error = star
    coefficients, s2, mean = cannon
    statistics = lab["sufficient_statistics"](flux, error, s2, coefficients)
    nearby = mean + SCALE * np.random.default_rng(13).normal(size=(20, 5))
    full, slow_slope, fast, fast_slope = [], [], [], []
    for labels in nearby:
        value, slope = lab["log_likelihood"](labels, flux, error, s2, coefficients, mean, SCALE)
        full.append(value)
        slow_slope.append(slope * SCALE)
        value, slope = lab["fast_log_likelihood"](labels, *statistics, mean, SCALE)
        fast.append(value)
        fast_slope.append(slope * SCALE)
    assert np.ptp(np.subtract(full, fast)) < 1e-6 * np.ptp(full)
    assert np.allclose(slow_slope, fast_slope, rtol=1e-6, atol=1e-6 * np.abs(slow_slope).max())
