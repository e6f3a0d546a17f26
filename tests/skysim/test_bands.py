"""Band opacity: heads where the laboratory has them, strengths that add up, chemistry that pulls
the right way."""

from dataclasses import replace

import numpy as np
import pytest

from skysim.physics import atmosphere, bands, opacity
from skysim.physics.constants import ATOMIC_MASS, SECOND_RADIATION
from skysim.physics.gas import _MASS, SYMBOLS, abundances, dissociation
from skysim.physics.gas import state as gas_state
from skysim.physics.transfer import emergent_flux
from surveys.wavelengths import vacuum

SOLAR = abundances(0, 0, 0, 0, 0, 0)


def gas(temperature, pressure, mix=SOLAR):
    return gas_state(np.array([temperature]), np.array([pressure]), mix)


def absorption(molecule, grid, temperature=3200.0):
    """Absorption of a molecule's commonest isotope on a grid (A), blurred to 1.5 A."""
    total = np.zeros(grid.size)
    for system in (s for s in bands.SYSTEMS if s.startswith(molecule)):
        for upper_v in range(5):
            for lower_v in range(5):
                lines = bands.band(system, upper_v, lower_v)
                weight = lines.strength * np.exp(-1.4388 * lines.lower / temperature)
                total += np.histogram(
                    1e8 / lines.wavenumber, np.append(grid, 2 * grid[-1] - grid[-2]), weights=weight
                )[0]
    kernel = np.exp(-0.5 * (np.arange(-20, 21) * (grid[1] - grid[0]) / 0.65) ** 2)
    return np.convolve(total, kernel / kernel.sum(), mode="same")


# Heads in air (A) of Pearse & Gaydon 1976 (The Identification of Molecular Spectra), and which way
# the band shades.  The (0,0) heads of TiO fixed the terms in `STATES`; the other heads did not.
@pytest.mark.parametrize(
    ("molecule", "head", "shade"),
    [
        ("TiO", 4954.6, "red"),  # alpha (1,0)
        ("TiO", 5166.8, "red"),  # alpha (0,0)
        ("TiO", 5448.3, "red"),  # alpha (0,1)
        ("TiO", 6158.5, "red"),  # gamma' (0,0)
        ("TiO", 6651.5, "red"),  # gamma (1,0)
        ("TiO", 6681.1, "red"),
        ("TiO", 6714.4, "red"),
        ("TiO", 7054.5, "red"),  # gamma (0,0)
        ("TiO", 7087.9, "red"),
        ("TiO", 7125.6, "red"),
        ("TiO", 7589.6, "red"),  # gamma (0,1)
        ("TiO", 8432.3, "red"),  # epsilon (0,0)
        ("TiO", 8859.6, "red"),  # delta (0,0)
        ("CaH", 6382.1, "violet"),  # B-X (0,0)
        ("MgH", 5211.0, "violet"),  # A-X (0,0)
    ],
)
def test_heads_are_where_the_laboratory_has_them(molecule, head, shade):
    grid = vacuum(head) + np.arange(-60.0, 60.0, 0.1)
    rise = np.gradient(absorption(molecule, grid))
    near = np.abs(grid - vacuum(head)) < 8.0
    steepest = grid[near][np.argmax((rise if shade == "red" else -rise)[near])]
    assert steepest == pytest.approx(vacuum(head), abs=2.0)


def test_red_band_of_calcium_hydride_ends_where_the_laboratory_has_it():
    """The Q branches of A-X (0,0) begin at 6946 and 6921 A (air), crowded only loosely."""
    _, lower, _ = bands.levels(bands.STATES["CaH X"], 0, 40)
    _, upper, _ = bands.levels(bands.STATES["CaH A"], 0, 40)
    for component, head in enumerate((6946.0, 6921.0)):
        branch = (upper - lower)[component:, component]
        assert 1e8 / branch.min() == pytest.approx(vacuum(head), abs=2.0)


