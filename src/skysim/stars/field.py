"""The stars of the optical surveys: a Galactic field and two young clusters, plate by plate.

Stars come from isochrones (`evolution`), with rotation and activity (`activity`) and lithium.  The
targeting is ours: enough stars in every 500 K from 3000 to 8500 K, as wide as the sample of Xiang
et al.  A few observations are spoilt, in the ways that lab 7 looks for.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from skysim.stars import activity, evolution, lithium
from skysim.stars.labels import Labels

#: Share of the stars wanted in each 500 K from 3000 to 8500 K, giants (log g < 3.5) apart.
TEFF_EDGES = np.arange(3000.0, 8501.0, 500.0)
DWARFS = (0.050, 0.075, 0.090, 0.110, 0.130, 0.140, 0.100, 0.055, 0.035, 0.025, 0.020)
GIANTS = (0.000, 0.000, 0.060, 0.080, 0.020, 0.005, 0.000, 0.000, 0.000, 0.000, 0.000)
#: Samples of the Galaxy that the survey's stars are picked from: power of the luminosity by which
#: they count, lowest mass, and size relative to the survey; drawn in batches to bound the memory.
POOLS = ((1.5, 0.60, 0.4), (0.8, 0.55, 0.8), (0.3, 0.60, 0.6), (0.0, 0.15, 1.0))
BATCH = 2000
#: Ways in which an observation is spoilt, and how often.
ARTEFACTS = {
    "arm_mismatch": 0.0025,
    "ripple": 0.002,
    "gap": 0.002,
    "scattered_light": 0.002,
    "bad_sky": 0.003,
    "wrong_teff": 0.003,
    "wrong_velocity": 0.002,
}
#: Share of close binaries whose rotation tides keep fast.
BINARIES = 0.02
#: Radius of the Sun squared times its gravity over its mass: R^2 = M / 10^(log g - 4.438).
_SOLAR_GRAVITY = 4.438


@dataclass(frozen=True)
class Plate:
    """One pointing of the telescope.

    Attributes
    ----------
    ra, dec : float
        Centre, deg.
    mjd : int
        Local modified Julian date.
    magnitudes : (low, high)
        Range of r that 90 per cent of the stars are in.
    dust : float
        Typical E(B-V), mag.
    nebula : float
        Share of fibres that see nebular emission.
    cluster : (log age, share) or None
        Members of a young cluster among the stars.
    sky : float
        Brightness of the night, 1 when dark.
    quality : float
        How badly sky and flux calibration went, 1 when normal.
    """

    ra: float
    dec: float
    mjd: int
    magnitudes: tuple[float, float]
    dust: float
    nebula: float
    cluster: tuple[float, float] | None = None
    sky: float = 1.0
    quality: float = 1.0

    @property
    def name(self) -> str:
        """LAMOST's plan identifier, made from the position."""
        hours, degrees = self.ra / 15.0, abs(self.dec)
        sign = "S" if self.dec < 0 else "N"
        return f"KP{_sexagesimal(hours)}{sign}{_sexagesimal(degrees)}V01"


def _sexagesimal(value: float) -> str:
    seconds = round(value * 3600.0)
    return f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"


#: Fields of Kepler's second mission that LAMOST has seen (Wang et al. 2020, ApJS 251, 27).
K2_PLATES = (
    Plate(59.1, 18.7, 57296, (10.5, 13.5), 0.10, 0.02, (8.10, 0.22)),
    Plate(60.5, 22.1, 57308, (12.5, 15.5), 0.14, 0.03, (8.10, 0.22)),
    Plate(66.8, 16.9, 57330, (11.0, 14.5), 0.12, 0.02, (8.81, 0.15)),
    Plate(130.1, 19.7, 57404, (11.5, 15.0), 0.03, 0.00, (8.81, 0.20)),
    Plate(131.5, 17.2, 57426, (12.5, 15.5), 0.03, 0.00, (8.81, 0.10), 1.6),
    Plate(98.3, 21.6, 57040, (11.0, 14.0), 0.25, 0.06),
    Plate(95.7, 23.4, 57078, (12.5, 15.5), 0.30, 0.08, None, 1.0, 1.4),
    Plate(173.9, 1.4, 57122, (10.5, 14.0), 0.02, 0.00),
    Plate(16.3, 5.2, 57336, (11.5, 15.0), 0.03, 0.00),
    Plate(205.3, -6.3, 57495, (11.5, 15.0), 0.03, 0.00, None, 2.0),
    Plate(336.7, -8.9, 57280, (12.0, 15.5), 0.05, 0.00),
    Plate(133.7, 14.9, 58090, (13.0, 16.5), 0.04, 0.00, None, 1.2),
)
#: The Kepler field, seen in other years, under a brighter sky.
KEPLER_PLATES = (
    Plate(291.0, 44.5, 56084, (10.5, 14.0), 0.10, 0.01, None, 2.5, 1.5),
    Plate(295.5, 40.2, 56094, (12.0, 15.0), 0.12, 0.01, None, 3.0, 1.5),
)
#: A field apart from all others, for the sample whose truth is public.
MOCK_PLATES = (Plate(72.8, 20.8, 57829, (11.0, 15.0), 0.12, 0.03, (8.10, 0.15)),)


