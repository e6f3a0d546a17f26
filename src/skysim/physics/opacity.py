"""Continuous absorption of stellar gas between 2000 Angstrom and 2 micron, and its Rosseland mean.

Absorbers: H-minus (bound-free and free-free), hydrogen (bound-free from its first eight levels,
free-free), the edges of Mg, Al, Si, C and Fe, Rayleigh scattering on H and H2, and free electrons.
Scattering counts as absorption.  Left out: H2-minus and collision-induced absorption (below
3500 K), molecular bands.  Another absorber is one more function of (wavelength, gas) in
``ABSORBERS``.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from skysim.physics.constants import BOLTZMANN, EV, LIGHT, SECOND_RADIATION
from skysim.physics.gas import Gas
from skysim.physics.hydrogen import survival

# John 1988 (A&A 193, 189), table 3 (free-free, 0.1823 to 0.3645 micron and longer) and table 2
# (bound-free).
_FREE_SHORT = np.array(
    [
        [518.1021, -734.8666, 1021.1775, -479.0721, 93.1373, -6.4285],
        [473.2636, 1443.4137, -1977.3395, 922.3575, -178.9275, 12.3600],
        [-482.2089, -737.1616, 1096.8827, -521.1341, 101.7963, -7.0571],
        [115.5291, 169.6374, -245.6490, 114.2430, -21.9972, 1.5097],
    ]
)
_FREE_LONG = np.array(
    [
        [2483.346, 285.827, -2054.291, 2827.776, -1341.537, 208.952],
        [-3449.889, -1158.382, 8746.523, -11485.632, 5303.609, -812.939],
        [2200.040, 2427.719, -13651.105, 16755.524, -7510.494, 1132.738],
        [-696.271, -1841.400, 8624.970, -10051.530, 4400.067, -655.020],
        [88.283, 444.517, -1863.864, 2095.288, -901.788, 132.985],
    ]
)
_BOUND = (152.519, 49.534, -118.858, 92.536, -34.194, 4.982)
_THRESHOLD = 1.6419  # micron
_LYMAN = 911.7634  # Angstrom


def _columns(wavelength: np.ndarray, temperature: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wavelengths as a column (Angstrom), temperatures as a row."""
    return np.atleast_1d(np.asarray(wavelength, float))[:, None], np.atleast_1d(temperature)[None]


def _summed(cross: np.ndarray, population: np.ndarray) -> np.ndarray:
    """Sum over absorbers: cross-sections (kinds, n) by populations (kinds, layers), (n, layers).

    In memory the sum runs along the wavelengths; einsum works in one thread, so that worker
    processes do not trip over each other's BLAS.
    """
    return np.einsum("kl,kn->ln", population, cross).T


def _stimulated(wavelength: np.ndarray, temperature: np.ndarray) -> np.ndarray:
    """One minus the share of absorption that stimulated emission gives back, (n, layers).

    In memory it runs along the wavelengths, as `_summed` does.
    """
    return (1.0 - np.exp(-SECOND_RADIATION * 1e8 / (wavelength.T * temperature.T))).T


