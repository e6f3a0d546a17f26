"""Normalised H-band spectra of cool stars: a Milne-Eddington model with real lines.

One layer absorbs (`helpers.mock.atmosphere`), the source function grows linearly with optical
depth, and the emergent flux relative to the continuum is (Mihalas 1978, section 10-2)

    F/F_c = (B0 + 2/3 B1 / (1 + eta)) / (B0 + 2/3 B1),

with eta the ratio of line to continuous absorption.  Strong lines saturate at the surface Planck
function B0.  Other models of the sky need only offer `Synthesizer.spectrum`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numba import njit

from helpers.mock import atmosphere, lines

#: apStar grid: log10 of vacuum wavelength in Angstrom is LOG_START + LOG_STEP * pixel.
N_PIXELS = 8575
LOG_START = 4.179
LOG_STEP = 6e-6
#: Fine samples per apStar pixel (4.14 km/s): 1.38 km/s, below the Doppler width of any line.
OVERSAMPLE = 3
RESOLVING_POWER = 22500.0
KM_S = atmosphere.LIGHT / 1e5
_MARGIN = 60  # apStar pixels added on either side, for the wings of the convolution and shifts


@dataclass(frozen=True)
class Labels:
    """What a spectrum depends on.

    Attributes
    ----------
    teff : float
        Effective temperature, K.
    logg : float
        log10 surface gravity, cm s-2.
    fe_h, mg_fe, si_fe : float
        Abundances, dex relative to the Sun.
    alpha_fe : float or None
        The other alpha elements (O, S, Ca, Ti); the mean of Mg and Si when None.
    broadening : float
        Macroturbulence and rotation together, km/s (full width at half maximum).
    """

    teff: float
    logg: float
    fe_h: float
    mg_fe: float = 0.0
    si_fe: float = 0.0
    alpha_fe: float | None = None
    broadening: float = 6.0

    def changed(self, **values: float) -> Labels:
        """A copy with some labels replaced."""
        return replace(self, **values)


def wavelength_grid() -> np.ndarray:
    """The 8575 vacuum wavelengths of the apStar grid, Angstrom."""
    return 10.0 ** (LOG_START + LOG_STEP * np.arange(N_PIXELS))


def microturbulence(logg: float) -> float:
    """Microturbulent velocity in km/s as APOGEE set it for giants (Holtzman et al. 2018, eq. 1)."""
    return 10.0 ** (0.226 - 0.0228 * logg + 0.0297 * logg**2 - 0.0113 * logg**3)


@njit(cache=True, fastmath=True)
def _voigt(a: float, v: float) -> float:
    """Voigt function H(a, v): rational form of Hui, Armstrong & Wray 1978 inside, wings outside."""
    if v > 6.0:
        return a / (1.7724538509 * (v * v - 1.5 + a * a))
    z = complex(a, -v)
    top = 0.56418958
    bottom = 1.0 + 0.0j
    upper = top + 0.0j
    for c in (5.912626, 30.180142, 93.155580, 181.928533, 214.382388, 122.607931):
        upper = upper * z + c
    for c in (10.479857, 53.992907, 170.354001, 348.703918, 457.334479, 352.730625, 122.607932):
        bottom = bottom * z + c
    return (upper / bottom).real


@njit(cache=True, fastmath=True)
def _add_lines(centre, width, damping, peak, step, floor, eta):
    """Add Voigt profiles to eta; positions in samples, widths in the units of `step`."""
    n = eta.size
    for i in range(centre.size):
        if peak[i] < floor:
            continue
        reach = np.sqrt(max(np.log(peak[i] / floor), 0.1))
        reach = max(reach, np.sqrt(damping[i] * peak[i] / (1.77 * floor)))
        half = min(int(reach * width[i] / step) + 2, 2400)
        middle = round(centre[i])
        for j in range(max(0, middle - half), min(n, middle + half + 1)):
            eta[j] += peak[i] * _voigt(damping[i], abs(j - centre[i]) * step / width[i])


def _dredge_up(logg: float, teff: float, alpha: float) -> tuple[float, float]:
    """[C/Fe] and [N/Fe] of a giant: first dredge-up, and carbon that follows the alpha elements."""
    if logg > 3.5:
        return 0.5 * alpha, 0.0
    return -0.2 + 1.0 * (alpha - 0.05) + 0.14 * (logg - 2.0) - 3e-4 * (teff - 4500.0), 0.3


class Synthesizer:
    """Makes spectra on the apStar grid.  Make one and keep it: it holds the line list.

    Parameters
    ----------
    line_list : helpers.mock.lines.LineList, optional
        Default: every line of the H band.
    """

    def __init__(self, line_list: lines.LineList | None = None) -> None:
        self.lines = lines.h_band() if line_list is None else line_list
        self._step = LOG_STEP / OVERSAMPLE
        self._size = (N_PIXELS + 2 * _MARGIN) * OVERSAMPLE
        self._start = LOG_START - LOG_STEP * _MARGIN
        self._centre = (np.log10(self.lines.wavelength) - self._start) / self._step
        self._mass = lines.species_masses()[self.lines.species]
        self._coarse = 10.0 ** (self._start + self._step * np.linspace(0, self._size - 1, 24))
        self._brackett = lines.brackett()

    def line_opacity(self, labels: Labels) -> tuple[np.ndarray, atmosphere.Layer]:
        """Line over continuous absorption on the fine grid, and the layer it belongs to."""
        alpha = labels.alpha_fe
        if alpha is None:
            alpha = 0.5 * (labels.mg_fe + labels.si_fe)
        carbon, nitrogen = _dredge_up(labels.logg, labels.teff, alpha)
        mix = atmosphere.abundances(
            labels.fe_h, labels.mg_fe, labels.si_fe, alpha, carbon, nitrogen
        )
        layer = atmosphere.line_layer(labels.teff, labels.logg, mix)
        molecules = [layer.molecules[m] for m in ("CO", "OH", "CN")]
        density = np.concatenate([layer.neutral, layer.ionised, molecules])[self.lines.species]
        kappa = np.interp(self.lines.wavelength, self._coarse, layer.opacity(self._coarse))
        thermal = atmosphere.BOLTZMANN * layer.temperature
        doppler = np.sqrt(
            2.0 * thermal / (self._mass * atmosphere.ATOMIC_MASS)
            + (1e5 * microturbulence(min(labels.logg, 4.0))) ** 2
        )  # cm/s
        cm = self.lines.wavelength * 1e-8
        energy = self.lines.excitation * atmosphere.EV
        photon = atmosphere.PLANCK * atmosphere.LIGHT / cm
        # pi e^2 / (m c) = 0.02654 cm2 Hz
        strength = (
            0.026540 * density * self.lines.strength * np.exp(-energy / thermal)
            * (1.0 - np.exp(-photon / thermal)) * cm / (np.sqrt(np.pi) * doppler) / kappa
        )  # fmt: skip
        # Van der Waals: 17 C6^0.4 v^0.6 N (Unsold); radiative: the classical constant.
        relative = np.sqrt(8 * thermal / np.pi / atmosphere.ATOMIC_MASS * (1 + 1 / self._mass))
        collisions = 17.0 * self.lines.damping**0.4 * relative**0.6 * layer.hydrogen
        damping = (collisions + 0.2223 / cm**2) * cm / (4 * np.pi * doppler)
        eta = np.zeros(self._size)
        step = self._step * np.log(10.0) * atmosphere.LIGHT  # cm/s a sample
        _add_lines(self._centre, doppler, damping, strength, step, 2e-3, eta)
        self._add_hydrogen(layer, thermal, step, eta)
        return eta, layer

    def _add_hydrogen(self, layer, thermal: float, step: float, eta: np.ndarray) -> None:
        """Brackett lines, as Lorentzians of the mean-field (Holtsmark) Stark width."""
        upper, wavelength, gf = self._brackett
        centre = (np.log10(wavelength) - self._start) / self._step
        cm = wavelength * 1e-8
        kappa = layer.opacity(wavelength)
        population = layer.neutral[0] * np.exp(-12.7485 * atmosphere.EV / thermal)
        doppler = np.sqrt(2.0 * thermal / atmosphere.ATOMIC_MASS) * np.ones(upper.size)
        field = 2.603 * 4.80320e-10 * layer.electrons ** (2.0 / 3.0)  # statvolt/cm
        shift = 1.5 * upper * (upper - 1) * 2.5417e-18 * field / atmosphere.PLANCK  # Hz
        damping = 0.25 * shift * cm / doppler
        photon = atmosphere.PLANCK * atmosphere.LIGHT / cm
        strength = (
            0.026540 * population * gf * (1.0 - np.exp(-photon / thermal)) * cm
            / (np.sqrt(np.pi) * doppler) / kappa
        )  # fmt: skip
        _add_lines(centre, doppler, damping, strength, step, 1e-4, eta)

    def spectrum(self, labels: Labels, shift_km_s: float = 0.0) -> np.ndarray:
        """Normalised flux at the 8575 apStar pixels, as a R = 22500 spectrograph shows it.

        Parameters
        ----------
        labels : Labels
            The star.
        shift_km_s : float
            Velocity left in the spectrum, km/s (positive: to the red).

        Returns
        -------
        (8575,) array
            Flux over continuum.
        """
        return sample(self.fine_spectrum(labels), shift_km_s)

    def fine_spectrum(self, labels: Labels) -> np.ndarray:
        """Normalised flux, smoothed to the instrument's resolution, on the fine grid."""
        eta, _ = self.line_opacity(labels)
        x = atmosphere.SECOND_RADIATION / (1.6e-4 * labels.teff)

        def planck(ratio: float) -> float:
            return 1.0 / np.expm1(x / ratio)

        surface = planck(atmosphere.SURFACE_TEMPERATURE)
        # The continuum comes from optical depth 2/3, where T is Teff.
        flux = (surface + (planck(1.0) - surface) / (1.0 + eta)) / planck(1.0)
        width = np.hypot(KM_S / RESOLVING_POWER, labels.broadening)
        return _smooth(flux, width / (self._step * np.log(10.0) * KM_S))


