"""Reads model fluxes of Castelli & Kurucz (2004) in the layout of STScI's atlas, ck04models.

A file, such as ckp00_5750.fits, holds one temperature and metallicity, in its header's TEFF and
LOG_Z; its table has WAVELENGTH and a column for each gravity, g00 to g50, which is zero where there
is no such model. About 20 Å of sampling make air or vacuum all one.

Source: Castelli & Kurucz 2004, arXiv:astro-ph/0405087; https://archive.stsci.edu, reference
atlases, ck04models.
"""

from __future__ import annotations

import os
import re

import numpy as np

from surveys.formats import sed

_WHAT = "a file of ck04models"


def read(path: str | os.PathLike[str]) -> list[sed.Sed]:
    """Read the models of one temperature and metallicity.

    Parameters
    ----------
    path : path
        ckXXX_TEFF.fits.

    Returns
    -------
    list of Sed
        In the order of gravity, those that exist. The flux is that at the star's surface, the
        width that of a bin.

    Raises
    ------
    SedError
        When it is no such file, or cut.
    """
    found, header = sed.table(path, ("WAVELENGTH",), _WHAT)
    gravities = sorted(name for name in found if re.fullmatch(r"G\d\d", name))
    cards = [header.get("TEFF"), header.get("LOG_Z")]
    if not gravities or not all(isinstance(card, int | float) for card in cards):
        raise sed.SedError(
            f"{path}: its header lacks TEFF or LOG_Z, or its table columns of gravity such as g45. "
            f"Is this {_WHAT}?"
        )
    teff, m_h = (float(card) for card in cards if card is not None)
    wavelength = found["WAVELENGTH"]
    return [
        sed.Sed(
            name=f"{teff:.0f} K, log g {int(name[1:]) / 10:.1f}, [M/H] {m_h:+.1f}",
            wavelength=wavelength,
            flux=found[name],
            error=np.full(wavelength.size, np.nan),
            fwhm=np.gradient(wavelength),
            unit=sed.SURFACE,
            labels={"teff": teff, "logg": int(name[1:]) / 10, "m_h": m_h},
        )
        for name in gravities
        if found[name].any()
    ]
