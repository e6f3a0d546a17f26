"""Reads stars of MILES, the Medium-resolution Isaac Newton Telescope library: FITS or text.

The archive (http://miles.iac.es, stellar library 9.1) has a file a star, named by its number:
s0001.fits is an image of fluxes with CRVAL1 and CDELT1, its text form has two columns, wavelength
and flux. Wavelengths are in air, fluxes relative. The stars' labels are in paramsMILES_v9.1.txt.

Sources: Sanchez-Blazquez et al. 2006, MNRAS 371, 703; Falcon-Barroso et al. 2011, A&A 532, A95,
who measured the resolution; Cenarro et al. 2007, MNRAS 374, 664, for the labels.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from surveys.formats import sed
from surveys.formats.fits_file import opened
from surveys.wavelengths import vacuum

#: full width at half maximum of the profile at every wavelength, Å (Falcon-Barroso et al. 2011)
FWHM = 2.50
#: what every star's spectrum covers, in air, Å
SPAN = (3541.0, 7409.0)
_WHAT = "a star of MILES"


def read(path: str | os.PathLike[str]) -> sed.Sed:
    """Read one star.

    Parameters
    ----------
    path : path
        s0001.fits or its text form.

    Returns
    -------
    Sed
        Wavelength in vacuum, flux relative, without errors: the library gives none. Pixels that
        are not a number in the file stay so.

    Raises
    ------
    SedError
        When it is no such file, or cut.
    """
    if Path(path).suffix in (".fits", ".gz"):
        air, flux = _image(path)
    else:
        found = sed.columns(path, {2: ("wavelength", "flux")}, _WHAT)
        air, flux = found["wavelength"], found["flux"]
    sed.check(path, {"wavelength": air}, ("wavelength",), _WHAT, SPAN)
    return sed.Sed(
        name=Path(path).name.split(".")[0],
        wavelength=vacuum(air),
        flux=flux,
        error=np.full(flux.size, np.nan),
        fwhm=np.full(flux.size, FWHM),
        unit=sed.RELATIVE,
    )


def read_labels(path: str | os.PathLike[str]) -> dict[int, dict[str, float]]:
    """Read the stars' labels from paramsMILES_v9.1.txt.

    Parameters
    ----------
    path : path
        Fixed columns: name, number, spectral type, effective temperature, log g, [Fe/H], sources.

    Returns
    -------
    dict of dict
        For each star's number its ``teff`` (K), ``logg`` and ``m_h`` (dex); stars of which one is
        unknown are left out.

    Raises
    ------
    SedError
        When no line holds the labels of a star.
    """
    try:
        lines = Path(path).read_text(encoding="ascii", errors="replace").splitlines()
    except OSError as error:
        raise sed.SedError(f"{path}: cannot be read ({error.strerror}). Fetch it first.") from error
    found = {}
    for line in map(str.strip, lines):
        try:
            # the table writes 022. for star 221
            number = int(line[23:27].replace("022.", "0221"))
            teff, logg, fe_h = map(float, line[51:72].split())
        except ValueError:  # a line of another kind, or a label that is unknown
            continue
        found[number] = {"teff": teff, "logg": logg, "m_h": fe_h}
    if not found:
        raise sed.SedError(
            f"{path}: no line has a star's number in columns 24-27 and labels in 52-72. "
            "Is this paramsMILES_v9.1.txt?"
        )
    return found


def _image(path: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    with opened(path, sed.SedError) as hdus:
        header, data = hdus[0].header, hdus[0].data
        if data is None or not {"CRVAL1", "CDELT1"} <= set(header):
            raise sed.SedError(
                f"{path}: its first HDU is no image with CRVAL1 and CDELT1. Is this {_WHAT}?"
            )
        flux = np.asarray(data, dtype=float).ravel()
        first = header["CRVAL1"] - (header.get("CRPIX1", 1) - 1) * header["CDELT1"]
        return first + header["CDELT1"] * np.arange(flux.size), flux
