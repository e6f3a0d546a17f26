"""Rows of the APOGEE-like catalogue: true labels, observation and measured labels of each star.

It gives each star's labels with small errors.  Some rows must be discarded (missing labels, low
signal to noise), some stars have two, and a few are spoilt in ways that later labs hunt for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from skysim.stars.giants import FIELDS, SkyField, Star, decorrelated_labels, mystery_labels, stars
from skysim.stars.labels import Labels
from skysim.survey.sky_position import (
    barycentric_correction,
    star_name,
    star_position,
    star_positions,
)
from surveys.catalogue import ASPCAPFLAG, STARFLAG

MISSING = -9999.0
N_STARS = 1855
N_DUPLICATES = 31
#: No catalogue value comes closer than this to a threshold of lab 1, in dex (1 K for Teff,
#: 1.5 for S/N), so that rounding never decides a cut.
MARGIN = 5e-3
#: Stars named in the text of the labs, and their fields.
NAMED_STARS = (("2M21235315+1244123", 0), ("2M03533659+2512012", 2))
#: Centre of M 15, deg.
M15_CENTRE = (322.493, 12.167)

#: Row number of the mystery star: it picks the star's random stream, far from the tables'.
MYSTERY_INDEX = 1_000_000
#: Stars of the decorrelated set, counted on from there.
N_DECORRELATED = 200

ARTEFACTS = ("none", "bad_label", "bad_spectrum", "wrong_velocity", "binary")


@dataclass(frozen=True)
class Visit:
    """One night on one fibre.

    Attributes
    ----------
    jd : float
        Julian date of mid exposure.
    fiber : int
        1 to 300.
    barycentric : float
        Barycentric correction, km/s: VHELIO = VRAD + barycentric.
    velocity : float
        Measured Doppler shift of the spectrum, km/s (VRAD).
    velocity_error : float
        Its quoted error, km/s.
    residual : float
        True minus removed Doppler shift, km/s: what is left in the "rest frame" spectrum.
    snr : float
        Signal to noise per apStar pixel.
    """

    jd: float
    fiber: int
    barycentric: float
    velocity: float
    velocity_error: float
    residual: float
    snr: float

    @property
    def mjd(self) -> int:
        """Modified Julian date of the night."""
        return int(self.jd - 2400000.5)


@dataclass(frozen=True)
class Row:
    """One catalogue row, or one apStar file: true labels, observation and catalogue labels."""

    index: int
    apogee_id: str
    telescope: str
    field: str
    location_id: int
    ra: float
    dec: float
    glon: float
    glat: float
    j: float
    h: float
    k: float
    extinction_k: float
    truth: Labels
    catalogue: dict[str, float]
    visits: tuple[Visit, ...]
    snr: float
    artefact: str = "none"
    kind: str = "giant"
    flags: dict[str, int] = field(default_factory=dict)

    @property
    def vhelio(self) -> float:
        """Mean heliocentric velocity weighted by signal to noise, km/s."""
        weights = np.array([v.snr**2 for v in self.visits])
        return float(np.average([v.velocity + v.barycentric for v in self.visits], weights=weights))

    @property
    def vscatter(self) -> float:
        """Standard deviation of the visits' velocities, km/s; zero for a single visit."""
        if len(self.visits) == 1:
            return 0.0
        return float(np.std([v.velocity + v.barycentric for v in self.visits], ddof=1))

    @property
    def verr(self) -> float:
        """Error of `vhelio`, km/s."""
        return float(sum(v.velocity_error**-2 for v in self.visits) ** -0.5)

    @property
    def path(self) -> str:
        """``<telescope>/<field>`` as in the archive's folders."""
        return f"{self.telescope}/{self.field}"


def label_errors(snr: float, teff: float) -> dict[str, float]:
    """Random errors of the catalogue labels: a floor, growing at low S/N and in hot stars.

    Parameters
    ----------
    snr : float
        Per apStar pixel.
    teff : float
        K.

    Returns
    -------
    dict of float
        One sigma by label: K for teff, dex for the others.
    """
    scale = float(np.hypot(1.0, 50.0 / max(snr, 10.0))) * (1.0 if teff < 5200 else 1.5)
    floors = {"teff": 12.0, "logg": 0.035, "fe_h": 0.008, "mg_fe": 0.012, "si_fe": 0.012}
    return {name: floor * scale for name, floor in floors.items()}


