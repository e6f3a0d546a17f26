"""The service's posterior on simulated coronae, with a network trained briefly for these tests."""

import numpy as np
import pytest

from helpers import corona
from labkit.service import least_squares, posterior, product
from labkit.service.network import line_probabilities

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(small_product):
    return product.read(small_product[0])


@pytest.fixture(scope="module")
def sampler(made):
    return posterior.Sampler(made)


@pytest.fixture(scope="module")
def sky():
    return corona.simulated_spectra(100, seed=91)


def measure(sampler, made, flux, error):
    flux, error = np.asarray(flux, dtype=float), np.asarray(error, dtype=float)
    return sampler.posterior(flux, error, line_probabilities(made.network, flux, error))


@pytest.fixture(scope="module")
def measured(sampler, made, sky):
    return [measure(sampler, made, *pair) for pair in zip(sky.flux, sky.error, strict=True)]


def test_network_says_what_lab_9_says(small_product, made, sky):
    labs = small_product[1]["line_probabilities"](made.network, sky.flux[:20], sky.error[:20])
    ours = [line_probabilities(made.network, sky.flux[i], sky.error[i]) for i in range(20)]
    np.testing.assert_allclose(ours, labs, atol=1e-5)


def test_slopes_are_the_derivatives_of_the_residuals(made):
    rng = np.random.default_rng(1)
    lines = made.line_wavelength.size
    problem = least_squares.BrightLines(
        least_squares.LineFluxes(made),
        np.triu(rng.standard_normal((lines, lines))),
        rng.standard_normal(lines),
        np.arange(5, 17),
        0.3,
    )
    place = 0.5 * rng.standard_normal(problem.parameters)
    steps = 1e-5 * np.eye(place.size)
    numeric = (problem.residuals(place + steps) - problem.residuals(place - steps)) / 2e-5
    np.testing.assert_allclose(problem.slopes(place), numeric.T, rtol=1e-5, atol=1e-6)


@pytest.mark.measured
def test_errors_are_as_large_as_they_say(measured, sky):
    for name, truth in (("log_temperature", sky.log_t), ("log_density", sky.log_n)):
        each = [getattr(answer, name) for answer in measured]
        pull = np.array([(e.mean - t) / e.sd for e, t in zip(each, truth, strict=True)])
        in_68, in_95 = (
            np.mean([low < t < high for (low, high), t in zip(intervals, truth, strict=True)])
            for intervals in ([e.interval_68 for e in each], [e.interval_95 for e in each])
        )
        print(f"\n{name} of 100 coronae: rms pull {np.sqrt(np.mean(pull**2)):.2f}", end=", ")
        print(f"68 and 95 % intervals hold {in_68:.0%} and {in_95:.0%}", end="")
        # the rms of 100 pulls scatters by 0.07, the shares by 0.047 and 0.022
        assert 0.79 < np.sqrt(np.mean(pull**2)) < 1.21
        assert 0.54 < in_68 < 0.82
        assert in_95 > 0.88


def test_answer_is_known_better_than_the_prior(measured):
    sds = np.array([[m.log_temperature.sd, m.log_density.sd] for m in measured])
    assert (np.median(sds, axis=0) < [0.29 / 4, 0.58 / 3]).all()


def test_more_draws_give_the_same_answer(sampler, made, sky, measured, monkeypatch):
    trusted = [i for i in range(20) if measured[i].pareto_k < 0.5][:5]
    monkeypatch.setattr(posterior, "DRAWS", 100_000)
    monkeypatch.setattr(posterior, "SEED", 10)
    posterior._standard_draws.cache_clear()
    for i in trusted:
        long, short = measure(sampler, made, sky.flux[i], sky.error[i]), measured[i]
        for ours, theirs in (
            (short.log_temperature, long.log_temperature),
            (short.log_density, long.log_density),
        ):
            assert abs(ours.mean - theirs.mean) < 0.2 * theirs.sd
            assert 0.8 < ours.sd / theirs.sd < 1.25
    posterior._standard_draws.cache_clear()


def test_alarm_is_raised_where_proposals_are_too_narrow(sampler, made, sky, measured, monkeypatch):
    def narrow(lines, first, fixed=0):
        mode = least_squares.fit(lines, first, fixed)
        return least_squares.Mode(mode.place, 25 * mode.curvature, mode.chi2)

    monkeypatch.setattr(posterior, "fit", narrow)
    k = [measure(sampler, made, sky.flux[i], sky.error[i]).pareto_k for i in range(20)]
    assert np.mean(np.array(k) > 0.7) >= 0.95
    assert np.mean([answer.pareto_k > 0.7 for answer in measured]) < 0.2


def test_unit_of_the_flux_does_not_matter(sampler, made, sky, measured):
    for unit in (1e-15, 1e12):
        scaled = measure(sampler, made, unit * sky.flux[3].astype(float), unit * sky.error[3])
        assert scaled.log_density.mean == pytest.approx(measured[3].log_density.mean, abs=1e-3)
        assert scaled.chi2_per_pixel == pytest.approx(measured[3].chi2_per_pixel, rel=1e-6)


def test_bad_pixels_with_large_errors_do_little_harm(sampler, made, sky, measured):
    flux, error = sky.flux[3].copy(), sky.error[3].copy()
    bad = np.random.default_rng(2).choice(flux.size, 50, replace=False)
    flux[bad], error[bad] = 0, 1e9
    without = measure(sampler, made, flux, error)
    for name in ("log_temperature", "log_density"):
        whole = getattr(measured[3], name)
        assert abs(getattr(without, name).mean - whole.mean) < 1.5 * whole.sd


def test_misfit_tells_of_lines_that_the_model_lacks(sampler, made, sky, measured):
    assert max(answer.chi2_per_pixel for answer in measured) < 1.3
    bright = int(np.argmax(sky.snr))
    flux = sky.flux[bright].astype(float)
    for place in (221.0, 246.5, 268.2, 277.5):
        flux += 0.7 * flux.max() * np.exp(-0.5 * ((made.wavelength - place) / 0.13) ** 2)
    assert measure(sampler, made, flux, sky.error[bright]).chi2_per_pixel > 1.3
