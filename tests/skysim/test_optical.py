"""Physics of the optical spectra: hydrogen, gravity, energy, and what happens to the light."""

import numpy as np
import pytest

from data.make import against_optical as compare
from data.make.against_optical import FEATURES, equivalent_width
from skysim.physics import atmosphere, hydrogen, lines, opacity
from skysim.physics.constants import BOLTZMANN, EV, LIGHT, PLANCK, SECOND_RADIATION
from skysim.physics.equilibrium import STEFAN_BOLTZMANN
from skysim.spectra import h_band, optical
from skysim.spectra.h_band import KM_S
from skysim.stars.labels import Labels

WIDTHS = {f.name: f for f in FEATURES}
SUN = Labels(5777.0, 4.44, 0.0)


@pytest.fixture(scope="module")
def spectrum():
    """Flux of a star on the optical grid, each star made once."""
    synthesizer, made = optical.OpticalSynthesizer(), {}

    def of(teff, logg, fe_h=0.0):
        labels = Labels(float(teff), float(logg), float(fe_h))
        if labels not in made:
            made[labels] = synthesizer.spectrum(labels)
        return made[labels]

    return of


def width(spectrum, name, *labels):
    return equivalent_width(optical.wavelength_grid(), spectrum(*labels)[0], WIDTHS[name])


def test_grid_is_uniform_in_log_wavelength():
    grid = optical.wavelength_grid()
    assert grid[0] == 2400.0
    assert 10599.0 < grid[-1] <= 10600.0
    np.testing.assert_allclose(np.diff(np.log(grid)) * KM_S, 25.0, rtol=1e-9)


def test_lines_reach_over_the_range():
    table = optical.all_lines()
    assert 500 < len(table) < 1200
    present = {lines.SPECIES[i] for i in table.species}
    assert {"Na I", "Mg I", "Ca I", "Ca II", "Fe I", "Fe II", "Ti II", "Ba II", "Sr II"} <= present
    # Vacuum wavelengths (NIST ASD) of Na D1, Mg b1 and Ca II 8542.
    for wavelength in (5897.56, 5185.05, 8544.44):
        assert np.abs(table.wavelength - wavelength).min() < 0.02


def test_balmer_lines_grow_to_9000_kelvin(spectrum):
    """Below the true continuum, wings and all."""
    grid = optical.wavelength_grid()
    for centre in (6564.6, 4862.7):
        near = np.abs(grid - centre) < 60.0
        strengths = []
        for teff in (6000, 7500, 9000):
            flux, continuum = spectrum(teff, 4.0, -2.0)
            strengths.append(np.trapezoid((1.0 - flux / continuum)[near], grid[near]))
        assert strengths == sorted(strengths), centre
        assert strengths[-1] > 2 * strengths[0], centre


def test_calcium_triplet_is_stronger_in_giants(spectrum):
    assert width(spectrum, "Ca II triplet", 5000, 2.0) > 1.15 * width(
        spectrum, "Ca II triplet", 5000, 4.5
    )


def test_sodium_is_stronger_in_dwarfs(spectrum):
    assert width(spectrum, "Na D", 4600, 4.6) > 1.2 * width(spectrum, "Na D", 4600, 2.2)


def test_metal_lines_follow_metallicity(spectrum):
    assert width(spectrum, "Mg b", 5777, 4.44, 0.0) > 1.3 * width(spectrum, "Mg b", 5777, 4.44, -1)


def jump(spectrum, *labels):
    """Flux redwards of the Balmer jump over flux bluewards, in magnitudes."""
    grid, (flux, _) = optical.wavelength_grid(), spectrum(*labels)
    blue, red = ((grid > a) & (grid < b) for a, b in ((3400, 3600), (4010, 4080)))
    return 2.5 * np.log10(flux[red].mean() / flux[blue].mean())


def test_balmer_jump_feels_gravity(spectrum):
    """In F stars gravity fills the jump with H-minus opacity; in A supergiants the sign turns."""
    assert jump(spectrum, 6000, 2.0) > jump(spectrum, 6000, 4.0) + 0.2
    assert jump(spectrum, 9700, 2.0) < jump(spectrum, 9700, 3.0)
    assert jump(spectrum, 8000, 4.0) > jump(spectrum, 6000, 4.0) + 0.2


