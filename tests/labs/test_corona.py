"""What the solved lab 9 measures on its simulated test set, judged by its figures of merit."""

import numpy as np
import pytest
from scipy.stats import chisquare

from labkit import ROOT

LAB = pytest.mark.parametrize("slug", ["09_corona"])


@pytest.fixture(scope="module")
def measured(walkthrough):
    with np.load(ROOT / "build" / "run" / "products" / "09_corona.npz") as product:
        return dict(product)


def band(measured, snr):
    """The row of the band that holds this signal to noise."""
    low, high = measured["bands"].T
    return int(np.flatnonzero((low <= snr) & (snr < high))[0])


@LAB
def test_lines_are_identified(slug, measured):
    """Of lines that are present by their S/N: present is more than three standard errors."""
    at_10, at_3 = (measured["accuracy"][band(measured, snr)] for snr in (9.5, 3.0))
    print(f"\nlines right: S/N 10 {at_10[0]:.1%}, S/N 3 {at_3[0]:.1%}", end="; ")
    print(f"always the usual {at_10[1]:.1%}, {at_3[1]:.1%}")
    assert at_3[0] >= 0.85
    # accuracy is cheap where most lines are usually absent: what matters is what is left
    assert (1 - at_10[0]) < 0.2 * (1 - at_10[1])
    assert (1 - at_3[0]) < 0.6 * (1 - at_3[1])


@LAB
def test_detection_depends_on_noise(slug, measured):
    """At a fixed rate of false alarms, against the signal to noise of the line."""
    network, fit, matched = measured["detected"]
    taken_out = measured["still_found"]
    print(
        f"\nS/N of the line {measured['snr_middle'].round(1)}, at 1 % false alarms: network ",
        end="",
    )
    print(f"{network.round(2)}, joint fit {fit.round(2)}, matched filter {matched.round(2)}")
    print(f"lines taken out, still reported: network {taken_out[0]:.0%}, fit {taken_out[1]:.0%}")
    assert (measured["false_alarms"] < 0.03).all()
    assert network[0] < 0.1
    assert (network[-2:] > 0.97).all()
    assert (fit[4:] < network[4:]).all()
    assert taken_out[1] < 0.1


@LAB
def test_temperature_and_density_are_recovered(slug, measured):
    at_10, at_3 = band(measured, 9.5), band(measured, 3.0)
    ours, hand = measured["rms_posterior"], measured["rms_by_hand"]
    print(f"\nrms of log T, log n at S/N 10: {ours[at_10].round(3)}", end="; ")
    print(f"at S/N 3 {ours[at_3].round(3)}, by hand {hand[at_3].round(3)}, ", end="")
    print(f"by regression {measured['rms_regression'][at_3].round(3)}")
    assert ours[at_10, 0] <= 0.05
    assert ours[at_10, 1] <= 0.15
    assert (hand[at_3] >= 1.5 * ours[at_3]).all()
    # a baseline that is worse than the middle of the prior would be no baseline
    assert (hand < np.array([1.0, 2.0]) / np.sqrt(12)).all()
    assert (measured["rms_found_lines"][at_10] > ours[at_10]).all()


@LAB
def test_intervals_cover_what_they_promise(slug, measured):
    truth, result = measured["truth"], measured["result"]
    cover = [
        float(((truth >= result[:, :, k]) & (truth <= result[:, :, k + 1])).mean()) for k in (1, 3)
    ]
    print(f"\n68 and 95 % intervals cover {cover[0]:.1%} and {cover[1]:.1%}")
    assert 0.63 <= cover[0] <= 0.73
    assert 0.91 <= cover[1] <= 0.98


