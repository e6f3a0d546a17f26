"""The LAMOST-like surveys: their stars observed, stacked and listed.

Three sets: the K2 fields, the Kepler field (other plates, a brighter sky) and a small set whose
truth is public.  A stack has the layout of ``dr10_afg_2330.npz``: int16 flux, float16 error and
packed flags.  Every star has a random generator of its own, so the number of processes is free.
"""

from __future__ import annotations

import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from skysim.spectra import features, optical
from skysim.spectra.residual import pixels_in_use, residual_widths
from skysim.stars import field
from skysim.stars.activity import STEFAN_BOLTZMANN
from skysim.stars.field import OpticalStars, Plate
from skysim.stars.labels import Labels
from skysim.survey import lamost
from skysim.survey.lamost import Exposure, wavelength_grid

#: Stars that one job observes.
CHUNK = 40
#: Share of K2 stars whose light curve has been analysed.
PHOTOMETRY = 0.6


@dataclass(frozen=True)
class SurveySet:
    """One LAMOST-like survey: its name, plates and number of stars.

    Attributes
    ----------
    name : str
        Of its product, and in the catalogue's column `survey`.
    number : int
        Keeps its random numbers apart from the others'.
    plates : tuple of Plate
    stars : int
    release : str
        dr10 (binary table) or dr6 (image): the layout of its files.
    open_truth : bool
        Whether the product tells the truth.
    """

    name: str
    number: int
    plates: tuple[Plate, ...]
    stars: int
    release: str
    open_truth: bool = False


SETS = (
    SurveySet("lamost_k2", 1, field.K2_PLATES, 12000, "dr10"),
    SurveySet("lamost_kepler", 2, field.KEPLER_PLATES, 1200, "dr6"),
    SurveySet("lamost_mock", 3, field.MOCK_PLATES, 800, "dr10", True),
)

