"""What the solved lab 5 measured, judged by its figures of merit (simulated survey)."""

import numpy as np
import pytest

from helpers import checks, products
from labkit import ROOT, lab_source
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


@pytest.mark.parametrize("saved", [True, False])
def test_checkpoint_3_draws_the_isochrones_of_lab_4(saved, tmp_path, monkeypatch):
    """The diagram in the PDF is the student's, with what lab 4 saved, or else with 6.3 Gyr."""
    monkeypatch.setenv("LABKIT_PRODUCTS", str(tmp_path))
    lines = np.array([[5000.0, 4000, np.nan, 4700], [3.4, 1.0, np.nan, 2.4]])
    if saved:
        age = {"log_age": np.array(9.6)}
        products.save("04_isochrones", solar_sequence=lines, poor_sequence=lines + 0.1, **age)
    (story,) = (
        cell.source
        for cell in lab_source.read("05_mcmc").cells
        if cell.cell_type == "code" and 'products.load("04_isochrones")' in cell.source
    )
    labels = np.random.default_rng(5).uniform([3900, 0.6, -1, 0, 0], [5200, 3.4, 0, 1, 1], (50, 5))
    given = {"fitted": labels, "honest_summary": labels[:2].T + 1, "source": "a test"}
    namespace = lab_source.solved_namespace("05_mcmc") | given
    exec(story, namespace)
    drawn = {line.get_label(): line.get_xydata() for line in namespace["kiel"].axes[0].lines}
    if saved:
        assert np.array_equal(drawn["4 Gyr, [Fe/H] = 0"], lines.T, equal_nan=True)
        assert np.array_equal(drawn["4 Gyr, [Fe/H] = -1"], lines.T + 0.1, equal_nan=True)
    else:
        assert np.ptp(drawn["6.3 Gyr, [Fe/H] = 0"][:, 1]) > 2
    (written,) = (
        cell.source
        for cell in lab_source.read("05_mcmc").cells
        if cell.cell_type == "code" and "checkpoints.write_pdf(" in cell.source
    )
    assert "figures=[kiel, posterior_figure]" in written