@dataclass(frozen=True)
class OpticalStars:
    """True properties and observing conditions of n stars; arrays (n,) unless said otherwise.

    Attributes
    ----------
    teff, logg, fe_h, alpha_fe : ndarray
        True labels.
    mass, radius, age : ndarray
        Solar units, Gyr.
    period, vsini, rossby, amplitude : ndarray
        Days, km/s, -, relative flux (`activity.Activity`).
    r_halpha, r_hbeta : ndarray
        Excess luminosity of the line over the bolometric one.
    r_calcium : ndarray, shape (n, 3)
        The same for the Ca II triplet.
    wings : ndarray
        Share of the emission in broad wings.
    a_li, ew_li : ndarray
        A(Li) and the line's equivalent width, A.
    nebula : ndarray, shape (n, 4)
        Equivalent width (A) of nebular H alpha (0 for none), [N II]/H alpha, [S II]/H alpha, and
        the ratio of the [S II] lines.
    nebula_velocity : ndarray
        Barycentric, km/s.
    velocity : ndarray
        Barycentric radial velocity, km/s.
    e_bv : ndarray
        E(B-V), mag.
    magnitude : ndarray
        r, mag.
    ra, dec : ndarray
        deg, J2000.
    plate, spectrograph, fiber : ndarray of int
        Index of the plate; 1-16; 1-250.
    artefact : ndarray of str
        "none" or a key of `ARTEFACTS`.
    member : ndarray of bool
        Whether the star belongs to the plate's cluster.
    """

    teff: np.ndarray
    logg: np.ndarray
    fe_h: np.ndarray
    alpha_fe: np.ndarray
    mass: np.ndarray
    radius: np.ndarray
    age: np.ndarray
    period: np.ndarray
    vsini: np.ndarray
    rossby: np.ndarray
    amplitude: np.ndarray
    r_halpha: np.ndarray
    r_hbeta: np.ndarray
    r_calcium: np.ndarray
    wings: np.ndarray
    a_li: np.ndarray
    ew_li: np.ndarray
    nebula: np.ndarray
    nebula_velocity: np.ndarray
    velocity: np.ndarray
    e_bv: np.ndarray
    magnitude: np.ndarray
    ra: np.ndarray
    dec: np.ndarray
    plate: np.ndarray
    spectrograph: np.ndarray
    fiber: np.ndarray
    artefact: np.ndarray
    member: np.ndarray

    def __len__(self) -> int:
        return self.teff.size

    def pick(self, which: np.ndarray | slice) -> OpticalStars:
        """Return the stars that an index or mask selects."""
        return OpticalStars(*(getattr(self, f.name)[which] for f in fields(self)))

    def labels(self, i: int) -> Labels:
        """Labels of star `i` for the synthesis; its rotation is applied to the spectrum later."""
        alpha = self.alpha_fe
        values = (self.teff, self.logg, self.fe_h, alpha, alpha, alpha)
        return Labels(*(float(v[i]) for v in values))


