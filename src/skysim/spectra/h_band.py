"""Normalised H-band spectra of stars: depth-integrated transfer through a stack of layers.

`Synthesizer` asks `atmosphere` for the layers of a star, adds up the Voigt profiles of `lines` on
top of the continuous absorption of `opacity`, integrates the flux that leaves the surface, and
blurs it as turbulence, rotation and the spectrograph do.

Left out: departures from LTE, sphericity, isotopes, hyperfine structure, water, line blanketing of
the structure.  `interpolator.Interpolator` offers the same `spectrum` and `fine_spectrum`, faster.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from skysim.physics import atmosphere, lines, opacity
from skysim.physics.constants import ATOMIC_MASS, BOLTZMANN, EV, LIGHT, PLANCK
from skysim.physics.gas import Gas, abundances
from skysim.physics.profiles import FAINTEST, add_lines, add_stark
from skysim.physics.transfer import emergent_flux, planck
from skysim.stars.labels import Labels, carbon_nitrogen, microturbulence
from surveys.formats.apogee_pixels import LOG_WAVELENGTH_START, LOG_WAVELENGTH_STEP, N_PIXELS

#: Fine samples per apStar pixel (4.14 km/s): 1.38 km/s, below the Doppler width of any line.
OVERSAMPLE = 3
RESOLVING_POWER = 22500.0
KM_S = LIGHT / 1e5
MARGIN = 60  # apStar pixels added on either side, for the wings of the convolution and shifts
FINE_SIZE = (N_PIXELS + 2 * MARGIN) * OVERSAMPLE


def wavelength_grid() -> np.ndarray:
    """The 8575 vacuum wavelengths of the apStar grid, Angstrom."""
    return 10.0 ** (LOG_WAVELENGTH_START + LOG_WAVELENGTH_STEP * np.arange(N_PIXELS))


def mixture(labels: Labels) -> np.ndarray:
    """Number abundances of a star relative to hydrogen."""
    carbon, nitrogen = carbon_nitrogen(labels)
    return abundances(labels.fe_h, labels.mg_fe, labels.si_fe, labels.alpha, carbon, nitrogen)


def _spread(coarse: np.ndarray, values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Linear interpolation of each row of `values` (rows, coarse) onto a grid."""
    left = np.clip(np.searchsorted(coarse, grid) - 1, 0, coarse.size - 2)
    share = (grid - coarse[left]) / (coarse[left + 1] - coarse[left])
    return _between(values, left, share)


@njit(cache=True)
def _between(values, left, share):
    """Weighted mean of the neighbours left and left + 1 in each row; compiled: no temporaries."""
    out = np.empty((values.shape[0], left.size))
    for k in range(values.shape[0]):
        for j in range(left.size):
            near, far = values[k, left[j]], values[k, left[j] + 1]
            out[k, j] = near * (1.0 - share[j]) + far * share[j]
    return out


