"""The APOGEE spectrograph and its files: from a normalised spectrum to apStar and aspcapStar.

Every visit has its own Doppler shift, so whatever belongs to the Earth or to the detector (airglow,
telluric bands, bad columns, persistence, chip edges) lies at fixed *observed* wavelength and lands
on different rest-frame pixels in each visit.  Fractions of flagged pixels, error conventions and
header cards follow real DR13 files; column types follow DR17.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from skysim import SURVEY_VERSION
from skysim.spectra.h_band import (
    RESOLVING_POWER,
    Synthesizer,
    sample,
    wavelength_grid,
)
from skysim.stars.labels import Labels, microturbulence
from skysim.survey.apogee_rows import MISSING, Row, Visit
from skysim.survey.fitsfile import Card, image, primary, round_mantissa, table_row
from skysim.survey.sky_position import doppler_pixels
from surveys.catalogue import STARFLAG
from surveys.folders import fact_file
from surveys.formats.apogee_pixels import (
    CHIPS,
    LOG_WAVELENGTH_START,
    LOG_WAVELENGTH_STEP,
    N_PIXELS,
    PIXMASK,
)

#: Number of each mask bit, by its name.
BIT = {name: number for number, name in PIXMASK.items()}
#: Bits that make a pixel useless, and the one that makes it doubtful (the choice of the course).
BAD_BITS = sum(1 << b for b in range(8))
SKYLINE_BIT = 1 << BIT["SIG_SKYLINE"]
#: First and last apStar pixel that each detector's light falls on at zero velocity: blue, green,
#: red.
ILLUMINATED = ((206, 3301), (3544, 6108), (6300, 8359))
#: Pixels analysed by ASPCAP (those of DR12): first and one past last of each chip.
TRIMMED = tuple((chip.start, chip.stop) for chip in CHIPS.values())
EMPTY_ERROR = 1e10
#: Flux density of H = 0, 1e-17 erg/s/cm2/A (2MASS, Cohen et al. 2003, AJ 126, 1090).
H_ZERO = 1.133e7
#: Airglow continuum, same unit.
SKY_CONTINUUM = 16.0
#: An airglow line is significant when brighter than this, or than this share of the star.
SKYLINE_LIMIT, SKYLINE_SHARE = 300.0, 0.25
SIMULATED = f"SIMULATED by labkit {SURVEY_VERSION}: not an observation"


def trimmed_pixels() -> np.ndarray:
    """The 7214 apStar pixel numbers (from 0) that the labs analyse."""
    return np.concatenate([np.arange(*c) for c in TRIMMED])


@dataclass(frozen=True)
class NightSky:
    """Airglow and telluric templates in the observed frame, on the apStar grid.

    Attributes
    ----------
    airglow : (8575,) array
        OH lines, 1e-17 erg/s/cm2/A.
    absorption : dict of (8575,) arrays
        Optical depth of H2O, CO2 and CH4 at R = 22500.
    """

    airglow: np.ndarray
    absorption: dict[str, np.ndarray]


@lru_cache(maxsize=1)
def night_sky() -> NightSky:
    """Templates from ``data/airglow_h_band.csv`` and ``data/telluric_h_band.csv``."""
    grid = np.log(wavelength_grid())
    sigma = 1.0 / RESOLVING_POWER / 2.354820
    step = LOG_WAVELENGTH_STEP * np.log(10.0)

    def profiles(lines: list[tuple[float, float]]) -> np.ndarray:
        total = np.zeros(N_PIXELS)
        for wavelength, height in lines:
            middle = round((np.log(wavelength) - grid[0]) / step)
            near = slice(max(0, middle - 25), min(N_PIXELS, middle + 26))
            total[near] += height * np.exp(-0.5 * ((grid[near] - np.log(wavelength)) / sigma) ** 2)
        return total

    glow = [(float(r["wavelength_vac_A"]), float(r["peak"])) for r in _rows("airglow_h_band.csv")]
    telluric: dict[str, list[tuple[float, float]]] = {"H2O": [], "CO2": [], "CH4": []}
    for r in _rows("telluric_h_band.csv"):
        tau = -np.log(1.0 - float(r["depth"]))
        telluric[r["absorber"]].append((float(r["wavelength_vac_A"]), tau))
    return NightSky(profiles(glow), {k: profiles(v) for k, v in telluric.items()})


def _rows(name: str) -> list[dict[str, str]]:
    with fact_file(name).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(line for line in handle if not line.startswith("#")))


def shifted(template: np.ndarray, pixels: float) -> np.ndarray:
    """Resample a template of the observed frame at the rest-frame pixels of a visit.

    Rest pixel i was observed at pixel i + pixels; beyond the ends the template is zero.

    Parameters
    ----------
    template : (8575,) array
    pixels : float
        Positive where the star recedes from the telescope.

    Returns
    -------
    (8575,) array
    """
    grid = np.arange(N_PIXELS)
    return np.interp(grid + pixels, grid, template, left=0.0, right=0.0)


@dataclass
class ApStarArrays:
    """The arrays of an apStar file, one row per spectrum (coadds first), shape (rows, 8575)."""

    flux: np.ndarray
    error: np.ndarray
    mask: np.ndarray
    sky: np.ndarray
    sky_error: np.ndarray
    telluric: np.ndarray
    telluric_error: np.ndarray


def continuum(row: Row) -> np.ndarray:
    """True continuum of a star, 1e-17 erg/s/cm2/A: Planck, reddened, scaled to its H magnitude.

    Parameters
    ----------
    row : Row

    Returns
    -------
    (8575,) array
    """
    w = wavelength_grid()
    x = 1.438776877e8 / (w * row.truth.teff)
    shape = (w / 16000.0) ** -5 / np.expm1(x) * np.expm1(1.438776877e8 / (16000.0 * row.truth.teff))
    # Extinction A ~ wavelength^-1.61 (Rieke & Lebofsky 1985; Indebetouw et al. 2005).
    a_h = 1.55 * row.extinction_k
    dust = 10 ** (-0.4 * a_h * ((w / 16000.0) ** -1.61 - 1.0))
    return H_ZERO * 10 ** (-0.4 * row.h) * shape * dust


def _response(rng: np.random.Generator) -> np.ndarray:
    """Flux calibration error of a visit: a smooth curve on each chip, a step between chips."""
    response = np.ones(N_PIXELS)
    tilt = rng.normal(0, 0.03) * np.linspace(-1, 1, N_PIXELS)
    for first, last in ILLUMINATED:
        x = np.linspace(-1, 1, last - first + 81)
        curve = np.polynomial.legendre.legval(x, rng.normal(0, [0.015, 0.012, 0.010, 0.004]))
        response[first - 40 : last + 41] *= 1.0 + curve
    return response * (1.0 + tilt)


def _clusters(rng: np.random.Generator, n: int, longest: int) -> np.ndarray:
    """Pixels of n short runs placed at random over the chips."""
    starts = rng.integers(ILLUMINATED[0][0], ILLUMINATED[2][1], n)
    lengths = rng.integers(2, longest + 1, n)
    runs = [np.arange(s, s + k) for s, k in zip(starts, lengths, strict=True)]
    return np.concatenate(runs) if runs else np.empty(0, int)


def _detector(seed: int, fiber: int) -> tuple[np.ndarray, np.ndarray]:
    """Permanent mask bits and dead pixels of one fibre, in the observed frame.

    The same fibre gives the same answer in every file.  Where bits lie follows real files: bad
    columns in runs of a few pixels, the Littrow ghost near pixel 4400, and persistence over the
    whole blue chip for the first fibres and at the end of the green chip for all.
    """
    rng = np.random.default_rng([seed, 7, fiber])
    mask = np.zeros(N_PIXELS, np.int32)
    dead = np.zeros(N_PIXELS, bool)
    for start, length in zip(
        rng.integers(ILLUMINATED[0][0], ILLUMINATED[2][1], 12), rng.integers(2, 7, 12), strict=True
    ):
        run = slice(start, start + length)
        kind = (1 << BIT["BADPIX"]) | (1 << BIT["NOT_ENOUGH_PSF"])
        kind |= (1 << BIT["BADFLAT"]) if rng.random() < 0.95 else 0
        kind |= (1 << BIT["BADDARK"]) if rng.random() < 0.75 else 0
        mask[run] |= kind
        dead[run] = rng.random() < 0.10
    ghost = int(4370 + 0.0042 * (fiber - 160) ** 2)
    mask[ghost : ghost + 60] |= 1 << BIT["LITTROW_GHOST"]
    high, medium, low = (1 << BIT[f"PERSIST_{s}"] for s in ("HIGH", "MED", "LOW"))
    if fiber <= 55:
        mask[212:3312] |= high
    elif fiber <= 95:
        edge = 300 + 25 * (fiber - 55)
        mask[edge : 3000 - 15 * (fiber - 55)] |= high
        mask[edge - 250 : edge] |= medium
        mask[3000 - 15 * (fiber - 55) : 3250] |= medium
    else:
        middle = int(rng.integers(800, 2600))
        mask[middle : middle + int(rng.integers(100, 500))] |= low
    end = int(rng.integers(5400, 5800))
    mask[end : end + int(rng.integers(150, 450))] |= medium
    mask[end - int(rng.integers(150, 450)) : end] |= low
    if fiber <= 130:
        mask[5990:6110] |= high
    mask[3550 : 3550 + int(rng.integers(60, 250))] |= low
    return mask, dead


def _moved(array: np.ndarray, pixels: float) -> np.ndarray:
    """Move a detector array to the nearest rest-frame pixels of a visit; zero outside the grid."""
    out = np.zeros_like(array)
    source = np.arange(N_PIXELS) + round(pixels)
    inside = (source >= 0) & (source < N_PIXELS)
    out[inside] = array[source[inside]]
    return out


def _widened(mask: np.ndarray, bit: int) -> None:
    """Grow a bit by one pixel on either side, as resampling spreads a bad pixel (in place)."""
    on = (mask & bit) > 0
    on[1:] |= on[:-1].copy()
    on[:-1] |= on[1:].copy()
    mask[on] |= bit


def visit_spectrum(
    rng: np.random.Generator, row: Row, visit: Visit, fine: np.ndarray, seed: int
) -> dict[str, np.ndarray]:
    """One visit spectrum shifted to rest: flux, error, mask, sky and telluric transmission.

    Parameters
    ----------
    rng : numpy Generator
        The star's own generator.
    row, visit : Row, Visit
        The star and its night.
    fine : array
        Normalised spectrum on the fine grid (`Synthesizer.fine_spectrum`).
    seed : int
        Seed of the survey: the detector is the same in every file.
    """
    pixels = doppler_pixels(visit.velocity)
    template = night_sky()
    star = continuum(row) * sample(fine, visit.residual) * _response(rng)
    star *= rng.lognormal(0.0, 0.08)  # fibre losses
    typical = float(np.median(star[trimmed_pixels()]))

    strength = {"H2O": rng.lognormal(0, 0.35), "CO2": rng.lognormal(0, 0.08), "CH4": 1.0}
    airmass = rng.uniform(1.0, 1.35)
    depth = {k: airmass * strength[k] * shifted(t, pixels) for k, t in template.absorption.items()}
    transmission = np.exp(-sum(depth.values()))
    corrected = sum(d * rng.normal(0, 0.03) for d in depth.values())

    glow = shifted(template.airglow, pixels) * rng.lognormal(0.0, 0.35)
    sky = SKY_CONTINUUM * rng.lognormal(0.0, 0.25) + glow

    # Photons of star and sky, and a constant for dark current and read-out, over transmission.
    variance = np.clip(star, 0, None) / typical + sky / typical + 0.15
    sigma = np.sqrt(variance) / transmission
    sigma *= np.median((star / sigma)[trimmed_pixels()]) / visit.snr
    flux = star * np.exp(corrected) + sigma * rng.standard_normal(N_PIXELS)
    # Airglow is subtracted imperfectly: the error of each line follows its own brightness, and a
    # slightly wrong wavelength leaves its derivative; neither is in the quoted error.
    residual = glow * rng.normal(0, 0.02) + np.gradient(glow) * rng.normal(0, 0.02)
    residual += glow * 0.012 * np.interp(
        np.arange(N_PIXELS), np.arange(0, N_PIXELS + 40, 40), rng.standard_normal(216)
    )  # fmt: skip
    flux += residual

    detector, dead = _detector(seed, visit.fiber)
    mask, dead = _moved(detector, pixels), _moved(dead, pixels)
    flux += _persistence(rng, row, visit, mask, typical)
    bad = (mask & (1 << BIT["BADPIX"])) > 0
    wrong = rng.choice([-1.0, 1.0], N_PIXELS) * rng.uniform(6, 50, N_PIXELS) * sigma
    flux[bad] += wrong[bad]
    rays = _clusters(rng, int(rng.poisson(2.0)), 3)
    rays = rays[rays < N_PIXELS]
    flux[rays] += rng.uniform(10, 120, rays.size) * sigma[rays]
    mask[rays] |= 1 << BIT["CRPIX"]
    if row.h < 7.0:  # bright stars saturate somewhere
        spots = _clusters(rng, 4, 4)
        mask[spots] |= 1 << BIT["SATPIX"]
    for name in ("CRPIX", "NOT_ENOUGH_PSF"):
        _widened(mask, 1 << BIT[name])
    mask[(glow > SKYLINE_LIMIT) | (glow > SKYLINE_SHARE * typical)] |= SKYLINE_BIT
    mask[transmission < 0.92] |= 1 << BIT["SIG_TELLURIC"]

    error = sigma.copy()
    error[bad] *= 1.4
    flux[dead], error[dead] = 0.0, EMPTY_ERROR
    lit = np.zeros(N_PIXELS, bool)
    for first, last in ILLUMINATED:
        a, b = (round(p - pixels) for p in (first, last))
        lit[max(a, 0) : b + 1] = True
        error[max(a, 0) : a + 5] *= 300.0
        error[b - 4 : b + 1] *= 300.0
    for array in (flux, sky, transmission):
        array[~lit] = 0.0
    error[~lit], mask[~lit] = EMPTY_ERROR, 1 << BIT["BADPIX"]
    sky_error = np.where(lit, 0.12 * np.sqrt(np.clip(sky, 0, None) * 16.0) + 0.002 * sky, 0.0)
    telluric_error = np.where(lit, 0.03 * (1.0 - transmission), 0.0)
    return {
        "flux": flux,
        "error": error,
        "mask": mask,
        "sky": sky,
        "sky_error": sky_error,
        "telluric": transmission,
        "telluric_error": telluric_error,
    }


def _persistence(
    rng: np.random.Generator, row: Row, visit: Visit, mask: np.ndarray, typical: float
) -> np.ndarray:
    """Persistence: light left over from the exposure before.

    Faint except for the stars planted as bad spectra, whose fibre followed a very bright star.
    """
    level = np.zeros(N_PIXELS)
    if row.artefact == "bad_spectrum":
        blue = slice(212, 3300)
        x = np.linspace(0, 1, 3088)
        level[blue] = typical * rng.uniform(0.25, 0.6) * (0.6 + 0.8 * x)
        mask[blue] |= 1 << BIT["PERSIST_HIGH"]
        return level
    for name, size in (("PERSIST_HIGH", 0.010), ("PERSIST_MED", 0.004)):
        level[(mask & (1 << BIT[name])) > 0] += typical * size * abs(rng.normal())
    # The bleed has no sharp edges.
    kernel = np.ones(61) / 61.0
    return np.convolve(level, kernel, mode="same")


def observe(row: Row, synthesizer: Synthesizer, seed: int) -> ApStarArrays:
    """All spectra of one apStar file.

    With more than one visit the rows are: coadd with pixel weights, coadd with one weight per
    visit, then the visits; a single visit is its own coadd and gives one row.

    Parameters
    ----------
    row : Row
        The star and its visits.
    synthesizer : Synthesizer
        Makes the normalised spectrum.
    seed : int
        The survey's seed; each row has its own random stream.

    Returns
    -------
    ApStarArrays
        Flux and errors in 1e-17 erg/s/cm2/A.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 3, row.index]))
    fine = synthesizer.fine_spectrum(row.truth)
    if row.artefact == "binary":
        fine = _second_star(rng, row, fine, synthesizer)
    visits = [visit_spectrum(rng, row, v, fine, seed) for v in row.visits]
    stacked = {name: np.array([v[name] for v in visits]) for name in visits[0]}
    if len(visits) > 1:
        coadds = _coadd(stacked, np.array([v.snr for v in row.visits]))
        stacked = {name: np.concatenate([coadds[name], a]) for name, a in stacked.items()}
    return ApStarArrays(**stacked)


