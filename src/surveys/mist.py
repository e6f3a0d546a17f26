"""MIST's web interpolator: isochrones of any metallicity, as tables that anyone may ask for.

Sources: MIST 1.2 (Choi et al. 2016, ApJ 823, 102; Dotter 2016, ApJS 222, 8). Address and form are
those of https://mist.science/interp_isos.html since 2026; waps.cfa.harvard.edu/MIST is the old one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from surveys.download import ArchiveError, Patience, download
from surveys.formats.isochrones import read

if TYPE_CHECKING:
    import requests

#: address of the interpolator
SERVICE = "https://mist.science"
#: the ladder of log10 ages (years) that is asked of it: first, last, step
LADDER = (8.5, 10.1, 0.05)
#: the interpolator's form; [Fe/H] is added as FeH_value
FORM = {
    "version": "MIST1",  # its name for MIST 1.2
    "v_div_vcrit": "vvcrit0.4",
    "alpha_value": "p0",  # [alpha/Fe] = 0, under the two names it has been given
    "afe": "afep0.0",
    "age_scale": "log10",
    "age_type": "range",
    "age_value": "",
    "age_range_low": f"{LADDER[0]:g}",
    "age_range_high": f"{LADDER[1]:g}",
    "age_range_delta": f"{LADDER[2]:g}",
    "age_list": "",
    "output_option": "theory",
    "theory_output": "basic",
    "output": "UBVRIplus",
    "Av_value": "0",
}
#: the [Fe/H] it reaches, dex
FE_H = (-4.0, 0.5)
#: how often the service may say that it has moved
MOVES = 3
_BY_HAND = (
    "A table fetched by hand from MIST's or PARSEC's web page can be opened with isochrones.read."
)


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
    address, page = _ask(fe_h, patience)
    link = urlsplit(urljoin(address, _link(page, address)))
    zipped = download(
        f"{link.scheme}://{link.netloc}",
        [link.path.strip("/")],
        folder / "zip",
        check=_check_zip,
        service="the MIST isochrone service",
        progress=False,
        patience=patience,
    )[0]
    _unzip(zipped, kept)
    zipped.unlink()
    return kept


def _ask(fe_h: float, patience: Patience) -> tuple[str, str]:
    """Send the form of the interpolator; returns where it was answered, and the page."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    retry = Retry(
        total=patience.attempts - 1,
        backoff_factor=patience.backoff,
        status_forcelist=(429, 502, 503, 504),
        allowed_methods=None,  # asking twice for the same table does no harm
        raise_on_status=False,
    )
    address = f"{SERVICE}/iso_form.php"
    try:
        with requests.Session() as session:
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=retry))
            session.trust_env = not SERVICE.startswith("http://127.0.0.1:")
            for _ in range(1 + MOVES):
                answer = session.post(
                    address,
                    data=FORM | {"FeH_value": f"{fe_h:g}"},
                    timeout=(patience.connect, max(patience.stall, 120.0)),
                    allow_redirects=False,  # requests would ask the new address without the form
                )
                if not answer.is_redirect:
                    break
                address = urljoin(address, answer.headers["Location"])
    except requests.RequestException as error:
        raise ArchiveError(
            f"MIST's isochrone service did not answer at {address} ({type(error).__name__}).",
            "Check the network, wait a little and run the cell again.",
        ) from error
    _refuse_error(answer, address)
    return address, answer.text


def _refuse_error(answer: requests.Response, address: str) -> None:
    said = f"(HTTP status {answer.status_code})"
    if answer.is_redirect:
        raise ArchiveError(
            f"MIST's isochrone service sends from one address to the next {said}, at last to "
            f"{address}.",
            _BY_HAND,
        )
    if answer.status_code in (404, 410):
        raise ArchiveError(
            f"MIST's isochrone service is not at {address} {said}: it has moved, or the address is "
            "misspelt.",
            _BY_HAND,
        )
    if answer.status_code >= 400:
        raise ArchiveError(
            f"MIST's isochrone service at {address} answered with HTTP status "
            f"{answer.status_code}.",
            "Check the network, wait a little and run the cell again.",
        )


def _link(page: str, address: str) -> str:
    """Find the link to the zipped file in the interpolator's answer."""
    link = re.search(r"""href\s*=\s*["']?([\w:./-]+\.zip)""", page, re.IGNORECASE)
    if link:
        return link[1]
    said = " ".join(re.sub(r"<[^>]*>", " ", page).split())[:300]
    raise ArchiveError(
        f"MIST's isochrone service at {address} made no file; it says: {said or 'nothing'}.",
        f"Its form may have changed. {_BY_HAND}",
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
