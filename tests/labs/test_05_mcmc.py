"""What the solved lab 5 measured, judged by its figures of merit (simulated survey)."""

import numpy as np
import pytest

from helpers import checks
from labkit import ROOT
from surveys.folders import truth_folder


@pytest.fixture(scope="module")
def product(walkthrough):
    with np.load(ROOT / "build" / "run" / "products" / "05_mcmc.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def truth():
    with np.load(truth_folder() / "apogee.npz") as survey:
        return survey["mystery"][:5]


@pytest.fixture(scope="module")
def fits(walkthrough):
    """Return fitted minus true labels of the cross-validation stars, and their formal errors."""
    with np.load(ROOT / "build" / "run" / "products" / "03_cannon.npz") as cannon:
        names, fitted, formal = (cannon[k] for k in ("apogee_id", "fitted", "errors"))
    with np.load(truth_folder() / "apogee.npz") as survey:
        row = {name: n for n, name in enumerate(survey["apogee_id"])}
        return fitted - survey["labels"][[row[name] for name in names], :5], formal


def _spread(draws):
    flat = draws.reshape(-1, draws.shape[-1])
    return flat.mean(axis=0), flat.std(axis=0)


def test_posterior_is_where_the_optimum_is(product):
    mean, width = _spread(product["draws"])
    away = np.abs(mean - product["optimum"]) / width
    print(f"\nlab 5: posterior mean within {away.max():.2f} sigma of the optimum")
    assert (away < 0.3).all()


def test_all_pixels_and_sufficient_statistics_give_one_posterior(product):
    mean, width = _spread(product["draws"])
    naive_mean, naive_width = _spread(product["naive"])
    print(
        f"\nlab 5: means differ by {np.abs((naive_mean - mean) / width).max():.2f} sigma, "
        f"widths by {np.abs(naive_width / width - 1).max():.1%}"
    )
    assert (np.abs(naive_mean - mean) < 0.2 * width).all()
    assert np.allclose(naive_width, width, rtol=0.15)


def test_coverage_is_kept_after_the_remedy(product):
    before, after = product["coverage_before"], product["coverage_after"]
    print(
        f"\nlab 5: coverage of 68 % intervals, 100 stars, by label: {before} before, {after} after"
    )
    print(f"lab 5: all labels: {before.mean():.0%} before, {after.mean():.0%} after")
    assert before.mean() < 0.55
    assert 0.60 <= after.mean() <= 0.76
    # one label of one hundred is uncertain by 5 %: judged on the average of many hundreds
    average = product["coverage_many"].mean(axis=0)
    print(
        f"lab 5: by label, average of {len(product['coverage_many'])} hundreds: {average.round(3)}"
    )
    assert ((average >= 0.60) & (average <= 0.76)).all()


def test_intervals_hold_the_true_labels(product, fits):
    """The catalogue's own errors are no part of the extra scatter."""
    away, formal = fits
    needed = np.sqrt(np.maximum(np.quantile(away**2 - formal**2, 0.6827, axis=0), 0))
    kept = {
        name: np.mean(np.abs(away) <= np.hypot(formal, product[name]), axis=0)
        for name in ("tau", "careless")
    }
    print(f"\nlab 5: extra scatter over what the truth asks for: {product['tau'] / needed}")
    print(f"lab 5: 68 % intervals hold the truth of {kept['tau']} of {len(away)} stars")
    print(f"lab 5: with the catalogue's errors left in, of {kept['careless']}")
    assert np.allclose(product["tau"], needed, rtol=0.10)
    assert ((kept["tau"] >= 0.63) & (kept["tau"] <= 0.73)).all()
    assert kept["careless"].max() > 0.8


def test_the_mystery_star_is_found(product, truth):
    mean, width = _spread(product["honest"])
    z = (mean - truth) / width
    print(f"\nlab 5: mystery star, honest posterior minus truth in sigma: {np.round(z, 2)}")
    assert (np.abs(z) < 3).all()
    assert np.sum(z**2) < 15.1  # 99 % of five labels


def test_what_the_solution_wrote_down_is_what_it_measured(product):
    mean, width = _spread(product["honest"])
    assert (np.abs(product["answer"][:, 0] - mean) < 0.2 * width).all()
    assert np.allclose(product["answer"][:, 1], width, rtol=0.15)


def test_hidden_tests_know_the_surveys_truth(truth):
    """Lab 5 asks for it through `checks.truth`, and holds none of its numbers."""
    source = (ROOT / "solutions" / "05_mcmc" / "05_mcmc.py").read_text()
    assert source.count('checks.truth("apogee", "mystery")[:5]') == 1
    np.testing.assert_array_equal(checks.truth("apogee", "mystery")[:5], truth)
    assert not [value for value in truth if f"{abs(value):.4f}" in source]