def _second_star(
    rng: np.random.Generator, row: Row, fine: np.ndarray, synthesizer: Synthesizer
) -> np.ndarray:
    """Spectrum of a spectroscopic binary: the lines of a hotter, fainter companion are added."""
    companion = Labels(
        min(row.truth.teff + 500.0, 6000.0), min(row.truth.logg + 0.8, 4.3), row.truth.fe_h,
        row.truth.mg_fe, row.truth.si_fe, row.truth.alpha_fe,
    )  # fmt: skip
    share = rng.uniform(0.2, 0.45)
    offset = round(rng.choice([-1, 1]) * rng.uniform(12, 22))  # fine samples of 1.4 km/s
    return (1 - share) * fine + share * np.roll(synthesizer.fine_spectrum(companion), offset)


def _coadd(stacked: dict[str, np.ndarray], snr: np.ndarray) -> dict[str, np.ndarray]:
    """The two coadds, each array of shape (2, 8575).

    Pixel weighting is by inverse variance with bad pixels left out where another visit has a good
    one; global weighting is by S/N squared and keeps whatever the visits hold.
    """
    mask = stacked["mask"]
    filled = stacked["error"] < EMPTY_ERROR
    good = filled & ((mask & BAD_BITS) == 0)
    level = np.array([np.median(f[g]) for f, g in zip(stacked["flux"], good, strict=True)])
    scale = (np.average(level, weights=snr**2) / level)[:, None]
    flux, error = stacked["flux"] * scale, stacked["error"] * scale
    inverse = np.where(filled, 1.0 / error**2, 0.0)
    pixel = inverse * np.where(good | ~good.any(axis=0), 1.0, 0.0)
    whole = np.where(filled, (snr**2)[:, None], 0.0)
    rows: dict[str, list[np.ndarray]] = {name: [] for name in stacked}
    for weight in (pixel, whole):
        total = weight.sum(axis=0)
        some = total > 0
        safe = np.where(some, total, 1.0)
        rows["flux"].append(np.where(some, (weight * flux).sum(axis=0) / safe, 0.0))
        combined = np.sqrt((np.where(filled, weight * error, 0.0) ** 2).sum(axis=0)) / safe
        rows["error"].append(np.where(some, combined, EMPTY_ERROR))
        for name in ("sky", "telluric"):
            rows[name].append((weight * stacked[name]).sum(axis=0) / safe)
            spread = np.sqrt(((weight * stacked[f"{name}_error"]) ** 2).sum(axis=0)) / safe
            rows[f"{name}_error"].append(spread)
    # A visit whose chip ends short of a pixel has no say there, unless none reaches it.
    outside = mask == 1 << BIT["BADPIX"]
    passed = np.where(outside & ~outside.all(axis=0), 0, mask)
    rows["mask"] = [np.bitwise_or.reduce(passed, axis=0), np.bitwise_and.reduce(mask, axis=0)]
    return {name: np.array(r) for name, r in rows.items()}


