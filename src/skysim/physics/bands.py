"""Absorption bands of TiO, CaH and MgH in the optical spectra of cool stars.

Every line of a band system follows from the constants of its two electronic states: the rotational
levels of a multiplet between Hund's cases (a) and (b) from a matrix of at most 3 x 3, vibrational
overlap (Franck-Condon factors) from Morse potentials, and one oscillator strength per system.
`absorption` adds the lines up once per wavelength grid, as cross-sections at a few temperatures;
a star then costs an interpolation.

Left out: Lambda doubling, spin-rotation, perturbations between states, the variation of transition
moments with distance, pressure broadening, and VO and CaOH (M5 and later).  TiO bands of M0 to M5
dwarfs have the depths of real ones to a quarter; CaH is too deep between 6950 and 7000 A.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit

from skysim.physics import lines
from skysim.physics.constants import ATOMIC_MASS, LIGHT, SECOND_RADIATION
from skysim.physics.gas import ELEMENTS, MOLECULES, Gas, molecular_partition


@dataclass(frozen=True)
class State:
    """An electronic state of a diatomic molecule.

    Attributes
    ----------
    lam : int
        Lambda, the electrons' orbital angular momentum about the axis.
    terms : tuple of float
        Energy of each spin component at the potential's minimum, by growing Omega, cm-1.
    vibration, anharmonicity : float
        omega_e and omega_e x_e, cm-1.
    rotation, shrinking : float
        B_e and alpha_e, cm-1.
    """

    lam: int
    terms: tuple[float, ...]
    vibration: float
    anharmonicity: float
    rotation: float
    shrinking: float

    @property
    def spin(self) -> float:
        """Total electron spin."""
        return 0.5 * (len(self.terms) - 1)


# Huber & Herzberg 1979 (Constants of Diatomic Molecules); E state of TiO: Simard & Hackett 1991
# (J. Mol. Spectrosc. 148, 128).  The terms of the upper states are those that put the heads of
# the (0,0) bands where the laboratory has them (Pearse & Gaydon 1976).  Written from memory of
# these works; what is checked is where and how deep the bands are in real stars (tests/real).
STATES = {
    "TiO X": State(2, (0.0, 98.0, 197.0), 1009.02, 4.498, 0.53543, 0.003022),
    "TiO a": State(2, (3443.3,), 1018.27, 4.52, 0.53760, 0.00298),
    "TiO d": State(0, (5661.9,), 1014.6, 4.64, 0.54922, 0.00337),
    "TiO E": State(1, (11883.4, 11966.3, 12050.0), 924.2, 5.1, 0.5173, 0.0032),
    "TiO A": State(3, (14091.6, 14266.2, 14433.5), 867.78, 3.942, 0.50739, 0.00315),
    "TiO b": State(1, (14763.5,), 919.76, 4.28, 0.51337, 0.00291),
    "TiO B": State(1, (16294.0, 16314.5, 16331.0), 875.0, 5.0, 0.50617, 0.00316),
    "TiO C": State(2, (19427.5, 19526.5, 19625.5), 838.26, 4.759, 0.48989, 0.00306),
    "TiO c": State(3, (21336.0,), 917.55, 4.28, 0.52300, 0.00313),
    "CaH X": State(0, (0.0, 0.0), 1298.34, 19.10, 4.2766, 0.0970),
    "CaH A": State(1, (14370.0, 14449.5), 1333.0, 20.0, 4.3488, 0.106),
    "CaH B": State(0, (15762.0, 15762.0), 1285.0, 20.0, 4.487, 0.118),
    "MgH X": State(0, (0.0, 0.0), 1492.8, 29.85, 5.8257, 0.175),
    "MgH A": State(1, (19214.5, 19249.5), 1598.2, 31.9, 6.191, 0.1931),
}

#: Lower and upper state and absorption oscillator strength of every band system.  TiO: Plez 1998
#: (A&A 337, 495) and Alvarez & Plez 1998 (A&A 330, 1109), which agree with the lifetimes of
#: Hedgecock, Naulin & Costes 1995 (A&A 304, 667) to 15 per cent; hydrides: from lifetimes of 33, 58
#: and 44 ns (CaH A and B, MgH A), the last lowered by a tenth to Kirby, Saxon & Liu 1979 (ApJ 231,
#: 637).  TiO's strengths are not checked against the papers.
SYSTEMS = {
    "TiO alpha": ("TiO X", "TiO C", 0.106),
    "TiO beta": ("TiO a", "TiO c", 0.125),
    "TiO gamma'": ("TiO X", "TiO B", 0.0935),
    "TiO gamma": ("TiO X", "TiO A", 0.0786),
    "TiO delta": ("TiO a", "TiO b", 0.048),
    "TiO epsilon": ("TiO X", "TiO E", 0.0023),
    "TiO phi": ("TiO d", "TiO b", 0.0178),
    "CaH A-X": ("CaH X", "CaH A", 0.43),
    "CaH B-X": ("CaH X", "CaH B", 0.10),
    "MgH A-X": ("MgH X", "MgH A", 0.16),
}

#: Mass numbers and shares of the isotopes of each metal.
ISOTOPES = {
    "TiO": ((48, 0.737), (46, 0.083), (47, 0.074), (49, 0.054), (50, 0.052)),
    "CaH": ((40, 1.0),),
    "MgH": ((24, 0.79), (25, 0.10), (26, 0.11)),
}
#: Highest vibrational and rotational quantum numbers.
HIGHEST_V = 10
HIGHEST_J = {"TiO": 150, "CaH": 75, "MgH": 50}
#: Bands with a smaller oscillator strength times Boltzmann factor are dropped: 0.3 per cent in all.
FAINTEST_BAND = 1e-4
#: Doppler parameter of the lines, cm/s: heat, turbulence and some of a dwarf's pressure.
DOPPLER = 2.2e5
#: Largest step of the grid on which lines are added up, cm/s.
PART = 2.0e5
#: Temperatures of the table, K.
COOLEST, HOTTEST = 1500.0, 5500.0
#: Cross-section (cm2) beside which the gaps between lines are judged: what the continuum would be
#: per molecule where bands are strong.
BACKGROUND = 3e-18
#: A molecule rarer than this (per atomic mass unit of gas) is left out.
RAREST = 3e-12


def _reduced_mass(molecule: str, metal: float) -> float:
    light = ELEMENTS[MOLECULES[molecule].atoms[1]].mass
    return metal * light / (metal + light)


def _mass_ratio_root(molecule: str, isotope: int) -> float:
    """Square root of the commonest isotope's reduced mass over this one's."""
    common = ISOTOPES[molecule][0][0]
    return float(np.sqrt(_reduced_mass(molecule, common) / _reduced_mass(molecule, isotope)))


def _vibrations(state: State, mass: float, distance: np.ndarray) -> np.ndarray:
    """Wave functions of a Morse oscillator's levels on a grid of distances, (levels, distance).

    Matrix of Colbert & Miller 1992 (J. Chem. Phys. 96, 1982, equation 2.3).
    """
    step = distance[1] - distance[0]
    unit = 16.857629 / mass  # hbar^2 / 2m in cm-1 A^2
    n = np.arange(distance.size)
    apart = n[:, None] - n
    kinetic = np.where(apart == 0, np.pi**2 / 3.0, 2.0 / np.maximum(apart**2, 1))
    kinetic = unit / step**2 * np.where(apart % 2, -1.0, 1.0) * kinetic
    depth = state.vibration**2 / (4.0 * state.anharmonicity)
    rate = np.sqrt(state.anharmonicity / unit)
    well = depth * np.expm1(-rate * (distance - np.sqrt(unit / state.rotation))) ** 2
    _, waves = np.linalg.eigh(kinetic + np.diag(well))
    return waves[:, :HIGHEST_V].T


@lru_cache(maxsize=16)
def franck_condon(system: str) -> np.ndarray:
    """Franck-Condon factors of a band system, (upper v, lower v)."""
    lower, upper, _ = SYSTEMS[system]
    molecule = system.split()[0]
    mass = _reduced_mass(molecule, ISOTOPES[molecule][0][0])
    unit = 16.857629 / mass
    middle = np.sqrt(unit / STATES[lower].rotation)
    spread = 5.0 * np.sqrt(2.0 * unit * (HIGHEST_V + 0.5) / STATES[lower].vibration)
    distance = np.linspace(max(middle - 0.5 * spread, 0.45 * middle), middle + spread, 220)
    waves = [_vibrations(STATES[s], mass, distance) for s in (upper, lower)]
    return (waves[0] @ waves[1].T) ** 2


@lru_cache(maxsize=1024)
def levels(
    state: State, v: int, number: int, scale: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies and case (a) amplitudes of a vibrational level's rotational levels.

    The Hamiltonian in the case (a) states of given J is diagonal but for the rotation's pull on the
    spin, -B (J+ S- + J- S+) (Herzberg 1950, Spectra of Diatomic Molecules, chapter V).

    Parameters
    ----------
    state : State
    v : int
        Vibrational quantum number.
    number : int
        How many total angular momenta J to take, from the lowest.
    scale : float
        Root of the commonest isotope's reduced mass over this isotope's.

    Returns
    -------
    j : (number,) array
        Total angular momenta: 0, 1, 2 ... or 1/2, 3/2 ...
    energy : (number, components) array
        cm-1; not finite where no such level exists.
    amplitude : (number, components, components) array
        Of each spin component (second axis) in each level (third axis).
    """
    j = np.arange(number) + state.spin % 1.0
    vib = scale * (v + 0.5)
    rotation = scale**2 * (state.rotation - state.shrinking * vib)
    stretch = scale**4 * 4.0 * state.rotation**3 / state.vibration**2
    sigma = np.arange(len(state.terms)) - state.spin
    omega = state.lam + sigma
    square = j * (j + 1)
    rotor = square[:, None] - omega**2 + state.spin * (state.spin + 1) - sigma**2
    diagonal = np.array(state.terms) + rotation * rotor - stretch * rotor**2
    diagonal += vib * (state.vibration - state.anharmonicity * vib)
    exists = j[:, None] >= np.abs(omega)
    matrix = np.zeros((j.size, sigma.size, sigma.size))
    for i in range(sigma.size):
        matrix[:, i, i] = np.where(exists[:, i], diagonal[:, i], 1e9)
    for i in range(sigma.size - 1):
        turn = state.spin * (state.spin + 1) - sigma[i] * sigma[i + 1]
        turn = turn * np.clip(square - omega[i] * omega[i + 1], 0.0, None)
        link = -rotation * np.sqrt(turn) * (exists[:, i] & exists[:, i + 1])
        matrix[:, i, i + 1] = matrix[:, i + 1, i] = link
    energy, amplitude = np.linalg.eigh(matrix)
    return j, np.where(energy > 1e8, np.inf, energy), amplitude


