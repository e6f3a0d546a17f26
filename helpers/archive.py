"""Where the spectra come from: the simulated survey, SDSS itself, or a folder.

`LABKIT_ARCHIVE` chooses: `embedded` (the default: a simulated survey, served on this machine),
`sdss` (the real archive) or a directory laid out like the SDSS Science Archive Server. Nothing but
the addresses differs, so the same notebook runs on all three:

    from helpers import archive
    from astroquery.sdss import SDSS

    archive.connect()
    table = SDSS.query_sql("SELECT TOP 10 * FROM apogeeStar")
    files = archive.fetch([...])
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from surveys import own_star, skyserver, whole_files
from surveys.archives import Archive, current, server_at
from surveys.download import ArchiveError, Patience, download
from surveys.students import sign_in

__all__ = [
    "Archive",
    "ArchiveError",
    "Patience",
    "allstar_path",
    "connect",
    "current",
    "fetch",
    "product",
    "sign_in",
]

ALLSTAR = "dr17/apogee/spectro/aspcap/dr17/synspec_rev1/allStar-dr17-synspec_rev1.fits"


# ---------------------------------------------------------------- SQL through astroquery


def connect() -> Archive:
    """Point `astroquery.sdss` at the current archive.

    Only astroquery's own settings change (addresses, time limit, where it keeps its answers), and
    its connection learns to try again when the service is busy and to refuse an error page instead
    of reading it as a table.

    Returns
    -------
    Archive
        The archive it is connected to.

    Raises
    ------
    ArchiveError
        See `current`. Later, a query that fails raises it too, with the service's own message.
    """
    archive = current()
    if archive.kind == "sdss":
        answers = archive.cache / "queries"
    else:  # a new build must not be answered from the old one's cache
        answers = server_at(archive.skyserver).scratch / f"queries-{archive.key}"
    skyserver.point_astroquery(
        archive.skyserver, archive.sas, answers, f"SkyServer ({archive.description})"
    )
    return archive


# ---------------------------------------------------------------- files


def allstar_path() -> str:
    """Return the SAS path of the catalogue of all stars as one FITS table."""
    return ALLSTAR


def fetch(
    paths: Sequence[str], *, progress: bool = True, patience: Patience | None = None
) -> list[Path]:
    """Fetch files of the archive, and give their places on this machine.

    What was fetched before is not fetched again, so after a failure the same call resumes.

    Parameters
    ----------
    paths : sequence of str
        Below the archive's sas/, such as "dr17/apogee/spectro/redux/dr17/stars/...".
    progress : bool
        Show a progress bar.
    patience : Patience, optional
        Time limits and retries; the default suits SDSS.

    Returns
    -------
    list of Path
        Verified FITS files, in the order asked for.

    Raises
    ------
    ArchiveError
        When files are missing at the end: which, why, and what to do. The others are kept.
    ValueError
        When a path is not one (say with ".." in it).
    """
    if isinstance(paths, str):
        raise TypeError("fetch takes a list of paths; for a single one write fetch([path]).")
    archive = current()
    return own_star.fetch(
        archive,
        [str(path) for path in paths],
        check=whole_files.fits_file,
        service=f"the science archive ({archive.description})",
        progress=progress,
        patience=patience,
    )


def product(name: str, *, suffix: str = ".npz", patience: Patience | None = None) -> Path:
    """Fetch what an earlier lab would have made, as the simulated survey ships it.

    Parameters
    ----------
    name : str
        Without its suffix, such as "01_apogee".
    suffix : str
        ".npz", or ".iso" for isochrones.
    patience : Patience, optional
        Time limits and retries.

    Returns
    -------
    Path
        An npz file of plain arrays, or a text file of isochrones.

    Raises
    ------
    ArchiveError
        When the archive has no products (SDSS has none: do the earlier lab first) or not this one.
    """
    archive = current()
    if archive.products is None:
        raise ArchiveError(
            f"{archive.description} has no ready-made {name!r}: do the earlier lab first, on the "
            "same archive, and it will be found."
        )
    if not re.fullmatch(r"[A-Za-z0-9]\w*", name):
        raise ValueError(f"{name!r} is not the name of a product: letters, digits and _ only.")
    return download(
        archive.products,
        [name + suffix],
        archive.cache / ("products" if suffix == ".npz" else "isochrones"),
        check=whole_files.npz_file if suffix == ".npz" else whole_files.isochrone_file,
        service=f"the products of the {archive.description}",
        progress=False,
        patience=patience,
    )[0]
