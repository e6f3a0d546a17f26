"""Contribution functions of coronal lines: the committed table, and those of a CHIANTI folder."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surveys.errors import KitError
from surveys.folders import fact_file
from surveys.formats import chianti

#: grids of the table: log10 of K and of electrons per cm^3
LOG_TEMPERATURE = np.round(np.arange(5.5, 7.401, 0.05), 2)
LOG_DENSITY = np.round(np.arange(8.0, 12.01, 0.5), 2)


_ROMAN = ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))


class CoronaError(KitError, RuntimeError):
    """Atomic data cannot be found or read; the message says what to do."""


@dataclass(frozen=True)
class Lines:
    """Contribution functions of spectral lines.

    Attributes
    ----------
    ion : (l,) array of str
        In CHIANTI's manner: ``"fe_13"`` is Fe XIII, iron that has lost twelve electrons.
    wavelength : (l,) array
        In vacuum, Å.
    lower, upper : (l,) array of int
        CHIANTI's numbers of the levels.
    log_temperature : (t,) array
        log10 of K.
    log_density : (d,) array
        log10 of electrons per cm^3.
    g : (l, t, d) array
        Contribution functions in erg cm^3 s^-1 sr^-1, elemental abundance included.
    abundances : str
        Name of CHIANTI's file of abundances that is in `g`; empty where a table does not say.
    """

    ion: np.ndarray
    wavelength: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    log_temperature: np.ndarray
    log_density: np.ndarray
    g: np.ndarray
    abundances: str = ""

    @property
    def names(self) -> list[str]:
        """Names as in papers: ``"Fe XIII 202.04"``."""
        return [
            f"{spectrum(ion)} {wavelength:.2f}"
            for ion, wavelength in zip(self.ion, self.wavelength, strict=True)
        ]

    def find(self, ion: str, wavelength: float) -> int:
        """Return the index of the line of an ion nearest to a wavelength.

        Parameters
        ----------
        ion : str
            ``"fe_13"``.
        wavelength : float
            Å.

        Raises
        ------
        CoronaError
            If the ion has no line within 0.05 Å.
        """
        distance = np.where(self.ion == ion, np.abs(self.wavelength - wavelength), np.inf)
        best = int(np.argmin(distance))
        if distance[best] > 0.05:
            raise CoronaError(f"no line of {ion} within 0.05 Å of {wavelength} Å in this table")
        return best

    def at_density(self, log_density: float | np.ndarray) -> np.ndarray:
        """Interpolate the contribution functions in density.

        Parameters
        ----------
        log_density : float or (m,) array
            log10 of electrons per cm^3, within the table.

        Returns
        -------
        (l, t) or (l, t, m) array
            erg cm^3 s^-1 sr^-1.

        Raises
        ------
        CoronaError
            Outside the table.
        """
        from scipy.interpolate import CubicSpline

        low, high = self.log_density[[0, -1]]
        if np.min(log_density) < low or np.max(log_density) > high:
            raise CoronaError(f"the table knows log n from {low:g} to {high:g}")
        floor = 1e-99
        log_g = np.log(np.maximum(self.g, floor))
        g: np.ndarray = np.exp(CubicSpline(self.log_density, log_g, axis=-1)(log_density))
        return g


def spectrum(ion: str) -> str:
    """Write an ion as spectroscopists do: ``"fe_13"`` becomes ``"Fe XIII"``."""
    element, stage = ion.split("_")
    left, roman = int(stage), ""
    for value, letters in _ROMAN:
        roman += letters * (left // value)
        left %= value
    return f"{element.capitalize()} {roman}"


def line_table(path: str | Path | None = None) -> Lines:
    """Read the committed table of contribution functions.

    Parameters
    ----------
    path : path, optional
        A table of the same form.

    Returns
    -------
    Lines
        In order of wavelength.

    Raises
    ------
    CoronaError
        If it cannot be read.
    """
    path = fact_file("coronal_lines.csv") if path is None else Path(path)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        values = np.array([row[4:] for row in rows], dtype=float)
        densities = np.unique(values[:, 0])
        first = rows[:: len(densities)]
        log_g = values[:, 1:].reshape(len(first), len(densities), -1)
    except (OSError, ValueError, IndexError) as error:
        raise CoronaError(
            f"{path} cannot be read ({error}): get it from the repository (git checkout data/)"
        ) from error
    ion, wavelength, lower, upper = zip(*(row[:4] for row in first), strict=True)
    return Lines(
        np.array(ion),
        np.array(wavelength, dtype=float),
        np.array(lower, dtype=int),
        np.array(upper, dtype=int),
        np.array(header[5:], dtype=float),
        densities,
        10 ** log_g.transpose(0, 2, 1),
    )


def chianti_folder() -> Path:
    """Return the folder of the user's CHIANTI installation, as fiasco knows it.

    fiasco (https://fiasco.readthedocs.io) downloads CHIANTI and remembers where it is; the course
    does not need it.

    Raises
    ------
    CoronaError
        If there is no fiasco, or no CHIANTI where it looks.
    """
    if importlib.util.find_spec("fiasco") is None:
        raise CoronaError(
            "fiasco is not installed (`pip install fiasco`); without it, give the folder of your "
            "CHIANTI installation yourself"
        )
    import fiasco

    folder = Path(fiasco.defaults["ascii_dbase_root"])
    if not folder.is_dir():
        raise CoronaError(f"fiasco looks for CHIANTI in {folder}, and there is no such folder")
    return folder


def chianti_lines(
    ions: Sequence[str],
    folder: str | Path | None = None,
    window: tuple[float, float] = (165.0, 300.0),
    log_temperature: np.ndarray | None = None,
    log_density: np.ndarray | None = None,
    abundances: str | None = None,
) -> Lines:
    """Compute contribution functions from a CHIANTI installation.

    Parameters
    ----------
    ions : sequence of str
        Such as ``["fe_13"]``; seconds each.
    folder : path, optional
        What holds ``fe/fe_13/fe_13.elvlc`` and so on; default: where fiasco keeps it.
    window : pair of float
        Shortest and longest wavelength, Å.
    log_temperature, log_density : (t,) and (d,) array, optional
        log10 of K and of cm^-3; default: those of the committed table.
    abundances : str, optional
        Which file of the folder's ``abundance/`` to take, without ``.abund``; needed where there
        are several.

    Returns
    -------
    Lines
        All lines of the ions in the window, in order of wavelength.

    Raises
    ------
    CoronaError
        If the folder is not a CHIANTI installation, lacks an ion, or has several files of
        abundances and none is chosen.
    """
    from surveys import contribution_functions  # loads scipy, which reading the table does not need

    root = Path(folder) if folder is not None else chianti_folder()
    if log_temperature is None:
        log_temperature = LOG_TEMPERATURE
    if log_density is None:
        log_density = LOG_DENSITY
    chosen = _choose_abundances(root, abundances)
    names, parts = [], []
    for ion in ions:
        try:
            part = contribution_functions.contribution(
                root, ion, log_temperature, log_density, window, chosen
            )
        except (chianti.ChiantiError, KeyError) as error:
            raise CoronaError(f"{ion} cannot be computed from {root}: {error}") from error
        names += [ion] * len(part[0])
        parts.append(part)
    wavelength, lower, upper, g = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(wavelength)
    return Lines(
        np.array(names)[order],
        wavelength[order],
        lower[order],
        upper[order],
        np.asarray(log_temperature, dtype=float),
        np.asarray(log_density, dtype=float),
        g[order],
        chosen,
    )


def _choose_abundances(root: Path, name: str | None) -> str:
    """Name the file of abundances to take: the one asked for, else the only one there is."""
    there = chianti.abundance_names(root)
    if name in there:
        return name
    if not there:
        raise CoronaError(
            f"{root} holds no abundance/*.abund.", "Is it the folder of a CHIANTI installation?"
        )
    if name is None and len(there) == 1:
        return there[0]
    problem = "several files of abundances" if name is None else f"no abundance/{name}.abund"
    raise CoronaError(
        f"{root} holds {problem}.",
        f'Choose with abundances="...": {", ".join(there)}.',
    )
