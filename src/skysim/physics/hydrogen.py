"""Hydrogen lines: Stark wings, self-broadening, and dissolution of the high levels.

A line is a Gaussian core that carries most of its strength, with the -5/2 power wings of
Holtsmark's quasi-static ions, raised by electron impacts that grow with the distance from the
centre until they count as much as the ions (after Griem 1967, ApJ 148, 547), and a Lorentz wing for
collisions with hydrogen atoms (Barklem, Piskunov & O'Mara 2000, A&A 363, 1091).  High levels
dissolve in the fields of the charges around them (Hummer & Mihalas 1988, ApJ 331, 794, as fitted by
Hubeny, Hummer & Lanz 1994, A&A 282, 151, appendix A): lines fade and the continuum of their series
reaches redwards of its edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.special import gamma

from skysim.physics.constants import ATOMIC_MASS, BOLTZMANN, EV, LIGHT, PLANCK, SECOND_RADIATION
from skysim.physics.gas import Gas

RYDBERG = 109677.583  # cm-1
IONISATION_EV = 13.598
# Stark constants (A per field strength in esu) of the first lines of a series, Griem 1960
# (ApJ 132, 883), and his asymptotic formula for the rest.
_STARK = {(2, 3): 0.00902, (2, 4): 0.01772, (2, 5): 0.02507, (3, 4): 0.1001, (3, 5): 0.171}
# Barklem et al. 2000, table 3: cross-section in atomic units at 1e4 m/s, and its velocity exponent.
_SELF = {(2, 3): (1180.0, 0.677), (2, 4): (2320.0, 0.455), (2, 5): (4208.0, 0.380)}
# Absorption oscillator strengths (Wiese, Smith & Glennon 1966); Kramers' for the rest.
_OSCILLATOR = {
    (2, 3): 0.6407, (2, 4): 0.1193, (2, 5): 0.04467, (2, 6): 0.02209, (2, 7): 0.01270,
    (2, 8): 0.008036, (3, 4): 0.8421, (3, 5): 0.1506, (3, 6): 0.05584, (3, 7): 0.02768,
}  # fmt: skip
_CORE = 2.0  # Doppler widths inside which the wings are flat


@dataclass(frozen=True)
class Line:
    """A hydrogen line between two levels."""

    lower: int
    upper: int

    @property
    def wavelength(self) -> float:
        """Vacuum wavelength of the line, Angstrom."""
        return 1e8 / (RYDBERG * (self.lower**-2 - self.upper**-2))

    @property
    def strength(self) -> float:
        """Statistical weight times oscillator strength."""
        pair = (self.lower, self.upper)
        gap = self.lower**-2 - self.upper**-2
        kramers = 1.9603 / (self.lower**5 * self.upper**3 * gap**3)
        return 2 * self.lower**2 * _OSCILLATOR.get(pair, kramers)

    @property
    def stark(self) -> float:
        """Stark constant, Angstrom per unit of the normal field (esu)."""
        pair = (self.lower, self.upper)
        product = (self.lower * self.upper) ** 4
        gap = self.upper**2 - self.lower**2
        asymptotic = 5.5e-5 * product / gap / (1.0 + 0.13 / (self.upper - self.lower))
        return _STARK.get(pair, asymptotic)


def series(lower: int, last: int) -> tuple[Line, ...]:
    """The lines of a series up to an upper level."""
    return tuple(Line(lower, upper) for upper in range(lower + 1, last + 1))


def survival(level: np.ndarray | float, electrons: np.ndarray, temperature: np.ndarray):
    """Occupation probability: share of atoms whose level survives the electric microfield.

    Parameters
    ----------
    level : array or float
        Principal quantum number, also fractional.
    electrons, temperature : arrays
        cm-3 and K; all three are broadcast.

    Returns
    -------
    array
        0 (dissolved) to 1.
    """
    correction = 0.09 * electrons ** (1 / 6) / np.sqrt(temperature)
    squeeze = np.where(level > 3, 16.0 / 3.0 * level / (level + 1.0) ** 2, 1.0)
    beta = 8.3e14 * electrons ** (-2 / 3) * (squeeze / np.asarray(level, float) ** 4)
    x = (1.0 + correction) ** 3.15
    power = beta * np.sqrt(beta)
    ratio = 0.1402 * x * power**2 / (1.0 + 0.1285 * x * power)
    return ratio / (1.0 + ratio)


@njit(cache=True, fastmath=True, error_model="numpy")
def _add(centre, first, last, peak, wing, core, doppler, half, spread, grid, kappa):
    """Add lines to kappa (layers, samples); arrays (lines, layers), lengths in Angstrom."""
    n_layers, n_lines = kappa.shape[0], centre.size
    for k in range(n_layers):
        for i in range(n_lines):
            flat, inner = core[i, k] ** 2, doppler[i, k] ** 2
            strength = peak[i, k] * wing[i, k]
            lorentz = peak[i, k] * half[i, k] / np.pi
            base = inner + half[i, k] ** 2
            nearness = 1.0 / spread[i, k]
            # In a slice no index can be negative: the processor takes several samples at once.
            row = kappa[k]
            near, here = row[first[i] : last[i]], grid[first[i] : last[i]]
            for j in range(near.size):
                d = abs(here[j] - centre[i])
                b = d * d + flat
                more = 1.0 + min(1.0, np.sqrt(d * nearness))
                near[j] += strength * more / (b * np.sqrt(np.sqrt(b))) + lorentz / (d * d + base)
            gauss = peak[i, k] * (1.0 - 2.396 * wing[i, k] / core[i, k] ** 1.5)
            gauss /= 1.7724538509 * doppler[i, k]
            left = np.searchsorted(grid, centre[i] - 5.0 * doppler[i, k])
            for j in range(max(left, first[i]), last[i]):
                square = (grid[j] - centre[i]) ** 2
                if square > 25.0 * inner:
                    break
                kappa[k, j] += gauss * np.exp(-square / inner)


def absorption(
    lines: tuple[Line, ...], gas: Gas, micro: float, start: float, step: float, size: int
) -> np.ndarray:
    """Absorption of hydrogen lines on a grid uniform in log wavelength.

    Parameters
    ----------
    lines : tuple of Line
        What to add up.
    gas : Gas
        The layers.
    micro : float
        Microturbulence, cm/s.
    start, step : float
        Natural logarithm of the first wavelength (Angstrom) and of the ratio of neighbours.
    size : int
        Number of samples.

    Returns
    -------
    (layers, size) array
        cm-1.
    """
    kappa = np.zeros((gas.temperature.size, size))
    centre = np.array([x.wavelength for x in lines])
    column = {
        name: np.array([getattr(x, name) for x in lines])[:, None]
        for name in ("lower", "upper", "strength", "stark")
    }
    wavelength, thermal = centre[:, None], BOLTZMANN * gas.temperature
    doppler = wavelength / LIGHT * np.sqrt(2 * thermal / ATOMIC_MASS + micro**2)
    shift = column["stark"] * 1.25e-9 * gas.electrons ** (2 / 3)
    # The flat core of pure Stark broadening holds all of the line; Doppler motion widens it.
    core = np.sqrt((2.346 * shift) ** 2 + (_CORE * doppler) ** 2)
    wing = np.minimum(1.5 * shift**1.5, core**1.5 / 2.396)
    # Beyond this distance electrons, too, act as a static field.
    energy = thermal / column["upper"] ** 2
    spread = wavelength**2 * 1e-8 * energy / (PLANCK * LIGHT)
    half = np.zeros_like(shift)
    velocity = np.sqrt(8 * thermal / np.pi / (0.5 * 1.008 * ATOMIC_MASS))
    for i, line in enumerate(lines):
        if (line.lower, line.upper) in _SELF:
            cross, power = _SELF[line.lower, line.upper]
            area = cross * 2.8003e-17
            angle = (4 / np.pi) ** (power / 2) * gamma(2.0 - power / 2)
            width = angle * velocity * (velocity / 1e6) ** -power * area * gas.hydrogen
            half[i] = width / (2 * np.pi) * line.wavelength**2 * 1e-8 / LIGHT
    energy = IONISATION_EV * (1 - column["lower"] ** -2.0) * EV
    population = gas.population("H I") * np.exp(-energy / thermal)
    alive = survival(column["upper"], gas.electrons, gas.temperature)
    stimulated = -np.expm1(-SECOND_RADIATION * 1e8 / (wavelength * gas.temperature))
    # pi e^2 / (m c^2) = 8.8528e-13 cm; the profile is per Angstrom.
    peak = 8.8528e-13 * 1e-8 * wavelength**2 * column["strength"] * population
    reach = np.clip(0.1 / (column["upper"] - column["lower"]), 0.006, 0.06).ravel()
    first = np.clip(((np.log(centre) - reach - start) / step).astype(int), 0, size)
    last = np.clip(((np.log(centre) + reach - start) / step).astype(int), 0, size)
    _add(
        centre, first, last, peak * alive * stimulated, wing, core, doppler, half, spread,
        np.exp(start + step * np.arange(size)), kappa,
    )  # fmt: skip
    return kappa
