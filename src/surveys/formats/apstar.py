"""APOGEE's files of combined spectra: apStar and aspcapStar, of any data release.

An apStar file of a star seen once holds one row per image, of a star seen n times two combined rows
and then n visits; the mask is 16 or 32 bits wide. Both shapes come back the same.

Source: the SDSS DR17 data model (https://data.sdss.org/datamodel, apStar and aspcapStar) and the
DR17 APOGEE_PIXMASK table (https://www.sdss4.org/dr17/algorithms/bitmasks/).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from surveys.errors import KitError
from surveys.formats.apogee_pixels import LOG_WAVELENGTH_START, LOG_WAVELENGTH_STEP, N_PIXELS
from surveys.formats.fits_file import opened

FLUX_UNIT = "1e-17 erg/s/cm2/Å"


class ApogeeFileError(KitError, ValueError):
    """A file is not the APOGEE spectrum it should be; the message says why and what to do."""


@dataclass(frozen=True)
class Spectrum:
    """One star's spectrum as its file holds it.

    Attributes
    ----------
    apogee_id : str
        2MASS-style name, such as 2M21235315+1244123.
    wavelength : ndarray (8575,), float64
        Vacuum wavelength in Å, in the star's rest frame.
    flux, error : ndarray (8575,), float32
        Combined spectrum and its one-sigma error, in `unit`.
    mask : ndarray (8575,), int32
        Bits of APOGEE_PIXMASK (see `PIXMASK`) of the combined spectrum; an aspcapStar file holds
        none, and the mask is zero.
    visits : ndarray (n, 8575), float32
        The single visits' fluxes, in `unit`. Empty (0, 8575) where the file has none: a star seen
        once has only the combined row.
    snr : float
        Median signal-to-noise ratio per pixel; NaN when the file does not say.
    n_visits : int
        How many visits were combined.
    unit : str
        Unit of flux, error and visits: 1e-17 erg/s/cm2/Å for apStar, "relative to the
        pseudo-continuum" for aspcapStar.
    header : dict
        The primary header's cards, without comments and history.
    model : ndarray (8575,), float32, or None
        aspcapStar only: the pipeline's best-fitting synthetic spectrum.
    """

    apogee_id: str
    wavelength: np.ndarray
    flux: np.ndarray
    error: np.ndarray
    mask: np.ndarray
    visits: np.ndarray
    snr: float
    n_visits: int
    unit: str
    header: dict[str, Any]
    model: np.ndarray | None = None


def read_apstar(path: str | os.PathLike[str]) -> Spectrum:
    """Read a combined spectrum with its visits.

    Parameters
    ----------
    path : path
        An apStar file of any data release, plain or gzipped.

    Returns
    -------
    Spectrum
        Flux and error in 1e-17 erg/s/cm2/Å; the mask as the file has it, bits not decoded.

    Raises
    ------
    ApogeeFileError
        When it is not a complete apStar file.
    """
    images, header, _ = _read(path, (1, 2, 3))
    flux, error, mask = images
    return Spectrum(
        apogee_id=str(header.get("OBJID", "")).strip(),
        wavelength=_wavelength(),
        flux=flux[0].astype(np.float32),
        error=error[0].astype(np.float32),
        mask=_bits(path, mask[0]),
        visits=flux[2:].astype(np.float32),
        snr=_number(header.get("SNR"), np.nan),
        n_visits=int(_number(header.get("NVISITS"), max(1, len(flux) - 2))),
        unit=FLUX_UNIT,
        header=header,
    )


def read_aspcapstar(path: str | os.PathLike[str]) -> Spectrum:
    """Read a spectrum that the survey's pipeline has divided by its pseudo-continuum.

    Parameters
    ----------
    path : path
        An aspcapStar file of any data release, plain or gzipped.

    Returns
    -------
    Spectrum
        Flux and error relative to the pseudo-continuum, `model` the best-fitting synthetic
        spectrum. Pixels outside the chips are zero in the file, and stay so.

    Raises
    ------
    ApogeeFileError
        When it is not a complete aspcapStar file.
    """
    images, header, star = _read(path, (1, 2, 3))
    flux, error, model = images
    return Spectrum(
        apogee_id=str(star.get("APOGEE_ID", header.get("OBJID", ""))).strip(),
        wavelength=_wavelength(),
        flux=flux[0].astype(np.float32),
        error=error[0].astype(np.float32),
        mask=np.zeros(N_PIXELS, np.int32),
        visits=np.empty((0, N_PIXELS), np.float32),
        snr=_number(star.get("SNR", header.get("SNR")), np.nan),
        n_visits=int(_number(star.get("NVISITS", header.get("NVISITS")), 1)),
        unit="relative to the pseudo-continuum",
        header=header,
        model=model[0].astype(np.float32),
    )


def _number(value: Any, unknown: float) -> float:
    """Return a card's value, or `unknown` where it is undefined, no number or NaN."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return unknown
    return number if np.isfinite(number) else unknown


