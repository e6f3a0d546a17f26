"""Isochrones: where stars of one age and composition stand, as MIST and PARSEC publish them.

    from helpers import isochrones

    path = isochrones.fetch(fe_h=0.0)            # a file with a ladder of ages
    ladder = isochrones.read(path)               # one Isochrone per age
    iso = isochrones.select(ladder, log_age=9.8)

The embedded archive serves isochrones by formula in MIST's layout, with no network; with
`LABKIT_ARCHIVE=sdss`, or a folder, they come from MIST's web interpolator. `read` also takes files
you have: MIST's ``.iso`` and ``.iso.cmd``, its web tables (``.ecsv``), PARSEC's web tables and the
``.npz`` of PARSEC that FSPS users have.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from helpers import archive
from surveys import mist
from surveys.download import Patience
from surveys.formats.isochrones import PHASES, Isochrone, IsochroneError, read, select

__all__ = ["EMBEDDED_FE_H", "PHASES", "Isochrone", "IsochroneError", "fetch", "read", "select"]

EMBEDDED_FE_H = tuple(np.arange(-2.0, 0.51, 0.25).round(2).tolist())
"""[Fe/H] of the isochrones in the embedded archive."""


def fetch(fe_h: float, *, patience: Patience | None = None) -> Path:
    """Fetch the isochrones of one metallicity: a file with a ladder of ages.

    Parameters
    ----------
    fe_h : float
        [Fe/H], dex. The embedded archive has those of `EMBEDDED_FE_H`; MIST's web interpolator
        takes any from -4 to 0.5.
    patience : Patience, optional
        Time limits and retries.

    Returns
    -------
    Path
        A file in MIST's ``.iso`` format; fetched once, then kept.

    Raises
    ------
    ValueError
        For an [Fe/H] that is not to be had; the message says which are.
    ArchiveError
        When the file cannot be fetched, and what to do.
    """
    here = archive.current()
    if here.products is None:
        return mist.fetch(fe_h, here.cache / "mist", patience or Patience())
    near = [z for z in EMBEDDED_FE_H if math.isclose(z, fe_h, abs_tol=1e-6)]
    if not near:
        have = ", ".join(f"{z:g}" for z in EMBEDDED_FE_H)
        raise ValueError(
            f"the {here.description} has no isochrones of [Fe/H] = {fe_h:g}, but of {have}: take "
            "the nearest, or interpolate between two"
        )
    sign = "m" if near[0] < 0 else "p"
    name = f"isochrones_feh_{sign}{round(abs(100 * near[0])):03d}"
    return archive.product(name, suffix=".iso", patience=patience)