def star_flags(row: Row) -> tuple[int, int]:
    """STARFLAG (any visit) and ANDFLAG (every visit) of a row from its fibres and its artefacts.

    Parameters
    ----------
    row : Row

    Returns
    -------
    starflag, andflag : int
    """
    each = [_visit_flag(row, v) for v in row.visits]
    return int(np.bitwise_or.reduce(each)), int(np.bitwise_and.reduce(each))


def _visit_flag(row: Row, visit: Visit) -> int:
    """STARFLAG of one visit: persistence by fibre, and the row's own flags."""
    flag = row.flags["starflag"]
    if visit.fiber <= 95:
        flag |= 1 << STARFLAG["PERSIST_HIGH"]
    elif visit.fiber <= 130:
        flag |= 1 << STARFLAG["PERSIST_MED"]
    return flag


_GRID_CARDS: list[Card] = [
    ("CRVAL1", LOG_WAVELENGTH_START, "log10 of first vacuum wavelength (Ang)"),
    ("CDELT1", LOG_WAVELENGTH_STEP, "step in log10 wavelength"),
    ("CRPIX1", 1, "pixel of the first wavelength"),
    ("CTYPE1", "LOG-LINEAR", "logarithmic wavelength scale"),
    ("DC-FLAG", 1, "logarithmic wavelength scale"),
]


