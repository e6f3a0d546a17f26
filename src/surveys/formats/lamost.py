"""LAMOST's files of low-resolution spectra, in both layouts.

In older releases (such as DR6) a file is an image of five rows: flux, inverse variance, wavelength,
AND mask, OR mask; in newer ones (such as DR10) a binary table with a column for each. Source: files
of both releases (https://www.lamost.org; Cui et al. 2012, RAA 12, 1197).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from surveys.errors import KitError
from surveys.formats.fits_file import opened
from surveys.wavelengths import vacuum

_ROWS = ("FLUX", "IVAR", "WAVELENGTH", "ANDMASK", "ORMASK")
#: columns of a table of LAMOST spectra, and the cards they come from
_CARDS = {
    **{name: name.upper() for name in ("obsid", "lmjd", "planid", "spid", "fiberid", "ra", "dec")},
    **{name: name.upper() for name in ("helio_rv", "class", "subclass", "z", "z_err")},
    **{name: name.upper() for name in ("snru", "snrg", "snrr", "snri", "snrz")},
    "designation": "DESIG",
}


class LamostFileError(KitError, ValueError):
    """A file is not the LAMOST spectrum it should be; the message says why and what to do."""


@dataclass(frozen=True)
class LamostSpectrum:
    """One low-resolution spectrum as its file holds it.

    Attributes
    ----------
    wavelength : (n,) array
        Vacuum, barycentric, not shifted to the star's rest frame, Å.
    flux, error : (n,) arrays
        In the file's relative unit; the error is infinite where the inverse variance is zero and
        where a pixel is flagged in every exposure (AND mask).
    about : dict
        What the header says, under the names that LAMOST's catalogue has: obsid, designation, snrg,
        class, z ... A value that LAMOST has not determined is -9999, as it writes it.
    """

    wavelength: np.ndarray
    flux: np.ndarray
    error: np.ndarray
    about: dict[str, Any]


def read_lamost(path: str | os.PathLike[str]) -> LamostSpectrum:
    """Read a low-resolution spectrum.

    Parameters
    ----------
    path : path
        A file ``spec-MJD-PLAN_spNN-FFF.fits`` of any data release, plain or gzipped.

    Returns
    -------
    LamostSpectrum

    Raises
    ------
    LamostFileError
        When it is not a complete file of that kind.
    """
    with opened(path, LamostFileError) as hdus:
        header = dict(hdus[0].header)
        arrays = _arrays(path, hdus)
    flux, ivar, wavelength = (arrays[name] for name in _ROWS[:3])
    if {"COEFF0", "COEFF1"} <= header.keys():  # the column has single precision only
        wavelength = 10 ** (header["COEFF0"] + header["COEFF1"] * np.arange(flux.size))
    good = (ivar > 0) & (arrays["ANDMASK"] == 0)
    error = np.full(flux.size, np.inf)
    error[good] = ivar[good] ** -0.5
    about = {name: header[card] for name, card in _CARDS.items() if card in header}
    if "designation" in about:
        about["designation"] = about["designation"].removeprefix("LAMOST ")
    in_air = header.get("VACUUM") is False
    return LamostSpectrum(vacuum(wavelength) if in_air else wavelength, flux, error, about)


def _arrays(path: str | os.PathLike[str], hdus: Any) -> dict[str, np.ndarray]:
    """Return the five arrays of a file, by name."""
    first, second = hdus[0], hdus[1] if len(hdus) > 1 else None
    if first.data is not None and first.data.ndim == 2 and len(first.data) == len(_ROWS):
        found = dict(zip(_ROWS, first.data, strict=True))
    elif second is not None and not second.is_image and {*_ROWS} <= {*second.columns.names}:
        found = {name: second.data[name][0] for name in _ROWS}
    else:
        raise LamostFileError(
            f"{path}: holds neither an image of the five rows {', '.join(_ROWS)} nor a table of "
            "these columns.",
            "Is this one of LAMOST's low-resolution spectra (spec-...fits)?",
        )
    return {name: np.asarray(array, dtype=float) for name, array in found.items()}
