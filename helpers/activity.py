"""LAMOST spectra as lab 7 reads them, one or a stack of thousands, and facts about active lines.

A stack is one npz file in the layout of the products `lamost_k2`, `lamost_kepler` and
`lamost_mock` (see data/README.md): flux as scaled int16, errors as float16, packed flags.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surveys.formats.lamost import read_lamost
from surveys.formats.npz import stored_array
from surveys.wavelengths import air_index

__all__ = [
    "HALPHA",
    "LITHIUM",
    "NITROGEN",
    "TRIPLET",
    "Spectra",
    "air_index",
    "continuum_flux",
    "read",
]

if TYPE_CHECKING:
    from astropy.table import Table

#: wavelengths in air, Å: H alpha, the Ca II infrared triplet, Li I, and the [N II] of nebulae
#: (NIST Atomic Spectra Database)
HALPHA = 6562.80
TRIPLET = (8498.02, 8542.09, 8662.14)
LITHIUM = 6707.81
NITROGEN = (6548.05, 6583.45)

#: log10 of the continuum flux at a star's surface, erg s^-1 cm^-2 Å^-1: coefficients in powers of
#: log10(Teff / 5000 K), at H alpha and at the triplet
_CONTINUUM = {
    "halpha": (6.5886, 4.8033, -6.2524, -23.5523, 130.6486),
    "triplet": (6.4425, 3.7764, -4.1802, -18.4011, 95.6302),
}


@dataclass(frozen=True)
class Spectra:
    """A stack of spectra.

    Attributes
    ----------
    wavelength : (p,) array
        Vacuum, barycentric, Å; uniform in its logarithm.
    flux, error : (n, p) array
        1e-17 erg s^-1 cm^-2 Å^-1 and its standard deviation; infinite where a pixel is flagged.
    table : astropy Table
        What the pipeline says of each spectrum, row by row (and of a stack with public truth, what
        was planted).
    cosmic : (k, 4) array or None
        With public truth, the cosmic rays: row, pixel of the full spectrum (3909), height in the
        unit of flux, whether flagged.
    inactive : (n, p) array or None
        With public truth, the stars themselves asleep: without chromosphere, noise, dust and errors
        of calibration, erg s^-1 cm^-2 Å^-1 at the surface.
    """

    wavelength: np.ndarray
    flux: np.ndarray
    error: np.ndarray
    table: Table
    cosmic: np.ndarray | None = None
    inactive: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.flux)


def read(path: str | Path, low: float = 5900.0, high: float = 8870.0) -> Spectra:
    """Read a stack, in part: the whole of 12 000 spectra would take most of a gigabyte.

    Parameters
    ----------
    path : path
        An npz file, such as ``archive.product("lamost_k2")``, or one spectrum as LAMOST publishes
        it (``.fits`` or ``.fits.gz``), which gives a stack of one.
    low, high : float
        Vacuum wavelengths to keep, Å.

    Returns
    -------
    Spectra
        Flux and error in single precision.
    """
    from astropy.table import Table

    path = Path(path)
    if path.name.endswith((".fits", ".fits.gz")):
        one = read_lamost(path)
        kept = slice(*np.searchsorted(one.wavelength, [low, high]))
        flux, error = (row[None, kept].astype(np.float32) for row in (one.flux, one.error))
        return Spectra(one.wavelength[kept], flux, error, Table([one.about]))
    with np.load(path, allow_pickle=False) as file:
        wavelength, scale = file["wavelength"], file["flux_scale"].astype(np.float32)[:, None]
        kept = slice(*np.searchsorted(wavelength, [low, high]))
        big = {"flux_i2", "err_f2", "bad", "wavelength", "flux_scale", "cosmic", "inactive"}
        table = Table({name: file[name] for name in file.files if name not in big})
        bad = np.unpackbits(file["bad"], axis=1)[:, kept].astype(bool)
        cosmic = file["cosmic"] if "cosmic" in file.files else None
        inactive = file["inactive"][:, kept] if "inactive" in file.files else None
    flux = _columns(path, "flux_i2", kept).astype(np.float32) * scale
    error = _columns(path, "err_f2", kept).astype(np.float32) * (100.0 * scale)
    error[bad] = np.inf
    return Spectra(wavelength[kept], flux, error, table, cosmic, inactive)


def _columns(path: Path, name: str, kept: slice) -> np.ndarray:
    """Some columns of an array of the file, without reading the rest if it is not compressed."""
    try:
        return stored_array(path, name)[:, kept]
    except ValueError:
        with np.load(path, allow_pickle=False) as file:
            values: np.ndarray = file[name]
            return values[:, kept]


def continuum_flux(teff: np.ndarray, line: str) -> np.ndarray:
    """Continuum flux per Å at the surface of a star.

    Our fit to model atmospheres of the kit, 3000 to 8500 K (rms 0.02 dex); from 4000 to 8000 K
    within 0.04 dex of Castelli & Kurucz (2004) at H alpha. Gravity changes it by less than 0.02 dex
    per dex.

    Parameters
    ----------
    teff : array
        K.
    line : {"halpha", "triplet"}
        Where.

    Returns
    -------
    array
        erg s^-1 cm^-2 Å^-1.

    Raises
    ------
    KeyError
        If the line is neither of the two.
    """
    x = np.log10(np.asarray(teff, dtype=float) / 5000.0)
    return 10.0 ** np.polynomial.polynomial.polyval(x, _CONTINUUM[line])
