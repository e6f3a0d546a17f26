"""Reads an ion's files in the layout of the CHIANTI database, old and new.

The formats are those of CHIANTI's user guide (Dere et al. 1997, A&AS 125, 149; Dere et al. 2019,
ApJS 241, 22): `elvlc` energy levels, `wgfa` radiative decay, `splups` or `scups` scaled electron
collision strengths, `psplups` proton rates. A line holding -1 ends the data; a file without it is
cut short.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surveys.errors import KitError

# fmt: off
ELEMENTS = [
    "h", "he", "li", "be", "b", "c", "n", "o", "f", "ne", "na", "mg", "al", "si", "p", "s", "cl",
    "ar", "k", "ca", "sc", "ti", "v", "cr", "mn", "fe", "co", "ni", "cu", "zn",
]
# fmt: on
#: the Rydberg constant, cm^-1: CHIANTI's energies are in Ry
RYDBERG = 109737.316


class ChiantiError(KitError, ValueError):
    """A folder or file is not in CHIANTI's layout; the message says which and what to do."""


@dataclass(frozen=True)
class Collision:
    """One scaled collision strength or rate (Burgess & Tully 1992).

    Attributes
    ----------
    lower, upper : int
        Levels, counted from 0.
    kind : int
        Type of scaling, 1 to 6.
    energy : float
        Energy of the transition, Ry.
    c : float
        Scaling parameter.
    x, y : (k,) array
        Knots of the spline in scaled temperature and strength.
    """

    lower: int
    upper: int
    kind: int
    energy: float
    c: float
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Ion:
    """What CHIANTI knows about one ion.

    Attributes
    ----------
    name : str
        Such as ``"fe_13"``, which is Fe XIII.
    energy : (n,) array
        Level energies, Ry; observed where known.
    weight : (n,) array
        Statistical weights 2J + 1.
    lower, upper : (m,) array of int
        Levels of the radiative transitions, counted from 0.
    wavelength : (m,) array
        Angstrom; negative where computed from theoretical energies, 0 for two-photon decay.
    decay : (m,) array
        Einstein A, 1/s.
    electrons, protons : tuple of Collision
    """

    name: str
    energy: np.ndarray
    weight: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    wavelength: np.ndarray
    decay: np.ndarray
    electrons: tuple[Collision, ...]
    protons: tuple[Collision, ...]


def ion_names(root: Path) -> list[str]:
    """Return the ions whose level and decay files stand under a CHIANTI folder.

    Parameters
    ----------
    root : Path
        Holds element/ion/ion.elvlc, and so on.

    Raises
    ------
    ChiantiError
        If there is none.
    """
    found = sorted(path.stem for path in Path(root).glob("*/*/*.elvlc"))
    if not found:
        raise ChiantiError(f"no ions in {root}: a CHIANTI folder holds fe/fe_13/fe_13.elvlc etc.")
    return found


def read_ion(root: Path, name: str) -> Ion:
    """Read one ion.

    Parameters
    ----------
    root : Path
        The CHIANTI folder.
    name : str
        Such as ``"fe_13"``.

    Returns
    -------
    Ion

    Raises
    ------
    ChiantiError
        If a file is missing or cannot be understood.
    """
    stem = Path(root) / name.split("_")[0] / name / name
    energy, weight = _levels(stem.with_name(f"{name}.elvlc"))
    lower, upper, wavelength, decay = _decays(stem.with_name(f"{name}.wgfa"))
    known = np.maximum(lower, upper) < len(energy)
    scups = stem.with_name(f"{name}.scups")
    electrons = _scups(scups) if scups.exists() else _splups(stem.with_name(f"{name}.splups"), 2)
    psplups = stem.with_name(f"{name}.psplups")
    return Ion(
        name,
        energy,
        weight,
        lower[known],
        upper[known],
        wavelength[known],
        decay[known],
        tuple(c for c in electrons if max(c.lower, c.upper) < len(energy)),
        tuple(_splups(psplups, 0)) if psplups.exists() else (),
    )


