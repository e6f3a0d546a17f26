"""Whether a downloaded file is whole and what its name says: what is not is asked for again."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np

from surveys.download import Rejected
from surveys.formats.apstar import ApogeeFileError, check_fits
from surveys.formats.isochrones import IsochroneError, read

_SPECTRUM_NAME = re.compile(r"(apStar|aspcapStar|asStar|apStarC|aspcapStarC)-.*\.fits")


def fits_file(path: Path, name: str) -> None:
    """Reject what is no complete FITS file, or no spectrum where the name promises one.

    Parameters
    ----------
    path : Path
        As downloaded.
    name : str
        As the archive calls it.

    Raises
    ------
    Rejected
    """
    try:
        check_fits(path, spectrum=_SPECTRUM_NAME.fullmatch(name) is not None)
    except ApogeeFileError as error:
        raise Rejected(str(error).removeprefix(f"{path}: ")) from error


def npz_file(path: Path, _name: str) -> None:
    """Reject what is no complete file of plain arrays; see `fits_file`."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            for name in arrays.files:
                arrays[name]  # reads it, which checks its checksum
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise Rejected(f"not a complete npz file of plain arrays ({error})") from error


def isochrone_file(path: Path, _name: str) -> None:
    """Reject what is no table of isochrones; see `fits_file`."""
    try:
        read(path)
    except IsochroneError as error:
        raise Rejected(str(error)) from error