def passes_cuts(labels: dict[str, float], snr: float) -> bool:
    """Whether a catalogue row passes the cuts of lab 1.

    Parameters
    ----------
    labels : dict of float
        Catalogue values by lower-case name; -9999 where missing.
    snr : float

    Returns
    -------
    bool
    """
    if min(labels[n] for n in ("teff", "logg", "fe_h", "mg_fe", "si_fe")) <= MISSING:
        return False
    good = labels["logg"] <= 4.0 and labels["teff"] <= 5700.0 and labels["fe_h"] >= -1.0
    return bool(good and snr >= 50.0)


def _measure(
    rng: np.random.Generator, truth: Labels, snr: float, want: bool | None
) -> dict[str, float]:
    """Catalogue labels: truth plus error, redrawn until away from every threshold of a cut.

    `want` says whether the row must survive the cuts (None: either).
    """
    errors = label_errors(snr, truth.teff)
    for _ in range(200):
        labels = {n: getattr(truth, n) + rng.normal(0, e) for n, e in errors.items()}
        clear = (
            abs(labels["teff"] - 5700.0) > 1.0
            and abs(labels["logg"] - 4.0) > MARGIN
            and abs(labels["fe_h"] + 1.0) > MARGIN
        )
        if clear and (want is None or passes_cuts(labels, snr) == want):
            labels["alpha_m"] = truth.alpha_fe + rng.normal(0, 0.01)
            labels["m_h"] = labels["fe_h"] + rng.normal(0, 0.008)
            return labels | {f"{n}_err": float(e) for n, e in errors.items()}
    raise ValueError(f"no catalogue labels clear of the cuts near {truth} at S/N {snr:.0f}")


def _visits(
    rng: np.random.Generator,
    place: SkyField,
    position: tuple[float, float],
    velocity: float,
    snr: float,
    number: int,
    artefact: str,
) -> tuple[Visit, ...]:
    """Visits of one row, whose signal to noise adds up to that of the row."""
    share = rng.lognormal(0.0, 0.25, number)
    each = snr * np.sqrt(share / share.sum())
    nights = np.sort(rng.choice(np.arange(0, 330), size=number, replace=False))
    fiber = int(rng.integers(1, 301))
    wrong = rng.choice([-1, 1]) * rng.uniform(9.0, 25.0) if artefact == "wrong_velocity" else 0.0
    swing = rng.uniform(6.0, 20.0) if artefact == "binary" else 0.0
    visits = []
    for i, night in enumerate(nights):
        jd = 2400000.5 + place.first_mjd + float(night) + rng.uniform(0.1, 0.45)
        correction = barycentric_correction(*position, jd)
        error = float(np.clip(4.0 / each[i], 0.02, 1.0))
        residual = rng.normal(0, error) + wrong
        true = velocity + swing * np.sin(2 * np.pi * (i * 0.37 + night / 61.3)) - correction
        fiber = fiber if rng.random() < 0.7 else int(rng.integers(1, 301))
        visits.append(
            Visit(jd, fiber, correction, true - residual, error, residual, float(each[i]))
        )
    return tuple(visits)


def _number_of_visits(rng: np.random.Generator) -> int:
    """Draw the number of visits: one for 62 per cent of rows, else two to six."""
    return int(rng.choice([1, 2, 3, 4, 5, 6], p=[0.62, 0.13, 0.13, 0.06, 0.04, 0.02]))


def _brightness(
    rng: np.random.Generator, place: SkyField, number: int, low: float, high: float
) -> tuple[float, float]:
    """H magnitude and S/N between two limits (a visit reaches S/N 105 at H = 11)."""
    typical = place.magnitude + 0.35 * (number - 1) ** 0.5 + (2.2 if high < 50 else 0.0)
    for _ in range(2000):
        h = float(np.clip(rng.normal(typical, 0.8), 8.0, 14.5))
        snr = 105.0 * 10 ** (-0.2 * (h - 11.0)) * np.sqrt(number) * rng.lognormal(0.0, 0.15)
        if low < snr < high:
            return h, float(snr)
    raise ValueError(f"no S/N between {low} and {high} in field {place.name}")


def _colours(rng: np.random.Generator, teff: float, extinction: float) -> tuple[float, float]:
    """J-H and H-K of a star (our rough fit to 2MASS giants), reddened (Indebetouw et al. 2005)."""
    jk = 0.60 + 1.59 * (5040.0 / teff - 1.0286)
    hk = max(0.17 * jk - 0.01, 0.02)
    jh = jk - hk
    return (
        jh + 0.95 * extinction + rng.normal(0, 0.02),
        hk + 0.55 * extinction + rng.normal(0, 0.02),
    )


class _Entry(NamedTuple):
    """A star to be observed, once for each row of the catalogue."""

    star: int
    kind: str
    name: str
    velocity: float
    artefact: str
    telescope: str


