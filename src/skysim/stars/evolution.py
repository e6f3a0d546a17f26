"""Stellar evolution by formula: isochrones, and stars drawn from them.

Low-order fits of our own to published isochrones (``fit_isochrones.py`` makes the coefficients in
``data/isochrones.csv`` and prints what they miss): PARSEC (Bressan et al. 2012, MNRAS 427, 127)
for shape, PARSEC and MIST 1.2 (Choi et al. 2016, ApJ 823, 102) alike for the temperature of the
giants, about which the two differ by some 60 K.

An isochrone is followed through four phases.  On the main sequence temperature and gravity depend
on mass, [Fe/H] and on how close the star is to the mass that now leaves for the giant branch; one
curve leads from there to the foot of the branch; on the branch the temperature is
`giant_temperature`; core helium burning stars form the clump.  The tables span 2 to 12.6 Gyr.
Younger isochrones continue them: the ridge masses along their tangent at 2 Gyr, and the zero-age
main sequence above 1.6 solar masses follows Tout et al. (1996, MNRAS 281, 257).

Left out: the hook of stars above 1.2 solar masses, loops and reversals, the asymptotic giant
branch, mass loss, the blue horizontal branch of old stars below [Fe/H] = -1.5.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from surveys.folders import fact_file

MAIN_SEQUENCE, SUBGIANT, GIANT, CLUMP = range(4)
PHASES = ("main sequence", "subgiant", "red giant branch", "red clump")
#: Where the relation may be asked: log10 of the age in years, and [Fe/H].
LOG_AGES, METALLICITIES = (8.0, 10.12), (-2.0, 0.5)
#: Lowest mass of an isochrone, in solar masses.
LOWEST_MASS = 0.1
#: The tables' youngest isochrone; landmarks are continued from it along their tangent, the foot of
#: the giant branch to the youngest age of all, the others to 1 Gyr and constant from there.
YOUNGEST, CONTINUED = 9.3, 9.0
#: log mass of a star at the end of the main sequence, relative to one at the foot of the branch.
END_OF_MAIN_SEQUENCE = -0.012
#: How fast the main sequence's evolution sets in with log mass, 2.8 being the lifetime's power.
EVOLUTION_RATES = (2.8, 8.0, 30.0)
#: Control points of the subgiant curve, fitted to PARSEC: share of the fall in gravity before the
#: star cools, share of the cooling that is left when it begins to swell again, and by how much its
#: gravity is then above that of the foot of the branch (dex).
SUBGIANT_SHAPE = (0.40, 0.05, 0.15)
#: Number of points of each phase.
POINTS = (253, 50, 101, 77)
#: Stars that `population` draws at a time.
BATCH = 2000
#: log g of the Sun plus log L - log M - 4 log Teff, so that gravity, mass and Teff give L.
_SUN = 4.438 - 4 * np.log10(5772.0)


class Isochrone(NamedTuple):
    """Stars of one age and composition, from low to high mass (or a column each for many ages).

    Attributes
    ----------
    initial_mass : array
        Solar masses; never decreases.
    log_teff, logg, log_l : arrays
        log10 of Kelvin, dex (cgs), log10 of solar luminosities.
    phase : array of int
        Index into `PHASES`.
    """

    initial_mass: np.ndarray
    log_teff: np.ndarray
    logg: np.ndarray
    log_l: np.ndarray
    phase: np.ndarray


class Stars(NamedTuple):
    """Stars drawn from isochrones, one entry each; units as in `Isochrone`, Teff in Kelvin."""

    log_age: np.ndarray
    fe_h: np.ndarray
    initial_mass: np.ndarray
    teff: np.ndarray
    logg: np.ndarray
    log_l: np.ndarray
    phase: np.ndarray


def giant_temperature(
    logg: float | np.ndarray,
    fe_h: float | np.ndarray,
    log_age: float | np.ndarray = 9.7,
    clump: bool | np.ndarray = False,
) -> np.ndarray:
    """Effective temperature of a red giant, on the scale of PARSEC.

    Our own fit to the red giant branches of the PARSEC isochrones (Bressan et al. 2012, MNRAS 427,
    127) for -0.9 <= [Fe/H] <= 0.42, 3 to 12.6 Gyr and log g 0.6 to 3.6: residual 16 K rms over
    2168 points; and a second fit of what it misses below [Fe/H] = -0.98, down to -2.2 and from
    2 Gyr: residual 19 K rms.  Core helium burning stars are 191 - 138 [Fe/H] K hotter (residual
    60 K).

    Parameters
    ----------
    logg : float or array
        Surface gravity, dex (cgs).
    fe_h : float or array
        [Fe/H], dex.
    log_age : float or array
        log10 of the age in years.
    clump : bool or array
        Whether the star burns helium in its core.

    Returns
    -------
    array
        Kelvin.
    """
    x, a = logg - 2.5, log_age - 9.8
    branch = (
        4557.0 + 474.8 * x - 49.2 * x**2 - 7.0 * x**3 - 458.0 * fe_h + 33.4 * fe_h**2
        - 11.9 * fe_h * x - 178.2 * a - 88.1 * a * x
    )  # fmt: skip
    poor = np.maximum(-0.98 - np.asarray(fe_h), 0.0)
    branch = branch + poor * (-202.0 - 111.6 * x + 51.5 * a - 143.4 * poor)
    return branch + np.where(clump, 191.0 - 138.0 * fe_h, 0.0)


def zero_age_basis(log_mass: np.ndarray) -> np.ndarray:
    """Functions of log mass (-1 to 0.75) in which the unevolved main sequence is expanded: 11."""
    return np.polynomial.chebyshev.chebvander((log_mass + 0.125) / 0.875, 10)


def evolved_basis(log_mass: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Functions in which the evolution on the main sequence is expanded: 9, along the last axis.

    Parameters
    ----------
    log_mass : array
        log10 of solar masses.
    distance : array
        log mass relative to the star at the foot of the giant branch; negative.
    """
    mass = np.clip(log_mass, -0.1, 0.22)  # beyond, the tables say nothing
    terms = [
        10 ** (rate * distance) * mass**power for rate in EVOLUTION_RATES for power in range(3)
    ]
    return np.stack(terms, axis=-1)