def _bits(path: str | os.PathLike[str], mask: np.ndarray) -> np.ndarray:
    """Return a mask as int32, whatever type of number the file keeps it in."""
    bits = mask.astype(np.int64) if np.isfinite(mask).all() else None
    if bits is None or (bits != mask).any() or bits.min() < 0 or bits.max() >= 1 << 31:
        raise ApogeeFileError(
            f"{path}: HDU 3 should hold bits of APOGEE_PIXMASK, whole numbers from 0 to 2^31 - 1, "
            "and holds others.",
            "Fetch the file again, or make the mask anew if you have written it.",
        )
    return bits.astype(np.int32)


def _wavelength() -> np.ndarray:
    return 10 ** (LOG_WAVELENGTH_START + LOG_WAVELENGTH_STEP * np.arange(N_PIXELS))


def check_fits(path: str | os.PathLike[str], *, spectrum: bool = False) -> None:
    """Make sure that a file is FITS and complete to the last HDU.

    Parameters
    ----------
    path : path
        The file.
    spectrum : bool
        Also ask for three images of 8575 pixels, as apStar and aspcapStar have.

    Raises
    ------
    ApogeeFileError
        Says what is wrong with the file.
    """
    with opened(path, ApogeeFileError) as hdus:
        if spectrum:
            _check_spectrum(path, hdus)


def _read(
    path: str | os.PathLike[str], images: tuple[int, ...]
) -> tuple[list[np.ndarray], dict[str, Any], dict[str, Any]]:
    """Return the images asked for as (rows, 8575), the primary header, and the star's table row."""
    with opened(path, ApogeeFileError) as hdus:
        _check_spectrum(path, hdus)
        data = [np.atleast_2d(hdus[number].data) for number in images]
        hdus[0].verify("silentfix")
        header = {
            key: value
            for key, value in hdus[0].header.items()
            if key not in ("COMMENT", "HISTORY", "")
        }
        star = {}
        if len(hdus) > 4 and not hdus[4].is_image and len(hdus[4].data):
            names = {"APOGEE_ID", "SNR", "NVISITS"} & set(hdus[4].columns.names)
            star = {name: hdus[4].data[name][0] for name in names}
    return data, header, star


def _check_spectrum(path: str | os.PathLike[str], hdus: Any) -> None:
    for number in (1, 2, 3):
        image = number < len(hdus) and hdus[number].is_image
        _check_shape(path, number, hdus[number].shape if image else None)


def _check_shape(path: str | os.PathLike[str], number: int, shape: tuple[int, ...] | None) -> None:
    if shape is None or len(shape) not in (1, 2) or 0 in shape:
        raise ApogeeFileError(
            f"{path}: HDU {number} should be an image of {N_PIXELS} pixels and is "
            f"{'missing' if shape is None else f'of shape {shape}'}. "
            "Is this an apStar or aspcapStar file?"
        )
    if shape[-1] != N_PIXELS:
        raise ApogeeFileError(
            f"{path}: HDU {number} has {shape[-1]} pixels, {N_PIXELS} expected. "
            "Is this an apStar or aspcapStar file?"
        )
