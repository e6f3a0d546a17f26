"""Rotation and magnetic activity: from mass and age to chromospheric flux and starspots.

Young and low-mass stars rotate fast; rotation in units of the convective turnover time (the Rossby
number) sets the share of the luminosity that leaves in chromospheric lines, up to saturation.
Scatter about each relation is real and large, and is drawn, not hidden.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SUN_PERIOD_DAYS = 25.4
SUN_AGE_GYR = 4.57
#: L(H alpha)/L(bol) where activity saturates, the Rossby number up to which it does, and the slope
#: beyond (Newton et al. 2017, ApJ 834, 85).
SATURATED = 1.49e-4
SATURATION_ROSSBY = 0.21
SLOPE = -1.7
#: Scatter in dex: of H alpha about that relation; of the sum of the Ca II triplet and of H beta
#: about H alpha; of each triplet line about its share.
SCATTER = 0.15
SCATTER_CALCIUM, SCATTER_BETA, SCATTER_LINE = 0.12, 0.10, 0.03
#: Shares of 8500, 8544 and 8665 A in the triplet's excess: the median of the equivalent
#: widths that Xiang et al. print of five active stars (table 1).  Thin gas would have 1 : 9 : 5.
TRIPLET_SHARES = (0.27, 0.39, 0.34)
STEFAN_BOLTZMANN = 5.670374e-5  # erg cm-2 s-1 K-4
#: Equatorial velocity in km/s of a star of one solar radius that turns once a day.
ONE_DAY = 50.59


@dataclass(frozen=True)
class Activity:
    """Rotation and activity of n stars, each array of shape (n,) unless said otherwise.

    Attributes
    ----------
    period : ndarray
        Rotation period, days.
    vsini : ndarray
        km/s.
    rossby : ndarray
        Period over convective turnover time.
    halpha, hbeta : ndarray
        Excess luminosity in the line over the bolometric one.
    calcium : ndarray, shape (n, 3)
        The same for Ca II 8500, 8544 and 8665 A.
    amplitude : ndarray
        Peak-to-peak amplitude of the light curve, relative flux.
    """

    period: np.ndarray
    vsini: np.ndarray
    rossby: np.ndarray
    halpha: np.ndarray
    hbeta: np.ndarray
    calcium: np.ndarray
    amplitude: np.ndarray


def turnover_time(mass: np.ndarray) -> np.ndarray:
    """Convective turnover time of dwarfs, days (Wright et al. 2018, MNRAS 479, 2351, eq. 6).

    Parameters
    ----------
    mass : ndarray
        Solar masses; the relation is held constant outside 0.08-1.36.
    """
    m = np.clip(mass, 0.08, 1.36)
    return 10.0 ** (2.33 - 1.50 * m + 0.31 * m**2)


def rotation_period(
    rng: np.random.Generator,
    mass: np.ndarray,
    age: np.ndarray,
    teff: np.ndarray,
    radius: np.ndarray,
    binary: np.ndarray,
) -> np.ndarray:
    """Rotation periods, days.

    Converged stars follow Skumanich's law through the Sun, stretched by the turnover time to the
    0.8th power, our reading of the Hyades, the field and old M dwarfs (Barnes 2007, ApJ 669, 1167;
    Newton et al. 2016, ApJ 821, 93).  Others still spin fast: at 60 Myr for the Sun's mass, at
    1.6 Gyr for 0.2 solar masses, a share 1/e.  Above 6250 K no wind brakes them (Kraft 1967), and
    they keep a velocity that grows with temperature.  Close binaries turn with their orbit.

    Parameters
    ----------
    rng : Generator
    mass, age : ndarray
        Solar masses, Gyr.
    teff, radius : ndarray
        K, solar radii.
    binary : ndarray of bool
        Whether tides hold the star.

    Returns
    -------
    ndarray
    """
    n = mass.size
    stretch = turnover_time(mass) / turnover_time(np.array(1.0))
    slow = SUN_PERIOD_DAYS * np.sqrt(age / SUN_AGE_GYR) * stretch**0.8
    slow = slow * 10.0 ** rng.normal(0.0, 0.06, n)
    fast = np.minimum(np.clip(10.0 ** rng.normal(-0.1, 0.35, n), 0.2, 10.0), slow)
    period = np.where(rng.random(n) < np.exp(-age / (0.06 * stretch**1.6)), fast, slow)
    # Swollen stars keep their angular momentum, roughly, while they have it.
    period = np.where(radius > 1.6 * mass, period * (radius / mass**0.9) ** 0.7, period)
    hot = np.clip((teff - 6250.0) / 500.0, 0.0, 1.0)
    velocity = (12.0 + 0.055 * np.clip(teff - 6250.0, 0.0, None)) * 10.0 ** rng.normal(0, 0.25, n)
    unbraked = ONE_DAY * radius / np.minimum(velocity, 280.0)
    period = np.where(rng.random(n) < hot, unbraked, period)
    orbit = np.clip(10.0 ** rng.normal(0.65, 0.35, n), 0.3, 40.0)
    # An orbit must be wider than the star.
    orbit = np.maximum(orbit, 0.35 * radius**1.5 / np.sqrt(mass))
    return np.where(binary, orbit, period)


def activity(
    rng: np.random.Generator,
    mass: np.ndarray,
    age: np.ndarray,
    teff: np.ndarray,
    radius: np.ndarray,
    binary: np.ndarray,
) -> Activity:
    """Draw rotation, chromospheric excess and spot amplitude of stars.

    Parameters
    ----------
    rng : Generator
    mass, age, teff, radius, binary : ndarray, shape (n,)
        As in `rotation_period`.

    Returns
    -------
    Activity
    """
    n = mass.size
    period = rotation_period(rng, mass, age, teff, radius, binary)
    sine = np.sqrt(1.0 - rng.random(n) ** 2)
    # Giants have deep, slow convection: 60 days and more.
    turnover = turnover_time(mass) * np.clip(radius / mass**0.9, 1.0, 5.0)
    rossby = period / turnover
    decline = (np.maximum(rossby, SATURATION_ROSSBY) / SATURATION_ROSSBY) ** SLOPE
    # The dynamo fades where convection does, in F stars.
    envelope = 1.0 / (1.0 + np.exp(np.clip((teff - 6450.0) / 120.0, -50.0, 50.0)))
    common = rng.normal(0.0, 1.0, n)
    halpha = SATURATED * decline * envelope * 10.0 ** (SCATTER * common)
    # Below 4000 K hydrogen cools the chromosphere more than calcium does.
    ratio = -0.6 * np.clip((4200.0 - teff) / 1000.0, 0.0, 1.0)
    calcium = halpha * 10.0 ** (ratio + rng.normal(0.0, SCATTER_CALCIUM, n))
    lines = np.array(TRIPLET_SHARES) * 10.0 ** rng.normal(0.0, SCATTER_LINE, (n, 3))
    hbeta = halpha * 10.0 ** (-0.55 + rng.normal(0.0, SCATTER_BETA, n))
    spots = (np.maximum(rossby, SATURATION_ROSSBY) / SATURATION_ROSSBY) ** -1.0
    spread = 0.2 * common + 0.2 * rng.normal(0.0, 1.0, n)
    amplitude = 0.04 * spots * envelope * np.maximum(sine, 0.1) * 10.0**spread
    return Activity(
        period,
        ONE_DAY * radius / period * sine,
        rossby,
        halpha,
        hbeta,
        calcium[:, None] * lines,
        np.minimum(amplitude, 0.5),
    )
