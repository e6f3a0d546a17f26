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
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from helpers import archive
from surveys.download import ArchiveError, Patience, download
from surveys.formats.isochrones import PHASES, Isochrone, IsochroneError, read

__all__ = [
    "EMBEDDED_FE_H",
    "MIST_FE_H",
    "PHASES",
    "Isochrone",
    "IsochroneError",
    "fetch",
    "read",
    "select",
]

MIST_SERVICE = "https://waps.cfa.harvard.edu/MIST"
"""Address of the web interpolator of MIST 1.2 (Choi et al. 2016; Dotter 2016)."""
#: the ladder of log10 ages (years) that is asked of it: first, last, step
LADDER = (8.5, 10.1, 0.05)
#: what MIST's interpolator reaches
MIST_FE_H = (-4.0, 0.5)
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
        return _fetch_mist(fe_h, here.cache / "mist", patience or Patience())
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


def select(ladder: Sequence[Isochrone], log_age: float) -> Isochrone:
    """Pick the isochrone of an age.

    Parameters
    ----------
    ladder : sequence of Isochrone
        Of one [Fe/H].
    log_age : float
        log10 of the age in years, such as 9.8 for 6.3 Gyr.

    Returns
    -------
    Isochrone

    Raises
    ------
    IsochroneError
        If there is none of that age; the message names the neighbours.
    """
    ages = [iso.log_age for iso in ladder]
    for iso in ladder:
        if abs(iso.log_age - log_age) < 1e-4:
            return iso
    below = max((age for age in ages if age < log_age), default=None)
    above = min((age for age in ages if age > log_age), default=None)
    if below is None or above is None:
        hint = ""
        if log_age > 0:  # an age, in years or in Gyr?
            years = log_age if log_age > 1e3 else log_age * 1e9
            if min(ages) <= math.log10(years) <= max(ages):
                hint = f" (if you meant {years:.3g} years, its log10 is {math.log10(years):.3f})"
        raise IsochroneError(
            f"log age {log_age:g} is outside the {len(ages)} isochrones of {ladder[0].source}, "
            f"which run from {min(ages):g} to {max(ages):g}{hint}"
        )
    raise IsochroneError(
        f"there is no isochrone of log age {log_age:g} in {ladder[0].source}: its neighbours are "
        f"{below:g} and {above:g}, interpolate between them"
    )


# ---------------------------------------------------------------- the formats


# ---------------------------------------------------------------- MIST's web interpolator


def _fetch_mist(fe_h: float, folder: Path, patience: Patience) -> Path:
    """Ask the interpolator for a ladder of ages, then fetch the file it makes."""
    low, high = MIST_FE_H
    if not low <= fe_h <= high:
        raise ValueError(f"MIST has isochrones of [Fe/H] from {low:g} to {high:g}, not {fe_h:g}")
    name = f"MIST_v1.2_feh_{'m' if fe_h < 0 else 'p'}{abs(fe_h):.2f}_vvcrit0.4_basic.iso"
    kept = folder / name
    if kept.is_file():
        return kept
    link = _mist_link(_ask_mist(fe_h, patience))
    zipped = download(
        MIST_SERVICE,
        [link],
        folder / "zip",
        check=_check_zip,
        service="the MIST isochrone service",
        progress=False,
        patience=patience,
    )[0]
    _unzip(zipped, kept)
    zipped.unlink()
    return kept


def _ask_mist(fe_h: float, patience: Patience) -> str:
    """Send the form of the interpolator; returns the page it answers with."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    first, last, step = LADDER
    form = {
        "version": "1.2",
        "v_div_vcrit": "vvcrit0.4",
        "age_scale": "log10",
        "age_type": "range",
        "age_value": "",
        "age_range_low": f"{first:g}",
        "age_range_high": f"{last:g}",
        "age_range_delta": f"{step:g}",
        "age_list": "",
        "FeH_value": f"{fe_h:g}",
        "theory_output": "basic",
        "output_option": "theory",
        "output": "UBVRIplus",
        "Av_value": "0",
    }
    retry = Retry(
        total=patience.attempts - 1,
        backoff_factor=patience.backoff,
        status_forcelist=(429, 502, 503, 504),
        allowed_methods=None,  # asking twice for the same table does no harm
        raise_on_status=False,
    )
    advice = "Check the network, wait a little and run the cell again."
    try:
        with requests.Session() as session:
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=retry))
            session.trust_env = not MIST_SERVICE.startswith("http://127.0.0.1:")
            answer = session.post(
                f"{MIST_SERVICE}/iso_form.php",
                data=form,
                timeout=(patience.connect, max(patience.stall, 120.0)),
            )
    except requests.RequestException as error:
        raise ArchiveError(
            f"MIST's isochrone service did not answer at {MIST_SERVICE} "
            f"({type(error).__name__}). {advice}"
        ) from error
    if answer.status_code in (404, 410):
        raise ArchiveError(
            f"MIST's isochrone service is not at {MIST_SERVICE} (HTTP status "
            f"{answer.status_code}): it has moved, or the address is misspelt. A table fetched by "
            "hand from MIST's or PARSEC's web page can be opened with isochrones.read."
        )
    if answer.status_code >= 400:
        raise ArchiveError(
            f"MIST's isochrone service at {MIST_SERVICE} answered with HTTP status "
            f"{answer.status_code}. {advice}"
        )
    return answer.text


def _mist_link(page: str) -> str:
    """Find the link to the zipped file in the interpolator's answer."""
    link = re.search(r"""href\s*=\s*["']?([\w./-]+\.iso\.zip)""", page, re.IGNORECASE)
    if link:
        return link[1].removeprefix("./")
    said = " ".join(re.sub(r"<[^>]*>", " ", page).split())[:300]
    raise ArchiveError(
        f"MIST's isochrone service at {MIST_SERVICE} made no file; it says: {said or 'nothing'}"
    )


def _check_zip(path: Path, _name: str) -> None:
    import zipfile

    from surveys.download import Rejected

    try:
        with zipfile.ZipFile(path) as packed:
            broken = packed.testzip()
    except (OSError, zipfile.BadZipFile) as error:
        raise Rejected(f"not a complete zip file ({error})") from error
    if broken:
        raise Rejected(f"{broken} in it is damaged")


def _unzip(zipped: Path, target: Path) -> None:
    """Put the one table of the zip in place, once it is known to be one."""
    import zipfile

    with zipfile.ZipFile(zipped) as packed:
        names = [name for name in packed.namelist() if name.endswith(".iso")]
        if len(names) != 1:
            raise ArchiveError(f"MIST sent {packed.namelist()}: one .iso file was expected")
        content = packed.read(names[0])
    partial = target.with_suffix(".partial")
    partial.write_bytes(content)
    read(partial)
    partial.replace(target)