def _smooth(flux: np.ndarray, fwhm_samples: float) -> np.ndarray:
    """Convolve with a Gaussian of the given full width at half maximum (samples)."""
    sigma = fwhm_samples / 2.354820
    half = int(4.0 * sigma) + 1
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / sigma) ** 2)
    padded = np.pad(flux, half, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")


def sample(fine: np.ndarray, shift_km_s: float = 0.0) -> np.ndarray:
    """Read a fine spectrum at the apStar pixels after a Doppler shift, by cubic interpolation.

    A velocity is one constant shift on a grid that is uniform in log wavelength, so four weights
    serve all pixels.
    """
    samples = np.log10(1.0 + shift_km_s / KM_S) / (LOG_STEP / OVERSAMPLE)
    whole = int(np.floor(-samples))
    t = -samples - whole
    weights = (
        -t * (t - 1) * (t - 2) / 6,
        (t + 1) * (t - 1) * (t - 2) / 2,
        -(t + 1) * t * (t - 2) / 2,
        (t + 1) * t * (t - 1) / 6,
    )
    first = _MARGIN * OVERSAMPLE + whole - 1
    last = first + (N_PIXELS - 1) * OVERSAMPLE + 1
    if first < 0 or last + 3 > fine.size:
        raise ValueError(f"a shift of {shift_km_s} km/s leaves the computed range")
    return sum(w * fine[first + i : last + i : OVERSAMPLE] for i, w in enumerate(weights))
