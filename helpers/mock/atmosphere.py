"""One characteristic layer of a stellar atmosphere: pressure, ionisation, molecules, opacity.

The first physical model of the survey puts all line absorption in one layer and lets the Planck
function grow linearly with optical depth (Milne-Eddington).  What sets the strength of a line is
then the state of that layer, which this module works out in local thermodynamic equilibrium:
Saha ionisation, dissociation of H2, CO, OH, CN and N2, H-minus opacity, and the pressure that
hydrostatic balance asks for.  Left out: the run of temperature with depth, scattering, departures
from LTE, convection.  Units are cgs, wavelengths vacuum Angstrom, unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BOLTZMANN = 1.380649e-16  # erg/K
PLANCK = 6.62607015e-27  # erg s
LIGHT = 2.99792458e10  # cm/s
ELECTRON_MASS = 9.1093837e-28  # g
ATOMIC_MASS = 1.66053907e-24  # g
EV = 1.602176634e-12  # erg
SECOND_RADIATION = 1.438776877  # cm K

#: Optical depth (at 1.6 micron) of the layer where lines form, and its temperature over Teff.
#: Both chosen once so that line depths of red giants come out as observed.
LINE_LAYER_DEPTH = 0.15
LINE_LAYER_TEMPERATURE = 0.96
#: Surface temperature over Teff; a grey atmosphere has 0.811, lines cool real ones further.
SURFACE_TEMPERATURE = 0.785


@dataclass(frozen=True)
class Element:
    """Atomic data of one element: solar abundance (H = 12), first ionisation energy, weights."""

    mass: float  # atomic mass units
    abundance: float  # log10 epsilon, H = 12
    ionisation_ev: float
    weight: float  # partition function of the neutral atom at 5000 K
    slope: float  # its power of T/5000 K
    ion_weight: float  # partition function of the first ion at 5000 K


# Abundances: Asplund, Grevesse & Sauval 2005 (ASP Conf. 336, 25); ionisation energies: NIST ASD;
# partition functions: rounded from Gray 2005 (The Observation and Analysis of Stellar
# Photospheres, table D.2), as powers of temperature about 5000 K.
ELEMENTS = {
    "H": Element(1.008, 12.00, 13.598, 2.0, 0.0, 1.0),
    "C": Element(12.011, 8.39, 11.260, 9.3, 0.05, 5.9),
    "N": Element(14.007, 7.78, 14.534, 4.1, 0.06, 9.0),
    "O": Element(15.999, 8.66, 13.618, 8.7, 0.05, 4.0),
    "Na": Element(22.990, 6.17, 5.139, 2.05, 0.1, 1.0),
    "Mg": Element(24.305, 7.53, 7.646, 1.03, 0.1, 2.0),
    "Al": Element(26.982, 6.37, 5.986, 5.9, 0.02, 1.0),
    "Si": Element(28.085, 7.51, 8.152, 9.5, 0.13, 5.7),
    "P": Element(30.974, 5.36, 10.487, 4.5, 0.25, 8.1),
    "S": Element(32.06, 7.14, 10.360, 8.2, 0.06, 4.1),
    "K": Element(39.098, 5.08, 4.341, 2.2, 0.2, 1.0),
    "Ca": Element(40.078, 6.31, 6.113, 1.2, 0.7, 2.3),
    "Sc": Element(44.956, 3.17, 6.561, 12.2, 0.4, 22.5),
    "Ti": Element(47.867, 4.90, 6.828, 30.0, 0.9, 55.0),
    "V": Element(50.942, 4.00, 6.746, 47.0, 0.65, 43.0),
    "Cr": Element(51.996, 5.64, 6.767, 10.4, 0.9, 7.2),
    "Mn": Element(54.938, 5.39, 7.434, 6.4, 0.3, 7.7),
    "Fe": Element(55.845, 7.45, 7.902, 27.0, 0.65, 42.0),
    "Co": Element(58.933, 4.92, 7.881, 33.0, 0.55, 28.5),
    "Ni": Element(58.693, 6.23, 7.640, 30.0, 0.4, 10.7),
}
SYMBOLS = tuple(ELEMENTS)
ALPHA_ELEMENTS = ("O", "S", "Ca", "Ti")
_MASS = np.array([e.mass for e in ELEMENTS.values()])
_CHI = np.array([e.ionisation_ev for e in ELEMENTS.values()])
_ION_WEIGHT = np.array([e.ion_weight for e in ELEMENTS.values()])
_WEIGHT = np.array([e.weight for e in ELEMENTS.values()])
_SLOPE = np.array([e.slope for e in ELEMENTS.values()])
_SOLAR = np.array([e.abundance for e in ELEMENTS.values()])
_INDEX = {symbol: i for i, symbol in enumerate(SYMBOLS)}


@dataclass(frozen=True)
class Diatomic:
    """Constants of a diatomic molecule in its ground state (Huber & Herzberg 1979)."""

    atoms: tuple[str, str]
    dissociation_ev: float
    vibration: float  # omega_e, cm-1
    rotation: float  # B_e, cm-1
    weight: int  # electronic statistical weight
    symmetry: int  # 2 for like nuclei


MOLECULES = {
    "H2": Diatomic(("H", "H"), 4.478, 4401.2, 60.85, 1, 2),
    "CO": Diatomic(("C", "O"), 11.092, 2169.8, 1.931, 1, 1),
    "OH": Diatomic(("O", "H"), 4.392, 3737.8, 18.91, 4, 1),
    "CN": Diatomic(("C", "N"), 7.74, 2068.6, 1.900, 2, 1),
    "N2": Diatomic(("N", "N"), 9.759, 2358.6, 1.998, 1, 2),
}


def partition_functions(temperature: float) -> np.ndarray:
    """Partition functions of the neutral atoms, in the order of ``SYMBOLS``."""
    return _WEIGHT * (temperature / 5000.0) ** _SLOPE


def molecular_partition(molecule: str, temperature: float) -> float:
    """Partition function of a diatomic as a harmonic oscillator and rigid rotator."""
    m = MOLECULES[molecule]
    thermal = temperature / SECOND_RADIATION  # cm-1
    q = m.weight * thermal / (m.rotation * m.symmetry) / (1.0 - np.exp(-m.vibration / thermal))
    if molecule == "CN":  # the red system's A 2Pi state lies 9245 cm-1 up and is populated
        q *= 1.0 + 2.0 * np.exp(-9245.0 / thermal)
    return q


def abundances(
    fe_h: float, mg_fe: float, si_fe: float, alpha_fe: float, c_fe: float, n_fe: float
) -> np.ndarray:
    """Number abundances relative to hydrogen, in the order of ``SYMBOLS``, from [X/Fe] in dex."""
    logs = _SOLAR + fe_h
    for symbol in ALPHA_ELEMENTS:
        logs[_INDEX[symbol]] += alpha_fe
    for symbol, excess in (("Mg", mg_fe), ("Si", si_fe), ("C", c_fe), ("N", n_fe)):
        logs[_INDEX[symbol]] += excess
    logs[0] = 12.0
    return 10.0 ** (logs - 12.0)


# John 1988 (A&A 193, 189), table 3b (free-free, wavelength > 0.3645 micron) and table 2
# (bound-free), wavelengths in micron.
_FREE_FREE = np.array(
    [
        [2483.346, 285.827, -2054.291, 2827.776, -1341.537, 208.952],
        [-3449.889, -1158.382, 8746.523, -11485.632, 5303.609, -812.939],
        [2200.040, 2427.719, -13651.105, 16755.524, -7510.494, 1132.738],
        [-696.271, -1841.400, 8624.970, -10051.530, 4400.067, -655.020],
        [88.283, 444.517, -1863.864, 2095.288, -901.788, 132.985],
    ]
)
_BOUND_FREE = np.array([152.519, 49.534, -118.858, 92.536, -34.194, 4.982])
_THRESHOLD = 1.6419  # micron


def h_minus(wavelength: np.ndarray, temperature: float) -> np.ndarray:
    """H-minus absorption per neutral hydrogen atom and unit electron pressure.

    Parameters
    ----------
    wavelength : (n,) array
        Vacuum wavelength, Angstrom (3645 Angstrom or longer).
    temperature : float
        K.

    Returns
    -------
    (n,) array
        cm4/dyn, stimulated emission included (John 1988, equations 3, 4 and 6).
    """
    micron = np.atleast_1d(np.asarray(wavelength, float)) * 1e-4
    powers = np.array([micron**2, micron**0, 1 / micron, micron**-2, micron**-3, micron**-4])
    theta = (5040.0 / temperature) ** (np.arange(3, 8) / 2.0)
    free = 1e-29 * theta @ (_FREE_FREE @ powers)
    excess = np.clip(1 / micron - 1 / _THRESHOLD, 0.0, None)
    shape = sum(c * excess ** (i / 2.0) for i, c in enumerate(_BOUND_FREE))
    cross = 1e-18 * micron**3 * excess**1.5 * shape
    alpha = SECOND_RADIATION * 1e4
    bound = 0.750 * temperature**-2.5 * np.exp(alpha / (_THRESHOLD * temperature)) * cross
    return free + bound * (1.0 - np.exp(-alpha / (micron * temperature)))


@dataclass(frozen=True)
class Layer:
    """State of the line-forming layer (cgs)."""

    temperature: float
    pressure: float
    electrons: float  # cm-3
    hydrogen: float  # neutral atomic hydrogen, cm-3
    neutral: np.ndarray  # neutral atoms over partition function, cm-3, order of SYMBOLS
    ionised: np.ndarray  # first ions over partition function, cm-3
    molecules: dict[str, float]  # CO, OH, CN over partition function, cm-3

    def opacity(self, wavelength: np.ndarray) -> np.ndarray:
        """Continuous absorption coefficient, cm-1, at vacuum wavelengths in Angstrom."""
        pressure = self.electrons * BOLTZMANN * self.temperature
        return h_minus(wavelength, self.temperature) * pressure * self.hydrogen


def _dissociation(molecule: str, temperature: float, weights: np.ndarray) -> float:
    """n(AB) / (n(A) n(B)) in cm3, with neutral atoms."""
    m = MOLECULES[molecule]
    a, b = (_INDEX[s] for s in m.atoms)
    mass = _MASS[a] * _MASS[b] / (_MASS[a] + _MASS[b]) * ATOMIC_MASS
    volume = (PLANCK**2 / (2 * np.pi * mass * BOLTZMANN * temperature)) ** 1.5
    states = molecular_partition(molecule, temperature) / (weights[a] * weights[b])
    return volume * states * np.exp(m.dissociation_ev * EV / (BOLTZMANN * temperature))


def line_layer(teff: float, logg: float, abundance: np.ndarray) -> Layer:
    """State of the line-forming layer of a star.

    The pressure follows from hydrostatic balance dP/dtau = g rho/kappa.  H-minus absorption per
    gram grows in proportion to pressure, so P = 2 g tau rho/kappa at optical depth tau.

    Parameters
    ----------
    teff, logg : float
        Effective temperature (K) and log10 surface gravity (cm s-2).
    abundance : (n,) array
        Number abundances relative to hydrogen (see `abundances`).
    """
    temperature = LINE_LAYER_TEMPERATURE * teff
    weights = partition_functions(temperature)
    thermal = BOLTZMANN * temperature
    saha = (
        2.0 * (2 * np.pi * ELECTRON_MASS * thermal / PLANCK**2) ** 1.5
        * _ION_WEIGHT / weights * np.exp(-_CHI * EV / thermal)
    )  # fmt: skip
    k_h2 = _dissociation("H2", temperature, weights)
    helium = 0.085
    per_hydrogen = 1.0 + helium + abundance[1:].sum()
    mean_mass = (abundance @ _MASS + 4.0 * helium) * ATOMIC_MASS
    cross = h_minus(np.array([16000.0]), temperature)[0]
    gravity = 10.0**logg
    pressure = 1e3 * 10.0 ** (0.6 * (logg - 2.0))
    electrons = 1e-4 * pressure / thermal
    for _ in range(60):
        total = pressure / thermal
        nuclei = (total - electrons) / per_hydrogen
        ions = 1.0 + saha[0] / electrons
        hydrogen = 2.0 * nuclei / (ions + np.sqrt(ions**2 + 8.0 * k_h2 * nuclei))
        kappa = cross * electrons * thermal * hydrogen / (nuclei * mean_mass)
        updated = 2.0 * gravity * LINE_LAYER_DEPTH / kappa
        donors = nuclei * abundance / (1.0 + electrons / saha)
        donors[0] = hydrogen * saha[0] / electrons
        gave = donors.sum()
        change = abs(np.log(updated / pressure)) + abs(np.log(gave / electrons))
        pressure = np.sqrt(pressure * updated)
        electrons = np.sqrt(electrons * gave)
        if change < 1e-5:
            break
    neutral = nuclei * abundance / (1.0 + saha / electrons)
    neutral[0] = hydrogen
    ionised = neutral * saha / electrons
    molecules = _carbon_nitrogen_oxygen(temperature, weights, neutral, hydrogen)
    return Layer(
        temperature,
        pressure,
        electrons,
        hydrogen,
        neutral / weights,
        ionised / _ION_WEIGHT,
        molecules,
    )


def _carbon_nitrogen_oxygen(
    temperature: float, weights: np.ndarray, neutral: np.ndarray, hydrogen: float
) -> dict[str, float]:
    """Densities of CO, OH, CN over their partition functions; `neutral` C, N, O are updated.

    With x free carbon atoms the CO balance is an exact quadratic; OH and CN are carried in the
    linear terms, nitrogen (mostly N2) in an outer loop that converges in a few rounds.
    """
    k = {m: _dissociation(m, temperature, weights) for m in ("CO", "OH", "CN", "N2")}
    i_c, i_n, i_o = _INDEX["C"], _INDEX["N"], _INDEX["O"]
    carbon, nitrogen, oxygen = neutral[i_c], neutral[i_n], neutral[i_o]
    free_n = 0.5 * nitrogen
    for _ in range(6):
        with_c = 1.0 + k["CN"] * free_n
        with_o = 1.0 + k["OH"] * hydrogen
        b = with_c * with_o + k["CO"] * (oxygen - carbon)
        root = np.sqrt(b**2 + 4.0 * with_c * k["CO"] * carbon * with_o)
        free_c = (
            2.0 * carbon * with_o / (b + root) if b > 0 else (root - b) / (2.0 * with_c * k["CO"])
        )
        free_o = oxygen / (with_o + k["CO"] * free_c)
        with_n = 1.0 + k["CN"] * free_c
        free_n = 2.0 * nitrogen / (with_n + np.sqrt(with_n**2 + 8.0 * k["N2"] * nitrogen))
    neutral[i_c], neutral[i_n], neutral[i_o] = free_c, free_n, free_o
    pairs = {"CO": free_c * free_o, "OH": free_o * hydrogen, "CN": free_c * free_n}
    return {m: k[m] * n / molecular_partition(m, temperature) for m, n in pairs.items()}