def draw(rng: np.random.Generator, plates: tuple[Plate, ...], n: int) -> OpticalStars:
    """Draw the stars of a set of plates.

    Parameters
    ----------
    rng : Generator
    plates : tuple of Plate
    n : int
        How many stars, in equal shares per plate.

    Returns
    -------
    OpticalStars
        Ordered by plate.
    """
    per_plate = np.diff(np.linspace(0, n, len(plates) + 1).astype(int))
    plate = np.repeat(np.arange(len(plates)), per_plate)
    clusters = [p.cluster for p in plates]
    member = np.zeros(n, bool)
    for index, cluster in enumerate(clusters):
        if cluster is not None:
            member |= (plate == index) & (rng.random(n) < cluster[1])
    stars = _field_and_members(rng, plate, member, clusters)
    teff, logg, mass = stars.teff, stars.logg, stars.initial_mass
    age = 10.0 ** (stars.log_age - 9.0)
    radius = np.sqrt(mass * 10.0 ** (_SOLAR_GRAVITY - logg))
    alpha = alpha_abundance(rng, stars.fe_h, age)
    binary = rng.random(n) < BINARIES
    active = activity.activity(rng, mass, age, teff, radius, binary)
    a_li = lithium.abundance(rng, teff, age, logg, active.rossby)
    velocity = np.where(member, rng.normal(6.0, 1.0, n), rng.normal(5.0, 25.0 + 4.0 * age))
    # Magnitudes of targets between the limits of their plate.
    low, high = np.array([p.magnitudes for p in plates])[plate].T
    magnitude = low + (high - low) * rng.beta(1.6, 1.2, n)
    place = np.array([(p.ra, p.dec, p.dust) for p in plates])[plate]
    r, phi = 2.4 * np.sqrt(rng.random(n)), 2.0 * np.pi * rng.random(n)
    dec = place[:, 1] + r * np.sin(phi)
    ra = (place[:, 0] + r * np.cos(phi) / np.cos(np.radians(dec))) % 360.0
    near = np.where(logg < 3.5, 1.4, np.where(teff < 4200, 0.15, 0.7))
    slot = np.concatenate([rng.permutation(4000)[:count] for count in per_plate])
    return OpticalStars(
        teff, logg, stars.fe_h, alpha, mass, radius, age,
        active.period, active.vsini, active.rossby, active.amplitude,
        active.halpha, active.hbeta, active.calcium,
        np.where(rng.random(n) < 0.3, rng.uniform(0.0, 0.35, n), 0.0),
        a_li, lithium.equivalent_width(a_li, teff),
        _nebulae(rng, np.array([p.nebula for p in plates])[plate]),
        rng.normal(8.0, 8.0, n), velocity,
        place[:, 2] * near * 10.0 ** rng.normal(0.0, 0.15, n),
        magnitude, np.round(ra, 6), np.round(dec, 6),
        plate, slot // 250 + 1, slot % 250 + 1,
        rng.choice(
            ["none", *ARTEFACTS], n, p=[1.0 - sum(ARTEFACTS.values()), *ARTEFACTS.values()]
        ),
        member,
    )  # fmt: skip


def _field_and_members(
    rng: np.random.Generator,
    plate: np.ndarray,
    member: np.ndarray,
    clusters: list[tuple[float, float] | None],
) -> evolution.Stars:
    """Draw one star per position: cluster members at the age of their cluster, and field stars."""
    n = plate.size
    columns = {name: np.zeros(n) for name in evolution.Stars._fields}
    for index, cluster in enumerate(clusters):
        here = np.flatnonzero(member & (plate == index))
        if cluster is None or here.size == 0:
            continue
        fe_h = rng.normal(0.05, 0.03, 6 * here.size)
        pool = evolution.draw(rng, np.full(fe_h.size, cluster[0]), fe_h, 0.5, 0.15)
        _fill(columns, here, _chosen(rng, pool, here.size, DWARFS, np.zeros(len(DWARFS))))
    here = np.flatnonzero(~member)
    parts = [
        _galaxy(rng, min(BATCH, 40 + int(share * here.size) - start), power, lowest)
        for power, lowest, share in POOLS
        for start in range(0, 40 + int(share * here.size), BATCH)
    ]
    pool = evolution.Stars(*(np.concatenate(c) for c in zip(*parts, strict=True)))
    _fill(columns, here, _chosen(rng, pool, here.size, DWARFS, GIANTS))
    return evolution.Stars(*columns.values())


