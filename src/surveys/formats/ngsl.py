"""Reads stars of NGSL, the Next Generation Spectral Library of Hubble's STIS: FITS tables.

The archive (https://archive.stsci.edu/prepds/stisngsl, version 2) has a file a star, named
h_stis_ngsl_hd000358_v2.fits: a table of WAVELENGTH, FLUX and STATERR, and labels of a fitted model
in the primary header.

Sources: the library's handbook (Lindler & Heap, STIS Next Generation Spectral Library); Gregg et
al. 2006, HST Calibration Workshop, 209; Koleva & Vazdekis 2012, A&A 538, A143, for the resolution.
As in all spectra of STIS, wavelengths are in vacuum.
"""

from __future__ import annotations

import os

import numpy as np

from surveys.formats import sed

#: wavelength over the profile's full width at half maximum: about the same everywhere
RESOLUTION = 1000.0
_LABELS = {"TEFF": "teff", "LOG_G": "logg", "LOG_Z": "m_h", "EBMV": "e_bv"}


def read(path: str | os.PathLike[str]) -> sed.Sed:
    """Read one star, not corrected for reddening.

    Parameters
    ----------
    path : path
        h_stis_ngsl_*_v2.fits.

    Returns
    -------
    Sed
        Flux in erg/s/cm2/Å; labels of the library's own fit, where it had one; `quality` is "good"
        or "suspect" (a star off the slit's centre).

    Raises
    ------
    SedError
        When it is no such file, or cut.
    """
    needed = ("WAVELENGTH", "FLUX", "STATERR")
    found, header = sed.table(path, needed, "a spectrum of NGSL")
    wavelength = found["WAVELENGTH"]
    return sed.Sed(
        name=str(header.get("TARGNAME", "")).strip(),
        wavelength=wavelength,
        flux=found["FLUX"],
        error=np.where(found["STATERR"] > 0, found["STATERR"], np.inf),
        fwhm=wavelength / RESOLUTION,
        unit=sed.OBSERVED,
        labels={
            label: float(header[card])
            for card, label in _LABELS.items()
            if isinstance(header.get(card), int | float)
        },
        quality=str(header.get("DATAQUAL", "")).strip(),
    )