def build_population(seed: int = 128) -> list[Row]:
    """Every row of the catalogue, in the order of the tables.

    Parameters
    ----------
    seed : int
        The survey's seed; the same seed gives the same rows.

    Returns
    -------
    list of Row
        1886 rows that pass the cuts of lab 1 (1855 stars and 31 second observations) and 510
        that do not.
    """
    return list(_observed(np.random.default_rng([seed, 1])))


def _observed(rng: np.random.Generator) -> Iterator[Row]:
    """Observe every star, some twice; each star's brightness is remembered for its second row."""
    survey = list(stars(rng))
    entries = list(_entries(rng, survey))
    twice = {entry.star for entry in entries if entry.kind == "duplicate"}
    ra, dec = np.array([star_position(entry.name) for entry in entries]).T
    galactic = SkyCoord(ra * u.deg, dec * u.deg).galactic
    first: dict[str, Row] = {}
    for index, entry in enumerate(entries):
        place = FIELDS[survey[entry.star].place]
        truth = survey[entry.star].truth
        low, high, number = _quality(rng, entry, entry.star in twice, first.get(entry.name))
        h, snr = _brightness(rng, place, number, low, high)
        jh, hk = _colours(rng, truth.teff, place.extinction_k)
        magnitudes = round(h + jh, 3), round(h, 3), round(h - hk, 3)
        if entry.kind == "duplicate":  # the photometry is the star's, not the observation's
            magnitudes = first[entry.name].j, first[entry.name].h, first[entry.name].k
        keeps = {"giant": True, "duplicate": True, "missing": None, "low_snr": None}
        labels = _measure(rng, truth, snr, keeps.get(entry.kind, False))
        flags = _flags(rng, labels, entry.kind, entry.artefact, snr)
        position = ra[index], dec[index]
        visits = _visits(rng, place, position, entry.velocity, snr, number, entry.artefact)
        row = Row(
            index, entry.name, entry.telescope, place.name, place.location_id,
            round(float(ra[index]), 6), round(float(dec[index]), 6),
            float(galactic.l.deg[index]), float(galactic.b.deg[index]),
            *magnitudes, place.extinction_k,
            truth, labels, visits, snr, entry.artefact, entry.kind, flags,
        )  # fmt: skip
        first.setdefault(entry.name, row)
        yield row


def _row_outside_tables(
    rng: np.random.Generator, index: int, kind: str, truth: Labels, snr: float
) -> Row:
    """Row of a star that is observed in three visits like the others but listed in no table."""
    place, h = FIELDS[0], 9.5
    jh, hk = _colours(rng, truth.teff, place.extinction_k)
    labels = _measure(rng, truth, snr, True)
    visits = _visits(rng, place, (place.ra, place.dec), -25.0, snr, 3, "none")
    return Row(
        index, f"{kind}{index}", "apo25m", place.name, place.location_id, place.ra, place.dec,
        0.0, 0.0, h + jh, h, h - hk, place.extinction_k, truth, labels, visits, snr,
        kind=kind, flags={"starflag": 0, "aspcapflag": 0},
    )  # fmt: skip


def mystery_row(seed: int = 128) -> Row:
    """Row of the mystery star of lab 5, at S/N 300.

    Parameters
    ----------
    seed : int
        The survey's seed.

    Returns
    -------
    Row
    """
    rng = np.random.default_rng([seed, 6])
    return _row_outside_tables(rng, MYSTERY_INDEX, "mystery", mystery_labels(rng), 300.0)


def decorrelated_rows(seed: int = 128) -> list[Row]:
    """Rows of the test stars of lab 6, whose labels are uncorrelated, at S/N 200.

    Parameters
    ----------
    seed : int
        The survey's seed.

    Returns
    -------
    list of Row
    """
    rng = np.random.default_rng([seed, 7])
    stars = decorrelated_labels(rng, N_DECORRELATED)
    first = MYSTERY_INDEX + 1
    return [
        _row_outside_tables(rng, first + i, "decorrelated", s, 200.0) for i, s in enumerate(stars)
    ]


def _entries(rng: np.random.Generator, survey: list[Star]) -> Iterator[_Entry]:
    """Give every star a name and a velocity, a few an artefact, and some a second observation."""
    named = _named_giants(survey)
    giants = [i for i, star in enumerate(survey) if star.kind == "giant" and i not in named]
    chosen = rng.permutation(giants)
    artefacts: dict[int, str] = {}
    for kind, block in zip(ARTEFACTS[1:], np.split(chosen[:26], [8, 16, 22]), strict=True):
        artefacts.update(dict.fromkeys(block.tolist(), kind))
    doubled = set(chosen[26 : 26 + N_DUPLICATES].tolist())
    used: set[str] = set()
    for i, star in enumerate(survey):
        name = named.get(i) or _new_name(rng, star, used)
        used.add(name)
        velocity = star.velocity
        if velocity is None:
            velocity = float(rng.normal(*FIELDS[star.place].velocity))
        yield _Entry(i, star.kind, name, velocity, artefacts.get(i, "none"), "apo25m")
        if i in doubled:
            yield _Entry(i, "duplicate", name, velocity, "none", "apo1m")


