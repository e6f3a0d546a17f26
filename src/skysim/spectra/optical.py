"""Optical and ultraviolet spectra of stars in physical units, 2400 to 10600 Angstrom.

The same layers, lines and transfer as in the H band (`synthesis`), with hydrogen by `hydrogen` and
room for molecular bands: a function of (wavelength, gas) in ``BANDS`` that gives cm-1.  Spectra
leave the star here: no instrument, no rotation.  `blur`, `rotate` and `shift` add what happens on
the way, on the same grid.

Left out: as in `synthesis`; scattering counts as absorption.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numba import njit
from scipy import ndimage

from skysim.physics import atmosphere, bands, equilibrium, haze, hydrogen, lines, opacity
from skysim.physics.constants import LIGHT, PLANCK
from skysim.physics.gas import Gas
from skysim.physics.profiles import FAINTEST, add_lines
from skysim.physics.transfer import BLOCK, emergent_flux, planck, through_layers
from skysim.spectra import h_band
from skysim.spectra.h_band import KM_S, Synthesizer
from skysim.stars.labels import Labels, microturbulence

#: The grid: vacuum wavelengths, uniform in log, 25 km/s a sample.
FIRST, LAST = 2400.0, 10600.0
STEP_KM_S = 25.0
LOG_STEP = STEP_KM_S / KM_S  # natural logarithm
N_SAMPLES = int(np.log(LAST / FIRST) / LOG_STEP) + 1
#: Samples of the transfer per sample of the grid: 3.1 km/s, about the width of an iron line.
FINE = 8
#: Hydrogen lines are smoother: 12.5 km/s.  Continua and bands: 100 km/s, R = 3000.
MIDDLE, SMOOTH = 2, 4
#: Flux over pi in `transfer` (1e4 A)^5 units to erg s-1 cm-2 A-1: 2 pi h c^2 / (1e-4 cm)^5 per A.
UNIT = 2e12 * np.pi * PLANCK * LIGHT**2
#: Samples in a bin of the haze; samples between those of the radiative equilibrium, and how many
#: it has on either side of the grid.
HAZE_SAMPLES = 3
_STRIDE, _OUTSIDE = 12, 60

#: Band opacity of molecules: functions of vacuum wavelength (A) and gas giving cm-1 (n, layers).
#: They are evaluated every 100 km/s.
BandOpacity = Callable[[np.ndarray, Gas], np.ndarray]
BANDS: list[BandOpacity] = [bands.absorption]


def wavelength_grid() -> np.ndarray:
    """The vacuum wavelengths of every optical spectrum, Angstrom, (N_SAMPLES,)."""
    return FIRST * np.exp(LOG_STEP * np.arange(N_SAMPLES))


@lru_cache(maxsize=1)
def all_lines() -> lines.LineList:
    """All atomic lines of the optical range, sorted by wavelength."""
    return lines.table_lines("lines_optical.csv")


@njit(cache=True, fastmath=True, error_model="numpy")
def _refine(coarse, stride, offset, out):
    """Add rows of `coarse` (layers, m) to `out` (layers, n), linearly interpolated.

    Sample j of `out` lies (j + offset) / stride samples after the first of `coarse`.
    """
    n_layers = out.shape[0]
    whole = int(np.floor(offset))
    share = (np.arange(stride) + offset - whole) / stride
    for k in range(n_layers):
        row = out[k]
        for i in range(whole // stride, coarse.shape[1] - 1):
            left, rise = coarse[k, i], coarse[k, i + 1] - coarse[k, i]
            start = i * stride - whole
            first = max(-start, 0)
            cell, part = row[start + first : start + stride], share[first:]
            for m in range(cell.size):
                cell[m] += left + rise * part[m]


@njit(cache=True, fastmath=True, error_model="numpy")
def _emergent(kappa, source, stride, offset, scale, depth):
    """Flux over pi, averaged over FINE samples: `transfer.emergent_flux` for long spectra.

    kappa (layers, n) cm-1; source (layers, m) on a grid coarser by `stride` (see `_refine`); scale
    (layers,) turns kappa into d tau / d ln(Rosseland tau) along the vertical.
    """
    n_layers, n = kappa.shape
    slope, here = np.zeros((n_layers, BLOCK)), np.zeros((n_layers, BLOCK))
    opening, block = np.empty(BLOCK), np.empty(BLOCK)
    flux = np.zeros(n // FINE)
    for first in range(0, n, BLOCK):
        size = min(BLOCK, n - first)
        for k in range(n_layers):
            for b in range(size):
                slope[k, b] = kappa[k, first + b] * scale[k]
        near = int((first + offset) / stride)
        here[:] = 0.0
        around = source[:, near : near + BLOCK // stride + 3]
        _refine(around, stride, first + offset - near * stride, here)
        through_layers(slope, here, depth[1] - depth[0], opening, block)
        for b in range(size):
            flux[(first + b) // FINE] += block[b] / FINE
    return flux


class OpticalSynthesizer(Synthesizer):
    """Exact synthesis of optical spectra on the optical grid; make one and reuse it.

    Parameters
    ----------
    line_list : skysim.physics.lines.LineList, optional
        Default: every atomic line of the range.
    band_opacity : sequence of functions, optional
        Band opacities; default ``BANDS``.
    cross : (kinds, bins) array, optional
        Cross-sections of the haze; default those of ``data/haze_optical.csv``.
    """

    def __init__(
        self,
        line_list: lines.LineList | None = None,
        band_opacity: Sequence[BandOpacity] | None = None,
        cross: np.ndarray | None = None,
    ) -> None:
        self.cross = haze.cross_sections() if cross is None else cross
        self.lines = all_lines() if line_list is None else line_list
        self.bands = list(BANDS) if band_opacity is None else list(band_opacity)
        self._step = LOG_STEP / FINE / np.log(10.0)
        # The first fine sample: FINE of them, averaged, are centred on a sample of the grid.
        self._start = np.log10(FIRST) - self._step * (FINE - 1) / 2
        self._grid = 10.0 ** (self._start + self._step * np.arange(N_SAMPLES * FINE))
        self._smooth = FIRST * np.exp(
            LOG_STEP * SMOOTH * np.arange(-1, int(np.ceil(N_SAMPLES / SMOOTH)) + 2)
        )
        self._stride = np.arange(0, N_SAMPLES, _STRIDE)
        self._sampled = np.concatenate(
            [
                np.geomspace(912.0, 2390.0, _OUTSIDE),
                FIRST * np.exp(LOG_STEP * self._stride),
                np.geomspace(10700.0, 3e5, _OUTSIDE),
            ]
        )
        self._hydrogen_lines = hydrogen.series(2, 40) + hydrogen.series(3, 40)

    def opacity(self, gas: Gas, labels: Labels) -> tuple[np.ndarray, np.ndarray]:
        """Total absorption (cm-1, fine grid) and continuum absorption (cm-1, smooth grid)."""
        micro = 1e5 * microturbulence(min(labels.logg, 4.0))
        plain = opacity.continuum(self._smooth, gas).T
        smooth = plain + sum(band(self._smooth, gas).T for band in self.bands)
        # The middle grid begins one sample before the spectrum, the smooth one SMOOTH.
        step = LOG_STEP / MIDDLE
        size = (N_SAMPLES + 2) * MIDDLE
        start = np.log(FIRST) - MIDDLE * step
        middle = hydrogen.absorption(self._hydrogen_lines, gas, micro, start, step, size)
        _refine(np.ascontiguousarray(smooth), SMOOTH * MIDDLE, (SMOOTH - 1) * MIDDLE, middle)
        kappa = np.zeros((gas.temperature.size, N_SAMPLES * FINE), np.float32)
        _refine(middle, FINE // MIDDLE, FINE - (FINE - 1) / 2, kappa)
        floor = FAINTEST * h_band._spread(self._smooth, plain, self.lines.wavelength).T
        place = self._position(self.lines.wavelength)
        speed = self._step * np.log(10.0) * LIGHT
        add_lines(place, *self.profiles(gas, micro), floor, speed, kappa)
        haze.add(kappa, gas, self.cross)
        return kappa, plain

    def sampled_opacity(self, gas: Gas) -> np.ndarray:
        """Absorption (layers, n) in cm-1 at `sampled_wavelengths`, for opacity sampling."""
        kappa = opacity.continuum(self._sampled, gas).T
        inside = slice(_OUTSIDE, _OUTSIDE + self._stride.size)
        part = kappa[:, inside] + sum(b(self._sampled[inside], gas).T for b in self.bands)
        step = LOG_STEP * _STRIDE
        part += hydrogen.absorption(
            self._hydrogen_lines, gas, 1e5, np.log(FIRST), step, self._stride.size
        )
        place = np.log(self.lines.wavelength / FIRST) / step
        near = np.clip(place.astype(int), 0, self._stride.size - 1)
        floor = np.ascontiguousarray(FAINTEST * part[:, near].T)
        part = np.ascontiguousarray(part)
        profiles = self.profiles(gas, 1e5)
        add_lines(place, *profiles, floor, step * LIGHT, part)
        texture = haze.OPACITY_DISTRIBUTION[(7 * np.arange(self._stride.size)) % haze.FINE_PER_BIN]
        part += (haze.populations(gas).T @ self.cross[:, self._stride // HAZE_SAMPLES]) * texture
        kappa = kappa.copy()
        kappa[:, inside] = part
        return kappa

    def structure(self, labels: Labels) -> atmosphere.Atmosphere:
        """Layers of a star: in radiative equilibrium, except for convective M dwarfs.

        Dwarfs below 4000 K have the temperatures of `atmosphere.cool_dwarf`; up to 4600 K the two
        are mixed.
        """
        mixture = h_band.mixture(labels)
        cool = atmosphere.cool_dwarf_share(labels.teff, labels.logg)
        plain = atmosphere.atmosphere(labels.teff, labels.logg, mixture)
        if cool > 0.99:
            return plain
        layers = equilibrium.equilibrium(plain, labels.teff, labels.logg, mixture, self._sampled,
                                         self.sampled_opacity)  # fmt: skip
        if cool < 0.01:
            return layers
        grey = atmosphere.temperature_law(layers.tau, labels.teff)
        gentle = labels.teff * (grey / labels.teff) ** atmosphere.FLATTENING
        temperature = (1.0 - cool) * layers.gas.temperature + cool * gentle
        return atmosphere.atmosphere(labels.teff, labels.logg, mixture, temperature, layers)

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
        layers = self.structure(labels)
        kappa, plain = self.opacity(layers.gas, labels)
        mean = (layers.kappa * layers.gas.density)[:, None]
        source = planck(self._smooth, layers.gas.temperature)
        level = UNIT * emergent_flux(plain / mean, source, np.log(layers.tau))
        continuum = np.interp(wavelength_grid(), self._smooth, level)
        return self.emergent(layers, kappa), continuum

    def emergent(self, layers: atmosphere.Atmosphere, kappa: np.ndarray) -> np.ndarray:
        """Surface flux density (N_SAMPLES,) for an absorption (layers, samples) in cm-1."""
        source = planck(self._smooth, layers.gas.temperature)
        scale = layers.tau / (layers.kappa * layers.gas.density)
        offset = SMOOTH * FINE - (FINE - 1) / 2
        depth = np.log(layers.tau)
        return UNIT * _emergent(kappa, source, SMOOTH * FINE, offset, scale, depth)


def rotate(flux: np.ndarray, vsini_km_s: float) -> np.ndarray:
    """Broaden a spectrum on the optical grid by rotation."""
    return h_band.rotate(flux, vsini_km_s / STEP_KM_S) if vsini_km_s > 0 else flux


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
        return h_band.smooth_gaussian(flux, 1.0 / power[0] / LOG_STEP)
    # A width that changes slowly: blend spectra blurred to a few widths, even in log width.
    width = np.log(1.0 / power / LOG_STEP)
    low, high = width.min(), width.max()
    number = max(2, int(np.ceil((high - low) / 0.1)) + 1)
    widths = np.linspace(low, high + 1e-9, number)
    blurred = np.array([h_band.smooth_gaussian(flux, np.exp(w)) for w in widths])
    place = (width - low) / (widths[1] - widths[0])
    left = np.minimum(place.astype(int), number - 2)
    share, here = place - left, np.arange(flux.size)
    return blurred[left, here] * (1 - share) + blurred[left + 1, here] * share


def shift(flux: np.ndarray, velocity_km_s: float) -> np.ndarray:
    """Doppler shift of a spectrum on the optical grid (positive: to the red), by cubic splines."""
    samples = np.log1p(velocity_km_s / KM_S) / LOG_STEP
    return ndimage.shift(flux, samples, order=3, mode="nearest")
