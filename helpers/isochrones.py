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

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from helpers import archive
from helpers.download import ArchiveError, Patience, download

MIST_SERVICE = "https://waps.cfa.harvard.edu/MIST"
"""Address of the web interpolator of MIST 1.2 (Choi et al. 2016; Dotter 2016)."""
#: the ladder of log10 ages (years) that is asked of it: first, last, step
LADDER = (8.5, 10.1, 0.05)
#: what MIST's interpolator reaches
MIST_FE_H = (-4.0, 0.5)
EMBEDDED_FE_H = tuple(np.arange(-2.0, 0.51, 0.25).round(2).tolist())
"""[Fe/H] of the isochrones in the embedded archive."""

#: evolutionary phases in an `Isochrone`; MIST counts subgiants as giants
PHASES = {
    -1: "pre-main sequence",
    0: "main sequence",
    1: "subgiant",
    2: "giant",
    3: "core helium burning",
    4: "early asymptotic giant branch",
    5: "thermally pulsing asymptotic giant branch",
    6: "after the giant branches",
    9: "Wolf-Rayet",
}
#: PARSEC's web labels 0 to 9 in these numbers
_PARSEC_LABELS = np.array([-1, 0, 1, 2, 3, 3, 3, 4, 5, 6])


class IsochroneError(ValueError):
    """A file is not one of isochrones, or holds none of the age asked for."""


@dataclass(frozen=True)
class Isochrone:
    """Stars of one age and composition, in the order of their initial mass.

    Attributes
    ----------
    log_age : float
        log10 of the age in years.
    fe_h : float
        [Fe/H] at birth, dex.
    eep : (n,) array of int, or None
        Number of the equivalent evolutionary point: the same number means the same stage of
        evolution on every isochrone. PARSEC has none.
    initial_mass, mass : (n,) arrays
        At birth and now, in solar masses.
    teff : (n,) array
        Effective temperature, K.
    logg : (n,) array
        log10 of the surface gravity in cm/s2.
    log_l : (n,) array
        log10 of the luminosity in solar units.
    phase : (n,) array of int
        See `PHASES`.
    source : str
        Where it comes from, for a caption.
    """

    log_age: float
    fe_h: float
    eep: np.ndarray | None
    initial_mass: np.ndarray
    mass: np.ndarray
    teff: np.ndarray
    logg: np.ndarray
    log_l: np.ndarray
    phase: np.ndarray
    source: str


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


def read(path: str | Path) -> list[Isochrone]:
    """Read every isochrone of a file.

    Parameters
    ----------
    path : path
        MIST ``.iso``, ``.iso.cmd`` or ``.ecsv``; a table of PARSEC's web page; the ``.npz`` of
        PARSEC isochrones in FSPS.

    Returns
    -------
    list of Isochrone
        In the order of [Fe/H], then of age.

    Raises
    ------
    IsochroneError
        If the file is something else; the message names it.
    OSError
        If it cannot be opened.
    """
    path = Path(path)
    if path.suffix == ".npz":
        found = _read_fsps(path)
    else:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        found = _read_text(lines, path)
    if not found:
        raise IsochroneError(f"{path} holds no isochrone")
    return sorted(found, key=lambda iso: (iso.fe_h, iso.log_age))


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


def _read_text(lines: list[str], path: Path) -> list[Isochrone]:
    """Read MIST and PARSEC tables: blocks of rows, each below a line of column names."""
    fe_h = _header_metallicity(lines)
    found: list[Isochrone] = []
    names: list[str] = []
    rows: list[list[str]] = []

    def close() -> None:
        if rows:
            found.extend(_isochrones(_table(names, rows, path), fe_h, path))
            rows.clear()

    for line in lines:
        words = line.lstrip("#").split()
        if not words:
            continue
        if words[0] in ("EEP", "Zini") and "{" not in line:
            close()
            names = words
        elif not line.lstrip().startswith("#") and names:
            rows.append(words)
    if not names:
        raise IsochroneError(
            f"{path} is no table of isochrones: neither MIST's line of column names (EEP ...) nor "
            "PARSEC's (Zini ...) is in it"
        )
    close()
    return found