def ridge_basis(log_age: np.ndarray, fe_h: np.ndarray) -> np.ndarray:
    """Functions of age and metallicity in which an isochrone's landmarks are expanded: 9."""
    a, z = np.broadcast_arrays(log_age - 9.8, fe_h)
    return np.stack([a**0, a, a**2, z, a * z, z**2, a**2 * z, a * z**2, z**3], axis=-1)


@lru_cache(maxsize=1)
def _coefficients() -> dict[str, np.ndarray]:
    """Fitted coefficients by quantity: (terms, powers of [Fe/H])."""
    found: dict[str, dict[tuple[int, int], float]] = {}
    for row in fact_file("isochrones.csv").read_text(encoding="utf-8").splitlines():
        if row.startswith(("#", "quantity,")) or not row:
            continue
        quantity, term, power, value = row.split(",")
        found.setdefault(quantity, {})[int(term), int(power)] = float(value)
    tables = {}
    for quantity, values in found.items():
        tables[quantity] = np.zeros(np.max(list(values), axis=0) + 1)
        for index, value in values.items():
            tables[quantity][index] = value
    return tables


def landmark(name: str, log_age: np.ndarray, fe_h: np.ndarray) -> np.ndarray:
    """Value of one landmark of the isochrone; below the tables' youngest age, see `YOUNGEST`.

    Parameters
    ----------
    name : str
        ``log_mass_foot`` and ``logg_foot`` of the giant branch, ``logg_bump``, ``logg_tip``,
        ``logg_clump``, ``mass_range_branch`` and ``mass_range_clump`` (dex of initial mass), or
        ``zero_point`` (K).
    log_age, fe_h : arrays

    Returns
    -------
    array
    """
    coefficients = _coefficients()[name][:, 0]
    step = 0.02
    age = log_age if name.endswith("_foot") else np.maximum(log_age, CONTINUED)
    inside = np.maximum(age, YOUNGEST)
    value, later = (ridge_basis(t, fe_h) @ coefficients for t in (inside, inside + step))
    return value + (later - value) / step * np.minimum(age - YOUNGEST, 0.0)


def _main_sequence(
    quantity: str, log_mass: np.ndarray, distance: np.ndarray, fe_h: np.ndarray
) -> np.ndarray:
    """log Teff (K) or log g of main-sequence stars: zero age, and how far they have evolved."""
    total = np.zeros(np.broadcast_shapes(log_mass.shape, fe_h.shape))
    for name, basis in (
        (f"{quantity}_zero_age", zero_age_basis(log_mass)),
        (f"{quantity}_evolved", evolved_basis(log_mass, distance)),
    ):
        for power, column in enumerate(_coefficients()[name].T):
            total += (basis @ column) * fe_h**power
    return total


def _branch(fe_h: np.ndarray, log_age: np.ndarray, logg: np.ndarray, clump: bool) -> np.ndarray:
    """log Teff (K) of giants, with a zero point between PARSEC and MIST."""
    teff = giant_temperature(logg, fe_h, log_age, clump) + landmark("zero_point", log_age, fe_h)
    return np.log10(teff)