@lru_cache(maxsize=8)
def _h_minus_shapes(wavelength: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Wavelength-dependent terms of John (1988): free-free (9, n) and bound-free (1, n)."""
    w = np.maximum(np.frombuffer(wavelength), 1823.0)  # the fits go wild below, others rule there
    micron = w * 1e-4
    powers = micron ** np.array([2.0, 0.0, -1.0, -2.0, -3.0, -4.0])[:, None]
    short = micron < 0.3645
    free = np.concatenate([_FREE_SHORT @ powers * short, _FREE_LONG @ powers * ~short])
    excess = np.clip(1 / micron - 1 / _THRESHOLD, 0.0, None)
    bound = micron**3 * excess**1.5 * sum(c * excess ** (i / 2) for i, c in enumerate(_BOUND))
    return 1e-29 * free, 1e-18 * bound[None]


def h_minus(wavelength: np.ndarray, temperature: np.ndarray | float) -> np.ndarray:
    """H-minus absorption per neutral hydrogen atom and unit electron pressure.

    Parameters
    ----------
    wavelength : (n,) array
        Vacuum wavelength, Angstrom; below 1823 the value there is given.
    temperature : (layers,) array or float
        K.

    Returns
    -------
    (n, layers) array
        cm4/dyn, stimulated emission included (John 1988, equations 3 to 6).
    """
    w, t = _columns(wavelength, np.asarray(temperature, float))
    free, bound = _h_minus_shapes(w.tobytes())
    power = np.concatenate([np.arange(4) + 2, np.arange(5) + 3])[:, None] / 2
    alpha = SECOND_RADIATION * 1e4
    share = 0.750 * t**-2.5 * np.exp(alpha / (_THRESHOLD * t))
    return _summed(free, (5040.0 / t) ** power) + _summed(bound, share) * _stimulated(w, t)


def _negative_ion(wavelength: np.ndarray, gas: Gas) -> np.ndarray:
    electron_pressure = gas.electrons * BOLTZMANN * gas.temperature
    return h_minus(wavelength, gas.temperature) * electron_pressure * gas.hydrogen


@lru_cache(maxsize=8)
def _hydrogen_cross(wavelength: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Cross-sections of hydrogen (10, n), and those of levels 2 and 3 beyond their edges (2, n).

    Eight levels (cm2), and two free-free terms, one for each power of temperature in the Gaunt
    factor.
    """
    w = np.frombuffer(wavelength)
    scaled, level = w / _LYMAN, np.arange(1, 9)[:, None]
    edge = _LYMAN * level**2
    slope = 0.3456 / np.cbrt(scaled)
    gaunt = 1.0 - slope * (scaled / level**2 - 0.5)
    cross = np.where(w < edge, 7.91e-18 * level * (w / edge) ** 3 * gaunt, 0.0)
    beyond = np.where((w >= edge) & (w < 1.3 * edge), 7.91e-18 * level * gaunt, 0.0)
    per_volume = (w * 1e-8 / LIGHT) ** 3
    free = (per_volume * (1.0 + 0.5 * slope), per_volume * slope * w * 1e-8 / SECOND_RADIATION)
    return np.concatenate([cross, free]), beyond[1:3]


def hydrogen(wavelength: np.ndarray, gas: Gas) -> np.ndarray:
    """Bound-free and free-free absorption of hydrogen.

    Kramers' formulae with Gaunt factors (Menzel & Pekeris 1935, as in Gray 2005, chapter 8).
    Redwards of the Balmer and Paschen edges the dissolved share of the levels goes on absorbing
    (see `skysim.physics.hydrogen`).
    """
    w, t = _columns(wavelength, gas.temperature)
    cross, beyond = _hydrogen_cross(w.tobytes())
    level = np.arange(1, 9)[:, None]
    energy = 13.598 * (1.0 - 1.0 / level**2) * EV
    population = level**2 * np.exp(-energy / (BOLTZMANN * t)) * gas.hydrogen
    free = 3.69e8 * gas.electrons * gas.ionised[0] / np.sqrt(t)
    total = _summed(cross, np.concatenate([population, free, free * t]))
    for n, share in zip((2, 3), beyond, strict=True):
        here = share > 0.0
        reached = 1.0 / np.sqrt(1.0 / n**2 - _LYMAN / w[here] - 1e-9)
        gone = 1.0 - survival(reached, gas.electrons, gas.temperature)
        total[here] += share[here, None] * gone * population[n - 1]
    return total * _stimulated(w, t)


# Edges of metals that matter above 2000 A, and some below for their tails: species, threshold (A),
# cross-section there (1e-18 cm2), power of wavelength, excitation (eV), statistical weight.
# Mg, Al, Si, C: rounded from Travis & Matsushima 1968, ApJ 154, 689; Fe: nine groups of levels with
# 3e-18 cm2 each, in the spirit of Kurucz 1970 (SAO Special Report 309).  From memory, not checked.
_EDGES = (
    ("Mg I", 1621.5, 1.1, 10.0, 0.0, 1.0),
    ("Mg I", 2513.8, 20.0, 2.7, 2.71, 9.0),
    ("Mg I", 3756.6, 16.0, 2.1, 4.35, 3.0),
    ("Al I", 2076.1, 65.0, 4.4, 0.01, 6.0),
    ("Si I", 1525.0, 37.0, 3.0, 0.02, 9.0),
    ("Si I", 1682.0, 35.0, 3.0, 0.78, 5.0),
    ("Si I", 1986.0, 46.0, 3.0, 1.91, 1.0),
    ("C I", 1240.3, 13.0, 3.0, 1.26, 5.0),
    ("C I", 1445.7, 21.0, 3.0, 2.68, 1.0),
    ("Fe I", 1575.6, 6.3, 3.0, 0.05, 25.0),
    ("Fe I", 1780.0, 3.0, 3.0, 0.95, 35.0),
    ("Fe I", 1960.0, 3.0, 3.0, 1.57, 21.0),
    ("Fe I", 2180.0, 3.0, 3.0, 2.25, 45.0),
    ("Fe I", 2380.0, 3.0, 3.0, 2.70, 115.0),
    ("Fe I", 2640.0, 3.0, 3.0, 3.25, 110.0),
    ("Fe I", 2990.0, 3.0, 3.0, 3.75, 120.0),
    ("Fe I", 3470.0, 3.0, 3.0, 4.30, 150.0),
    ("Fe I", 4130.0, 3.0, 3.0, 4.90, 180.0),
)


@lru_cache(maxsize=8)
def _metal_cross(wavelength: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Which of ``_EDGES`` absorb somewhere, and their cross-sections (edges, n), cm2."""
    w = np.frombuffer(wavelength)
    _, edge, cross, power, _, _ = (np.array(c)[:, None] for c in zip(*_EDGES, strict=True))
    found = np.where(w < edge, 1e-18 * cross * (w / edge) ** power, 0.0)
    some = np.flatnonzero(found.any(axis=1))
    return some, found[some]


def metals(wavelength: np.ndarray, gas: Gas) -> np.ndarray:
    """Bound-free absorption of neutral metals, by simple power laws from their edges."""
    w, t = _columns(wavelength, gas.temperature)
    some, cross = _metal_cross(w.tobytes())
    levels = np.zeros((some.size, t.size))
    for row, i in zip(levels, some, strict=True):
        species, _, _, _, excitation, weight = _EDGES[i]
        row[:] = weight * gas.population(species) * np.exp(-excitation * EV / BOLTZMANN / t[0])
    return _summed(cross, levels) * _stimulated(w, t)


def scattering(wavelength: np.ndarray, gas: Gas) -> np.ndarray:
    """Scattering on H and H2 (Dalgarno 1962, Dalgarno & Williams 1962) and on electrons."""
    w, _ = _columns(wavelength, gas.temperature)
    # The series diverges near Lyman alpha, outside the wavelengths used here.
    w = np.maximum(w, 1500.0)
    blue = w**-2.0
    atoms = blue**2 * (5.799e-13 + 1.422e-6 * blue + 2.784 * blue**2)
    molecules = blue**2 * (8.14e-13 + 1.28e-6 * blue + 1.61 * blue**2)
    cross = np.concatenate([atoms, molecules, np.full_like(w, 6.652e-25)], 1).T
    return _summed(
        np.ascontiguousarray(cross), np.array([gas.hydrogen, gas.molecules["H2"], gas.electrons])
    )


#: What absorbs in the continuum: functions of vacuum wavelength and gas, giving cm-1 (n, layers).
ABSORBERS = (_negative_ion, hydrogen, metals, scattering)


def continuum(wavelength: np.ndarray, gas: Gas) -> np.ndarray:
    """Continuous absorption coefficient.

    Parameters
    ----------
    wavelength : (n,) array
        Vacuum, Angstrom.
    gas : Gas
        State of the layers.

    Returns
    -------
    (n, layers) array
        cm-1.
    """
    return sum(absorber(wavelength, gas) for absorber in ABSORBERS)


_MEAN_GRID = np.array(
    [3600.0, 4200, 4900, 5700, 6600, 7700, 9000, 10500, 12500, 14500, 16400, 19000, 23000, 30000]
)
#: Lines and metals, which `continuum` leaves out, raise the mean a little.  Ten per cent, chosen by
#: eye among 0, 5, 10 and 20 so that real giants change from star to star as the model does.
_BLANKETING = 1.1

#: Grey absorption per water molecule, cm2: water and the crowd of other lines that come with it in
#: cool dwarfs.  It gives their photospheres the 3e5 dyn/cm2 of professional models, without it they
#: would have a hundred times as much at 3000 K.  Chosen on band depths, as `cool_dwarf`'s exponent.
_WATER = 7e-21


def rosseland(gas: Gas) -> np.ndarray:
    """Rosseland mean of the opacity, cm2/g, (layers,).

    Fourteen wavelengths serve: the mean of the continuum is good to 2 per cent.
    """
    x = SECOND_RADIATION * 1e8 / (_MEAN_GRID[:, None] * gas.temperature)
    weight = x**4 * np.exp(-x) / np.expm1(-x) ** 2 / _MEAN_GRID[:, None]
    weight *= np.gradient(np.log(_MEAN_GRID))[:, None]
    mean = weight.sum(axis=0) / (weight / continuum(_MEAN_GRID, gas)).sum(axis=0)
    return (_BLANKETING * mean + _WATER * gas.molecules["H2O"]) / gas.density