@dataclass(frozen=True)
class BandLines:
    """Lines of one or more bands, as parallel arrays.

    Attributes
    ----------
    wavenumber, lower : ndarray
        Wavenumber of each line and energy of its lower level, cm-1.
    strength : ndarray
        Statistical weight times oscillator strength.
    """

    wavenumber: np.ndarray
    lower: np.ndarray
    strength: np.ndarray


@lru_cache(maxsize=64)
def _cosines(system: str, step: int) -> np.ndarray:
    """Direction cosines of a system's lines with J' - J = step, (spin components, J).

    J runs over those that have such a line; all bands and isotopes share them.
    """
    lower, upper = (STATES[s] for s in SYSTEMS[system][:2])
    number = HIGHEST_J[system.split()[0]]
    j = (np.arange(number) + lower.spin % 1.0)[max(0, -step) : number - max(0, step)]
    sigma = np.arange(len(lower.terms)) - lower.spin
    turn = upper.lam - lower.lam
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = np.array(
            [lines.direction_cosine(j, np.full(j.size, step), lower.lam + s, turn) for s in sigma]
        )
    return np.nan_to_num(cosine)  # J = 0 has no Q line


def band(system: str, upper_v: int, lower_v: int, isotope: int | None = None) -> BandLines:
    """Lines of one band.

    Parameters
    ----------
    system : str
        A key of ``SYSTEMS``.
    upper_v, lower_v : int
        Vibrational quantum numbers, 0 to 9.
    isotope : int, optional
        Mass number of the metal; the commonest by default.

    Returns
    -------
    BandLines
        Energies count from the lowest level of the molecule's ground state.
    """
    molecule = system.split()[0]
    below, above, f_system = SYSTEMS[system]
    lower, upper = STATES[below], STATES[above]
    scale = 1.0 if isotope is None else _mass_ratio_root(molecule, isotope)
    j, energy, mix = levels(lower, lower_v, HIGHEST_J[molecule], scale)
    _, energy_up, mix_up = levels(upper, upper_v, HIGHEST_J[molecule], scale)
    ground = STATES[f"{molecule} X"]
    floor = min(ground.terms) + 0.5 * ground.vibration * scale
    overlap = franck_condon(system)[upper_v, lower_v]
    doubling = 1.0 if lower.lam == 0 else 2.0
    found = []
    for step in (-1, 0, 1):
        here = slice(max(0, -step), j.size - max(0, step))
        there = slice(max(0, step), j.size - max(0, -step))
        amplitude = np.einsum("sj,jsa,jsb->jab", _cosines(system, step), mix[here], mix_up[there])
        with np.errstate(invalid="ignore", over="ignore"):  # levels below their J are infinite
            nu = energy_up[there][:, None, :] - energy[here][:, :, None]
            weight = doubling * (2 * j[here] + 1)[:, None, None] * amplitude**2
        start = np.broadcast_to(energy[here][:, :, None] - floor, nu.shape)
        good = np.isfinite(nu) & np.isfinite(start) & (weight > 1e-3)
        found.append((nu[good], start[good], weight[good]))
    nu, start, weight = (np.concatenate(part) for part in zip(*found, strict=True))
    # The system's oscillator strength belongs to its (0,0) band; the moment is constant.
    reference = np.mean(upper.terms) - np.mean(lower.terms)
    return BandLines(nu, start, weight * f_system * overlap * nu / reference)


