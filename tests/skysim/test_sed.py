"""Spectral energy distributions: grids, scaling, and what makes the libraries differ."""

from functools import partial

import numpy as np
import pytest

from skysim.spectra import optical
from skysim.stars.labels import Labels
from skysim.survey import sed

from .test_lamost import plain_spectrum


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """40 models and 40 stars of each library, of black bodies with lines."""
    folder = tmp_path_factory.mktemp("sed")
    (folder / "products").mkdir()
    (folder / "truth").mkdir()

    def run(jobs, what):
        return map(partial(sed.make, source=plain_spectrum), jobs)

    return folder, sed.build(folder, 128, run, limit=40)


def test_grids_are_the_paper_s():
    assert sed.input_grid().size == 2238
    assert sed.sed_grid().size == 574
    assert sed.input_grid()[0] == 4000
    assert 6990 < sed.input_grid()[-1] <= 7000
    assert sed.sed_grid()[0] == 2500
    assert 10450 < sed.sed_grid()[-1] <= 10500
    for grid, power in ((sed.input_grid(), 2000), (sed.sed_grid(), 200)):
        np.testing.assert_allclose(np.diff(np.log(grid)), 0.5 / power, rtol=1e-9)


def test_models_cover_the_labels_evenly():
    labels = sed.model_labels(sed.MODELS)
    assert len(labels) >= 4000
    teff, fe_h = (np.array([getattr(s, n) for s in labels]) for n in ("teff", "fe_h"))
    assert 5000 <= teff.min() < 5010
    assert 9740 < teff.max() <= 9750
    count, _, _ = np.histogram2d(teff, fe_h, 8, ((5000, 9750), (-2.5, 0.5)))
    assert count.min() > 0.8 * sed.MODELS / 64


def test_products_hold_scaled_energy_distributions(built):
    folder, counts = built
    assert counts == {"sed_grid": 40, "sed_ngsl": 40, "sed_miles": 40}
    with np.load(folder / "products" / "sed_grid.npz") as file:
        assert file["input_flux"].shape == (40, 2238)
        assert file["sed"].shape == (40, 574)
        band = np.abs(file["sed_wavelength"] - 5556) <= 30
        np.testing.assert_allclose(file["sed"][:, band].mean(axis=1), 1.0, rtol=1e-5)
        # One star, two resolutions: both lie on the same black body.
        teff = file["labels"][:, 0]
        smooth = np.median(file["input_flux"][:, 100:400], axis=1)
        here = np.abs(file["sed_wavelength"] - 4250) < 140
        ratio = smooth / np.median(file["sed"][:, here], axis=1)
        np.testing.assert_allclose(ratio, ratio.mean(), rtol=0.03)
        assert np.corrcoef(teff, smooth)[0, 1] > 0.95
    for name in ("sed_ngsl", "sed_miles"):
        with np.load(folder / "products" / f"{name}.npz") as file:
            assert np.isfinite(file["flux"]).all()
            assert file["flux"].shape == (40, file["wavelength"].size)
            assert not [key for key in file.files if key.startswith("true")]
            with np.load(folder / "truth" / "sed.npz") as truth:
                away = file["labels"][:, 2] - truth[f"{name}.true_labels"][:, 2]
            assert 0.04 < away.std() < 0.14


def test_resolution_of_the_models():
    fine = optical.wavelength_grid()
    spike = np.exp(-0.5 * ((fine - 5000.0) / 0.5) ** 2)
    for grid, power, matrix in zip(
        (sed.input_grid(), sed.sed_grid()), (2000.0, 200.0), sed._matrices(-1), strict=True
    ):
        seen = matrix @ spike
        mean = np.average(grid, weights=seen)
        width = np.sqrt(np.average((grid - mean) ** 2, weights=seen) - 0.25)
        assert 2.3548 * width == pytest.approx(5000.0 / power, rel=0.02)
        np.testing.assert_allclose(matrix @ np.ones(fine.size), 1.0, rtol=1e-12)


def test_the_missing_opacity_is_a_trend_with_wavelength_and_temperature():
    waves = np.array([2600.0, 3500.0, 9000.0])
    sun, hot, poor = (
        sed.missing_opacity(waves, Labels(*star))
        for star in ((5777.0, 4.4, 0.0), (8500.0, 4.0, 0.0), (5777.0, 4.4, -1.5))
    )
    assert (np.diff(sun) > 0).all()
    assert sun[1] == pytest.approx(0.96, abs=0.002)
    assert 1 - sun[1] > 3 * (1 - hot[1])
    assert 1 - sun[1] > 2 * (1 - poor[1])
