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
from pathlib import Path

import numpy as np

from helpers.mock import features, lamost, optical_stars
from helpers.mock.activity import STEFAN_BOLTZMANN
from helpers.mock.lamost import Exposure, wavelength_grid
from helpers.mock.optical_stars import OpticalStars, Plate
from helpers.mock.residual import residual_widths
from helpers.mock.synthesis import Labels

LINE_NAMES = ("halpha", "ca8498", "ca8542", "ca8662")
#: Stars that one job observes.
CHUNK = 40
#: Share of K2 stars whose light curve has been analysed.
PHOTOMETRY = 0.6
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class SurveySet:
    """One survey.

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
    SurveySet("lamost_k2", 1, optical_stars.K2_PLATES, 12000, "dr10"),
    SurveySet("lamost_kepler", 2, optical_stars.KEPLER_PLATES, 1200, "dr6"),
    SurveySet("lamost_mock", 3, optical_stars.MOCK_PLATES, 800, "dr10", True),
)

#: Makes (wavelength, flux, continuum) of a star without rotation: A, erg s-1 cm-2 A-1.
Source = Callable[[Labels], tuple[np.ndarray, np.ndarray, np.ndarray]]
Rotation = Callable[[np.ndarray, float], np.ndarray]


@dataclass(frozen=True)
class Job:
    """Some stars of one set, for one process."""

    number: int
    seed: int
    first: int
    stars: OpticalStars
    exposures: tuple[Exposure, ...]


def plan(survey: SurveySet, seed: int, limit: int | None = None) -> tuple[OpticalStars, list[Job]]:
    """Draw the stars of a set and share them out.

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
    stars = optical_stars.draw(rng, survey.plates, min(survey.stars, limit or survey.stars))
    exposures = tuple(Exposure.of(plate, rng) for plate in survey.plates)
    starts = range(0, len(stars), CHUNK)
    picked = [stars.pick(slice(start, start + CHUNK)) for start in starts]
    jobs = [
        Job(survey.number, seed, start, some, exposures)
        for start, some in zip(starts, picked, strict=True)
    ]
    return stars, jobs


def observe(job: Job, source: Source, rotate: Rotation) -> dict[str, np.ndarray]:
    """Observe the stars of a job.

    Parameters
    ----------
    job : Job
    source : function
        Makes a star's spectrum.
    rotate : function
        Broadens a spectrum on the same grid by v sin i (km/s).

    Returns
    -------
    dict
        Stack and truth arrays, one row per star; of cosmic rays one row each.
    """
    rows, cosmics = [], []
    for i in range(len(job.stars)):
        index = job.first + i
        rng = np.random.default_rng(np.random.SeedSequence([job.seed, 22, job.number, index]))
        row, hits = _observe_star(rng, job, i, source, rotate)
        rows.append(row)
        cosmics.append(np.column_stack([np.full(len(hits), index), hits]))
    made = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return made | {"cosmic": np.concatenate(cosmics)}


def _observe_star(
    rng: np.random.Generator, job: Job, i: int, source: Source, rotate: Rotation
) -> tuple[dict[str, object], np.ndarray]:
    """Stack row and truth of one star, and its cosmic rays (k, 3): pixel, height, flagged."""
    stars = job.stars
    wave, photosphere, continuum = source(stars.labels(i))
    vsini, velocity = float(stars.vsini[i]), float(stars.velocity[i])
    calm = rotate(photosphere, vsini)
    luminosity = STEFAN_BOLTZMANN * stars.teff[i] ** 4
    lines = {
        features.HALPHA: stars.r_halpha[i] * luminosity,
        features.HBETA: stars.r_hbeta[i] * luminosity,
        **dict(zip(features.TRIPLET, stars.r_calcium[i] * luminosity, strict=True)),
    }
    active = features.add_emission(wave, calm, lines, vsini, float(stars.wings[i]))
    full = features.absorb_lithium(wave, active, float(stars.ew_li[i]), vsini)
    moved = [lamost.shift(wave, spectrum, velocity) for spectrum in (calm, active, full)]
    if stars.nebula[i, 0] > 0:
        emission = features.nebular(*(float(v) for v in stars.nebula[i]))
        moved[2] = features.add_nebula(wave, moved[2], emission, float(stars.nebula_velocity[i]))
    spectrograph = int(stars.spectrograph[i])
    clean = lamost.smear(wave, np.column_stack(moved), spectrograph)
    exposure = job.exposures[stars.plate[i]]
    seen = lamost.observe(
        rng, clean[:, 2], exposure, spectrograph,
        float(stars.magnitude[i]), float(stars.e_bv[i]), str(stars.artefact[i]),
    )  # fmt: skip
    grid = wavelength_grid()
    widths = residual_widths(grid, clean[:, 0], clean[:, 1], velocity)
    total = residual_widths(grid, clean[:, 0], clean[:, 2], velocity)
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
    hits = np.column_stack([seen.cosmic_pixel, seen.cosmic_height, seen.cosmic_flagged])
    return row, hits.astype(float)


def catalogue(
    survey: SurveySet, stars: OpticalStars, made: dict[str, np.ndarray], seed: int
) -> dict[str, np.ndarray]:
    """What the pipeline reports: one entry per spectrum, names of LAMOST's own catalogues.

    Parameters
    ----------
    survey : SurveySet
    stars : OpticalStars
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
    barycentric = np.array([job_exposure(survey, k, seed).barycentric for k in range(len(survey.plates))])
    return {
        "obsid": number * 100000 + stars.spectrograph * 1000 + stars.fiber,
        "survey": np.full(n, survey.name),
        "designation": np.array([_designation(*place) for place in zip(stars.ra, stars.dec)]),
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
        "file": np.array([f"{a}/{p.name}/{b}" for a, p, b in zip(folders, plates, files, strict=True)]),
    }