#: Makes flux and continuum of a star on `optical.wavelength_grid`, erg s-1 cm-2 A-1.
Source = Callable[[Labels], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Job:
    """A batch of stars of one set, observed by one process."""

    survey: SurveySet
    seed: int
    first: int
    stars: OpticalStars
    exposures: tuple[Exposure, ...]


def plan(survey: SurveySet, seed: int, limit: int | None = None) -> tuple[OpticalStars, list[Job]]:
    """Draw the stars of a set and divide them into jobs.

    Parameters
    ----------
    survey : SurveySet
    seed : int
    limit : int, optional
        Draw no more stars than this.

    Returns
    -------
    OpticalStars, list of Job
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 21, survey.number]))
    stars = field.draw(rng, survey.plates, min(survey.stars, limit or survey.stars))
    exposures = tuple(Exposure.of(plate, rng) for plate in survey.plates)
    starts = range(0, len(stars), CHUNK)
    picked = [stars.pick(slice(start, start + CHUNK)) for start in starts]
    jobs = [
        Job(survey, seed, start, some, exposures)
        for start, some in zip(starts, picked, strict=True)
    ]
    return stars, jobs


def observe(job: Job, source: Source) -> dict[str, np.ndarray]:
    """Observe the stars of a job.

    Parameters
    ----------
    job : Job
    source : function
        Makes a star's spectrum, without rotation.

    Returns
    -------
    dict
        Stack and truth arrays, one row per star; of cosmic rays one row each.  With open truth
        also ``inactive``, the star itself without its chromosphere: as the instrument resolves it,
        without noise, dust and errors of calibration, erg s-1 cm-2 A-1 at the surface.
    """
    rows, cosmics = [], []
    for i in range(len(job.stars)):
        index = job.first + i
        entropy = [job.seed, 22, job.survey.number, index]
        rng = np.random.default_rng(np.random.SeedSequence(entropy))
        row, hits = _observe_star(rng, job, i, source)
        rows.append(row)
        cosmics.append(np.column_stack([np.full(len(hits), index), hits]))
    made = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return made | {"cosmic": np.concatenate(cosmics)}


def _observe_star(
    rng: np.random.Generator, job: Job, i: int, source: Source
) -> tuple[dict[str, object], np.ndarray]:
    """Stack row and truth of one star, and its cosmic rays (k, 3): pixel, height, flagged."""
    stars = job.stars
    wave = optical.wavelength_grid()
    photosphere, continuum = source(stars.labels(i))
    vsini, velocity = float(stars.vsini[i]), float(stars.velocity[i])
    # Slower rotation is below a tenth of the instrument's width.
    calm = optical.rotate(photosphere, vsini) if vsini > 8.0 else photosphere
    luminosity = STEFAN_BOLTZMANN * stars.teff[i] ** 4
    lines = {
        features.HALPHA_VACUUM: stars.r_halpha[i] * luminosity,
        features.HBETA_VACUUM: stars.r_hbeta[i] * luminosity,
        **dict(zip(features.TRIPLET_VACUUM, stars.r_calcium[i] * luminosity, strict=True)),
    }
    active = features.add_emission(wave, calm, lines, vsini, float(stars.wings[i]))
    full = features.absorb_lithium(wave, active, float(stars.ew_li[i]), vsini)
    moved = lamost.shift(wave, np.column_stack([calm, active, full]), velocity)
    if stars.nebula[i, 0] > 0:
        emission = features.nebular(*(float(v) for v in stars.nebula[i]))
        nebula = float(stars.nebula_velocity[i])
        moved[:, 2] = features.add_nebula(wave, moved[:, 2], emission, nebula)
    spectrograph = int(stars.spectrograph[i])
    grid = wavelength_grid()
    clean = lamost.smear(wave, moved[:, 2], spectrograph)
    exposure = job.exposures[stars.plate[i]]
    seen = lamost.observe(
        rng, clean, exposure, spectrograph,
        float(stars.magnitude[i]), float(stars.e_bv[i]), str(stars.artefact[i]),
    )  # fmt: skip
    near = pixels_in_use(grid)
    inactive, excited = lamost.smear(wave, moved[:, :2], spectrograph, near).T
    others = np.array([excited, clean[near]])
    widths, total = residual_widths(grid[near], inactive, others, velocity)
    level = np.interp(list(lines), wave, continuum)
    scale = max(float(np.abs(seen.flux).max()), 1e-6) / 32000.0
    error = np.where(seen.ivar > 0, 1.0 / np.sqrt(np.where(seen.ivar > 0, seen.ivar, 1.0)), np.inf)
    row = {
        "flux_i2": np.rint(seen.flux / scale).astype(np.int16),
        "flux_scale": scale,
        "err_f2": np.minimum(error / scale / 100.0, 6e4).astype(np.float16),
        "bad": np.packbits(seen.bad),
        **seen.snr(),
        "residual_ew": widths,
        "residual_ew_with_nebula": total,
        "excess_ew": np.array(list(lines.values())) / level,
        "line_flux": np.array(list(lines.values())),
        "calibration": seen.calibration,
        "sky_left": seen.sky_left,
    }
    row["err_f2"][seen.ivar == 0] = np.inf
    if job.survey.open_truth:
        row["inactive"] = lamost.smear(wave, moved[:, 0], spectrograph).astype(np.float32)
    hits = np.column_stack([seen.cosmic_pixel, seen.cosmic_height, seen.cosmic_flagged])
    return row, hits.astype(float)


def catalogue(
    survey: SurveySet,
    stars: OpticalStars,
    exposures: tuple[Exposure, ...],
    made: dict[str, np.ndarray],
    seed: int,
) -> dict[str, np.ndarray]:
    """Catalogue as reported by the pipeline, one entry per spectrum, with LAMOST's column names.

    Parameters
    ----------
    survey : SurveySet
    stars : OpticalStars
    exposures : tuple of Exposure
        One per plate.
    made : dict
        Arrays from `observe`, all stars.
    seed : int

    Returns
    -------
    dict of ndarray
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 23, survey.number]))
    n = len(stars)
    snr = np.maximum(np.hypot(made["snrg"], made["snrr"]), 5.0)
    errors = {
        "teff": np.hypot(30.0, 1500.0 / snr) * (stars.teff / 5500.0) ** 2,
        "logg": np.hypot(0.04, 2.5 / snr),
        "feh": np.hypot(0.03, 1.8 / snr),
        "rv": np.hypot(2.5, 120.0 / snr) * np.hypot(1.0, stars.vsini / 80.0),
    }
    truth = {"teff": stars.teff, "logg": stars.logg, "feh": stars.fe_h, "rv": stars.velocity}
    found = {name: truth[name] + rng.normal(0.0, errors[name]) for name in errors}
    wrong = stars.artefact == "wrong_teff"
    away = rng.choice([-1.0, 1.0], n) * rng.uniform(800.0, 2500.0, n)
    found["teff"] = np.clip(np.where(wrong, found["teff"] + away, found["teff"]), 2900, 8900)
    wrong = stars.artefact == "wrong_velocity"
    away = rng.choice([-1.0, 1.0], n) * rng.uniform(100.0, 350.0, n)
    found["rv"] = np.where(wrong, found["rv"] + away, found["rv"])
    plates = [survey.plates[k] for k in stars.plate]
    dates = [str(np.datetime64("1858-11-17") + p.mjd) for p in plates]
    number = 100 * survey.number + stars.plate
    rounded = {
        "teff": 2, "logg": 3, "feh": 3, "rv": 2,
        "teff_err": 2, "logg_err": 3, "feh_err": 3, "rv_err": 2,
    }  # fmt: skip
    pipeline = found | {f"{name}_err": error for name, error in errors.items()}
    files = [
        f"spec-{p.mjd}-{p.name}_sp{s:02d}-{f:03d}.fits.gz"
        for p, s, f in zip(plates, stars.spectrograph, stars.fiber, strict=True)
    ]
    folders = [f"lamost/{survey.release}/{d.replace('-', '')}" for d in dates]
    barycentric = np.array([exposure.barycentric for exposure in exposures])
    places = zip(stars.ra, stars.dec, strict=True)
    return {
        "obsid": number * 100000 + stars.spectrograph * 1000 + stars.fiber,
        "survey": np.full(n, survey.name),
        "designation": np.array([_designation(*place) for place in places]),
        "obsdate": np.array(dates),
        "lmjd": np.array([p.mjd for p in plates]),
        "planid": np.array([p.name for p in plates]),
        "spid": stars.spectrograph,
        "fiberid": stars.fiber,
        "ra": stars.ra,
        "dec": stars.dec,
        "mag_r": np.round(stars.magnitude + rng.normal(0, 0.02, n), 2),
        "helio_rv": barycentric[stars.plate],
        **{name: np.round(made[name], 2) for name in lamost.SNR_BANDS},
        "class": np.full(n, "STAR"),
        "subclass": np.array([spectral_type(t) for t in found["teff"]]),
        "z": np.round(found["rv"] / features.LIGHT_KM_S, 8),
        "z_err": np.round(errors["rv"] / features.LIGHT_KM_S, 8),
        **{name: np.round(pipeline[name], digits) for name, digits in rounded.items()},
        "path": np.array(
            [f"{a}/{p.name}/{b}" for a, p, b in zip(folders, plates, files, strict=True)]
        ),
    }