@LAB
def test_ranks_of_the_truth_are_uniform(slug, measured):
    """Simulation-based calibration (Talts et al. 2018) over the first 250 test spectra."""
    edges = np.linspace(0, 100, 11)
    for k, name in enumerate(("log T", "log n")):
        ours, narrow = (
            chisquare(np.histogram(measured[ranks][:, k], edges)[0]).pvalue
            for ranks in ("ranks", "narrow_ranks")
        )
        print(f"\n{name}: ranks are flat with p = {ours:.2f}; half the width p = {narrow:.1g}")
        assert len(measured["ranks"]) >= 100
        assert ours > 0.01
        assert narrow < 1e-4  # the check sees a posterior that promises too much


@LAB
def test_whole_spectra_give_the_posterior_of_the_grid(slug, measured):
    ours, grid = measured["spectrum_way"], measured["grid_way"]
    offset = (ours[..., 0] - grid[..., 0]) / grid[..., 1]
    ratio = ours[..., 1] / grid[..., 1]
    print(f"\nNUTS against grid: means differ by {offset.round(2).tolist()} sigma", end=", ")
    print(f"widths by {ratio.round(2).tolist()}", end="; ")
    print(f"posterior predictive p {measured['predictive_p'].round(2)}")
    assert (np.abs(offset) < 0.5).all()
    assert ((ratio > 0.75) & (ratio < 1.33)).all()
    assert (np.abs(measured["predictive_p"] - 0.5) < 0.498).all()


@LAB
def test_chains_of_a_spectrum_converge(slug, measured):
    """Whitened coordinates: as many effective draws as draws, for seven slopes each."""
    size, slopes = measured["spectrum_ess"].min(), measured["spectrum_gradients"]
    print(
        f"\nworst R-hat {measured['spectrum_rhat'].max():.3f}, least effective sample size ", end=""
    )
    print(f"{size:.0f}, {measured['spectrum_divergences']} divergences, slopes a draw ", end="")
    print(f"{slopes.round(1)}, CPU seconds a spectrum {measured['spectrum_seconds'].round(1)}")
    assert measured["spectrum_rhat"].max() < 1.01
    assert size > 400
    assert measured["spectrum_divergences"] == 0
    assert (slopes < 10).all()


@LAB
def test_seconds_are_told(slug, measured):
    ways = ("network", "posterior", "regression", "by hand")
    told = ", ".join(f"{w} {t:.2g}" for w, t in zip(ways, measured["seconds"], strict=True))
    print(f"\ntraining {measured['training_seconds']:.0f} s; seconds per spectrum: {told}")
    assert (measured["seconds"] > 0).all()


@LAB
def test_a_population_is_better_than_its_stars(slug, measured):
    alone, together = measured["star_rms"]
    print(f"\nrms of log n of 20 stars: {alone:.3f} one by one, {together:.3f} as a population")
    assert together < alone


@LAB
def test_shared_errors_are_counted_once(slug, measured):
    """The mean density of 20 stars that share their atomic data, over 20 populations."""
    shared, independent = measured["pull_rms"]
    print(
        f"\nrms pull of a population's mean: {shared:.2f}; errors taken for independent: ", end=""
    )
    print(f"{independent:.2f}")
    assert 0.8 <= shared <= 1.2
    assert independent > 1.3  # the check sees an error that is too small


@LAB
def test_components_are_counted(slug, measured):
    one, two = measured["log_bayes_factors"]
    print(f"\nln Z2 - ln Z1: {one:+.1f} for one component, {two:+.1f} for two")
    assert one < 1  # not worth a mention (Kass & Raftery 1995, Section 3.2)
    assert two > 3


@LAB
def test_importance_sampling_raises_its_alarm(slug, measured):
    """Pareto k-hat of a proposal that works and of one that is too narrow; the bridge beside."""
    works, fails = measured["k_hat"]
    off = measured["evidence_off"]
    print(f"\nPareto k: t proposal {works.round(2)}, ln Z off by {off[0].round(2)}; ", end="")
    print(f"narrow Gaussian {fails.round(2)}, off by {off[1].round(2)}")
    assert (works < 0.7).all()
    assert (np.abs(off[0]) < 0.3).all()
    assert (fails > 0.7).all()
    assert (off[1] < -1).all()