def _named_giants(survey: list[Star]) -> dict[int, str]:
    """Choose the stars named in the labs: field giants well inside the label space."""
    named = {}
    for name, place in NAMED_STARS:
        for i, star in enumerate(survey):
            ordinary = 4350 < star.truth.teff < 5000 and -0.5 < star.truth.fe_h < 0.1
            if star.kind == "giant" and star.place == place and not star.velocity and ordinary:
                named[i] = name
                break
    return named


def _new_name(rng: np.random.Generator, star: Star, used: set[str]) -> str:
    """Place a star in its field, members near their cluster's centre, and name it by position."""
    place = FIELDS[star.place]
    member = star.velocity is not None and (star.kind == "giant" or star.truth.fe_h < -2.1)
    while True:
        position = star_positions(rng, place, 1, 0.25 if member else 1.35)[0]
        if member and place.name == "M15":
            position += (M15_CENTRE[0] - place.ra, M15_CENTRE[1] - place.dec)
        name = star_name(*position)
        if name not in used:
            return name


def _quality(
    rng: np.random.Generator, entry: _Entry, doubled: bool, first: Row | None
) -> tuple[float, float, int]:
    """Limits of a row's signal to noise, and its number of visits."""
    number = _number_of_visits(rng)
    if entry.kind in ("missing", "low_snr", "dwarf", "metal_poor"):
        number = 1 if rng.random() < 0.85 else 2
    low, high = 52.0, 1200.0
    if entry.name in dict(NAMED_STARS):
        low, number = 170.0, 3
    elif doubled and entry.kind == "giant":
        low = 75.0
    elif entry.kind == "duplicate":
        high, number = 0.95 * first.snr, 1
    faint = entry.kind in ("missing", "metal_poor", "dwarf") and rng.random() < 0.12
    if entry.kind == "low_snr" or faint:
        low, high, number = 12.0, 48.5, 1
    return low, high, number


def _flags(
    rng: np.random.Generator, labels: dict[str, float], kind: str, artefact: str, snr: float
) -> dict[str, int]:
    """Catalogue flags; labels that an artefact or a failed fit spoils are changed in place."""
    star = aspcap = 0
    if artefact == "bad_label":
        labels["teff"] += float(rng.choice([-1, 1]) * rng.uniform(180, 350))
        labels["logg"] = float(np.clip(labels["logg"] + rng.choice([-0.6, 0.6]), 0.4, 3.9))
        labels["fe_h"] = float(
            np.clip(labels["fe_h"] + rng.choice([-1, 1]) * rng.uniform(0.15, 0.3), -0.95, 0.46)
        )
        labels["teff"] = float(np.clip(labels["teff"], 3600, 5650))
        if rng.random() < 0.5:
            aspcap |= 1 << ASPCAPFLAG["CHI2_WARN"] | 1 << ASPCAPFLAG["STAR_WARN"]
    elif artefact == "bad_spectrum" and rng.random() < 0.7:
        star |= 1 << STARFLAG["PERSIST_JUMP_POS"]
    elif artefact == "wrong_velocity" and rng.random() < 0.5:
        star |= 1 << STARFLAG["SUSPECT_RV_COMBINATION"]
    elif artefact == "binary":
        star |= 1 << STARFLAG["SUSPECT_BROAD_LINES"]
    if snr < 70:
        aspcap |= 1 << ASPCAPFLAG["SN_WARN"]
    if kind == "missing":
        everything = rng.random() < 0.6
        names = ("teff", "logg", "fe_h", "mg_fe", "si_fe", "m_h", "alpha_m")
        if not everything:
            names = (("mg_fe",), ("si_fe",), ("mg_fe", "si_fe"), ("logg", "si_fe"))[
                int(rng.integers(4))
            ]
        for name in names:
            labels[name] = MISSING
            if f"{name}_err" in labels:
                labels[f"{name}_err"] = MISSING
        bit = "NO_ASPCAP_RESULT" if everything else "STAR_BAD"
        aspcap |= 1 << ASPCAPFLAG[bit]
    return {"starflag": star, "aspcapflag": aspcap}
