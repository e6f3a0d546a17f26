"""The stars of the survey: who they are, and what the catalogue says about them.

Giants of four APOGEE fields are drawn from a simple Galactic model: two clusters and a disc with an
alpha-poor and an alpha-rich sequence, red giant branch and red clump.  The catalogue gives each
star's labels with small errors, then rows that a careful student must discard: missing labels, low
signal to noise, dwarfs, metal-poor stars, second observations of the same star.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from scipy.special import ndtr

from helpers.mock.synthesis import KM_S, Labels

MISSING = -9999.0
N_STARS = 1855
N_DUPLICATES = 31
N_MISSING, N_LOW_SNR, N_DWARFS, N_METAL_POOR = 80, 70, 280, 80
#: No catalogue value comes closer than this to a threshold of the sheet, in dex (1 K for Teff,
#: 1.5 for S/N), so that rounding never decides a cut.
MARGIN = 5e-3

#: Probability levels and values of log g, [Fe/H] of the giants: our reading of the distribution of
#: 9618 APOGEE DR12 stars (table kept with A. Ho's TheCannon) after the sheet's cuts.
LEVELS = (0.0, 0.01, 0.05, 0.16, 0.25, 0.5, 0.75, 0.84, 0.95, 0.99, 1.0)
LOGG_QUANTILES = (0.45, 1.10, 1.64, 2.21, 2.46, 2.66, 2.94, 3.10, 3.42, 3.79, 3.93)
FE_H_QUANTILES = (-0.98, -0.80, -0.59, -0.41, -0.33, -0.157, 0.0, 0.072, 0.186, 0.27, 0.42)
#: APOGEE DR12's zero point of [Si/Fe]: local giants of solar metallicity sit at +0.165, not 0.
SI_ZERO_POINT = 0.165

ARTEFACTS = ("none", "bad_label", "bad_spectrum", "wrong_velocity", "binary")

STARFLAG_BITS = {
    "PERSIST_HIGH": 9,
    "PERSIST_MED": 10,
    "PERSIST_LOW": 11,
    "PERSIST_JUMP_POS": 12,
    "SUSPECT_RV_COMBINATION": 16,
    "SUSPECT_BROAD_LINES": 17,
}
ASPCAPFLAG_BITS = {
    "TEFF_WARN": 0,
    "LOGG_WARN": 1,
    "STAR_WARN": 7,
    "CHI2_WARN": 8,
    "SN_WARN": 11,
    "STAR_BAD": 23,
    "SN_BAD": 27,
    "NO_ASPCAP_RESULT": 31,
}


@dataclass(frozen=True)
class SkyField:
    """One pointing: centre (deg, J2000), how many clean stars, extinction and kinematics."""

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
NAMED_STARS = (("2M21235315+1244123", 0), ("2M03533659+2512012", 2))


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
    """One catalogue row, that is one apStar file: truth, observation and quoted labels."""

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


def giant_temperature(logg, fe_h, log_age=9.7, clump=False):
    """Effective temperature (K) of a red giant.

    Our own fit to the red giant branches of the PARSEC isochrones (Bressan et al. 2012, MNRAS 427,
    127) for -0.9 <= [Fe/H] <= 0.42, 3 to 12.6 Gyr and log g 0.6 to 3.6: residual 16 K rms over
    2168 points.  Core helium burning stars are 191 - 138 [Fe/H] K hotter (residual 60 K).
    """
    x, a = logg - 2.5, log_age - 9.8
    branch = (
        4557.0 + 474.8 * x - 49.2 * x**2 - 7.0 * x**3 - 458.0 * fe_h + 33.4 * fe_h**2
        - 11.9 * fe_h * x - 178.2 * a - 88.1 * a * x
    )  # fmt: skip
    return branch + np.where(clump, 191.0 - 138.0 * fe_h, 0.0)


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


def _sun_longitude(jd: float) -> float:
    """Ecliptic longitude of the Sun in radians (Meeus 1998, chapter 25, low accuracy)."""
    days = jd - 2451545.0
    anomaly = np.radians(357.528 + 0.9856003 * days)
    mean = np.radians(280.460 + 0.9856474 * days)
    return mean + np.radians(1.915) * np.sin(anomaly) + np.radians(0.020) * np.sin(2 * anomaly)


def barycentric_correction(ra: float, dec: float, jd: float) -> float:
    """Velocity (km/s) to add to a measured Doppler shift to refer it to the barycentre.

    Circular orbit of the Earth at 29.79 km/s plus its rotation at Apache Point at meridian transit
    neglected: good to 0.6 km/s.
    """
    tilt = np.radians(23.439)
    alpha, delta = np.radians([ra, dec])
    x = np.cos(delta) * np.cos(alpha)
    y = np.cos(delta) * np.sin(alpha) * np.cos(tilt) + np.sin(delta) * np.sin(tilt)
    sun = _sun_longitude(jd)
    return float(29.79 * (np.sin(sun) * x - np.cos(sun) * y))


def _name(ra: float, dec: float) -> str:
    """2MASS designation of a position: 2M, hours to 0.01 s, degrees to 0.1 arcsec, truncated."""
    total = int(ra / 15.0 * 360000.0)
    arc = int(abs(dec) * 36000.0)
    hms = f"{total // 360000:02d}{total // 6000 % 60:02d}{total % 6000:04d}"
    dms = f"{arc // 36000:02d}{arc // 600 % 60:02d}{arc % 600:03d}"
    return f"2M{hms}{'-' if dec < 0 else '+'}{dms}"


def _position(name: str) -> tuple[float, float]:
    """Right ascension and declination (deg) from a 2MASS designation."""
    hours = int(name[2:4]) + int(name[4:6]) / 60 + (int(name[6:10]) + 0.5) / 360000
    degrees = int(name[11:13]) + int(name[13:15]) / 60 + (int(name[15:18]) + 0.5) / 36000
    return 15.0 * hours, degrees if name[10] == "+" else -degrees


def _positions(rng: np.random.Generator, place: SkyField, n: int, radius: float) -> np.ndarray:
    """Random positions (n, 2) in a disc of the given radius in degrees."""
    r, phi = radius * np.sqrt(rng.random(n)), 2 * np.pi * rng.random(n)
    dec = place.dec + r * np.sin(phi)
    return np.column_stack([place.ra + r * np.cos(phi) / np.cos(np.radians(dec)), dec])


def label_errors(snr: float, teff: float) -> dict[str, float]:
    """Random errors of the catalogue labels: a floor, growing at low S/N and in hot stars."""
    scale = float(np.hypot(1.0, 50.0 / max(snr, 10.0))) * (1.0 if teff < 5200 else 1.5)
    floors = {"teff": 12.0, "logg": 0.035, "fe_h": 0.008, "mg_fe": 0.012, "si_fe": 0.012}
    return {name: floor * scale for name, floor in floors.items()}


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
    # The branch fit ends at [Fe/H] = -0.9; below, each dex is worth 120 K (MIST, Choi et al. 2016).
    warm = giant_temperature(logg, -0.9, 10.05) + 120.0 * (-0.9 - fe_h)
    alpha = rng.normal(0.25, 0.04, n)
    return {
        "teff": warm + rng.normal(0, 30, n),
        "logg": logg,
        "fe_h": fe_h,
        "mg_fe": alpha + rng.normal(0, 0.06, n),
        "si_fe": SI_ZERO_POINT + 0.75 * alpha + rng.normal(0, 0.06, n),
        "alpha_fe": alpha,
    }


def passes_cuts(labels: dict[str, float], snr: float) -> bool:
    """Whether a catalogue row survives the sheet's cuts."""
    if min(labels[n] for n in ("teff", "logg", "fe_h", "mg_fe", "si_fe")) <= MISSING:
        return False
    good = labels["logg"] <= 4.0 and labels["teff"] <= 5700.0 and labels["fe_h"] >= -1.0
    return bool(good and snr >= 50.0)