@pytest.mark.parametrize("system", list(bands.SYSTEMS))
def test_strengths_add_up(system):
    """Overlaps of a level sum to one, and a band's lines to its oscillator strength."""
    overlap = bands.franck_condon(system)
    np.testing.assert_allclose(overlap[0].sum(), 1.0, atol=0.01)
    lower, upper, strength = bands.SYSTEMS[system]
    lines = bands.band(system, 0, 0)
    molecule = system.split()[0]
    _, energy, _ = bands.levels(bands.STATES[lower], 0, bands.HIGHEST_J[molecule])
    reach = np.sort(energy[np.isfinite(energy)])[-30]  # the highest levels lack their R lines
    start = lines.lower - lines.lower.min() + energy.min()
    # Every lower level gives its weight times f q nu / nu_e to all it reaches.
    terms = np.mean(bands.STATES[upper].terms) - np.mean(bands.STATES[lower].terms)
    share = lines.strength * terms / (strength * overlap[0, 0] * lines.wavenumber)
    doubling = 1 if bands.STATES[lower].lam == 0 else 2
    j, energy, _ = bands.levels(bands.STATES[lower], 0, bands.HIGHEST_J[molecule])
    weight = doubling * (2 * j[:, None] + 1) * np.isfinite(energy)
    expected = weight[energy < 0.5 * reach].sum()
    assert share[start < 0.5 * reach].sum() == pytest.approx(expected, rel=0.01)


def test_overlap_of_gamma_agrees_with_publication():
    # Davis, Littleton & Phillips 1986 (ApJ 309, 449): q00 about 0.72 for gamma.
    assert bands.franck_condon("TiO gamma")[0, 0] == pytest.approx(0.72, abs=0.03)


def test_levels_go_from_case_a_to_case_b():
    state = bands.State(1, (0.0, 80.0), 1300.0, 20.0, 4.3, 0.1)
    j, energy, _ = bands.levels(state, 0, 200)
    rotation = 4.3 - 0.05
    assert energy[2, 1] - energy[2, 0] == pytest.approx(80.0, rel=0.1)
    stiff = bands.State(1, (0.0, 80.0), 1e5, 20.0, 4.3, 0.1)  # no stretching
    j, energy, _ = bands.levels(stiff, 0, 200)
    assert energy[150, 1] - energy[150, 0] == pytest.approx(2 * rotation * (j[150] + 0.5), rel=0.02)


def test_isotopes_shift_bands_as_reduced_mass_says():
    common, light = (bands.band("TiO gamma", 1, 0, m).wavenumber.max() for m in (48, 46))
    # (1,0): the upper state's half quantum more grows with the root of the lower reduced mass.
    scale = np.sqrt((48 * 15.999 / 63.999) / (46 * 15.999 / 61.999)) - 1
    assert light - common == pytest.approx(scale * (1.5 * 868 - 0.5 * 1009), rel=0.15)


def test_titanium_atoms_are_counted_once():
    g = gas(2900.0, 1e5)
    i = SYMBOLS.index("Ti")
    nuclei = SOLAR[i] * g.density / (SOLAR @ _MASS) / ATOMIC_MASS
    counted = g.neutral[i] + g.ionised[i] + g.molecules["TiO"]
    assert counted / nuclei == pytest.approx(1.0, rel=1e-3)
    law = dissociation("TiO", g.temperature)
    oxygen = g.neutral[SYMBOLS.index("O")]
    assert g.molecules["TiO"] / (law * g.neutral[i] * oxygen) == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("fe_h", [-2.5, 0.0, 0.5])
@pytest.mark.parametrize(("teff", "logg"), [(3000.0, 5.0), (3000.0, 0.0), (3600.0, 2.5)])
def test_coolest_atmospheres_settle(teff, logg, fe_h):
    layers = atmosphere.atmosphere(teff, logg, abundances(fe_h, 0, 0, 0, 0, 0))
    for number in layers.gas.molecules.values():
        assert np.isfinite(number).all()
        assert (number >= 0).all()


GRID = vacuum(6700.0) * np.exp(np.arange(0.0, 0.075, 100.0 / 2.998e5))
GREEN = vacuum(5100.0) * np.exp(np.arange(0.0, 0.03, 100.0 / 2.998e5))