def apstar_header(row: Row) -> list[Card]:
    """Cards of an apStar primary header (names and order of the pipeline's own).

    Parameters
    ----------
    row : Row

    Returns
    -------
    list of (keyword, value, comment)
    """
    visits = row.visits
    starflag, andflag = star_flags(row)
    fibers = np.array([v.fiber for v in visits], float)
    weights = np.array([v.snr for v in visits])
    errors = [v.velocity_error for v in visits]
    cards: list[Card] = [
        ("COMMENT", SIMULATED, ""),
        ("OBJID", row.apogee_id, "Object ID"),
        ("J", row.j, "2MASS J magnitude"),
        ("H", row.h, "2MASS H magnitude"),
        ("K", row.k, "2MASS Ks magnitude"),
        ("SURVEY", "apogee", "Survey name"),
        ("TELESCOP", row.telescope, "Telescope"),
        ("LOCID", row.location_id, "Location ID"),
        ("FIELD", row.field, "Field name"),
        ("RA", row.ra, "right ascension, deg, J2000"),
        ("DEC", row.dec, "declination, deg, J2000"),
        ("GLON", row.glon, "galactic longitude, deg"),
        ("GLAT", row.glat, "galactic latitude, deg"),
        ("NVISITS", len(visits), "number of visit spectra combined"),
        ("COMMENT", "MEAN VALUES:", ""),
        ("VRAD", 0.0, "Doppler shift (km/s) of this spectrum"),
        ("VHELIO", row.vhelio, "mean barycentric velocity (km/s)"),
        ("VSCATTER", row.vscatter, "standard deviation of VHELIO (km/s)"),
        ("VERR", row.verr, "weighted error in VHELIO (km/s)"),
        ("VERR_MED", float(np.median(errors)), "median error in VHELIO (km/s)"),
        ("SNR", row.snr, "median signal to noise per pixel"),
        ("STARFLAG", starflag, "bitwise OR of visit starflags"),
        ("ANDFLAG", andflag, "bitwise AND of visit starflags"),
        ("MEANFIB", float(np.average(fibers, weights=weights)), "S/N weighted mean fiber"),
        ("SIGFIB", float(fibers.std()), "standard deviation of fiber number"),
    ]
    for i, v in enumerate(visits, start=1):
        date = _date(v.jd)
        cards += [
            ("COMMENT", f"VISIT {i} INFORMATION:", ""),
            (f"SFILE{i}", f"apVisit-dr17-sim-{v.mjd}-{v.fiber:03d}.fits", "visit spectrum"),
            (f"DATE{i}", date, f"DATE-OBS of visit {i}"),
            (f"JD{i}", v.jd, f"Julian date of visit {i}"),
            (f"FIBER{i}", v.fiber, f"Fiber, visit {i}"),
            (f"BC{i}", v.barycentric, f"Barycentric correction (km/s), visit {i}"),
            (f"VTYPE{i}", 1, "RV type (1=chisq, 2=xcorr)"),
            (f"VRAD{i}", v.velocity, f"Doppler shift (km/s) of visit {i}"),
            (f"VERR{i}", v.velocity_error, "error in VRAD (km/s)"),
            (f"VHELIO{i}", v.velocity + v.barycentric, f"Barycentric velocity (km/s), visit {i}"),
            (f"SNRVIS{i}", v.snr, f"Signal/Noise ratio, visit {i}"),
            (f"FLAG{i}", _visit_flag(row, v), f"STARFLAG for visit {i}"),
        ]
    cards += _chip_cards(row)
    cards += [("NWAVE", N_PIXELS, "number of wavelengths in subsequent HDUs"), *_GRID_CARDS]
    cards += [
        ("HISTORY", text, "")
        for text in (
            f"APSTAR: {SIMULATED}",
            # readers know a file of APOGEE by these words of the pipeline
            "APSTAR:  APOGEE Reduction Pipeline Version: none, imitated",
            "APSTAR: All image extensions have:",
            "APSTAR:   row 1: combined spectrum with individual pixel weighting",
            "APSTAR:   row 2: combined spectrum with global weighting",
            "APSTAR:   row 3-nvisits+2: individual resampled visit spectra",
            "APSTAR:  unless nvisits=1, which only have a single row",
            "APSTAR: All spectra shifted to rest (vacuum) wavelength scale",
            "APSTAR: HDU1 flux, HDU2 error, HDU3 flag mask (row 1 OR, row 2 AND),",
            "APSTAR: HDU4 sky, HDU5 sky error, HDU6 telluric, HDU7 telluric error,",
            "APSTAR: HDU8 LSF coefficients, HDU9 RV structure",
        )
    ]
    return cards