def _mass_share(way: np.ndarray, bump: np.ndarray) -> np.ndarray:
    """Fraction of the giant branch's initial-mass range between its foot (0) and a point (tip: 1).

    Evolution quickens as the star brightens, and pauses at the bump, where the hydrogen-burning
    shell meets the matter that convection has mixed (fitted by eye to PARSEC: 9 per cent there).
    """
    pause = 0.5 * (1.0 + np.tanh((way - bump) / 0.012))
    return 0.91 * (1.0 - np.exp(-5.2 * way)) / (1.0 - np.exp(-5.2)) + 0.09 * pause


def isochrone(
    log_age: float | np.ndarray, fe_h: float | np.ndarray, points: tuple[int, ...] = POINTS
) -> Isochrone:
    """Stars of one age and [Fe/H], from 0.1 solar masses to the red clump.

    Parameters
    ----------
    log_age : float or (n,) array
        log10 of the age in years, 8 to 10.12 (0.1 to 13 Gyr).
    fe_h : float or (n,) array
        [Fe/H], -2 to 0.5.
    points : four ints
        Points on the main sequence, the subgiant branch, the giant branch and the clump.

    Returns
    -------
    Isochrone
        Arrays of (sum of points,), or (sum of points, n) for arrays of ages.

    Raises
    ------
    ValueError
        For an age or [Fe/H] the relation does not reach.
    """
    scalar = np.ndim(log_age) == 0 and np.ndim(fe_h) == 0
    t, z = np.broadcast_arrays(np.atleast_1d(log_age).astype(float), np.atleast_1d(fe_h))
    for value, (low, high), name in (
        (t, LOG_AGES, "log age (of years)"),
        (z, METALLICITIES, "[Fe/H]"),
    ):
        if not ((value >= low) & (value <= high)).all():
            raise ValueError(
                f"{name} runs from {low} to {high}: {value.min()} to {value.max()} asked"
            )
    ways = [np.linspace(0.0, 1.0, n)[:, None] for n in points]
    foot = landmark("log_mass_foot", t, z)

    end = foot + END_OF_MAIN_SEQUENCE
    lowest = np.log10(LOWEST_MASS)
    q = end + (lowest - end) * (1.0 - ways[0]) ** 1.5  # closer together where stars evolve
    parts = [
        (q, _main_sequence("log_teff", q, q - foot, z), _main_sequence("logg", q, q - foot, z))
    ]

    logg_foot, logg_tip = landmark("logg_foot", t, z), landmark("logg_tip", t, z)
    teff_end, logg_end = parts[0][1][-1], parts[0][2][-1]
    teff_foot = _branch(z, t, logg_foot, False)
    fall, warmth, dip = SUBGIANT_SHAPE
    way = (ways[1] * points[1] + 1) / (points[1] + 1)  # the end itself is done
    parts.append(
        (
            end + (foot - end) * way,
            _bezier(
                way, teff_end, teff_end, teff_foot + warmth * (teff_end - teff_foot), teff_foot
            ),
            _bezier(
                way, logg_end, logg_end + fall * (logg_foot - logg_end), logg_foot + dip, logg_foot
            ),
        )
    )

    way = (ways[2] * points[2] + 1) / (points[2] + 1)
    logg = logg_foot + (logg_tip - logg_foot) * way
    bump = (landmark("logg_bump", t, z) - logg_foot) / (logg_tip - logg_foot)
    # of young isochrones hardly any mass is on its way: what is left is kept above zero
    branch_mass, clump_mass = (
        np.maximum(landmark(f"mass_range_{name}", t, z), 1e-3) for name in ("branch", "clump")
    )
    parts.append((foot + branch_mass * _mass_share(way, bump), _branch(z, t, logg, False), logg))

    logg = landmark("logg_clump", t, z) + 0.05 - 0.10 * ways[3]
    parts.append((foot + branch_mass + clump_mass * ways[3], _branch(z, t, logg, True), logg))

    log_mass, log_teff, logg = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    log_l = log_mass + 4 * log_teff - logg + _SUN
    phase = np.repeat(np.arange(4), points)
    if scalar:
        log_mass, log_teff, logg, log_l = (c[:, 0] for c in (log_mass, log_teff, logg, log_l))
    return Isochrone(10**log_mass, log_teff, logg, log_l, phase)


def _bezier(way: np.ndarray, *control: np.ndarray) -> np.ndarray:
    """Cubic Bezier curve through its first and last of four control values."""
    a, b, c, d = control
    rest = 1.0 - way
    return rest**3 * a + 3 * rest**2 * way * b + 3 * rest * way**2 * c + way**3 * d