def _visible_bands(system: str) -> list[tuple[int, int]]:
    """Vibrational quantum numbers (upper, lower) of the bands that show at 4000 K."""
    below, _, strength = SYSTEMS[system]
    hot = np.exp(-STATES[below].vibration * np.arange(HIGHEST_V) / 2800.0)
    pairs = np.argwhere(franck_condon(system) * hot * strength > FAINTEST_BAND)
    return [(int(up), int(low)) for up, low in pairs]


def molecule_lines(molecule: str, first: float, last: float) -> BandLines:
    """Lines of a molecule's bands, all isotopes, between two wavenumbers (cm-1)."""
    found = []
    for system in (s for s in SYSTEMS if s.split()[0] == molecule):
        for upper_v, lower_v in _visible_bands(system):
            for isotope, share in ISOTOPES[molecule]:
                part = band(system, upper_v, lower_v, isotope)
                use = (part.wavenumber > first) & (part.wavenumber < last)
                found.append((part.wavenumber[use], part.lower[use], share * part.strength[use]))
    return BandLines(*(np.concatenate(part) for part in zip(*found, strict=True)))


@njit(cache=True, fastmath=True, error_model="numpy")
def _add_profiles(grid, place, centre, strength, lower, width, coolness, sigma):
    """Add Gaussian profiles to sigma (temperatures, grid).

    grid in cm-1, ascending; place: where each centre belongs in it; width: Doppler width over
    wavenumber; coolness: c2 / T of the temperatures in cm, in even steps.
    """
    n_t, n = sigma.shape
    for i in range(centre.size):
        doppler = width * centre[i]
        first = strength[i] / doppler * np.exp(-lower[i] * coolness[0])
        ratio = np.exp(-lower[i] * (coolness[1] - coolness[0]))
        for side in (0, 1):
            k = place[i] - 1 + side
            while 0 <= k < n:
                x = (grid[k] - centre[i]) / doppler
                if abs(x) > 3.2:
                    break
                value = first * np.exp(-x * x)
                for t in range(n_t):
                    sigma[t, k] += value
                    value *= ratio
                k += 2 * side - 1


