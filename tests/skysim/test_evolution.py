"""Isochrones by formula: order, continuity, limits, and the stars drawn from them."""

import numpy as np
import pytest

from skysim.stars import evolution
from skysim.stars.evolution import CLUMP, GIANT, MAIN_SEQUENCE, SUBGIANT, isochrone

GRID = [(t, z) for t in (8.0, 8.6, 9.0, 9.4, 9.8, 10.12) for z in (-2.0, -1.0, -0.3, 0.0, 0.5)]


@pytest.mark.parametrize(("log_age", "fe_h"), GRID)
def test_an_isochrone_is_in_order(log_age, fe_h):
    iso = isochrone(log_age, fe_h)
    assert (np.diff(iso.initial_mass) >= 0).all()
    assert (np.diff(iso.phase) >= 0).all()
    assert set(iso.phase) == {MAIN_SEQUENCE, SUBGIANT, GIANT, CLUMP}
    assert np.isfinite(iso.log_teff).all()
    assert 2250 < 10 ** iso.log_teff.min() < 4500
    assert iso.logg.max() < 5.6
    assert iso.logg.min() > -0.6
    # luminosity, radius and mass belong together
    radius = 10 ** (0.5 * (4.438 + np.log10(iso.initial_mass) - iso.logg))
    luminosity = radius**2 * 10 ** (4 * (iso.log_teff - np.log10(5772)))
    np.testing.assert_allclose(np.log10(luminosity), iso.log_l, atol=1e-9)


@pytest.mark.parametrize(("log_age", "fe_h"), GRID)
def test_an_isochrone_has_no_gaps_before_the_clump(log_age, fe_h):
    iso = isochrone(log_age, fe_h)
    before = iso.phase < CLUMP
    assert np.abs(np.diff(iso.log_teff[before])).max() < 0.03
    assert np.abs(np.diff(iso.logg[before])).max() < 0.12


def test_arrays_are_columns_of_single_isochrones():
    ages, metals = np.array([8.5, 9.7, 10.0]), np.array([0.2, -0.4, -1.5])
    many = isochrone(ages, metals)
    for k in range(3):
        one = isochrone(ages[k], metals[k])
        for name in ("initial_mass", "log_teff", "logg", "log_l"):
            np.testing.assert_allclose(getattr(many, name)[:, k], getattr(one, name), rtol=1e-12)


def test_the_sun_is_near_its_isochrone():
    """The tables themselves make a star of one solar mass 60 (MIST) to 120 K (PARSEC) too hot."""
    iso = isochrone(np.log10(4.57e9), 0.0)
    dwarf = iso.phase == MAIN_SEQUENCE
    teff = 10 ** np.interp(1.0, iso.initial_mass[dwarf], iso.log_teff[dwarf])
    logg = np.interp(1.0, iso.initial_mass[dwarf], iso.logg[dwarf])
    assert teff == pytest.approx(5772, abs=120)
    assert logg == pytest.approx(4.438, abs=0.04)


def test_older_and_richer_isochrones_are_cooler():
    def turn_off(log_age, fe_h):
        iso = isochrone(log_age, fe_h)
        return 10 ** iso.log_teff[iso.phase <= SUBGIANT].max()

    def branch(log_age, fe_h, logg=2.0):
        iso = isochrone(log_age, fe_h)
        g = iso.phase == GIANT
        return 10 ** np.interp(-logg, -iso.logg[g], iso.log_teff[g])

    assert turn_off(9.0, 0.0) > turn_off(9.5, 0.0) + 500 > turn_off(10.0, 0.0) + 800
    assert turn_off(9.8, -1.0) > turn_off(9.8, 0.0) + 600
    assert branch(9.8, -1.0) > branch(9.8, 0.0) + 350
    assert 0 < branch(9.4, 0.0) - branch(10.0, 0.0) < 200