def kroupa(mass: np.ndarray) -> np.ndarray:
    """Kroupa initial mass function, unnormalised: slope -1.3 up to 0.5 solar masses, -2.3 above.

    Kroupa (2001, MNRAS 322, 231), eq. 2.
    """
    return np.where(mass < 0.5, mass**-1.3, 0.5 * mass**-2.3)


def draw(
    rng: np.random.Generator,
    log_age: np.ndarray,
    fe_h: np.ndarray,
    brightness_power: float = 0.0,
    lowest_mass: float = LOWEST_MASS,
) -> Stars:
    """Draw one living star of each age and composition.

    Parameters
    ----------
    rng : Generator
    log_age, fe_h : (n,) arrays
        As for `isochrone`.
    brightness_power : float
        Stars count in proportion to this power of their luminosity: 0 for a volume of space, 1.5
        for a sample that ends at one magnitude.
    lowest_mass : float
        In solar masses; lighter stars are not drawn.

    Returns
    -------
    Stars
        Arrays of (n,).
    """
    log_age, fe_h = (np.asarray(v, dtype=float) for v in np.broadcast_arrays(log_age, fe_h))
    sequence = isochrone(log_age, fe_h, points=(70, 16, 40, 6))
    mass = sequence.initial_mass
    middle = 0.5 * (mass[1:] + mass[:-1])
    number = kroupa(middle) * np.diff(mass, axis=0) * (middle >= lowest_mass)
    log_l = 0.5 * (sequence.log_l[1:] + sequence.log_l[:-1])
    number *= 10 ** (brightness_power * log_l)
    until = np.cumsum(number, axis=0)
    level = (1.0 - rng.random(log_age.size)) * until[-1]  # never 0
    row = np.minimum((until < level).sum(axis=0), len(middle) - 1)
    column = np.arange(log_age.size)
    share = 1.0 - (until[row, column] - level) / number[row, column]
    # a star between two phases has either one's place, not one between
    share = np.where(sequence.phase[row] == sequence.phase[row + 1], share, 0.0)

    def between(values: np.ndarray) -> np.ndarray:
        return (1.0 - share) * values[row, column] + share * values[row + 1, column]

    return Stars(
        log_age,
        fe_h,
        between(mass),
        10 ** between(sequence.log_teff),
        between(sequence.logg),
        between(sequence.log_l),
        sequence.phase[row],
    )


def population(
    rng: np.random.Generator,
    n: int,
    brightness_power: float = 1.0,
    wanted: Callable[[Stars], np.ndarray] | None = None,
    lowest_mass: float = LOWEST_MASS,
) -> Stars:
    """Draw a field population of the Galactic disc.

    Stars form at a steady rate from 13 to 0.1 Gyr ago; [Fe/H] is about 0.0 today and -0.3 at
    10 Gyr with a scatter that grows from 0.12 to 0.25 dex (our rounding of what Casagrande et al.
    2011, A&A 530, A138, find in the solar neighbourhood), and 3 per cent of the stars are of an old
    metal-poor population.

    Parameters
    ----------
    rng : Generator
    n : int
        How many stars.
    brightness_power : float
        See `draw`; the default is that of a thin disc surveyed to one magnitude.
    wanted : function of Stars, optional
        Which of the drawn stars to keep, as an array of bool; drawing goes on until there are n.
    lowest_mass : float
        In solar masses.

    Returns
    -------
    Stars
        Arrays of (n,).

    Raises
    ------
    ValueError
        When hardly any drawn star is wanted.
    """
    kept: list[Stars] = []
    found = tries = 0
    while found < n:
        age = rng.uniform(0.1, 13.0, BATCH)
        fe_h = rng.normal(-0.03 * age, 0.12 + 0.01 * age)
        poor = rng.random(BATCH) < 0.03
        age = np.where(poor, rng.uniform(10.0, 13.0, BATCH), age)
        fe_h = np.where(poor, rng.normal(-1.2, 0.4, BATCH), fe_h)
        log_age, fe_h = 9.0 + np.log10(age), np.clip(fe_h, *METALLICITIES)
        stars = draw(rng, log_age, fe_h, brightness_power, lowest_mass)
        keep = np.ones(BATCH, bool) if wanted is None else np.asarray(wanted(stars))
        kept.append(Stars(*(values[keep] for values in stars)))
        found, tries = found + int(keep.sum()), tries + 1
        if found < n * tries / 500:
            raise ValueError(f"{found} of {tries * BATCH} stars drawn are wanted, {n} asked for")
    return Stars(*(np.concatenate(columns)[:n] for columns in zip(*kept, strict=True)))
