"""Optical and ultraviolet spectra of stars in physical units, 2400 to 10600 Angstrom.

The same layers, lines and transfer as in the H band (`synthesis`), with hydrogen by `hydrogen` and
room for molecular bands: a function of (wavelength, gas) in ``BANDS`` that gives cm-1.  Spectra
leave the star here: no instrument, no rotation.  `blur`, `rotate` and `shift` add what happens on
the way, on the same grid.

Left out: as in `synthesis`; scattering counts as absorption.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy import ndimage

from helpers.mock import atmosphere, bands, hydrogen, lines, opacity, synthesis
from helpers.mock.synthesis import KM_S, Labels, Synthesizer, emergent_flux

#: The grid: vacuum wavelengths, uniform in log, 25 km/s a sample.
FIRST, LAST = 2400.0, 10600.0
STEP_KM_S = 25.0
LOG_STEP = STEP_KM_S / KM_S  # natural logarithm
N_SAMPLES = int(np.log(LAST / FIRST) / LOG_STEP) + 1
#: Samples of the transfer per sample of the grid: 3.1 km/s, about the width of an iron line.
FINE = 8
#: Hydrogen lines are smoother: 12.5 km/s.  Continua and bands: 100 km/s, R = 3000.
MIDDLE, SMOOTH = 2, 4

#: Band opacity of molecules: functions of vacuum wavelength (A) and gas giving cm-1 (n, layers).
#: They are evaluated every 100 km/s.
BANDS: list[Callable[[np.ndarray, atmosphere.Gas], np.ndarray]] = [bands.absorption]


def wavelength_grid() -> np.ndarray:
    """The vacuum wavelengths of every optical spectrum, Angstrom, (N_SAMPLES,)."""
    return FIRST * np.exp(LOG_STEP * np.arange(N_SAMPLES))


@lru_cache(maxsize=1)
def all_lines() -> lines.LineList:
    """All atomic lines of the optical range, sorted by wavelength."""
    return lines.table_lines("lines_optical.csv")


class OpticalSynthesizer(Synthesizer):
    """Makes exact spectra on the optical grid.  Make one and keep it: it holds the line list.

    Parameters
    ----------
    line_list : helpers.mock.lines.LineList, optional
        Default: every atomic line of the range.
    band_opacity : sequence of functions, optional
        Band opacities; default ``BANDS``.
    """

    def __init__(self, line_list: lines.LineList | None = None, band_opacity=None) -> None:
        self.lines = all_lines() if line_list is None else line_list
        self.bands = list(BANDS) if band_opacity is None else list(band_opacity)
        self._step = LOG_STEP / FINE / np.log(10.0)
        # The first fine sample: FINE of them, averaged, are centred on a sample of the grid.
        self._start = np.log10(FIRST) - self._step * (FINE - 1) / 2
        self._grid = 10.0 ** (self._start + self._step * np.arange(N_SAMPLES * FINE))
        self._smooth = FIRST * np.exp(
            LOG_STEP * SMOOTH * np.arange(-1, int(np.ceil(N_SAMPLES / SMOOTH)) + 2)
        )
        self._hydrogen_lines = hydrogen.series(2, 40) + hydrogen.series(3, 40)

    def raw_flux(self, labels: Labels) -> tuple[np.ndarray, np.ndarray]:
        """Flux and continuum on the fine grid, erg s-1 cm-2 A-1."""
        layers = self.structure(labels)
        gas = layers.gas
        mean = (layers.kappa * gas.density)[:, None]
        plain = opacity.continuum(self._smooth, gas).T
        smooth = plain + sum(band(self._smooth, gas).T for band in self.bands)
        kappa = synthesis._spread(self._smooth, smooth, self._grid)
        micro = 1e5 * synthesis.microturbulence(min(labels.logg, 4.0))
        size, step = N_SAMPLES * MIDDLE + 4, LOG_STEP / MIDDLE
        start = np.log(FIRST) - 2 * step
        middle = FIRST * np.exp(step * (np.arange(size) - 2))
        balmer = hydrogen.absorption(self._hydrogen_lines, gas, micro, start, step, size)
        kappa += synthesis._spread(middle, balmer, self._grid)
        floor = synthesis.FAINTEST * synthesis._spread(self._smooth, plain, self.lines.wavelength).T
        place = self._position(self.lines.wavelength)
        speed = self._step * np.log(10.0) * atmosphere.LIGHT
        synthesis._add_lines(place, *self.profiles(gas, micro), floor, speed, kappa)
        source = synthesis._planck(self._smooth, gas.temperature)
        depth = np.log(layers.tau)
        flux = emergent_flux(
            kappa / mean, synthesis._spread(self._smooth, source, self._grid), depth
        )
        level = emergent_flux(plain / mean, source, depth)
        # pi B in erg s-1 cm-2 A-1: 2 pi h c^2 / lambda^5, lambda in cm, per 1e-8 cm.
        unit = 2e12 * np.pi * atmosphere.PLANCK * atmosphere.LIGHT**2
        return unit * flux, unit * np.interp(self._grid, self._smooth, level)

    def spectrum(self, labels: Labels) -> tuple[np.ndarray, np.ndarray]:
        """Surface flux density of a star.

        Parameters
        ----------
        labels : Labels
            The star; its `broadening` and `vsini` are not used here.

        Returns
        -------
        flux, continuum : (N_SAMPLES,) arrays
            erg s-1 cm-2 A-1 at the star's surface (F, the flux itself, not F over pi), on
            `wavelength_grid`; the continuum is without lines and bands.
        """
        return tuple(x.reshape(-1, FINE).mean(axis=1) for x in self.raw_flux(labels))


def rotate(flux: np.ndarray, vsini_km_s: float) -> np.ndarray:
    """Broaden a spectrum on the optical grid by rotation."""
    return synthesis.rotate(flux, vsini_km_s / STEP_KM_S) if vsini_km_s > 0 else flux


def blur(flux: np.ndarray, resolving_power: float | np.ndarray) -> np.ndarray:
    """Blur a spectrum on the optical grid to a resolving power (full width at half maximum).

    Parameters
    ----------
    flux : (N_SAMPLES,) array
        Any spectrum on the grid.
    resolving_power : float or (N_SAMPLES,) array
        Constant, or one for each wavelength.

    Returns
    -------
    (N_SAMPLES,) array
    """
    power = np.atleast_1d(np.asarray(resolving_power, float))
    if power.size == 1:
        return synthesis.smooth_gaussian(flux, 1.0 / power[0] / LOG_STEP)
    # A width that changes slowly: blend spectra blurred to a few widths, even in log width.
    width = np.log(1.0 / power / LOG_STEP)
    low, high = width.min(), width.max()
    number = max(2, int(np.ceil((high - low) / 0.1)) + 1)
    widths = np.linspace(low, high + 1e-9, number)
    blurred = np.array([synthesis.smooth_gaussian(flux, np.exp(w)) for w in widths])
    place = (width - low) / (widths[1] - widths[0])
    left = np.minimum(place.astype(int), number - 2)
    share, here = place - left, np.arange(flux.size)
    return blurred[left, here] * (1 - share) + blurred[left + 1, here] * share


def shift(flux: np.ndarray, velocity_km_s: float) -> np.ndarray:
    """Doppler shift of a spectrum on the optical grid (positive: to the red), by cubic splines."""
    from scipy.ndimage import shift as move

    samples = np.log1p(velocity_km_s / KM_S) / LOG_STEP
    return ndimage.shift(flux, samples, order=3, mode="nearest")