def _measure(
    rng: np.random.Generator, truth: Labels, snr: float, want: bool | None
) -> dict[str, float]:
    """Catalogue labels: truth plus error, drawn again until clear of every threshold.

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
    """The nights of one row, with signal to noise that adds up to the row's."""
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
    """62 per cent of rows are one visit, the others two to six."""
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


def build_population(seed: int = 128) -> list[Row]:
    """Every row of the catalogue, in the order of the tables.

    Parameters
    ----------
    seed : int
        The survey's seed; the same seed gives the same rows.

    Returns
    -------
    list of Row
        1886 rows that survive the sheet's cuts (1855 stars and 31 second observations) and 510
        that do not.
    """
    return list(_rows(np.random.default_rng([seed, 1])))


def _plan(rng: np.random.Generator) -> Iterator[tuple[str, int, Labels, float | None]]:
    """(kind, field index, truth, velocity or None for a field star) of every star."""
    for place_index, place in enumerate(FIELDS):
        draw = _giants(rng, 3 * place.stars)
        members = NGC6791_MEMBERS if place.name == "N6791" else 0
        taken = 0
        for i in range(draw["teff"].size):
            labels = {n: float(a[i]) for n, a in draw.items()}
            velocity = None
            if taken < members:
                labels["fe_h"] = float(rng.normal(0.35, 0.02))
                labels["alpha_fe"] = float(rng.normal(0.02, 0.01))
                labels["mg_fe"] = labels["alpha_fe"] + float(rng.normal(0.03, 0.03))
                labels["si_fe"] = SI_ZERO_POINT + float(rng.normal(0.0, 0.03))
                clump = abs(labels["logg"] - 2.55) < 0.15
                labels["teff"] = float(
                    giant_temperature(labels["logg"], labels["fe_h"], 9.9, clump)
                )
                velocity = float(rng.normal(-47.4, 1.3))
            inside = 3550 < labels["teff"] < 5660 and labels["logg"] < 3.93
            if not inside or not -0.97 < labels["fe_h"] < 0.47:
                continue
            yield "giant", place_index, Labels(**labels), velocity
            taken += 1
            if taken == place.stars:
                break
        else:
            raise ValueError(f"field {place.name}: too few giants drawn, {taken} of {place.stars}")
    for kind, number in (("missing", N_MISSING), ("low_snr", N_LOW_SNR), ("dwarf", N_DWARFS)):
        draw = _dwarfs(rng, number) if kind == "dwarf" else _giants(rng, number)
        for i in range(number):
            labels = {n: float(a[i]) for n, a in draw.items()}
            yield kind, int(rng.choice(4, p=[0.16, 0.22, 0.35, 0.27])), Labels(**labels), None
    cluster = np.arange(N_METAL_POOR) < M15_MEMBERS
    fe_h = np.where(
        cluster,
        rng.normal(-2.33, 0.05, N_METAL_POOR),
        np.clip(-1.06 - rng.exponential(0.3, N_METAL_POOR), -2.4, None),
    )
    draw = _metal_poor(rng, N_METAL_POOR, fe_h)
    for i in range(N_METAL_POOR):
        labels = {n: float(a[i]) for n, a in draw.items()}
        velocity = float(rng.normal(-106.6, 7.0) if cluster[i] else rng.normal(-80, 120))
        place_index = 0 if cluster[i] else int(rng.choice(4))
        yield "metal_poor", place_index, Labels(**labels), velocity


