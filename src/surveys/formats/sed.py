"""One star's spectral energy distribution, the same for every library it may come from."""

from __future__ import annotations

import bz2
import gzip
import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from surveys.download import text_kind
from surveys.errors import KitError
from surveys.formats.fits_file import opened

#: units of `Sed.flux`
OBSERVED, SURFACE, RELATIVE = (
    "erg/s/cm2/Å",
    "erg/s/cm2/Å at the star's surface",
    "relative, per Å",
)


class SedError(KitError, ValueError):
    """A file is not the energy distribution it should be; the message says why and what to do."""


@dataclass(frozen=True)
class Sed:
    """A spectral energy distribution.

    Attributes
    ----------
    name : str
        As the file or its name says.
    wavelength : (p,) array
        In vacuum, increasing, Å.
    flux : (p,) array
        Power per Å, in `unit`.
    error : (p,) array
        Standard deviation of the flux; infinite for bad pixels, NaN where the library gives none.
    fwhm : (p,) array
        Full width at half maximum of the profile that each pixel was seen with, Å.
    unit : str
        `OBSERVED`, `SURFACE` (times the squared angular radius of the star it is the former) or
        `RELATIVE`.
    labels : dict of float
        As far as file or name tell: ``teff`` (K), ``logg`` (dex, cgs), ``m_h`` (dex), ``e_bv``
        (mag), ``a_m``, ``c_m`` (dex).
    quality : str
        The library's own word, such as "good" or "suspect"; empty where there is none.
    """

    name: str
    wavelength: np.ndarray
    flux: np.ndarray
    error: np.ndarray
    fwhm: np.ndarray
    unit: str
    labels: dict[str, float] = field(default_factory=dict)
    quality: str = ""


def table(
    path: str | os.PathLike[str], needed: tuple[str, ...], what: str
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read the table in the first extension of a FITS file.

    Parameters
    ----------
    path : path
        Plain or gzipped.
    needed : tuple of str
        Columns it must have.
    what : str
        What it should be, for the message: "an NGSL spectrum".

    Returns
    -------
    columns : dict of ndarray
        By name in capitals; numbers as float64.
    header : dict
        The primary header's cards.

    Raises
    ------
    SedError
        When it is not a complete FITS file, or lacks a column.
    """
    with opened(path, SedError) as hdus:
        if len(hdus) < 2 or hdus[1].is_image or hdus[1].data is None:
            raise SedError(f"{path}: has no table in its first extension. Is this {what}?")
        found = {name.upper(): hdus[1].data[name] for name in hdus[1].columns.names}
        header = {key: value for key, value in hdus[0].header.items() if key}
    missing = [name for name in needed if name not in found]
    if missing:
        raise SedError(
            f"{path}: its table has the columns {', '.join(found)} and not {', '.join(missing)}. "
            f"Is this {what}?"
        )
    numbers = {
        name: np.asarray(column, dtype=float).ravel()
        for name, column in found.items()
        if column.dtype.kind in "fiu"
    }
    return check(path, numbers, needed, what), header


def columns(
    path: str | os.PathLike[str], names: dict[int, tuple[str, ...]], what: str
) -> dict[str, np.ndarray]:
    """Read a text file of numbers in columns, plain or packed by gzip or bzip2.

    Parameters
    ----------
    path : path
        Lines that begin with # are left out.
    names : dict of tuple
        For each number of columns that it may have, what they are.
    what : str
        What it should be, for the message.

    Returns
    -------
    dict of ndarray

    Raises
    ------
    SedError
        When it cannot be read or unpacked, or is no such table.
    """
    try:
        content = Path(path).read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        elif content.startswith(b"BZh"):
            content = bz2.decompress(content)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise SedError(f"{path}: cannot be read ({error}). Fetch it, again if need be.") from error
    if kind := text_kind(content[:512]):
        raise SedError(f"{path}: holds {kind}. Delete it and fetch it again.")
    lines = content.decode("ascii", errors="replace").splitlines()
    rows = [line.split() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    widths = {len(row) for row in rows}
    try:
        if len(widths) != 1 or not widths <= set(names):
            raise ValueError(f"its lines hold {sorted(widths)} numbers, {sorted(names)} expected")
        values = np.array(rows, dtype=float)
    except ValueError as error:
        raise SedError(
            f"{path}: not {what}, or cut ({error}). Delete it and fetch it again."
        ) from error
    return dict(zip(names[values.shape[1]], values.T, strict=True))


def check(
    path: str | os.PathLike[str],
    found: dict[str, np.ndarray],
    needed: tuple[str, ...],
    what: str,
    span: tuple[float, float] | None = None,
) -> dict[str, np.ndarray]:
    """Make sure that columns are numbers whose wavelengths increase, and return them.

    Parameters
    ----------
    path : path
        Named in messages.
    found : dict of ndarray
        The columns; the first of `needed` is the wavelength, Å.
    needed : tuple of str
        Columns that must be there.
    what : str
        What the file should be.
    span : pair of float, optional
        Wavelengths that it must reach on either side, Å.

    Raises
    ------
    SedError
        Says what is wrong.
    """
    if missing := [name for name in needed if name not in found]:
        raise SedError(f"{path}: {', '.join(missing)} holds no numbers. Is this {what}?")
    wavelength = found[needed[0]]
    if wavelength.size < 2 or not (np.diff(wavelength) > 0).all() or wavelength[0] <= 0:
        raise SedError(f"{path}: its wavelengths do not increase. Is this {what}?")
    if span is not None and (wavelength[0] > span[0] or wavelength[-1] < span[1]):
        raise SedError(
            f"{path}: spans {wavelength[0]:g} to {wavelength[-1]:g} Å, and {what} spans at least "
            f"{span[0]:g} to {span[1]:g} Å: it is cut. Delete it and fetch it again."
        )
    return found