def test_a_star_lives_as_long_as_a_published_formula_says():
    """Time to the foot of the giant branch: Hurley et al. (2000, MNRAS 315, 543), eq. 4, Z 0.02."""
    for mass in (1.0, 1.5, 2.0, 3.0, 4.0):
        myr = (1593.890 + 2706.708 * mass**4 + 146.6143 * mass**5.5 + mass**7) / (
            0.04141960 * mass**2 + 0.3426349 * mass**7
        )
        foot = evolution.landmark("log_mass_foot", np.array(6 + np.log10(myr)), np.array(0.12))
        print(f"\n{mass} Msun, {myr:.0f} Myr: {10**foot:.3f} Msun at the foot of the branch")
        assert 10**foot == pytest.approx(mass, rel=0.06)


@pytest.mark.parametrize(
    ("log_age", "fe_h", "words"), [(6e9, 0.0, "log age"), (7.9, 0.0, "log age"), (9.8, 0.6, "Fe/H")]
)
def test_what_the_relation_does_not_reach_is_refused(log_age, fe_h, words):
    with pytest.raises(ValueError, match=words):
        isochrone(log_age, fe_h)


def test_population_has_dwarfs_and_giants_on_their_isochrones():
    rng = np.random.default_rng(3)
    stars = evolution.population(rng, 3000, lowest_mass=0.3)
    assert all(column.shape == (3000,) for column in stars)
    share = np.bincount(stars.phase, minlength=4) / 3000
    assert (share > 0.01).all()
    assert (stars.initial_mass >= 0.29).all()
    # each star lies on the isochrone it was drawn from
    for k in range(0, 3000, 300):
        iso = isochrone(stars.log_age[k], stars.fe_h[k])
        d_teff = (iso.log_teff - np.log10(stars.teff[k])) / 0.01
        d_logg = (iso.logg - stars.logg[k]) / 0.1
        assert np.hypot(d_teff, d_logg).min() < 1.0
    # brighter-limited samples hold more giants
    near = evolution.population(np.random.default_rng(3), 3000, 0.0, lowest_mass=0.3)
    assert (near.phase >= GIANT).mean() < 0.3 * (stars.phase >= GIANT).mean()


def test_population_of_wanted_stars():
    def hot(stars):
        return (stars.teff > 7000) & (stars.teff < 9750)

    stars = evolution.population(np.random.default_rng(4), 500, wanted=hot)
    assert stars.teff.size == 500
    assert hot(stars).all()
    with pytest.raises(ValueError, match="wanted"):
        evolution.population(np.random.default_rng(4), 500, wanted=lambda s: s.teff > 1e5)


def test_masses_follow_the_mass_function():
    """Counts of unevolved stars against the integral of the mass function: within 4 sigma."""
    rng = np.random.default_rng(5)
    stars = evolution.draw(rng, np.full(40_000, 9.7), np.zeros(40_000))
    edges = np.array([0.1, 0.2, 0.35, 0.5, 0.7, 0.9])
    grid = np.linspace(edges[0], edges[-1], 20_001)
    total = np.concatenate([[0], np.cumsum(evolution.kroupa(grid[:-1] + 2e-5) * np.diff(grid))])
    expected = np.diff(np.interp(edges, grid, total))
    counts = np.histogram(stars.initial_mass, edges)[0]
    expected *= counts.sum() / expected.sum()
    assert (np.abs(counts - expected) < 4 * np.sqrt(expected) + 0.02 * expected).all()


def test_the_archives_isochrones_are_the_formula(tmp_path):
    from helpers import isochrones
    from skysim.survey import mistfile

    assert isochrones.EMBEDDED_FE_H == mistfile.METALLICITIES
    path = tmp_path / "one.iso"
    path.write_text(mistfile.iso_text(-0.5, (9.0, 9.8)))
    assert path.read_text().startswith("# SIMULATED, not MIST")
    young, old = isochrones.read(path)
    assert (young.log_age, old.log_age, old.fe_h) == (9.0, 9.8, -0.5)
    iso = isochrone(9.8, -0.5, points=tuple(len(e) for e in mistfile.EEPS))
    np.testing.assert_allclose(old.teff, 10**iso.log_teff, rtol=1e-7)
    np.testing.assert_allclose(old.logg, iso.logg, atol=1e-7)
    np.testing.assert_array_equal(old.eep, young.eep)
    assert (np.diff(old.eep) > 0).all()
    assert set(old.phase) == {0, 2, 3}