def depth(
    teff,
    logg,
    fe_h=0.0,
    grid=GRID,
    molecules=("TiO", "CaH", "MgH"),
    between=(7056, 7200),
    times=1.0,
):
    """Mean depth of some molecules' bands under the continuum, between two wavelengths (A)."""
    layers = atmosphere.atmosphere(teff, logg, abundances(fe_h, 0, 0, 0, 0, 0))
    only = {m: times * n if m in molecules else 0.0 * n for m, n in layers.gas.molecules.items()}
    some = replace(layers.gas, molecules=only)
    smooth = opacity.continuum(grid, layers.gas)
    mean = layers.kappa * layers.gas.density
    source = 1.0 / np.expm1(SECOND_RADIATION * 1e8 / grid / layers.gas.temperature[:, None])
    dark, bright = (
        emergent_flux(np.ascontiguousarray((k / mean).T), source, np.log(layers.tau))
        for k in (smooth + bands.absorption(grid, some), smooth)
    )
    use = (grid > between[0]) & (grid < between[1])
    return float(np.mean(1.0 - (dark / bright)[use]))


def test_titanium_oxide_grows_towards_cool_stars():
    depths = [depth(t, 4.8, molecules=("TiO",)) for t in (4400.0, 4000.0, 3700.0, 3400.0, 3100.0)]
    assert (np.diff(depths) > 0).all()
    assert depths[0] < 0.03
    assert depths[-1] > 0.5


def test_deep_molecular_bands_saturate():
    """Twice the TiO is twice the depth of a faint band, and little more of a deep one."""

    def growth(teff):
        once, twice = (depth(teff, 4.8, molecules=("TiO",), times=n) for n in (1.0, 2.0))
        return twice / once

    assert growth(4400.0) == pytest.approx(2.0, abs=0.25)
    assert growth(3000.0) < 1.3


def test_titanium_oxide_grows_with_metallicity():
    depths = [depth(3600.0, 4.8, fe_h, molecules=("TiO",)) for fe_h in (-1.5, -0.5, 0.0, 0.5)]
    assert (np.diff(depths) > 0).all()


def test_hydrides_mark_dwarfs():
    """CaH and MgH need pressure: giants have little (Ohman 1934, ApJ 80, 171)."""
    red = {"molecules": ("CaH",), "between": (6800, 6960)}
    green = {"grid": GREEN, "molecules": ("MgH",), "between": (5140, 5210)}
    assert depth(3600.0, 4.8, **red) > 3.0 * depth(3600.0, 1.0, **red)
    assert depth(4200.0, 4.7, **green) > 1.5 * depth(4200.0, 1.5, **green)


def test_hydrides_over_titanium_oxide_mark_poor_dwarfs():
    """Subdwarfs keep CaH and lose TiO (Lepine, Rich & Shara 2007, ApJ 669, 1235)."""

    def ratio(fe_h):
        calcium = depth(3500.0, 5.0, fe_h, molecules=("CaH",), between=(6800, 6960))
        return calcium / depth(3500.0, 5.0, fe_h, molecules=("TiO",))

    assert ratio(-1.5) > 1.5 * ratio(0.0)


def test_nothing_is_done_in_hot_stars():
    hot = atmosphere.atmosphere(8000.0, 4.3, SOLAR).gas
    assert not bands.absorption(GRID, hot).any()


def test_a_coarse_grid_gives_the_mean_of_a_fine_one():
    """Geometric means over 100 km/s stand for lines and gaps: the flux is within 3 per cent, where
    a contour of plain means absorbs more."""
    fine = vacuum(7060.0) * np.exp(np.arange(0.0, 0.012, 1.0 / 2.998e5))
    coarse = vacuum(7060.0) * np.exp(np.arange(0.0, 0.012, 100.0 / 2.998e5))
    kinds = {"molecules": ("TiO",), "between": (7065, 7135)}
    true = depth(3500.0, 4.8, grid=fine, **kinds)
    assert depth(3500.0, 4.8, grid=coarse, **kinds) == pytest.approx(true, abs=0.03)