def _designation(ra: float, dec: float) -> str:
    """LAMOST's name of a position, truncated to 0.01 s and 0.1 arcsec."""
    time, arc = int(ra / 15.0 * 360000.0), int(abs(dec) * 36000.0)
    hms = f"{time // 360000:02d}{time // 6000 % 60:02d}{time // 100 % 60:02d}.{time % 100:02d}"
    dms = f"{arc // 36000:02d}{arc // 600 % 60:02d}{arc // 10 % 60:02d}.{arc % 10}"
    return f"J{hms}{'-' if dec < 0 else '+'}{dms}"


def spectral_type(teff: float) -> str:
    """MK subclass by effective temperature (dwarfs; Pecaut & Mamajek 2013, rounded)."""
    starts = {"A": 9700.0, "F": 7220.0, "G": 5930.0, "K": 5280.0, "M": 3850.0, "end": 2900.0}
    for letter, after in pairwise(starts):
        if teff > starts[after]:
            share = (starts[letter] - teff) / (starts[letter] - starts[after])
            steps = 6 if letter == "M" else 10
            return f"{letter}{min(max(int(share * steps), 0), steps - 1)}"
    return "M6"


def rotation_table(
    stars: OpticalStars, obsid: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Rotation periods and amplitudes of K2 light curves in the form of Armstrong et al. (2016).

    Stars whose spots vary too little are missing or have a period that is not the star's; some
    vary for other reasons, which the class says with some confusion.

    Parameters
    ----------
    stars : OpticalStars
    obsid : ndarray
    rng : Generator

    Returns
    -------
    dict of ndarray
        epic, obsid, period (days), amplitude (relative, peak to peak), class (`Rot`, `EB`, `OTHER`,
        `Noise`).
    """
    n = len(stars)
    noise = 4e-4 * 10.0 ** (0.2 * (stars.magnitude - 12.0))
    seen = stars.amplitude > 3.0 * noise
    # A campaign lasts 80 days: longer periods are cut short or doubled back.
    usable = seen & (stars.period < 40.0)
    period = stars.period * (1.0 + rng.normal(0.0, 0.02, n))
    period = np.where(rng.random(n) < 0.07, 0.5 * period, period)
    period = np.where(usable, period, rng.uniform(5.0, 35.0, n))
    amplitude = np.hypot(stars.amplitude, noise) * 10.0 ** rng.normal(0.0, 0.05, n)
    kind = np.where(usable, "Rot", np.where(rng.random(n) < 0.7, "Noise", "OTHER"))
    eclipses = rng.random(n) < 0.01
    amplitude = np.where(eclipses, rng.uniform(0.01, 0.4, n), amplitude)
    period = np.where(eclipses, 10.0 ** rng.normal(0.4, 0.4, n), period)
    kind = np.where(eclipses, "EB", kind)
    pulses = (stars.teff > 6700.0) & (rng.random(n) < 0.2)
    period = np.where(pulses, 10.0 ** rng.normal(-0.6, 0.4, n), period)
    kind = np.where(pulses, "OTHER", kind)
    mixed = rng.random(n) < 0.02
    kind = np.where(mixed, rng.permutation(kind), kind)
    here = rng.random(n) < PHOTOMETRY
    epic = 201000000 + np.sort(rng.choice(50_000_000, n, replace=False))
    table = {
        "epic": epic,
        "obsid": obsid,
        "period": np.round(period, 4),
        "amplitude": np.round(amplitude, 6),
        "class": kind,
    }
    return {name: column[here] for name, column in table.items()}


def truth(stars: OpticalStars, made: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """True values of everything simulated, one entry per spectrum (cosmic rays: one per hit).

    Widths and fluxes are in A and erg s-1 cm-2.  ``residual_ew`` (n, 4) is the chromospheric
    excess of H alpha (20 A) and the Ca II triplet (10 A) as `residual` measures it,
    ``residual_ew_with_nebula`` the same with nebula and lithium; ``excess_ew`` and ``line_flux``
    (n, 5: H alpha, H beta, Ca II) refer to the true continuum.
    """
    names = (
        "teff", "logg", "fe_h", "alpha_fe", "mass", "radius", "age", "period",
        "vsini", "rossby", "amplitude", "r_halpha", "r_hbeta", "r_calcium", "wings", "a_li",
        "ew_li", "nebula", "nebula_velocity", "velocity", "e_bv", "magnitude", "artefact", "member",
    )  # fmt: skip
    measured = (
        "residual_ew", "residual_ew_with_nebula", "excess_ew", "line_flux", "calibration",
        "sky_left", "cosmic",
    )  # fmt: skip
    return {f"true_{name}": getattr(stars, name) for name in names} | {n: made[n] for n in measured}


def build(
    folder: Path,
    seed: int,
    run: Callable[[Sequence[Job], str], Iterator[dict[str, np.ndarray]]],
    limit: int | None = None,
) -> dict[str, int]:
    """Make all sets: stacks in ``products/``, tables in ``catalogue.sqlite``, and the truth.

    Parameters
    ----------
    folder : Path
        The survey's, with ``products/`` and ``truth/`` in it.
    seed : int
    run : function
        Yields `observe` of each job, in order, in as many processes as it likes; its second
        argument names the work.
    limit : int, optional
        At most so many stars in each set.

    Returns
    -------
    dict
        Number of spectra by set.
    """
    tables, truths, rotation, counts = [], {}, None, {}
    for survey in SETS:
        stars, jobs = plan(survey, seed, limit)
        made = _assemble(folder, len(stars), run(jobs, survey.name))
        table = catalogue(survey, stars, jobs[0].exposures, made, seed)
        planted = truth(stars, made)
        if survey.name == "lamost_k2":
            rng = np.random.default_rng(np.random.SeedSequence([seed, 24]))
            rotation = rotation_table(stars, table["obsid"], rng)
        shown = planted | {"inactive": made["inactive"]} if survey.open_truth else {}
        _write_stack(folder, survey, made["flux_scale"], table, shown)
        truths |= {f"{survey.name}.{name}": values for name, values in planted.items()}
        truths[f"{survey.name}.obsid"] = table["obsid"]
        tables.append(table)
        counts[survey.name] = len(stars)
    whole = {name: np.concatenate([t[name] for t in tables]) for name in tables[0]}
    with sqlite3.connect(folder / "catalogue.sqlite") as connection:
        write_table(connection, "lamost", whole, "obsid", "path", "survey")
        write_table(connection, "k2_rotation", rotation, "obsid")
    connection.close()
    np.savez_compressed(folder / "truth" / "lamost.npz", **truths)
    return counts


STACK = ("flux_i2", "err_f2", "bad")


def _assemble(
    folder: Path, n: int, parts: Iterator[dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Concatenate the parts; large arrays are written to ``<name>.npy`` on disk as they come."""
    files: dict[str, np.ndarray] = {}
    small: dict[str, list[np.ndarray]] = {}
    start = 0
    for part in parts:
        stop = start + len(part["flux_scale"])
        for name, values in part.items():
            if name not in STACK:
                small.setdefault(name, []).append(values)
                continue
            if name not in files:
                shape = (n, values.shape[1])
                path = folder / f"{name}.npy"
                files[name] = np.lib.format.open_memmap(path, "w+", values.dtype, shape)
            files[name][start:stop] = values
        start = stop
    for array in files.values():
        array.flush()
    return {name: np.concatenate(values) for name, values in small.items()}


def _write_stack(
    folder: Path,
    survey: SurveySet,
    scale: np.ndarray,
    table: dict[str, np.ndarray],
    planted: dict[str, np.ndarray],
) -> None:
    """Write the product, not compressed: single rows are read from it to serve files."""
    with zipfile.ZipFile(folder / "products" / f"{survey.name}.npz", "w") as archive:
        for name in STACK:
            path = folder / f"{name}.npy"
            archive.write(path, f"{name}.npy")
            path.unlink()
        columns = {"wavelength": wavelength_grid(), "flux_scale": scale, **table, **planted}
        for name, values in columns.items():
            with archive.open(f"{name}.npy", "w") as handle:
                np.lib.format.write_array(handle, np.ascontiguousarray(values), allow_pickle=False)


def write_table(
    connection: sqlite3.Connection, name: str, columns: dict[str, np.ndarray], *keys: str
) -> None:
    """Write one SQL table with an index on each key.

    Parameters
    ----------
    connection : sqlite3.Connection
    name : str
    columns : dict of ndarray
    *keys : str
    """
    kinds = {"U": "TEXT", "i": "INTEGER", "f": "REAL"}
    heads = ", ".join(f'"{c}" {kinds[v.dtype.kind]}' for c, v in columns.items())
    connection.execute(f"CREATE TABLE {name} ({heads})")
    slots = ", ".join("?" * len(columns))
    rows = zip(*(v.tolist() for v in columns.values()), strict=True)
    connection.executemany(f"INSERT INTO {name} VALUES ({slots})", rows)
    for key in keys:
        connection.execute(f"CREATE INDEX {name}_{key} ON {name} ({key})")