def _galaxy(
    rng: np.random.Generator, n: int, brightness_power: float, lowest_mass: float
) -> evolution.Stars:
    """Stars of the disc and a few of the halo; the metallicities of `evolution.population`."""
    # More young stars than the Galaxy has, for the sake of the active ones.
    age = np.where(rng.random(n) < 0.12, rng.uniform(0.1, 1.0, n), rng.uniform(0.1, 13.0, n))
    poor = rng.random(n) < 0.03
    age = np.where(poor, rng.uniform(10.0, 13.0, n), age)
    fe_h = np.where(poor, rng.normal(-1.2, 0.4, n), rng.normal(-0.03 * age, 0.12 + 0.01 * age, n))
    fe_h = np.clip(fe_h, *evolution.METALLICITIES)
    return evolution.draw(rng, 9.0 + np.log10(age), fe_h, brightness_power, lowest_mass)


def _targets(stars: evolution.Stars) -> np.ndarray:
    """Whether the survey observes a star: no M giants, no cool halo stars, no dwarfs beyond M6."""
    cool = stars.teff < 5000.0
    high = np.where(stars.teff < 4150.0, stars.logg > 4.25, stars.logg > 0.9)
    return high & (stars.logg < 5.15) & (~cool | (stars.fe_h > -0.98))


def _fill(columns: dict[str, np.ndarray], here: np.ndarray, stars: evolution.Stars) -> None:
    for name, values in zip(evolution.Stars._fields, stars, strict=True):
        columns[name][here] = values


def _chosen(
    rng: np.random.Generator,
    pool: evolution.Stars,
    n: int,
    dwarfs: tuple[float, ...],
    giants: tuple[float, ...] | np.ndarray,
) -> evolution.Stars:
    """Pick `n` stars of a pool with the wanted distribution of temperature, in random order."""
    wanted = np.concatenate([dwarfs, giants])
    box = np.digitize(pool.teff, TEFF_EDGES) - 1
    inside = (box >= 0) & (box < len(dwarfs)) & _targets(pool)
    box = np.where(inside, box + len(dwarfs) * (pool.logg < 3.5), -1)
    have = np.bincount(box[inside], minlength=wanted.size)
    weight = np.where(inside, (wanted / np.maximum(have, 1))[box], 0.0)
    # Cap the weights: a star is picked once, so a sparse box is made up by the others.
    weight = np.minimum(weight, 2.0 / n)
    waiting = rng.exponential(1.0, weight.size) / np.maximum(weight, 1e-9)
    best = rng.permutation(np.argsort(np.where(weight > 0, waiting, np.inf))[:n])
    return evolution.Stars(*(column[best] for column in pool))


def alpha_abundance(rng: np.random.Generator, fe_h: np.ndarray, age: np.ndarray) -> np.ndarray:
    """[alpha/Fe] of field stars, enhanced in the old disc and in the halo.

    Magnesium and silicon follow: at R = 1800 their own scatter does not show.

    Parameters
    ----------
    rng : Generator
    fe_h, age : ndarray
        dex, Gyr.
    """
    old = 1.0 / (1.0 + np.exp(-(age - 9.0) / 1.0))
    track = np.where(fe_h < -1.0, 0.30, np.clip(-0.30 * fe_h, 0.0, 0.30))
    rich = np.maximum(track, np.clip(0.19 - 0.22 * (fe_h + 0.4), 0.06, 0.28))
    poor = 0.01 - 0.10 * np.clip(fe_h, -1.0, 0.2)
    return np.where(rng.random(fe_h.size) < old, rich, poor) + rng.normal(0, 0.02, fe_h.size)


def _nebulae(rng: np.random.Generator, share: np.ndarray) -> np.ndarray:
    """Nebular lines by star, (n, 4): see `OpticalStars.nebula`."""
    n = share.size
    ew = np.where(rng.random(n) < share, np.clip(10.0 ** rng.normal(0.3, 0.45, n), 0.3, 40.0), 0.0)
    return np.column_stack(
        [ew, rng.uniform(0.2, 0.5, n), rng.uniform(0.15, 0.45, n), rng.uniform(1.15, 1.42, n)]
    )