def _chip_cards(row: Row) -> list[Card]:
    """Chip limits in rest-frame pixels: over any visit, and over all visits."""
    shifts = [doppler_pixels(v.velocity) for v in row.visits]
    cards: list[Card] = []
    for kind in ("", "OVER"):
        for letter, (first, last) in zip("RGB", ILLUMINATED[::-1], strict=True):
            starts = [round(first - s) for s in shifts]
            ends = [round(last - s) for s in shifts]
            low, high = (min(starts), max(ends)) if not kind else (max(starts), min(ends))
            what = "any" if not kind else "all"
            cards += [
                (f"{letter}{kind}MIN", low, f"Min pixel of {letter} chip, {what} frame"),
                (f"{letter}{kind}MAX", high, f"Max pixel of {letter} chip, {what} frame"),
            ]
    return cards


def _date(jd: float) -> str:
    """ISO date and time of a Julian date."""
    stamp = np.datetime64("1858-11-17T00:00:00", "ms") + np.timedelta64(
        round((jd - 2400000.5) * 86400000), "ms"
    )
    return str(stamp)


def _lsf() -> np.ndarray:
    """Gauss-Hermite coefficients of the line-spread function: a Gaussian of constant width.

    Layout of the pipeline's LSF_GH: bin size, X0, Horder, Porder, coefficients, wing parameters.
    """
    sigma = 1.0 / RESOLVING_POWER / 2.354820 / (LOG_WAVELENGTH_STEP * np.log(10.0))
    return np.array([1.0, N_PIXELS / 2, 0.0, 1.0, sigma, 0.0])


