"""The simulated coronae: atomic physics in its limits, spectra as they are said to be."""

import numpy as np
import pytest

from helpers import corona, coronal_spectra
from surveys import contribution_functions
from surveys.formats.chianti import Collision, Ion


@pytest.fixture(scope="module")
def lines():
    return corona.line_table()


@pytest.fixture
def two_levels():
    """An ion of two levels, 1 Ry apart, weights 2 and 4, strength 3 at all temperatures."""
    # type 2: the spline holds the strength itself
    collision = Collision(0, 1, 2, 1.0, 1.0, np.linspace(0, 1, 5), np.full(5, 3.0))
    return Ion(
        "toy_1",
        np.array([0.0, 1.0]),
        np.array([2.0, 4.0]),
        np.array([0]),
        np.array([1]),
        np.array([911.0]),
        np.array([1e8]),
        (collision,),
        (),
    )


def test_thin_plasma_shines_at_the_rate_of_collisions(two_levels):
    temperature = np.array([1e5, 1e6])
    share = contribution_functions.populations(two_levels, temperature, np.array([1e4]))[:, 0]
    # excitations per ion and second: 8.63e-6 / (g sqrt T) * strength * exp(-E / kT) * n
    rate = 8.629e-6 * 3 / (2 * np.sqrt(temperature)) * np.exp(-157887.5 / temperature) * 1e4
    assert np.allclose(share[:, 1] * 1e8, rate, rtol=1e-3)
    assert np.allclose(share.sum(axis=1), 1)


def test_dense_plasma_is_in_thermal_equilibrium(two_levels):
    temperature = np.array([2e5])
    share = contribution_functions.populations(two_levels, temperature, np.array([1e22]))[0, 0]
    assert np.isclose(share[1] / share[0], 4 / 2 * np.exp(-157887.5 / 2e5), rtol=1e-3)


def test_spectra_are_reproducible():
    first, second = (corona.simulated_spectra(50, seed=3) for _ in range(2))
    other = corona.simulated_spectra(50, seed=4)
    assert np.allclose(first.flux, second.flux)
    assert not np.allclose(first.flux, other.flux)


def test_ranges_are_those_of_the_document():
    sky = corona.simulated_spectra(2000, seed=1)
    assert 6.0 <= sky.log_t.min() < 6.01
    assert 6.99 < sky.log_t.max() <= 7.0
    assert 9.0 <= sky.log_n.min() < 9.02
    assert 10.98 < sky.log_n.max() <= 11.0
    assert 1.0 <= sky.snr.min() < 1.02
    assert 9.8 < sky.snr.max() <= 10.0
    assert np.isfinite(sky.flux).all()
    assert (sky.error > 0).all()


def test_noise_is_what_the_errors_say(lines):
    """The same coronae observed twice: only noise and the drawn errors differ."""
    sky = corona.simulated_spectra(400, seed=2)
    # far from lines and over one pixel, all but the noise is smooth
    pixel = int(np.argmax(np.abs(sky.wavelength[:, None] - lines.wavelength).min(axis=1)))
    flux, error = sky.flux[:, pixel - 1 : pixel + 2], sky.error[:, pixel - 1 : pixel + 2]
    second = (flux[:, 0] - 2 * flux[:, 1] + flux[:, 2]) / np.sqrt(error**2 @ [1, 4, 1])
    assert 0.9 < second.std() < 1.1


def test_signal_to_noise_is_as_asked(lines):
    sky = corona.simulated_spectra(300, seed=5)
    peak = sky.intensity * coronal_spectra.PEAK
    pixel = np.searchsorted(sky.wavelength, lines.wavelength)
    ratio = peak / sky.error[:, pixel]
    bright = np.argsort(peak, axis=1)[:, -20:]
    measured = np.median(np.take_along_axis(ratio, bright, axis=1), axis=1)
    assert np.allclose(measured, sky.snr, rtol=0.02)


def test_calibration_errors_are_smooth_and_of_the_size_stated():
    curve = np.log(coronal_spectra.calibration(3000, np.random.default_rng(0)))
    assert np.isclose(curve.std(), coronal_spectra.CALIBRATION_ERROR, rtol=0.05)
    far = int(coronal_spectra.CALIBRATION_LENGTH / coronal_spectra.STEP)
    middle = curve.shape[1] // 2
    correlation = np.corrcoef(curve[:, middle], curve[:, middle + far])[0, 1]
    assert np.isclose(correlation, np.exp(-0.5), atol=0.06)


def test_atomic_errors_are_shared_by_a_population_only(lines):
    def scatter(sky):
        model = coronal_spectra.intensities(lines, sky.log_t, sky.log_n)
        ratio = np.log(sky.intensity / model)
        ratio -= ratio.mean(axis=1, keepdims=True)
        return ratio

    own = scatter(corona.simulated_spectra(200, seed=6))
    assert np.isclose(own.std(), coronal_spectra.ATOMIC_ERROR, rtol=0.05)
    assert np.abs(own.mean(axis=0)).max() < 0.05
    shared = scatter(corona.simulated_population(20, seed=6))
    assert shared.std(axis=0).max() < 1e-3
    assert np.isclose(shared.mean(axis=0).std(), coronal_spectra.ATOMIC_ERROR, rtol=0.3)


def test_the_survey_does_not_depend_on_coronae():
    """A change here must not make anybody rebuild the APOGEE-like survey."""
    from skysim.survey import build
    from surveys import fingerprints
    from surveys.folders import facts_folder

    used = fingerprints.imported([build.__name__], ("skysim", "surveys"))
    assert not [name for name in used if "coron" in name]
    tables = {path.name for path in facts_folder().glob("*.csv")}
    # lab 8 reads the throughputs and the table of parts itself
    of_lab_8 = {"csst_throughput.csv", "csst_parts.csv"}
    assert tables - set(build.FACTS) == {"coronal_lines.csv"} | of_lab_8
