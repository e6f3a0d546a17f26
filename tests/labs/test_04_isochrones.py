"""What the solved lab 4 finds, judged by its figures of merit (simulated survey)."""

import numpy as np
import pytest

from labkit import ROOT
from skysim.stars import evolution


@pytest.fixture(scope="module")
def lab(walkthrough):
    """The product of lab 4."""
    return dict(np.load(ROOT / "build" / "run" / "products" / "04_isochrones.npz"))


def test_lab_4_isochrone_between_two_ages_is_the_formulas(lab):
    iso = evolution.isochrone(float(lab["log_age"]), 0.0, points=(400, 400, 400, 100))
    theirs, ours = (
        (logg < 3.3) & (logg > 0.5) & np.concatenate([np.diff(logg) < 0, [False]])
        for logg in (lab["kiel_logg"], iso.logg)
    )
    theirs[np.argmin(lab["kiel_logg"]) + 1 :] = False
    ours &= iso.phase == evolution.GIANT
    teff = 10 ** np.interp(-lab["kiel_logg"][theirs], -iso.logg[ours], iso.log_teff[ours])
    missed = np.abs(lab["kiel_teff"][theirs] - teff).max()
    print(f"\nlab 4: a 6 Gyr branch interpolated between two ages is off by {missed:.1f} K at most")
    assert missed < 5


def test_lab_4_stars_agree_with_isochrones(lab):
    """The survey's stars follow PARSEC; the isochrones lie between PARSEC and MIST: 25 to 45 K."""
    known = lab["count"] >= 10
    print("\nlab 4: stars minus 6 Gyr isochrone at fixed log g, by [Fe/H]")
    for low, high, offset, scatter, count in zip(
        lab["edges"], lab["edges"][1:], lab["offset"], lab["scatter"], lab["count"], strict=False
    ):
        print(
            f"  {low:+.1f} to {high:+.1f}: {offset:+.0f} K, scatter {scatter:.0f} K, {count} stars"
        )
    assert known.sum() >= 5
    assert np.abs(lab["offset"][known]).max() < 80
    assert np.average(lab["offset"][known], weights=lab["count"][known]) > 0
    assert lab["scatter"][known].max() < 90


def test_lab_4_metallicity_trend(lab):
    stars, theory = float(lab["stars_slope"]), float(lab["theory_slope"])
    print(f"\nlab 4: Teff at fixed log g: stars {stars:+.0f}, isochrones {theory:+.0f} K per dex")
    assert stars == pytest.approx(theory, rel=0.15)


def test_lab_4_finds_the_clump(lab):
    share = lab["is_clump"].mean()
    print(f"\nlab 4: {lab['is_clump'].sum()} stars ({share:.0%}) are told to be in the clump")
    # 70 per cent of the stars between log g 2.35 and 2.85 were drawn as such
    assert 0.25 < share < 0.42


def test_lab_4_tells_the_impostor(lab):
    fe_h, chi2 = float(lab["impostor_fe_h"]), float(lab["impostor_chi2"])
    print(
        f"\nlab 4: best impostor of a 4250 K, log g 1.5, [Fe/H] -0.3 star among those of 4550 K, "
        f"log g 2.3: [Fe/H] {fe_h:+.2f}, chi2 {chi2:.0f}"
    )
    assert fe_h > -0.2
    assert chi2 > 1000


def test_lab_4_hands_on_the_isochrones_of_the_checkpoint(lab):
    """Branch and clump of both isochrones, with a gap between them, so that lab 5 can draw them."""
    for name, warmer in (("solar_sequence", 0), ("poor_sequence", 440)):
        teff, logg = lab[name]
        gap = np.flatnonzero(np.isnan(teff))
        assert len(gap) == 1
        branch = slice(0, gap[0])
        at_two = np.interp(-2.0, -logg[branch], teff[branch])
        print(f"\nlab 4: {name} at log g 2: {at_two:.0f} K")
        assert at_two == pytest.approx(4283 + warmer, abs=60)
        assert np.abs(logg[gap[0] + 1 :] - 2.4).max() < 0.3


def test_lab_4_is_quick(walkthrough):
    row = walkthrough["04_isochrones"]
    print(f"\nlab 4: {row['seconds']:.0f} s, {row['peak_rss_mb']:.0f} MB")
    assert row["peak_rss_mb"] < 2000
