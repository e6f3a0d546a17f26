"""Reads flux standards of CALSPEC: FITS tables named NAME_stis_NNN.fits and the like.

The archive is https://www.stsci.edu, calspec (Bohlin, Gordon & Tremblay 2014, PASP 126, 711): a
table of WAVELENGTH, FLUX, STATERROR, SYSERROR, FWHM and DATAQUAL (1 good, 0 bad). Wavelengths are
in vacuum. Models of the same stars (NAME_mod_NNN.fits) have neither errors nor width.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from surveys.formats import sed


def read(path: str | os.PathLike[str]) -> sed.Sed:
    """Read one standard.

    Parameters
    ----------
    path : path
        Of any instrument: _stis_, _stisnic_, _stiswfc_, _mod_.

    Returns
    -------
    Sed
        Flux in erg/s/cm2/Å; the error joins the statistical and the systematic one. Error and
        width are NaN for a model.

    Raises
    ------
    SedError
        When it is no such file, or cut.
    """
    found, header = sed.table(path, ("WAVELENGTH", "FLUX"), "a standard of CALSPEC")
    unknown = np.full(found["FLUX"].size, np.nan)
    error = np.hypot(found.get("STATERROR", unknown), found.get("SYSERROR", unknown))
    good = found.get("DATAQUAL", np.ones(unknown.size)) > 0
    return sed.Sed(
        name=str(header.get("TARGETID", Path(path).stem)).strip(),
        wavelength=found["WAVELENGTH"],
        flux=found["FLUX"],
        error=np.where(good, error, np.inf),
        fwhm=found.get("FWHM", unknown),
        unit=sed.OBSERVED,
    )