def _rows(rng: np.random.Generator) -> Iterator[Row]:
    plan = list(_plan(rng))
    giants = [i for i, p in enumerate(plan) if p[0] == "giant"]
    named = {}
    for name, place_index in NAMED_STARS:
        # An ordinary giant of the field, well inside the label space, not a cluster member.
        candidates = [
            i
            for i in giants
            if plan[i][1] == place_index and plan[i][3] is None
            and 4350 < plan[i][2].teff < 5000 and -0.5 < plan[i][2].fe_h < 0.1
        ]  # fmt: skip
        named[candidates[0]] = name
    special = [i for i in giants if i not in named]
    chosen = rng.permutation(special)
    artefacts = dict.fromkeys(range(len(plan)), "none")
    for kind, block in zip(ARTEFACTS[1:], np.split(chosen[:26], [8, 16, 22]), strict=True):
        artefacts.update(dict.fromkeys(block.tolist(), kind))
    doubled = set(chosen[26 : 26 + N_DUPLICATES].tolist())

    used: set[str] = set()
    everything = []
    for i, (kind, place_index, truth, velocity) in enumerate(plan):
        place = FIELDS[place_index]
        name = named.get(i)
        while name is None or name in used:
            member = velocity is not None and (
                (kind == "giant") or (kind == "metal_poor" and truth.fe_h < -2.1)
            )
            position = _positions(rng, place, 1, 0.25 if member else 1.35)[0]
            if member and place_index == 0:
                position += (322.493 - place.ra, 12.167 - place.dec)
            name = _name(*position)
        used.add(name)
        if velocity is None:
            velocity = float(rng.normal(*place.velocity))
        everything.append((i, kind, place, truth, velocity, name, artefacts[i], "apo25m"))
        if i in doubled:
            everything.append((i, "duplicate", place, truth, velocity, name, "none", "apo1m"))

    ra, dec = np.array([_position(e[5]) for e in everything]).T
    galactic = SkyCoord(ra * u.deg, dec * u.deg).galactic
    first_snr: dict[str, float] = {}
    photometry: dict[str, tuple[float, float, float]] = {}
    for index, entry in enumerate(everything):
        i, kind, place, truth, velocity, name, artefact, telescope = entry
        number = _number_of_visits(rng)
        if kind in ("missing", "low_snr", "dwarf", "metal_poor"):
            number = 1 if rng.random() < 0.85 else 2
        low, high = 52.0, 1200.0
        if name in named.values():
            low, number = 170.0, 3
        elif i in doubled and kind == "giant":
            low = 75.0
        elif kind == "duplicate":
            high, number = 0.95 * first_snr[name], 1
        faint = kind in ("missing", "metal_poor", "dwarf") and rng.random() < 0.12
        if kind == "low_snr" or faint:
            low, high, number = 12.0, 48.5, 1
        h, snr = _brightness(rng, place, number, low, high)
        first_snr[name] = snr
        jh, hk = _colours(rng, truth.teff, place.extinction_k)
        if kind == "duplicate":  # the photometry is the star's, not the observation's
            h, jh, hk = photometry[name]
        want = kind in ("giant", "duplicate")
        labels = _measure(rng, truth, snr, want if kind not in ("missing", "low_snr") else None)
        flags = _flags(rng, labels, kind, artefact, snr)
        visits = _visits(rng, place, (ra[index], dec[index]), velocity, snr, number, artefact)
        row = Row(
            index, name, telescope, place.name, place.location_id,
            round(float(ra[index]), 6), round(float(dec[index]), 6),
            float(galactic.l.deg[index]), float(galactic.b.deg[index]),
            round(h + jh, 3), round(h, 3), round(h - hk, 3), place.extinction_k,
            truth, labels, visits, snr, artefact, kind, flags,
        )  # fmt: skip
        photometry[name] = (h, jh, hk)
        yield row


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
            aspcap |= 1 << ASPCAPFLAG_BITS["CHI2_WARN"] | 1 << ASPCAPFLAG_BITS["STAR_WARN"]
    elif artefact == "bad_spectrum" and rng.random() < 0.7:
        star |= 1 << STARFLAG_BITS["PERSIST_JUMP_POS"]
    elif artefact == "wrong_velocity" and rng.random() < 0.5:
        star |= 1 << STARFLAG_BITS["SUSPECT_RV_COMBINATION"]
    elif artefact == "binary":
        star |= 1 << STARFLAG_BITS["SUSPECT_BROAD_LINES"]
    if snr < 70:
        aspcap |= 1 << ASPCAPFLAG_BITS["SN_WARN"]
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
        aspcap |= 1 << ASPCAPFLAG_BITS[bit]
    return {"starflag": star, "aspcapflag": aspcap}


def doppler_pixels(velocity_km_s: float, step: float = 6e-6) -> float:
    """Shift on the log-wavelength grid, in pixels, of a velocity in km/s."""
    return float(np.log10(1.0 + velocity_km_s / KM_S) / step)
