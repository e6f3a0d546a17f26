"""The survey's fast spectra against exact ones."""

import numpy as np
import pytest

from skysim.spectra.h_band_fast import ZONES, Interpolator, Patch, _quadratic
from skysim.survey.apogee_rows import MISSING


@pytest.fixture(scope="module")
def sky(synthesizer):
    """The survey's own interpolator, trained in this process."""
    return Interpolator.trained(lambda plan: (synthesizer.fine_spectrum(s) for s in plan))


def draw(rows, kinds, number, seed):
    stars = [r.truth for r in rows if r.kind in kinds]
    chosen = np.random.default_rng(seed).choice(len(stars), number, replace=False)
    return [stars[i] for i in chosen]


@pytest.mark.parametrize(
    ("kinds", "number"), [(("giant", "missing", "low_snr"), 80), (("dwarf",), 30)]
)
def test_error_on_random_stars_of_the_survey(sky, synthesizer, rows, kinds, number):
    errors = []
    for star in draw(rows, kinds, number, seed=5):
        assert sky.covers(star)
        difference = sky.spectrum(star, 3.0) - synthesizer.spectrum(star, 3.0)
        errors.append(np.sqrt(np.mean(difference**2)))
    print(
        f"\n{kinds[0]}: rms error median {np.median(errors):.5f}, 95 % "
        f"{np.percentile(errors, 95):.5f}, worst {max(errors):.5f} of {number}"
    )
    assert np.sqrt(np.mean(np.square(errors))) < 0.001
    assert np.percentile(errors, 95) < 0.002
    assert max(errors) < 0.005


def test_it_covers_the_survey_and_makes_the_rest_exactly(sky, synthesizer, rows):
    covered = [sky.covers(r.truth) for r in rows if r.kind != "metal_poor"]
    assert np.mean(covered) > 0.99
    for star in (
        next(r.truth for r in rows if r.kind == "metal_poor"),
        rows[0].truth.changed(broadening=12.0),
        rows[0].truth.changed(vsini=20.0),
    ):
        assert not sky.covers(star)
        np.testing.assert_array_equal(sky.fine_spectrum(star), synthesizer.fine_spectrum(star))


def test_catalogue_labels_are_covered_too(sky, rows):
    names = ("teff", "logg", "fe_h", "mg_fe", "si_fe")
    fitted = [
        r.truth.changed(**{n: r.catalogue[n] for n in names})
        for r in rows
        if min(r.catalogue[n] for n in names) > MISSING
    ]
    assert np.mean([sky.covers(f) for f in fitted]) > 0.95


def test_coordinates_and_labels_are_inverse():
    for zone in ZONES:
        for x in np.random.default_rng(1).uniform(-1, 1, (5, 6)):
            star = zone.labels(x)
            np.testing.assert_allclose(zone.coordinates(star), x, atol=1e-9)
            assert zone.holds(star)
            assert not zone.holds(star.changed(fe_h=star.fe_h + 3.0))


def test_save_and_load(sky, rows, tmp_path):
    sky.save(tmp_path / "sky.npz")
    again = Interpolator.load(tmp_path / "sky.npz")
    star = rows[0].truth
    np.testing.assert_array_equal(again.fine_spectrum(star), sky.fine_spectrum(star))


def test_a_patch_meets_its_nodes_and_reproduces_quadratics():
    rng = np.random.default_rng(2)
    nodes = rng.uniform(-1, 1, (128, 6))
    spectra = _quadratic(nodes) @ rng.normal(size=(28, 50))
    patch = Patch.trained(nodes, spectra)
    np.testing.assert_allclose(patch(nodes[7]), spectra[7], atol=1e-4)
    x = rng.uniform(-0.8, 0.8, 6)
    truth = np.linalg.lstsq(_quadratic(nodes), spectra, rcond=None)[0]
    np.testing.assert_allclose(patch(x), _quadratic(x[None])[0] @ truth, atol=1e-4)