@pytest.mark.parametrize("labels", [(6000, 4.0), (5000, 2.0), (8000, 4.0), (6000, 4.0, -2.0)])
def test_flux_adds_up_to_sigma_t_to_the_fourth(spectrum, labels):
    """In radiative equilibrium each layer passes on all the energy; here the surface's share."""
    star = Labels(*(float(x) for x in (*labels, 0.0)[:3]))
    flux, continuum = spectrum(star.teff, star.logg, star.fe_h)
    grid = optical.wavelength_grid()
    inside = np.trapezoid(flux, grid)
    # What lies outside the grid is close to a black body's share.
    x = SECOND_RADIATION * 1e8 / (grid * star.teff)
    planck = 2e-8 * np.pi * PLANCK * LIGHT**2 / (grid * 1e-8) ** 5 / np.expm1(x)
    share = np.trapezoid(planck, grid) / (STEFAN_BOLTZMANN * star.teff**4)
    assert inside / (STEFAN_BOLTZMANN * star.teff**4) == pytest.approx(share, abs=0.09)
    assert (flux > 0).all()
    assert (flux <= 1.02 * continuum).mean() > 0.999


def test_levels_dissolve_when_charges_crowd():
    thin, dense = (hydrogen.survival(15.0, n, 9000.0) for n in (1e10, 1e15))
    assert thin > 0.99
    assert dense < 0.1
    assert hydrogen.survival(3.0, 1e13, 9000.0) > 0.999


def test_hydrogen_profile_holds_its_strength():
    """The integral over the line is its strength, however it is broadened."""
    labels = Labels(9000.0, 4.0, -1.0)
    gas = atmosphere.atmosphere(9000.0, 4.0, h_band.mixture(labels)).gas
    line = hydrogen.Line(2, 6)
    start, step, size = np.log(4102.9) - 0.03, 1e-5, 6001
    kappa = hydrogen.absorption((line,), gas, 2e5, start, step, size)
    grid = np.exp(start + step * np.arange(size))
    total = np.trapezoid(kappa, grid, axis=1)
    thermal = BOLTZMANN * gas.temperature
    level = gas.population("H I") * np.exp(-13.598 * 0.75 * EV / thermal)
    stimulated = -np.expm1(-SECOND_RADIATION * 1e8 / (line.wavelength * gas.temperature))
    alive = hydrogen.survival(6.0, gas.electrons, gas.temperature)
    wanted = 8.8528e-13 * 1e-8 * line.wavelength**2 * line.strength * level * stimulated * alive
    top = gas.electrons < 3e14  # further in the wings reach beyond the grid
    assert top.sum() > 8
    # Electron impacts raise the wings above the ions' share.
    assert np.all(np.abs(total / wanted - 1.0)[top] < 0.15)


def test_metal_edges_block_the_ultraviolet():
    gas = atmosphere.atmosphere(5777.0, 4.44, h_band.mixture(SUN)).gas
    below, above = opacity.metals(np.array([2500.0, 2530.0]), gas)[:, 8]
    assert below > 2 * above


def test_band_opacity_enters_and_darkens():
    def band(wavelength, gas):
        inside = (wavelength > 7000) & (wavelength < 7200)
        return 1e-7 * inside[:, None] * (gas.density / gas.density.max())[None]

    clear = optical.OpticalSynthesizer(band_opacity=[]).spectrum(SUN)
    dark = optical.OpticalSynthesizer(band_opacity=[band]).spectrum(SUN)
    grid = optical.wavelength_grid()
    inside = (grid > 7010) & (grid < 7190)
    assert dark[0][inside].mean() < 0.98 * clear[0][inside].mean()


def test_blur_rotate_and_shift():
    grid = optical.wavelength_grid()
    flux = np.ones(grid.size)
    flux[9000] = 0.0
    for blurred in (
        optical.blur(flux, 2000.0),
        optical.blur(flux, grid / 2.5),
        optical.rotate(flux, 120.0),
    ):
        assert np.sum(1 - blurred) == pytest.approx(1.0, rel=2e-3)
    narrow = optical.blur(flux, 2000.0)
    wide = np.flatnonzero(narrow < 1 - 0.5 * (1 - narrow.min()))
    assert wide.size * 25.0 == pytest.approx(KM_S / 2000.0, abs=26.0)
    moved = optical.shift(optical.blur(flux, 2000.0), 250.0)
    assert np.argmin(moved) == 9010
    np.testing.assert_array_equal(optical.rotate(flux, 0.0), flux)


def test_bins_conserve_light():
    grid = optical.wavelength_grid()
    flux = 2.0 + np.sin(grid / 40.0)
    there = compare.onto_bins(grid, flux)
    inside = np.isfinite(there)
    assert inside.sum() > compare.N_BINS - 3
    np.testing.assert_allclose(there[inside], compare.binned(flux)[inside], rtol=5e-3)
