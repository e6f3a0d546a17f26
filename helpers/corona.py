"""Coronal emission lines: how strongly they shine, and simulated spectra that hold them.

The committed table (`line_table`) holds contribution functions of 80 lines at 165-300 Å, computed
from CHIANTI's atomic data by `data.make.coronal_lines`. With a CHIANTI installation of your own
`chianti_lines` computes those of any ions. `eis.read` reads real spectra of the Sun's corona.
"""

from __future__ import annotations

from surveys.coronal_lines import (
    CoronaError,
    Lines,
    chianti_folder,
    chianti_lines,
    line_table,
    spectrum,
)
from surveys.formats import eis

__all__ = [
    "CoronaError",
    "Lines",
    "Spectra",
    "chianti_folder",
    "chianti_lines",
    "eis",
    "line_table",
    "simulated_population",
    "simulated_spectra",
    "spectrum",
]

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spectra:
    """Spectra of coronae, simulated, with the truth they were made from.

    Attributes
    ----------
    wavelength : (p,) array
        Å.
    flux, error : (m, p) array
        Flux per Å in arbitrary units, and its standard deviation.
    log_t : (m,) array
        log10 of the temperature in K at which the emission measure peaks.
    log_n : (m,) array
        log10 of the electron density in cm^-3.
    snr : (m,) array
        Median over the 20 brightest lines of peak over error in one pixel.
    intensity : (m, l) array
        True flux in each line of the table, in units of flux times Å.
    """

    wavelength: np.ndarray
    flux: np.ndarray
    error: np.ndarray
    log_t: np.ndarray
    log_n: np.ndarray
    snr: np.ndarray
    intensity: np.ndarray

    def __getitem__(self, chosen: slice | np.ndarray) -> Spectra:
        """Return some of the spectra."""
        fields = (self.flux, self.error, self.log_t, self.log_n, self.snr, self.intensity)
        return Spectra(self.wavelength, *(field[chosen] for field in fields))

    def __len__(self) -> int:
        return len(self.flux)


def simulated_spectra(count: int = 10_000, seed: int = 9) -> Spectra:
    """Simulate spectra of single-temperature-peak coronae, each with errors of its own.

    Temperatures are even in log10 from 1 to 10 MK, densities from 1e9 to 1e11 cm^-3, S/N from 1 to
    10. Every spectrum has its own calibration error, correlated along wavelength (8 per cent over
    40 Å), width and zero point of wavelength, continuum, and its own errors of the atomic data
    (12 per cent a line): a training set cannot know which way the atomic data err.

    Parameters
    ----------
    count : int
    seed : int
        The same seed gives the same spectra.

    Returns
    -------
    Spectra
    """
    from helpers import coronal_spectra

    return Spectra(**coronal_spectra.sample(line_table(), count, seed))


def simulated_population(
    count: int = 20, seed: int = 9, snr: float = 3.0, second: float | None = None
) -> Spectra:
    """Simulate the spectra of a population: like stars, seen with the same atomic data.

    Densities scatter by 0.15 dex about a common mean near 1e10 cm^-3, temperatures by 0.1 dex about
    2.5 MK; what is wrong with a line's atomic data is wrong in every star.

    Parameters
    ----------
    count : int
    seed : int
    snr : float
        Signal to noise of all, as in `Spectra`.
    second : float, optional
        log10 of the emission measure, relative to the first, of a second component at 8 MK.

    Returns
    -------
    Spectra
    """
    from helpers import coronal_spectra

    return Spectra(**coronal_spectra.population(line_table(), count, seed, snr, second))