def _header_metallicity(lines: list[str]) -> float | None:
    """[Fe/H] from MIST's header, where the values stand below their names."""
    for names, values in itertools.pairwise(lines):
        if names.startswith("#") and "Yinit" in names and "[Fe/H]" in names:
            return float(values.lstrip("#").split()[names.lstrip("#").split().index("[Fe/H]")])
    return None


def _table(names: list[str], rows: list[list[str]], path: Path) -> dict[str, np.ndarray]:
    try:
        table = np.array(rows, dtype=float)
        return dict(zip(names, table.T, strict=True))
    except ValueError as error:
        raise IsochroneError(
            f"{path} is cut short or damaged: its rows do not have the {len(names)} numbers that "
            "its line of column names announces"
        ) from error


#: what each quantity is called: MIST, PARSEC's web page, FSPS
_NAMES = {
    "log_age": ("log10_isochrone_age_yr", "logAge", "logage"),
    "initial_mass": ("initial_mass", "Mini"),
    "mass": ("star_mass", "Mass", "Mact"),
    "log_teff": ("log_Teff", "logTe", "logT"),
    "logg": ("log_g", "logg"),
    "log_l": ("log_L", "logL"),
    "phase": ("phase", "label"),
}


def _isochrones(columns: dict[str, np.ndarray], fe_h: float | None, path: Path) -> list[Isochrone]:
    """Cut a table into isochrones of one age and [Fe/H] each."""
    if "isochrone_age_yr" in columns:
        columns["logAge"] = np.log10(columns["isochrone_age_yr"])
    found = {}
    for quantity, names in _NAMES.items():
        name = next((name for name in names if name in columns), None)
        if name is None:
            raise IsochroneError(
                f"{path} has no column {' or '.join(names)}; ask for theoretical output with all "
                "basic columns"
            )
        found[quantity] = columns[name]
    metals = next(
        (columns[name] for name in ("[Fe/H]_init", "MH") if name in columns),
        None if fe_h is None else np.full(found["phase"].size, fe_h),
    )
    if metals is None:
        raise IsochroneError(f"{path} does not say its [Fe/H]")
    phase = found["phase"].astype(int)
    if "label" in columns:
        phase = _PARSEC_LABELS[np.clip(phase, 0, 9)]
    # ages are written with 16 digits that need not be alike
    keys = np.column_stack([metals.round(4), found["log_age"].round(5)])
    kept = []
    for key in np.unique(keys, axis=0):
        rows = (keys == key).all(axis=1)
        kept.append(
            Isochrone(
                log_age=float(key[1]),
                fe_h=float(key[0]),
                eep=columns["EEP"][rows].astype(int) if "EEP" in columns else None,
                initial_mass=found["initial_mass"][rows],
                mass=found["mass"][rows],
                teff=10 ** found["log_teff"][rows],
                logg=found["logg"][rows],
                log_l=found["log_l"][rows],
                phase=phase[rows],
                source=path.name,
            )
        )
    return kept


def _read_fsps(path: Path) -> list[Isochrone]:
    """Read the array of PARSEC isochrones by Z that FSPS uses; [Fe/H] is [M/H] of solar scale."""
    try:
        with np.load(path, allow_pickle=False) as file:
            names = [str(name) for name in file["columns"]]
            columns = dict(zip(names, file["table"].astype(float).T, strict=True))
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise IsochroneError(f"{path} holds no `columns` and `table` of isochrones") from error
    if "Z" not in columns:
        raise IsochroneError(f"{path} has no column Z")
    # helium law and solar Z/X of PARSEC (Bressan et al. 2012, section 4)
    z = columns["Z"]
    columns["MH"] = np.log10(z / (1 - (0.2485 + 1.78 * z) - z) / 0.0207)
    return _isochrones(columns, None, path)


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

    from helpers.download import Rejected

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
