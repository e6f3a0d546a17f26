"""Stars of the APOGEE-like survey: fields, positions and true labels.

Giants of four APOGEE fields are drawn from a simple Galactic model: two clusters and a disc with an
alpha-poor and an alpha-rich sequence, red giant branch and red clump.  With them come stars that a
careful student must discard: dwarfs and metal-poor giants, and giants whose observation will fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from skysim.stars.evolution import giant_temperature
from skysim.stars.labels import Labels

N_MISSING, N_LOW_SNR, N_DWARFS, N_METAL_POOR = 80, 70, 280, 80
#: Probability levels and values of log g, [Fe/H] of the giants: our reading of the distribution of
#: 9618 APOGEE DR12 stars (table kept with A. Ho's TheCannon) after the cuts of lab 1.
LEVELS = (0.0, 0.01, 0.05, 0.16, 0.25, 0.5, 0.75, 0.84, 0.95, 0.99, 1.0)
LOGG_QUANTILES = (0.45, 1.10, 1.64, 2.21, 2.46, 2.66, 2.94, 3.10, 3.42, 3.79, 3.93)
FE_H_QUANTILES = (-0.98, -0.80, -0.59, -0.41, -0.33, -0.157, 0.0, 0.072, 0.186, 0.27, 0.42)
#: APOGEE DR12's zero point of [Si/Fe]: local giants of solar metallicity sit at +0.165, not 0.
SI_ZERO_POINT = 0.165


@dataclass(frozen=True)
class SkyField:
    """One APOGEE field: centre (deg, J2000), number of clean stars, extinction and kinematics."""

    name: str
    location_id: int
    ra: float
    dec: float
    stars: int
    extinction_k: float  # A_K, mag
    velocity: tuple[float, float]  # mean and scatter of the field stars, km/s
    first_mjd: int
    magnitude: float  # typical H of the giants


FIELDS = (
    SkyField("M15", 4262, 322.1, 12.25, 290, 0.03, (-25.0, 55.0), 55850, 10.6),
    SkyField("N6791", 4263, 290.22, 37.77, 420, 0.05, (-30.0, 45.0), 55790, 10.8),
    SkyField("K2_C4_168-21", 4587, 58.9, 24.9, 470, 0.08, (5.0, 40.0), 57310, 10.3),
    SkyField("060+00", 4396, 295.98, 23.89, 675, 0.45, (-10.0, 42.0), 55760, 10.3),
)
#: Cluster members: NGC 6791 among the clean stars, M 15 among the metal-poor ones.
NGC6791_MEMBERS = 34
M15_MEMBERS = 46


def _alpha(rng: np.random.Generator, fe_h: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """[Mg/Fe], [Si/Fe], [alpha/Fe] of disc stars: two sequences, each element its own scatter."""
    rich = rng.random(fe_h.size) < 0.75 / (1.0 + np.exp((fe_h + 0.27) / 0.14))
    poor_track = -0.018 - 0.06 * np.minimum(fe_h, 0.1)
    rich_track = np.clip(0.19 - 0.22 * (fe_h + 0.4), 0.06, 0.25)
    common = np.where(rich, rich_track, poor_track) + rng.normal(0, 0.02, fe_h.size)
    mg = common + rng.normal(0, 0.045, fe_h.size)
    si = SI_ZERO_POINT + 0.62 * common - 0.08 * fe_h + rng.normal(0, 0.05, fe_h.size)
    # Oxygen and the others lie between magnesium and silicon.
    alpha = 0.6 * mg + 0.4 * (si - SI_ZERO_POINT) + rng.normal(0, 0.01, fe_h.size)
    return mg, si, alpha


def _giants(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """True labels of disc giants, from the label distribution of the survey."""
    normal = rng.multivariate_normal([0.0, 0.0], [[1.0, 0.28], [0.28, 1.0]], size=n)
    level = ndtr(normal)
    logg = np.interp(level[:, 0], LEVELS, LOGG_QUANTILES)
    fe_h = np.interp(level[:, 1], LEVELS, FE_H_QUANTILES)
    mg, si, alpha = _alpha(rng, fe_h)
    old = np.clip((alpha - 0.05) / 0.2, 0, 1)
    log_age = np.clip(rng.normal(9.62 + 0.35 * old, 0.18), 9.1, 10.1)
    clump = (logg > 2.35) & (logg < 2.85) & (rng.random(n) < 0.70)
    teff = giant_temperature(logg, fe_h, log_age, clump) + rng.normal(0, 15, n)
    return {"teff": teff, "logg": logg, "fe_h": fe_h, "mg_fe": mg, "si_fe": si, "alpha_fe": alpha}


def _dwarfs(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """Main-sequence stars and hot turn-off stars."""
    teff = np.where(rng.random(n) < 0.55, rng.uniform(4100, 5650, n), rng.uniform(5750, 6700, n))
    logg = np.clip(4.72 - 2.6e-4 * (teff - 4300) + rng.normal(0, 0.06, n), 3.75, 4.8)
    logg = np.where((teff < 5700) & (logg < 4.06), 4.06 + rng.random(n) * 0.3, logg)
    fe_h = np.clip(rng.normal(-0.12, 0.2, n), -0.8, 0.4)
    mg, si, alpha = _alpha(rng, fe_h)
    return {"teff": teff, "logg": logg, "fe_h": fe_h, "mg_fe": mg, "si_fe": si, "alpha_fe": alpha}


def _metal_poor(rng: np.random.Generator, n: int, fe_h: np.ndarray) -> dict[str, np.ndarray]:
    """Halo and globular cluster giants."""
    logg = rng.uniform(0.9, 2.9, n)
    alpha = rng.normal(0.25, 0.04, n)
    return {
        "teff": giant_temperature(logg, fe_h, 10.05) + rng.normal(0, 30, n),
        "logg": logg,
        "fe_h": fe_h,
        "mg_fe": alpha + rng.normal(0, 0.06, n),
        "si_fe": SI_ZERO_POINT + 0.75 * alpha + rng.normal(0, 0.06, n),
        "alpha_fe": alpha,
    }


class Star(NamedTuple):
    """One star before it is observed.

    Attributes
    ----------
    kind : str
        giant, missing, low_snr, dwarf or metal_poor: what its catalogue row will be.
    place : int
        Index of its field in `FIELDS`.
    truth : Labels
    velocity : float or None
        Barycentric, km/s, for members of a cluster; None for stars of the field.
    """

    kind: str
    place: int
    truth: Labels
    velocity: float | None


def stars(rng: np.random.Generator) -> Iterator[Star]:
    """Draw every star of the survey, those that lab 1 discards last.

    Parameters
    ----------
    rng : Generator

    Yields
    ------
    Star
    """
    for place in range(len(FIELDS)):
        yield from _clean_giants(rng, place)
    for kind, number in (("missing", N_MISSING), ("low_snr", N_LOW_SNR), ("dwarf", N_DWARFS)):
        draw = _dwarfs(rng, number) if kind == "dwarf" else _giants(rng, number)
        for i in range(number):
            place = int(rng.choice(4, p=[0.16, 0.22, 0.35, 0.27]))
            yield Star(kind, place, Labels(**_one(draw, i)), None)
    yield from _metal_poor_stars(rng)


def _one(draw: dict[str, np.ndarray], i: int) -> dict[str, float]:
    return {name: float(values[i]) for name, values in draw.items()}


def _clean_giants(rng: np.random.Generator, place: int) -> Iterator[Star]:
    """Giants of one field that pass the cuts of lab 1, members of NGC 6791 among them."""
    wanted = FIELDS[place].stars
    draw = _giants(rng, 3 * wanted)
    members = NGC6791_MEMBERS if FIELDS[place].name == "N6791" else 0
    taken = 0
    for i in range(draw["teff"].size):
        labels, velocity = _one(draw, i), None
        if taken < members:
            labels |= _ngc6791(rng, labels["logg"])
            velocity = float(rng.normal(-47.4, 1.3))
        inside = 3550 < labels["teff"] < 5660 and labels["logg"] < 3.93
        if not inside or not -0.97 < labels["fe_h"] < 0.47:
            continue
        yield Star("giant", place, Labels(**labels), velocity)
        taken += 1
        if taken == wanted:
            return
    raise ValueError(f"field {FIELDS[place].name}: too few giants drawn, {taken} of {wanted}")


def mystery_labels(rng: np.random.Generator) -> Labels:
    """Labels of an ordinary metal-poor giant, the mystery star of lab 5.

    Parameters
    ----------
    rng : Generator

    Returns
    -------
    Labels
    """
    draw = _giants(rng, 2000)
    likely = (np.abs(draw["logg"] - 2.0) < 0.3) & (np.abs(draw["fe_h"] + 0.5) < 0.2)
    return Labels(**_one(draw, int(np.flatnonzero(likely)[0])))


def decorrelated_labels(rng: np.random.Generator, n: int) -> list[Labels]:
    """Labels of giants with [Fe/H], [Mg/Fe] and [Si/Fe] drawn independently of each other.

    Temperature follows gravity as at the mean metallicity; the other alpha elements stay put.

    Parameters
    ----------
    rng : Generator
    n : int
        How many.

    Returns
    -------
    list of Labels
    """
    logg = rng.uniform(1.4, 3.2, n)
    teff = giant_temperature(logg, -0.15) + rng.normal(0, 60, n)
    draw = {
        "teff": teff,
        "logg": logg,
        "fe_h": rng.uniform(-0.6, 0.25, n),
        "mg_fe": rng.uniform(-0.05, 0.28, n),
        "si_fe": SI_ZERO_POINT + rng.uniform(-0.05, 0.23, n),
        "alpha_fe": np.full(n, 0.1),
    }
    return [Labels(**_one(draw, i)) for i in range(n)]


def _ngc6791(rng: np.random.Generator, logg: float) -> dict[str, float]:
    """Labels of a member of NGC 6791: old, metal-rich, one composition."""
    fe_h = float(rng.normal(0.35, 0.02))
    alpha = float(rng.normal(0.02, 0.01))
    return {
        "fe_h": fe_h,
        "alpha_fe": alpha,
        "mg_fe": alpha + float(rng.normal(0.03, 0.03)),
        "si_fe": SI_ZERO_POINT + float(rng.normal(0.0, 0.03)),
        "teff": float(giant_temperature(logg, fe_h, 9.9, abs(logg - 2.55) < 0.15)),
    }


def _metal_poor_stars(rng: np.random.Generator) -> Iterator[Star]:
    """Halo giants in all fields, and members of the globular cluster M 15."""
    cluster = np.arange(N_METAL_POOR) < M15_MEMBERS
    fe_h = np.where(
        cluster,
        rng.normal(-2.33, 0.05, N_METAL_POOR),
        np.clip(-1.06 - rng.exponential(0.3, N_METAL_POOR), -2.4, None),
    )
    draw = _metal_poor(rng, N_METAL_POOR, fe_h)
    for i in range(N_METAL_POOR):
        velocity = float(rng.normal(-106.6, 7.0) if cluster[i] else rng.normal(-80, 120))
        place = 0 if cluster[i] else int(rng.choice(4))
        yield Star("metal_poor", place, Labels(**_one(draw, i)), velocity)
