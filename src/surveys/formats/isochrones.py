"""Files of isochrones, as MIST and PARSEC publish them."""

from __future__ import annotations

import gzip
import itertools
import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surveys.errors import KitError

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
#: what PARSEC's web page writes in every column of a row that only marks an isochrone's end
_PARSEC_END = -9.999
_ANNOUNCED_ROWS = re.compile(r"#\s*number of EEPs, cols\s*=\s*(\d+)")
_ANNOUNCED_ISOCHRONES = re.compile(r"#\s*number of isochrones\s*=\s*(\d+)")
#: how a message ends that refuses a file
_ADVICE = (
    "Take isochrones from MIST (https://mist.science/interp_isos.html) or from PARSEC's CMD 3 "
    "(https://stev.oapd.inaf.it/cmd)."
)
#: tables that are not read here: a line that only such a file has, and what it is
_OTHERS = (
    (r"^#.*\blog\(age/yr\)", "a table of CMD 2, the old version of PARSEC's web page"),
    (r"^#.*\bMIX-LEN\b", "a table of the Dartmouth database, which says no evolutionary phase"),
    (r"^#\s*star_age\b", "an evolutionary track of MIST: one star through time"),
    (r"(?i)^#.*\bbasti\b", "a table of BaSTI"),
)


class IsochroneError(KitError, ValueError):
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


def read(path: str | Path) -> list[Isochrone]:
    """Read every isochrone of a file.

    Parameters
    ----------
    path : path
        MIST ``.iso``, ``.iso.cmd`` or ``.ecsv``; a table of PARSEC's web page (CMD 3); either
        also gzipped; the ``.npz`` of PARSEC isochrones in FSPS.

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
        found = _read_text(_lines(path), path)
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


def _lines(path: Path) -> list[str]:
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise IsochroneError(
                f"{path} is a gzipped file that is cut short or damaged ({error}): fetch it again"
            ) from error
    return content.decode("utf-8", errors="replace").splitlines()


def _read_text(lines: list[str], path: Path) -> list[Isochrone]:
    """Read MIST and PARSEC tables: blocks of rows, each below a line of column names."""
    _refuse_others(lines, path)
    fe_h = _header_metallicity(lines)
    found: list[Isochrone] = []
    names: list[str] = []
    rows: list[list[str]] = []
    announced: int | None = None  # rows of the block; only MIST says

    def close() -> None:
        if announced is not None and names and len(rows) != announced:
            raise IsochroneError(
                f"{path} is cut short or damaged: it announces an isochrone of {announced} rows "
                f"and has {len(rows)}. Fetch it again."
            )
        if rows:
            found.extend(_isochrones(_table(names, rows, path), fe_h, path))
            rows.clear()

    for line in lines:
        words = line.lstrip("#").split()
        if not words:
            continue
        if header := _ANNOUNCED_ROWS.match(line):
            close()
            names, announced = [], int(header[1])
        elif words[0] in ("EEP", "Zini") and "{" not in line:
            if announced is None:
                close()
            names = words
        elif not line.lstrip().startswith("#") and names:
            rows.append(words)
    if not names and announced is None:
        raise IsochroneError(
            f"{path} is no table of isochrones: neither MIST's line of column names (EEP ...) nor "
            "PARSEC's (Zini ...) is in it.",
            _ADVICE,
        )
    close()
    _check_number(lines, found, path)
    return found


def _refuse_others(lines: list[str], path: Path) -> None:
    """Name a table that is not read here."""
    comments = [line for line in lines if line.startswith("#")]
    for pattern, kind in _OTHERS:
        if any(re.search(pattern, line) for line in comments):
            raise IsochroneError(f"{path} is {kind}.", _ADVICE)


def _check_number(lines: list[str], found: list[Isochrone], path: Path) -> None:
    """Refuse a file of MIST that has fewer isochrones than its header announces."""
    header = next(filter(None, map(_ANNOUNCED_ISOCHRONES.match, lines)), None)
    if header and found and int(header[1]) > len(found):
        raise IsochroneError(
            f"{path} is cut short: it announces {header[1]} isochrones and has {len(found)}. "
            "Fetch it again."
        )


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
    for years in ("isochrone_age_yr", "Age"):  # of MIST's web page, and of CMD 3.2 and before
        if years in columns:
            columns["logAge"] = np.log10(columns[years])
    if "Zini" in columns and "MH" not in columns:  # CMD 3.2 and before
        columns["MH"] = _solar_scaled(columns["Zini"])
    if "Zini" in columns and "logL" in columns:
        stars = columns["logL"] > _PARSEC_END
        columns = {name: column[stars] for name, column in columns.items()}
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
    columns["MH"] = _solar_scaled(columns["Z"])
    return _isochrones(columns, None, path)


def _solar_scaled(z: np.ndarray) -> np.ndarray:
    """[M/H] of a metal mass fraction, by PARSEC's helium law and solar Z/X.

    Source: Bressan et al. (2012, MNRAS 427, 127), section 4.
    """
    ratio: np.ndarray = np.log10(z / (1 - (0.2485 + 1.78 * z) - z) / 0.0207)
    return ratio
