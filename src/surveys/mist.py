"""MIST's web interpolator: isochrones of any metallicity, as tables that anyone may ask for.

Sources: MIST 1.2 (Choi et al. 2016, ApJ 823, 102; Dotter 2016, ApJS 222, 8).
"""

from __future__ import annotations

import re
from pathlib import Path

from surveys.download import ArchiveError, Patience, download
from surveys.formats.isochrones import read

#: address of the interpolator
SERVICE = "https://waps.cfa.harvard.edu/MIST"
#: the ladder of log10 ages (years) that is asked of it: first, last, step
LADDER = (8.5, 10.1, 0.05)
#: the [Fe/H] it reaches, dex
FE_H = (-4.0, 0.5)


def fetch(fe_h: float, folder: Path, patience: Patience) -> Path:
    """Ask the interpolator for a ladder of ages, and fetch the file it makes.

    Parameters
    ----------
    fe_h : float
        [Fe/H], dex, within `FE_H`.
    folder : Path
        Where the file is kept.
    patience : Patience
        Time limits and retries.

    Returns
    -------
    Path
        In MIST's ``.iso`` format; fetched once.

    Raises
    ------
    ValueError
        For an [Fe/H] that MIST does not reach.
    ArchiveError
        When the file cannot be fetched, and what to do.
    """
    low, high = FE_H
    if not low <= fe_h <= high:
        raise ValueError(f"MIST has isochrones of [Fe/H] from {low:g} to {high:g}, not {fe_h:g}")
    name = f"MIST_v1.2_feh_{'m' if fe_h < 0 else 'p'}{abs(fe_h):.2f}_vvcrit0.4_basic.iso"
    kept = folder / name
    if kept.is_file():
        return kept
    link = _link(_ask(fe_h, patience))
    zipped = download(
        SERVICE,
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


def _ask(fe_h: float, patience: Patience) -> str:
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
            session.trust_env = not SERVICE.startswith("http://127.0.0.1:")
            answer = session.post(
                f"{SERVICE}/iso_form.php",
                data=form,
                timeout=(patience.connect, max(patience.stall, 120.0)),
            )
    except requests.RequestException as error:
        raise ArchiveError(
            f"MIST's isochrone service did not answer at {SERVICE} "
            f"({type(error).__name__}). {advice}"
        ) from error
    if answer.status_code in (404, 410):
        raise ArchiveError(
            f"MIST's isochrone service is not at {SERVICE} (HTTP status "
            f"{answer.status_code}): it has moved, or the address is misspelt. A table fetched by "
            "hand from MIST's or PARSEC's web page can be opened with isochrones.read."
        )
    if answer.status_code >= 400:
        raise ArchiveError(
            f"MIST's isochrone service at {SERVICE} answered with HTTP status "
            f"{answer.status_code}. {advice}"
        )
    return answer.text


def _link(page: str) -> str:
    """Find the link to the zipped file in the interpolator's answer."""
    link = re.search(r"""href\s*=\s*["']?([\w./-]+\.iso\.zip)""", page, re.IGNORECASE)
    if link:
        return link[1].removeprefix("./")
    said = " ".join(re.sub(r"<[^>]*>", " ", page).split())[:300]
    raise ArchiveError(
        f"MIST's isochrone service at {SERVICE} made no file; it says: {said or 'nothing'}"
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