def apstar_bytes(row: Row, spectra: ApStarArrays) -> bytes:
    """A whole apStar file (uncompressed FITS).

    Parameters
    ----------
    row : Row
    spectra : ApStarArrays

    Returns
    -------
    bytes
    """
    unit = "10^-17 erg/s/cm^2/Ang"
    parts = [primary(apstar_header(row))]
    for name, label, bits in (
        ("flux", f"Flux ({unit})", 11),
        ("error", f"Error ({unit})", 6),
        ("mask", "Flag Mask (bitwise)", 0),
        ("sky", f"Sky ({unit})", 6),
        ("sky_error", f"Sky error ({unit})", 4),
        ("telluric", "Telluric", 8),
        ("telluric_error", "Telluric error", 4),
    ):
        data = getattr(spectra, name)
        if name == "mask":
            data = data.astype(np.int32)
        else:
            data = round_mantissa(data, bits)
            if name == "error":
                data[data > 0.99 * EMPTY_ERROR] = EMPTY_ERROR
        parts.append(image(data, [*_GRID_CARDS, ("BUNIT", label, "")]))
    parts.append(image(_lsf(), [("CTYPE1", "Parameters", ""), ("BUNIT", "LSF Coefficients", "")]))
    parts.append(table_row(_velocity_table(row), [("EXTNAME", "RV", "")]))
    return b"".join(parts)