class CrossSections:
    """Cross-sections of the molecules on a wavelength grid, for any temperature.

    A sample stands for all wavelengths about it, lines and the gaps between them.  Its value is the
    geometric mean, because flux follows the logarithm of opacity: the flux of the mean is then the
    mean of the flux.  The plain mean, a contour without gaps, absorbs too much.

    Parameters
    ----------
    wavelength : (n,) array
        Vacuum, Angstrom, ascending.
    """

    def __init__(self, wavelength: np.ndarray) -> None:
        middle = 0.5 * (wavelength[1:] + wavelength[:-1])
        edges = np.concatenate([[wavelength[0]], middle, [wavelength[-1]]])
        wide = np.diff(edges)
        parts = int(np.ceil((wide / wavelength).max() * LIGHT / PART))
        inside = (np.arange(parts) + 0.5) / parts
        grid = 1e8 / (edges[:-1, None] + wide[:, None] * inside).ravel()[::-1]
        self._coolness = SECOND_RADIATION * np.linspace(1 / HOTTEST, 1 / COOLEST, 9)
        self._logs = {m: self._table(m, grid, parts) for m in ISOTOPES}

    def _table(self, molecule: str, grid: np.ndarray, parts: int) -> np.ndarray:
        """log cross-section (temperatures, wavelengths) from lines added up on a finer grid."""
        found = molecule_lines(molecule, grid[0], grid[-1])
        sigma = np.zeros((self._coolness.size, grid.size))
        place = np.searchsorted(grid, found.wavenumber)
        _add_profiles(
            grid, place, found.wavenumber, found.strength, found.lower, DOPPLER / LIGHT,
            self._coolness, sigma,
        )  # fmt: skip
        partition = molecular_partition(molecule, SECOND_RADIATION / self._coolness)[:, None]
        # pi e^2 / (m c^2) = 8.8528e-13 cm
        sigma *= 8.8528e-13 / np.sqrt(np.pi) / partition
        sigma *= -np.expm1(-grid * self._coolness[:, None])
        cells = sigma[:, ::-1].reshape(self._coolness.size, -1, parts)
        mean = np.exp(np.log(cells + BACKGROUND).mean(axis=2)) - BACKGROUND
        return np.log(np.maximum(mean, 1e-6 * BACKGROUND))

    def absorption(self, gas: Gas) -> np.ndarray:
        """Absorption coefficient, cm-1 (n, layers); see `absorption`."""
        step = self._coolness[1] - self._coolness[0]
        last = self._coolness.size - 1
        place = np.clip((SECOND_RADIATION / gas.temperature - self._coolness[0]) / step, 0, last)
        left = np.minimum(place.astype(int), last - 1)
        share = place - left
        total = np.zeros((next(iter(self._logs.values())).shape[1], gas.temperature.size))
        for molecule, logs in self._logs.items():
            density = gas.molecules[molecule]
            if (density * ATOMIC_MASS / gas.density).max() > RAREST:
                total += density * np.exp(
                    logs.T[:, left] * (1 - share) + logs.T[:, left + 1] * share
                )
        return total


@lru_cache(maxsize=4)
def _cross_sections(wavelength: bytes) -> CrossSections:
    return CrossSections(np.frombuffer(wavelength))


def absorption(wavelength: np.ndarray, gas: Gas) -> np.ndarray:
    """Band absorption of TiO, CaH and MgH, stimulated emission included.

    The first call on a grid adds up millions of lines and takes seconds; later ones interpolate.

    Parameters
    ----------
    wavelength : (n,) array
        Vacuum, Angstrom, ascending.
    gas : Gas
        State of the layers.

    Returns
    -------
    (n, layers) array
        cm-1.  Zero for molecules too rare to matter: nothing is computed in hot stars.
    """
    return _cross_sections(np.asarray(wavelength, float).tobytes()).absorption(gas)