def read_ionisation(root: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Read the ionisation equilibrium.

    Returns
    -------
    log_temperature : (n,) array
        log10 of K.
    fraction : dict of (n,) array
        Share of the element that is in this ion, by ion name.
    """
    path = Path(root) / "ioneq" / "chianti.ioneq"
    lines = _lines(path)
    fraction = {}
    with _understood(path):
        n, _ = map(int, next(lines).split())
        log_temperature = np.array(next(lines).split(), dtype=float)[:n]
        for line in lines:
            number, stage = int(line[:3]), int(line[3:6])
            if number <= len(ELEMENTS):
                values = np.array([float(line[k : k + 10]) for k in range(6, 6 + 10 * n, 10)])
                fraction[f"{ELEMENTS[number - 1]}_{stage}"] = values
    return log_temperature, fraction


def abundance_names(root: Path) -> list[str]:
    """Return the names of a CHIANTI folder's abundance files, without ``.abund``, sorted."""
    return sorted(path.stem for path in (Path(root) / "abundance").glob("*.abund"))


def read_abundances(root: Path, name: str) -> dict[str, float]:
    """Read an abundance file: number of atoms relative to hydrogen, by element up to zinc.

    A column such as +0.5 behind an element's name says what the value already holds over the
    photospheric one; it is not added again.

    Parameters
    ----------
    root : Path
        The CHIANTI folder.
    name : str
        One of `abundance_names`.

    Raises
    ------
    ChiantiError
        If there is no such file or it cannot be understood.
    """
    path = Path(root) / "abundance" / f"{name}.abund"
    abundance = {}
    with _understood(path):
        for line in _lines(path):
            if line.lstrip().startswith(("%", "#", ";")):
                continue
            number, logarithm = line.split()[:2]
            if 1 <= int(number) <= len(ELEMENTS):
                abundance[ELEMENTS[int(number) - 1]] = 10 ** (float(logarithm) - 12)
    return abundance


def version(root: Path) -> str:
    """Return what the folder says about its version."""
    path = Path(root) / "VERSION"
    return path.read_text(encoding="utf-8").strip() if path.is_file() else "unknown"


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines before the one that holds -1."""
    try:
        text = path.read_text(encoding="latin-1")
    except OSError as error:
        raise ChiantiError(f"{path} cannot be read ({error.strerror}): is CHIANTI whole?") from None
    for line in text.splitlines():
        if line.split()[:1] == ["-1"]:
            return
        if line.strip():
            yield line
    raise ChiantiError(
        f"{path} is cut short: no line with -1 ends its data.", "Fetch it from CHIANTI again."
    )


@contextmanager
def _understood(path: Path) -> Iterator[None]:
    """Say which file it is that does not hold the numbers it should."""
    try:
        yield
    except (ValueError, IndexError, StopIteration) as error:
        if isinstance(error, ChiantiError):
            raise
        raise ChiantiError(
            f"{path} cannot be understood ({error or 'it ends too early'}).",
            "Fetch it from CHIANTI again.",
        ) from error


def _levels(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return energies in Ry and statistical weights, by level."""
    energy: list[float] = []
    weight: list[float] = []
    with _understood(path):
        for line in _lines(path):
            words = line.split()
            first = len(words)
            while "." in words[first - 1] and not words[first - 1][-1].isalpha():
                first -= 1
            numbers = [float(word) for word in words[first:]]
            if words[first - 1].isdigit():  # old: weight, then observed and theoretical, cm^-1, Ry
                weight.append(float(words[first - 1]))
                observed, theory = numbers[0], numbers[2]
            else:  # new: J, observed, theoretical
                observed, theory = numbers[-2:]
                weight.append(2 * numbers[-3] + 1)
            energy.append((observed if observed > 0 or not energy else theory) / RYDBERG)
    return np.array(energy), np.array(weight)


def _decays(path: Path) -> tuple[np.ndarray, ...]:
    with _understood(path):
        table = np.array([line.split()[:5] for line in _lines(path)], dtype=float)
        if not table.size:
            raise ChiantiError(f"{path} holds no transition.", "Fetch it from CHIANTI again.")
        lower, upper = table[:, :2].astype(int).T - 1
    return lower, upper, table[:, 2], table[:, 4]


def _splups(path: Path, skip: int) -> list[Collision]:
    """Read fixed columns: `skip` integers, lower, upper, type, then gf, energy, C, spline."""
    found = []
    with _understood(path):
        for line in _lines(path):
            start = 3 * skip
            lower, upper, kind = (int(line[start + 3 * i : start + 3 * i + 3]) for i in range(3))
            rest = line[start + 9 :].rstrip()
            numbers = [float(rest[i : i + 10]) for i in range(0, len(rest), 10)]
            y = np.array(numbers[3:])
            x = np.linspace(0, 1, len(y))
            found.append(Collision(lower - 1, upper - 1, kind, numbers[1], numbers[2], x, y))
    return found


def _scups(path: Path) -> list[Collision]:
    lines = _lines(path)
    found = []
    with _understood(path):
        for head in lines:
            words = head.split()
            x, y = [np.array(next(lines).split(), dtype=float) for _ in range(2)]
            lower, upper, kind = int(words[0]), int(words[1]), int(words[6])
            energy, c = float(words[2]), float(words[7])
            found.append(Collision(lower - 1, upper - 1, kind, energy, c, x, y))
    return found