def wiped_bytes(spectra: ApStarArrays) -> bytes:
    """The combined spectrum alone, without header cards that identify the star (uncompressed FITS).

    Flux, error and mask as one-dimensional images, the layout of the course's mystery spectrum.

    Parameters
    ----------
    spectra : ApStarArrays

    Returns
    -------
    bytes
    """
    unit = "10^-17 erg/s/cm^2/Ang"
    error = np.minimum(round_mantissa(spectra.error[0], 6), np.float32(EMPTY_ERROR))
    return b"".join(
        [
            primary([("COMMENT", SIMULATED, ""), ("NWAVE", N_PIXELS, "number of wavelengths")]),
            image(
                round_mantissa(spectra.flux[0], 11),
                [*_GRID_CARDS, ("BUNIT", f"Flux ({unit})", "")],
            ),
            image(error, [*_GRID_CARDS, ("BUNIT", f"Error ({unit})", "")]),
            image(
                spectra.mask[0].astype(np.int32),
                [*_GRID_CARDS, ("BUNIT", "Flag Mask (bitwise)", "")],
            ),
        ]
    )


def _velocity_table(row: Row) -> dict[str, object]:
    """The commonly used part of the pipeline's RV table."""
    visits = row.visits

    def column(values: list[float], kind: str) -> np.ndarray:
        return np.array(values, dtype=kind)

    return {
        "FIBER": column([v.fiber for v in visits], "i2"),
        "MJD": column([v.mjd for v in visits], "i4"),
        "JD": column([v.jd for v in visits], "f8"),
        "VREL": column([v.velocity for v in visits], "f4"),
        "VRELERR": column([v.velocity_error for v in visits], "f4"),
        "VHELIO": column([v.velocity + v.barycentric for v in visits], "f4"),
        "BC": column([v.barycentric for v in visits], "f4"),
        "SNR": column([v.snr for v in visits], "f4"),
    }


