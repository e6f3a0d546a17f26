"""How like real spectra the simulated H band is (needs shared/real).

Every figure is printed: ``pytest tests/real -k mock -s``.
"""

import numpy as np
import pytest

from data.make.against_h_band import (
    MYSTERY_LABELS,
    PIXELS,
    POINTS,
    HBandReference,
    derivatives,
    fitted_labels,
    likeness,
    lines_found,
    star,
)
from skysim.spectra.h_band import Synthesizer, wavelength_grid

from .conftest import real_file

#: r at least and rms at most, at each of the four points
LEVELS = ((0.95, 0.018), (0.93, 0.037), (0.95, 0.018), (0.94, 0.012))
CHANGES = (0.88, 0.90, 0.90)
SLOPES = (0.80, 0.40, 0.85, 0.60)
NAMES = ("Teff", "log g", "[M/H]", "[alpha/M]")


@pytest.fixture(scope="module")
def reference():
    return HBandReference(real_file("apogee/cannon_trained_on_real.npz").parents[1])


@pytest.fixture(scope="module")
def simulated(reference):
    synthesizer = Synthesizer()
    return lambda point: reference.normalise(synthesizer.spectrum(star(point))[PIXELS])


@pytest.fixture(scope="module")
def at_points(reference, simulated):
    """(real, simulated) spectra at the four points."""
    return [(reference.real(p), simulated(p)) for p in POINTS]


def test_mock_pixels_are_the_real_ones(reference):
    np.testing.assert_allclose(wavelength_grid()[PIXELS], reference.wavelength, rtol=1e-9)


@pytest.mark.parametrize("number", range(4))
def test_mock_spectrum_at_a_point(reference, at_points, number):
    real, model = at_points[number]
    r, rms = likeness(real, model)
    grid = likeness(real, reference.professional(POINTS[number]))
    wanted_r, wanted_rms = LEVELS[number]
    print(
        f"\nP{number + 1} {POINTS[number]}: r {r:.3f} (>= {wanted_r}), rms {rms:.4f} "
        f"(<= {wanted_rms}); professional emulator {grid[0]:.3f} {grid[1]:.4f}"
    )
    assert r >= wanted_r
    assert rms <= wanted_rms


@pytest.mark.parametrize("number", [1, 2, 3])
def test_mock_difference_spectrum(reference, at_points, number):
    (real0, model0), (real, model) = at_points[0], at_points[number]
    r = np.corrcoef(real - real0, model - model0)[0, 1]
    ratio = np.std(model - model0) / np.std(real - real0)
    emulator = reference.professional(POINTS[number]) - reference.professional(POINTS[0])
    beside = np.corrcoef(real - real0, emulator)[0, 1]
    print(
        f"\nP{number + 1} - P1: r {r:.3f} (>= {CHANGES[number - 1]}), amplitude {ratio:.2f} "
        f"(0.8-1.25); professional emulator r {beside:.3f}"
    )
    assert r >= CHANGES[number - 1]
    assert 0.8 <= ratio <= 1.25


def test_mock_derivative_spectra(reference, simulated):
    real, model = derivatives(reference.real), derivatives(simulated)
    beside = derivatives(reference.professional)
    found = [np.corrcoef(a, b)[0, 1] for a, b in zip(real, model, strict=True)]
    print()
    for i, name in enumerate(NAMES):
        print(
            f"d/d {name:10s} r {found[i]:.2f} (>= {SLOPES[i]}), amplitude "
            f"{model[i].std() / real[i].std():.2f}; professional emulator r "
            f"{np.corrcoef(real[i], beside[i])[0, 1]:.2f}"
        )
    assert np.greater_equal(found, SLOPES).all()


def test_mock_has_the_deepest_lines(reference, at_points):
    real, model = at_points[0]
    found = lines_found(real, model, reference.wavelength)
    control = [lines_found(real, model, reference.wavelength, offset=x) for x in (-3.0, 3.0)]
    print(f"\n{found} of 60 deepest lines (>= 57); shifted by 3 A: {control} (<= 15)")
    assert found >= 57
    assert max(control) <= 15


def test_mock_mystery_star(reference, simulated):
    """No line was fitted to this star; its labels are fitted here."""
    target, good = reference.mystery
    labels = fitted_labels(simulated, target, good)
    r, rms = likeness(target[good], simulated(labels)[good])
    there = likeness(target[good], simulated(MYSTERY_LABELS)[good])
    off = np.abs(labels - MYSTERY_LABELS)
    print(
        f"\nmystery star: labels {np.round(labels, 3)}, off by {np.round(off, 3)} "
        f"(<= 60, 0.2, 0.06, 0.08); r {r:.3f} (>= 0.96), rms {rms:.4f} (<= 0.014); "
        f"at the Cannon's labels {there[0]:.3f} {there[1]:.4f}"
    )
    assert r >= 0.96
    assert rms <= 0.014
    assert (off <= (60.0, 0.2, 0.06, 0.08)).all()
