"""CSST's facts and the simulated detector."""

import numpy as np
import pytest

from helpers import csst


@pytest.mark.parametrize(
    ("band", "low", "high", "peak"),
    [("GU", 2400, 4300, 0.21), ("GV", 3700, 6800, 0.41), ("GI", 6000, 11000, 0.40)],
)
def test_throughputs_are_shares_of_photons(band, low, high, peak):
    wavelength, share = csst.throughput(band)
    assert (np.diff(wavelength) > 0).all()
    assert (wavelength[0], wavelength[-1]) == (low, high)
    assert share.max() == pytest.approx(peak, abs=0.01)
    assert (share >= 0).all()


def test_throughputs_of_filters_follow_one_another():
    pivots = []
    for name in ("nuv", "u", "g", "r", "i", "z", "y"):
        w, t = csst.throughput(name)
        pivots.append(np.sqrt(np.trapezoid(t * w, w) / np.trapezoid(t / w, w)))
    assert (np.diff(pivots) > 0).all()


def test_unknown_names_are_refused():
    for ask in (csst.throughput, csst.library):
        with pytest.raises(csst.CsstError, match="no "):
            ask("xyz")
    with pytest.raises(csst.CsstError, match="no band"):
        csst.in_band(np.ones(3), "g")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(csst.CsstError, match=r"GU\.Throughput"):
        csst.throughput("GU", tmp_path)


def test_reddening_curve_follows_fitzpatrick():
    """A(B) - A(V) is E(B-V) by definition; the table's points are met."""
    b, v, point = csst.reddening_curve(np.array([4360.0, 5450.0, 6000.0]))
    assert b - v == pytest.approx(1.0, abs=0.05)
    assert point == pytest.approx(2.688, abs=1e-6)
    with pytest.raises(csst.CsstError, match="2500"):
        csst.reddening_curve(np.array([2000.0]))


def test_smooth_flat_is_a_quadratic_of_mean_one():
    x, y = np.random.default_rng(1).uniform(-1, 1, (2, 20_000))
    wavelength = np.array([3000.0, 5000.0, 9000.0])
    flat = csst.Detector(seed=3).flat(x, y, wavelength)
    assert flat.mean(axis=0) == pytest.approx(np.ones(3), abs=0.002)
    design = np.stack([np.ones_like(x), x, y, x**2, x * y, y**2], axis=1)
    left = flat - design @ np.linalg.lstsq(design, flat, rcond=None)[0]
    assert np.abs(left).max() < 1e-9


def test_ripple_is_as_strong_as_asked_and_no_quadratic():
    x, y = np.random.default_rng(2).uniform(-1, 1, (2, 5000))
    wavelength = np.array([3000.0, 7000.0])
    smooth = csst.Detector(seed=3).flat(x, y, wavelength)
    ripple = csst.Detector(seed=3, ripple=0.01).flat(x, y, wavelength) - smooth
    assert 0.005 < ripple.std() < 0.015
    design = np.stack([np.ones_like(x), x, y, x**2, x * y, y**2], axis=1)
    left = ripple - design @ np.linalg.lstsq(design, ripple, rcond=None)[0]
    assert left.std() > 0.5 * ripple.std()
