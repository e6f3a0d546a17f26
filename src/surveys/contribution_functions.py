"""Level populations and contribution functions of an optically thin plasma.

Collisions with electrons and protons and radiative decay are in balance in every level of an ion;
how much of the element the ion is, is taken from the ionisation equilibrium. Left out: excitation
by the star's light, and ionisation and recombination into excited levels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from surveys.formats import chianti
from surveys.formats.chianti import Collision, Ion

#: Rydberg energy over Boltzmann's constant, K
RYDBERG_KELVIN = 157887.51
#: rate coefficient of de-excitation at unit strength, weight and temperature, cm^3 s^-1 K^0.5
RATE = 8.6291e-6
#: hc, erg Angstrom
HC = 1.98644586e-8
#: hydrogen nuclei and protons per electron in a fully ionised plasma with a tenth of helium
PER_ELECTRON = 0.83


def strength(collision: Collision, temperature: np.ndarray) -> np.ndarray:
    """Undo the scaling of a collision strength.

    Parameters
    ----------
    collision : Collision
    temperature : (n,) array
        K.

    Returns
    -------
    (n,) array
        Effective collision strength; for type 6 a rate coefficient of excitation, cm^3 s^-1.

    References
    ----------
    Burgess & Tully (1992), A&A 254, 436, Section 2; type 6 is CHIANTI's for protons.
    """
    c, kind = collision.c, collision.kind
    u = temperature / RYDBERG_KELVIN / collision.energy
    x = 1 - np.log(c) / np.log(u + c) if kind in (1, 4) else u / (u + c)
    y: np.ndarray = CubicSpline(collision.x, collision.y, bc_type="natural")(x)
    if kind == 1:
        return y * np.log(u + np.e)
    if kind == 3:
        return y / (u + 1)
    if kind == 4:
        return y * np.log(u + c)
    if kind == 5:
        return y / u
    return 10**y if kind == 6 else y


def _collision_rates(ion: Ion, temperature: np.ndarray) -> np.ndarray:
    """Return rate coefficients [temperature, to, from] per electron, cm^3 s^-1."""
    n = len(ion.energy)
    rates = np.zeros((len(temperature), n, n))
    for collisions, are_protons in ((ion.electrons, False), (ion.protons, True)):
        for collision in collisions:
            lower, upper = collision.lower, collision.upper
            if ion.energy[lower] > ion.energy[upper]:
                lower, upper = upper, lower
            value = np.maximum(strength(collision, temperature), 0)
            gap = (ion.energy[upper] - ion.energy[lower]) * RYDBERG_KELVIN / temperature
            if are_protons:
                up = PER_ELECTRON * value
                down = up * np.exp(gap) * ion.weight[lower] / ion.weight[upper]
            else:
                down = RATE * value / (ion.weight[upper] * np.sqrt(temperature))
                up = down * np.exp(-gap) * ion.weight[upper] / ion.weight[lower]
            rates[:, upper, lower] += up
            rates[:, lower, upper] += down
    return rates


def populations(ion: Ion, temperature: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Solve for the share of an ion's particles in each level.

    Only levels that can be reached from the ground and left towards it take part, whatever the
    number of steps: the share of others, for which no rate is known, is left at zero.

    Parameters
    ----------
    ion : Ion
    temperature : (t,) array
        K.
    density : (d,) array
        Electrons per cm^3.

    Returns
    -------
    (t, d, n) array
        Sums to 1 over the levels.
    """
    n = len(ion.energy)
    decay = np.zeros((n, n))
    np.add.at(decay, (ion.lower, ion.upper), ion.decay)
    collide = _collision_rates(ion, temperature)
    result = np.zeros((len(temperature), len(density), n))
    for i in range(len(temperature)):
        linked = _linked_to_ground(decay + collide[i])
        target = np.eye(len(linked))[0]
        for j, electrons in enumerate(density):
            gain = (decay + electrons * collide[i])[np.ix_(linked, linked)]
            balance = gain - np.diag(gain.sum(axis=0))
            # one balance follows from the others: the shares sum to one instead
            scale = np.abs(np.diag(balance)).clip(1e-30)
            balance /= scale[:, None]
            balance[0] = 1.0
            result[i, j, linked] = np.linalg.solve(balance, target)
    return np.maximum(result, 0)


def _linked_to_ground(rates: np.ndarray) -> np.ndarray:
    """Return the levels that can be reached from the ground level and left towards it."""
    _, component = connected_components(csr_array(rates > 0), connection="strong")
    linked: np.ndarray = np.flatnonzero(component == component[0])
    return linked


def contribution(
    root: Path,
    name: str,
    log_temperature: np.ndarray,
    log_density: np.ndarray,
    window: tuple[float, float],
    abundances: str,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Compute G(T, n) of an ion's observed lines from CHIANTI's files.

    G = A(X) f(T) (N_j / N_ion) A_ji / n_e  (n_H / n_e)  hc / lambda / 4 pi

    Parameters
    ----------
    root : Path
        CHIANTI folder.
    name : str
        Ion.
    log_temperature : (t,) array
        log10 of K.
    log_density : (d,) array
        log10 of electrons per cm^3.
    window : pair of float
        Shortest and longest wavelength, Angstrom.
    abundances : str
        Name of CHIANTI's file of abundances, without ``.abund``.

    Returns
    -------
    wavelength : (l,) array
        Angstrom.
    lower, upper : (l,) array of int
        CHIANTI's numbers of the levels, counted from 1.
    g : (l, t, d) array
        erg cm^3 s^-1 sr^-1.

    References
    ----------
    Del Zanna & Mason (2018), Living Rev. Sol. Phys. 15, 5.
    """
    ion = chianti.read_ion(root, name)
    wanted = (ion.wavelength >= window[0]) & (ion.wavelength <= window[1]) & (ion.decay > 0)
    grid, fractions = chianti.read_ionisation(root)
    fraction = np.interp(log_temperature, grid, fractions[name])
    abundance = chianti.read_abundances(root, abundances)[name.split("_")[0]]
    g = np.zeros((wanted.sum(), len(log_temperature), len(log_density)))
    there = fraction > 0
    density = 10**log_density
    level = populations(ion, 10 ** log_temperature[there], density)
    photons = level[..., ion.upper[wanted]] * ion.decay[wanted] / density[:, None]
    energy = HC / ion.wavelength[wanted] / (4 * np.pi)
    scale = abundance * PER_ELECTRON * fraction[there, None, None]
    g[:, there] = np.moveaxis(scale * photons * energy, -1, 0)
    return ion.wavelength[wanted], ion.lower[wanted] + 1, ion.upper[wanted] + 1, g