def aspcap_arrays(
    row: Row, spectra: ApStarArrays, synthesizer: Synthesizer, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Normalised flux, error and best-fitting model of an aspcapStar file, each (8575,).

    The coadd over its true continuum, with the slow error of a pseudo-continuum; the model has the
    catalogue's labels.  Pixels that ASPCAP does not analyse are zero.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 5, row.index]))
    labels = dict(row.catalogue)
    names = ("teff", "logg", "fe_h", "mg_fe", "si_fe")
    if min(labels[n] for n in names) <= MISSING:
        fitted = row.truth
    else:
        fitted = row.truth.changed(**{n: labels[n] for n in names})
    model = synthesizer.spectrum(fitted)
    true = continuum(row)
    flux, error = np.zeros(N_PIXELS), np.zeros(N_PIXELS)
    shown = np.zeros(N_PIXELS)
    for first, last in TRIMMED:
        chip = slice(first, last)
        x = np.linspace(-1, 1, last - first)
        ratio = spectra.flux[0][chip] / (true[chip] * model[chip])
        weight = np.where(
            (spectra.mask[0][chip] & (BAD_BITS | SKYLINE_BIT)) == 0,
            true[chip] / spectra.error[0][chip],
            0.0,
        )
        shape = np.polynomial.chebyshev.chebfit(x, ratio, 4, w=weight)
        shape += rng.normal(0, [0.002, 0.002, 0.001, 0.001, 0.0005])
        level = true[chip] * np.polynomial.chebyshev.chebval(x, shape)
        flux[chip] = spectra.flux[0][chip] / level
        error[chip] = np.minimum(spectra.error[0][chip] / level, EMPTY_ERROR)
        shown[chip] = model[chip]
    return flux, error, shown


def aspcap_bytes(row: Row, arrays: tuple[np.ndarray, np.ndarray, np.ndarray]) -> bytes:
    """A whole aspcapStar file (uncompressed FITS).

    Parameters
    ----------
    row : Row
    arrays : (flux, error, model)
        As `aspcap_arrays` returns them.

    Returns
    -------
    bytes
    """
    starflag, andflag = star_flags(row)
    cards: list[Card] = [
        ("COMMENT", SIMULATED, ""),
        ("OBJ", row.apogee_id, "Object ID"),
        ("RA", row.ra, "RA (J2000)"),
        ("DEC", row.dec, "DEC (J2000)"),
        ("J", row.j, "2MASS J magnitude"),
        ("H", row.h, "2MASS H magnitude"),
        ("K", row.k, "2MASS Ks magnitude"),
        ("LOCID", row.location_id, "Location ID"),
        ("FIELD", row.field, "Field"),
        ("TELESCOP", row.telescope, "Telescope"),
        ("SNR", row.snr, "signal to noise"),
        ("VHELIO", row.vhelio, "barycentric velocity (km/s)"),
        ("VSCATTER", row.vscatter, "standard deviation of VHELIO (km/s)"),
        ("VERR", row.verr, "weighted error of VHELIO (km/s)"),
        ("NVISITS", len(row.visits), "number of visits"),
        ("HISTORY", f"ASPCAP: {SIMULATED}", ""),
    ]
    parts = [primary(cards)]
    for data, name, bits in zip(
        arrays, ("Normalized flux", "Normalized error", "Best-fit model"), (11, 6, 10), strict=True
    ):
        parts.append(image(round_mantissa(data, bits), [*_GRID_CARDS, ("BUNIT", name, "")]))
    c = row.catalogue
    param = parameters(row)
    values: dict[str, object] = {
        "APOGEE_ID": row.apogee_id,
        "TELESCOPE": row.telescope,
        "FIELD": row.field,
        "LOCATION_ID": np.int32(row.location_id),
        "SNR": np.float32(row.snr),
        "NVISITS": np.int16(len(row.visits)),
        "STARFLAG": np.int64(starflag),
        "ANDFLAG": np.int64(andflag),
        "ASPCAPFLAG": np.int64(row.flags["aspcapflag"]),
        "PARAM": param,
        "FPARAM": param,
    }
    for name in ("teff", "logg", "fe_h", "mg_fe", "si_fe"):
        values[name.upper()] = np.float32(c[name])
        values[f"{name.upper()}_ERR"] = np.float32(c[f"{name}_err"])
    note = "PARAM: TEFF LOGG LOGVMICRO M_H C_M N_M ALPHA_M LGVSINI O_M"
    parts.append(table_row(values, [("EXTNAME", "ASPCAP", ""), ("COMMENT", note, "")]))
    return b"".join(parts)


def parameters(row: Row) -> np.ndarray:
    """ASPCAP's nine-element PARAM vector of a row (float32); missing values are -9999."""
    c = row.catalogue
    micro = MISSING if c["logg"] == MISSING else np.log10(microturbulence(min(c["logg"], 4.0)))
    values = [c["teff"], c["logg"], micro, c["m_h"], 0.0, 0.0, c["alpha_m"], 0.0, 0.0]
    return np.array(values, np.float32)
