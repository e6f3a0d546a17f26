"""Spectra kept as rows of a stack, served as the files that LAMOST would have.

The simulated LAMOST spectra lie in `products/lamost_*.npz`, one row each, and are listed in table
`lamost` of the catalogue. A file is made when it is asked for, in either of LAMOST's layouts: an
image of five rows (as up to DR6) or a binary table (DR10).
"""

from __future__ import annotations

import gzip
import io
import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surveys.formats.npz import stored_array

if TYPE_CHECKING:
    import numpy as np
    from astropy.io import fits

_NAME = re.compile(r"lamost/(dr6|dr10)/\d{8}/\w+/spec-\d+-\w+_sp\d{2}-\d{3}\.fits(\.gz)?", re.ASCII)
SIMULATED = "SIMULATED: no star was observed. Made by the stellar labs kit."


def stacked_file(root: Path, name: str) -> bytes | None:
    """Make one file.

    Parameters
    ----------
    root : Path
        Folder of the survey, with catalogue.sqlite and products/ in it.
    name : str
        Below sas/, as in column `path` of table `lamost`; without .gz for the plain file.

    Returns
    -------
    bytes or None
        None when the survey has no such spectrum.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    row = _catalogue_row(root / "catalogue.sqlite", name.removesuffix(".gz") + ".gz")
    if row is None:
        return None
    stack = root / "products" / f"{row['survey']}.npz"
    content = _fits(row, match[1], *_spectrum(stack, row["place"]))
    return gzip.compress(content, compresslevel=1, mtime=0) if match[2] else content


def _catalogue_row(catalogue: Path, name: str) -> dict[str, Any] | None:
    """What the catalogue says of a file, and its place in the stack."""
    query = (
        "SELECT l.*, l.rowid - (SELECT MIN(m.rowid) FROM lamost m WHERE m.survey = l.survey) "
        "AS place FROM lamost l WHERE l.path = ?"
    )
    if not catalogue.is_file():
        return None
    connection = sqlite3.connect(f"{catalogue.resolve().as_uri()}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        found = connection.execute(query, (name,)).fetchone()
    except sqlite3.OperationalError:  # a catalogue without LAMOST
        return None
    finally:
        connection.close()
    return dict(found) if found is not None else None


def _spectrum(stack: Path, place: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flux, inverse variance and flags of one row, each (3909,)."""
    import numpy as np

    scale = float(stored_array(stack, "flux_scale")[place])
    flux = stored_array(stack, "flux_i2")[place] * scale
    error = stored_array(stack, "err_f2")[place].astype(float) * (100.0 * scale)
    bad = np.unpackbits(stored_array(stack, "bad")[place])[: flux.size].astype(bool)
    good = ~bad & np.isfinite(error)
    ivar = np.where(good, 1.0 / np.where(good, error, 1.0) ** 2, 0.0)
    return flux.astype(np.float32), ivar.astype(np.float32), bad


def _fits(
    row: dict[str, Any], release: str, flux: np.ndarray, ivar: np.ndarray, bad: np.ndarray
) -> bytes:
    import numpy as np
    from astropy.io import fits
    from scipy.ndimage import uniform_filter1d

    wave = (10.0 ** (3.5682 + 1e-4 * np.arange(flux.size))).astype(np.float32)
    flags = bad.astype(np.float32)
    start = fits.PrimaryHDU(header=_header(row, release, flux.size))
    hdus = fits.HDUList([start])
    if release == "dr6":
        hdus[0].data = np.stack([flux, ivar, wave, np.zeros_like(flags), flags])
        hdus[0].header["EXTNAME"] = "Flux"
    else:
        level = np.where(flux > 0, flux, 0.0)
        smooth = np.maximum(uniform_filter1d(level, 301, mode="nearest"), 1e-6)
        arrays = {
            "FLUX": flux,
            "IVAR": ivar,
            "WAVELENGTH": wave,
            "ANDMASK": np.zeros_like(flags),
            "ORMASK": flags,
            "NORMALIZATION": (flux / smooth).astype(np.float32),
        }
        columns = [
            fits.Column(name=name, format=f"{flux.size}E", array=array[None])
            for name, array in arrays.items()
        ]
        hdus.append(fits.BinTableHDU.from_columns(columns, name="COADD"))
    content = io.BytesIO()
    hdus.writeto(content)
    return content.getvalue()


def _header(row: dict[str, Any], release: str, pixels: int) -> fits.Header:
    """Cards of LAMOST's primary header, those that the simulation can fill."""
    from astropy.io import fits

    cards = [
        ("COMMENT", SIMULATED),
        ("FILENAME", row["path"].rpartition("/")[2], ""),
        ("OBSID", row["obsid"], "Unique number ID of this spectrum"),
        ("DATA_V", f"LAMOST {release.upper()}", "Data release whose layout this is"),
        ("ORIGIN", "SIMULATED", "Not observed"),
        ("TELESCOP", "LAMOST", "Telescope that is imitated"),
        ("DATE-OBS", f"{row['obsdate']}T14:00:00", "The observation median UTC"),
        ("LMJD", row["lmjd"], "Local Modified Julian Day"),
        ("PLANID", row["planid"], "Plan ID in use"),
        ("RA", row["ra"], "[deg] Right ascension of object"),
        ("DEC", row["dec"], "[deg] Declination of object"),
        ("DESIG", f"LAMOST {row['designation']}", "Designation of LAMOST target"),
        ("SPID", row["spid"], "Spectrograph ID"),
        ("FIBERID", row["fiberid"], "Fiber ID of Object"),
        ("MAGTYPE", "r", "Magnitude type of object"),
        ("MAG1", row["mag_r"], "[mag] Mag1 of object"),
        ("HELIO", True, "Heliocentric correction"),
        ("HELIO_RV", row["helio_rv"], "[km/s] Heliocentric correction"),
        ("VACUUM", True, "Wavelengths are in vacuum"),
        ("NWORDER", 2, "Number of linear-log10 coefficients"),
        ("WFITTYPE", "LOG-LINEAR", "Linear-log10 dispersion"),
        ("COEFF0", 3.5682, "Central wavelength (log10) of first pixel"),
        ("COEFF1", 0.0001, "Log10 dispersion per pixel"),
        ("CRVAL1", 3.5682, "Central wavelength (log10) of first pixel"),
        ("CD1_1", 0.0001, "Log10 dispersion per pixel"),
        ("CRPIX1", 1, "Starting pixel (1-indexed)"),
        ("DC-FLAG", 1, "Log-linear flag"),
        ("NPIX", pixels, "Number of pixels"),
        ("CLASS", row["class"], "Class of object"),
        ("SUBCLASS", row["subclass"], "Subclass of object"),
        ("Z", row["z"], "Redshift of object"),
        ("Z_ERR", row["z_err"], "Redshift error of object"),
        ("ZFLAG", "LASP", "Which method computes the redshift"),
        *((f"SNR{b}", row[f"snr{b.lower()}"], f"SNR of {b.lower()} filter") for b in "UGRIZ"),
    ]
    return fits.Header(cards)