class Synthesizer:
    """Exact synthesis of H-band spectra on the apStar grid; make one and reuse it.

    Parameters
    ----------
    line_list : skysim.physics.lines.LineList, optional
        Default: every line of the H band.
    """

    def __init__(self, line_list: lines.LineList | None = None) -> None:
        self.lines = lines.h_band() if line_list is None else line_list
        self._step = LOG_WAVELENGTH_STEP / OVERSAMPLE
        self._start = LOG_WAVELENGTH_START - LOG_WAVELENGTH_STEP * MARGIN
        self._grid = 10.0 ** (self._start + self._step * np.arange(FINE_SIZE))
        self._coarse = np.linspace(self._grid[0], self._grid[-1], 24)
        self._brackett = lines.brackett()

    def structure(self, labels: Labels) -> atmosphere.Atmosphere:
        """The layers of a star."""
        return atmosphere.atmosphere(labels.teff, labels.logg, mixture(labels))

    def _position(self, wavelength: np.ndarray) -> np.ndarray:
        return (np.log10(wavelength) - self._start) / self._step

    def profiles(self, gas: Gas, micro: float) -> tuple[np.ndarray, ...]:
        """Doppler width (cm/s), damping parameter and peak absorption (cm-1), (lines, layers).

        `micro` is the microturbulence in cm/s.
        """
        present, species = np.unique(self.lines.species, return_inverse=True)
        mass = lines.species_masses()[present][:, None]
        density = np.array([gas.population(lines.SPECIES[s]) for s in present])
        density = density.reshape(-1, gas.temperature.size)  # also for no lines at all
        thermal = BOLTZMANN * gas.temperature
        width = np.sqrt(2.0 * thermal / (mass * ATOMIC_MASS) + micro**2)
        cm = self.lines.wavelength[:, None] * 1e-8
        photon = PLANCK * LIGHT / cm
        boltzmann = np.exp(-(self.lines.excitation[:, None] * EV) / thermal)
        width = width[species]
        # pi e^2 / (m c) = 0.02654 cm2 Hz
        peak = (
            0.026540 / np.sqrt(np.pi) * cm * self.lines.strength[:, None] * density[species]
            * boltzmann * -np.expm1(-photon / thermal) / width
        )  # fmt: skip
        # Van der Waals: 17 C6^0.4 v^0.6 N (Unsold); radiative: the classical constant.
        relative = np.sqrt(8 * thermal / np.pi / ATOMIC_MASS * (1 + 1 / mass)) ** 0.6
        collisions = 17.0 * self.lines.damping[:, None] ** 0.4 * relative[species] * gas.perturbers
        damping = (collisions + 0.2223 / cm**2) * cm / (4 * np.pi * width)
        return width, damping, peak

    def _hydrogen(self, gas: Gas, micro: float) -> tuple[np.ndarray, np.ndarray]:
        """Width (cm/s) and peak absorption (cm-1) of the Brackett lines, (lines, layers).

        The quasi-static field of the ions moves a level's mean Stark component by half that of the
        outermost, 3/2 n (n - 1) e a0 F; matching Holtsmark's wings, 1.496 beta^-5/2, makes the
        width 1.475 times that.  Doppler width joins in quadrature.
        """
        upper, wavelength, gf = (x[:, None] for x in self._brackett)
        cm = wavelength * 1e-8
        thermal = BOLTZMANN * gas.temperature
        population = gas.population("H I") * np.exp(-12.7485 * EV / thermal)
        field = 2.603 * 4.80320e-10 * gas.electrons ** (2.0 / 3.0)  # statvolt/cm
        shift = 0.75 * upper * (upper - 1) * 2.5417e-18 * field / PLANCK  # Hz
        doppler2 = 2.0 * thermal / ATOMIC_MASS + micro**2
        width = np.sqrt((1.475 * shift * cm) ** 2 + doppler2)
        photon = PLANCK * LIGHT / cm
        # The profile's integral is 2.396 widths.
        peak = 0.026540 / 2.396 * cm * population * gf * -np.expm1(-photon / thermal) / width
        return width, peak

    def raw_flux(self, labels: Labels) -> tuple[np.ndarray, np.ndarray]:
        """Normalised flux without broadening, and the continuum per Angstrom, on the fine grid."""
        layers = self.structure(labels)
        gas = layers.gas
        mean = (layers.kappa * gas.density)[:, None]
        smooth = opacity.continuum(self._coarse, gas).T  # (layers, coarse)
        kappa = _spread(self._coarse, smooth, self._grid)
        step = self._step * np.log(10.0) * LIGHT  # cm/s a sample
        micro = 1e5 * microturbulence(min(labels.logg, 4.0))
        floor = FAINTEST * _spread(self._coarse, smooth, self.lines.wavelength).T
        place = self._position(self.lines.wavelength)
        add_lines(place, *self.profiles(gas, micro), floor, step, kappa)
        add_stark(self._position(self._brackett[1]), *self._hydrogen(gas, micro), step, kappa)
        source = planck(self._coarse, gas.temperature)
        depth = np.log(layers.tau)
        flux = emergent_flux(kappa / mean, _spread(self._coarse, source, self._grid), depth)
        level = emergent_flux(smooth / mean, source, depth)
        level = np.interp(self._grid, self._coarse, level)
        return flux / level, level

    def fine_spectrum(self, labels: Labels) -> np.ndarray:
        """Normalised flux, smoothed to the instrument's resolution, on the fine grid."""
        flux, _ = self.raw_flux(labels)
        step = self._step * np.log(10.0) * KM_S
        if labels.vsini > 0:
            flux = rotate(flux, labels.vsini / step)
        return smooth_gaussian(flux, np.hypot(KM_S / RESOLVING_POWER, labels.broadening) / step)

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


def _convolve(flux: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolution with a kernel of odd length and unit sum; the ends are continued."""
    padded = np.pad(flux, kernel.size // 2, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")


def smooth_gaussian(flux: np.ndarray, fwhm_samples: float) -> np.ndarray:
    """Convolve with a Gaussian of the given full width at half maximum (samples)."""
    sigma = fwhm_samples / 2.354820
    half = int(4.0 * sigma) + 1
    return _convolve(flux, np.exp(-0.5 * (np.arange(-half, half + 1) / sigma) ** 2))


def rotate(flux: np.ndarray, samples: float) -> np.ndarray:
    """Broaden by rotation, v sin i given in samples, limb darkening 0.3 (Gray 2005, eq. 18.14)."""
    half = int(samples) + 1
    # Each kernel value is a mean over its own sample, so that slow rotation blurs little.
    x = np.linspace(-half - 0.5, half + 0.5, (2 * half + 1) * 20 + 1)
    x = 0.5 * (x[1:] + x[:-1]) / samples
    inside = np.clip(1.0 - x**2, 0.0, None)
    profile = 2 * 0.7 * np.sqrt(inside) + 0.5 * np.pi * 0.3 * inside
    return _convolve(flux, profile.reshape(-1, 20).mean(axis=1))


def sample(fine: np.ndarray, shift_km_s: float = 0.0) -> np.ndarray:
    """Read a fine spectrum at the apStar pixels after a Doppler shift, by cubic interpolation.

    A velocity is one constant shift on a grid that is uniform in log wavelength, so four weights
    serve all pixels.
    """
    samples = np.log10(1.0 + shift_km_s / KM_S) / (LOG_WAVELENGTH_STEP / OVERSAMPLE)
    whole = int(np.floor(-samples))
    t = -samples - whole
    weights = (
        -t * (t - 1) * (t - 2) / 6,
        (t + 1) * (t - 1) * (t - 2) / 2,
        -(t + 1) * t * (t - 2) / 2,
        (t + 1) * t * (t - 1) / 6,
    )
    first = MARGIN * OVERSAMPLE + whole - 1
    last = first + (N_PIXELS - 1) * OVERSAMPLE + 1
    if first < 0 or last + 3 > fine.size:
        raise ValueError(f"a shift of {shift_km_s} km/s leaves the computed range")
    return sum(w * fine[first + i : last + i : OVERSAMPLE] for i, w in enumerate(weights))
