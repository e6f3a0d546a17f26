"""Normalised H-band spectra of stars: depth-integrated transfer through a stack of layers.

`Synthesizer` asks `atmosphere` for the layers of a star, adds up the Voigt profiles of `lines` on
top of the continuous absorption of `opacity`, integrates the flux that leaves the surface, and
blurs it as turbulence, rotation and the spectrograph do.

Left out: departures from LTE, sphericity, isotopes, hyperfine structure, water, line blanketing of
the structure.  `interpolator.Interpolator` offers the same `spectrum` and `fine_spectrum`, faster.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numba import njit

from helpers.mock import atmosphere, lines, opacity

#: apStar grid: log10 of vacuum wavelength in Angstrom is LOG_START + LOG_STEP * pixel.
N_PIXELS = 8575
LOG_START = 4.179
LOG_STEP = 6e-6
#: Fine samples per apStar pixel (4.14 km/s): 1.38 km/s, below the Doppler width of any line.
OVERSAMPLE = 3
RESOLVING_POWER = 22500.0
KM_S = atmosphere.LIGHT / 1e5
MARGIN = 60  # apStar pixels added on either side, for the wings of the convolution and shifts
FINE_SIZE = (N_PIXELS + 2 * MARGIN) * OVERSAMPLE
#: Line opacity below this share of the continuum's is dropped.
FAINTEST = 1e-3
#: Samples that go through the layers together.
BLOCK = 256
#: Gauss points and weights for the flux, the integral over mu dmu from 0 to 1 (twice, for F).
_MU = np.array([0.2123405, 0.5905331, 0.9114120])
_MU_WEIGHT = 2.0 * np.array([0.0698270, 0.2292411, 0.2009319])


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
        Macroturbulence, km/s (full width at half maximum of a Gaussian).
    vsini : float
        Projected rotation, km/s.
    """

    teff: float
    logg: float
    fe_h: float
    mg_fe: float = 0.0
    si_fe: float = 0.0
    alpha_fe: float | None = None
    broadening: float = 6.0
    vsini: float = 0.0

    def changed(self, **values: float) -> Labels:
        """A copy with some labels replaced."""
        return replace(self, **values)

    @property
    def alpha(self) -> float:
        """[alpha/Fe] in use."""
        return 0.5 * (self.mg_fe + self.si_fe) if self.alpha_fe is None else self.alpha_fe


def wavelength_grid() -> np.ndarray:
    """The 8575 vacuum wavelengths of the apStar grid, Angstrom."""
    return 10.0 ** (LOG_START + LOG_STEP * np.arange(N_PIXELS))


def microturbulence(logg: float) -> float:
    """Microturbulence in km/s as APOGEE set it for giants (Holtzman et al. 2018, AJ 156, 125)."""
    return 10.0 ** (0.226 - 0.0228 * logg + 0.0297 * logg**2 - 0.0113 * logg**3)


def carbon_nitrogen(labels: Labels) -> tuple[float, float]:
    """[C/Fe] and [N/Fe] of a star.

    Giants have dredged up nitrogen, and their carbon follows the alpha elements, gravity and
    temperature; the slopes are those of real giants' spectra (`cannon_trained_on_real`, see
    data/README.md).  Dwarfs keep what they were born with.  The two join around log g 3.5.
    """
    giant = -0.2 + (labels.alpha - 0.05) + 0.14 * (labels.logg - 2.0)
    giant -= 3e-4 * (labels.teff - 4500.0)
    share = 1.0 / (1.0 + float(np.exp((labels.logg - 3.5) / 0.15)))
    born = 0.5 * labels.alpha
    return born + share * (giant - born), 0.3 * share


def mixture(labels: Labels) -> np.ndarray:
    """Number abundances of a star relative to hydrogen."""
    carbon, nitrogen = carbon_nitrogen(labels)
    return atmosphere.abundances(
        labels.fe_h, labels.mg_fe, labels.si_fe, labels.alpha, carbon, nitrogen
    )


@njit(cache=True, fastmath=True, error_model="numpy")
def _voigt(a: float, v: float) -> float:
    """Voigt function H(a, v): rational form of Hui, Armstrong & Wray 1978 inside, wings outside."""
    if v > 6.0:
        return a / (1.7724538509 * (v * v - 1.5 + a * a))
    z = complex(a, -v)
    upper = 0.56418958 + 0.0j
    bottom = 1.0 + 0.0j
    for c in (5.912626, 30.180142, 93.155580, 181.928533, 214.382388, 122.607931):
        upper = upper * z + c
    for c in (10.479857, 53.992907, 170.354001, 348.703918, 457.334479, 352.730625, 122.607932):
        bottom = bottom * z + c
    return (upper / bottom).real


@njit(cache=True, fastmath=True, error_model="numpy")
def _add_lines(centre, width, damping, peak, floor, step, kappa):
    """Add Voigt profiles to kappa (layers, samples).

    centre (lines,) in samples; width, damping, peak (lines, layers): Doppler width in the unit of
    `step`, damping parameter, absorption at the centre; floor (lines, layers): absorption too small
    to follow a wing to.  The wings are those of `_voigt`, in slices and without a branch, so that
    the processor takes several samples at once.
    """
    n_layers, n = kappa.shape
    for k in range(n_layers):
        for i in range(centre.size):
            p, a = peak[i, k], damping[i, k]
            if p < floor[i, k]:
                continue
            rise = p / floor[i, k]
            reach = max(np.sqrt(np.log(rise) + 0.1), np.sqrt(a * rise / 1.7725)) + 0.3
            half = min(int(reach * width[i, k] / step) + 1, 2400)
            scale = step / width[i, k]
            middle = int(centre[i] + 0.5)
            first = max(0, middle - half)
            last = max(min(n, middle + half + 1), first)  # also for lines beyond the grid
            left = min(max(int(np.ceil(centre[i] - 6.0 / scale)), first), last)
            right = max(min(int(centre[i] + 6.0 / scale) + 1, last), left)
            wing = p * a / 1.7724538509 / scale**2
            shift = (a * a - 1.5) / scale**2
            for j in range(left, right):
                kappa[k, j] += p * _voigt(a, abs(j - centre[i]) * scale)
            row = kappa[k]
            for start, side in ((first, row[first:left]), (right, row[right:last])):
                place = centre[i] - start
                for j in range(side.size):
                    side[j] += wing / ((j - place) ** 2 + shift)


@njit(cache=True, fastmath=True, error_model="numpy")
def _add_stark(centre, width, peak, step, kappa):
    """Add hydrogen lines to kappa (layers, samples): peak / (1 + x^2)^(5/4), x in units of width.

    Flat inside, with the -5/2 power wings of Holtsmark's quasi-static field.
    """
    n_layers, n = kappa.shape
    for k in range(n_layers):
        for i in range(centre.size):
            middle = int(centre[i])
            scale = step / width[i, k]
            for j in range(max(0, middle - 2400), min(n, middle + 2401)):
                b = 1.0 + ((j - centre[i]) * scale) ** 2
                kappa[k, j] += peak[i, k] / (b * np.sqrt(np.sqrt(b)))


@njit(cache=True, fastmath=True, error_model="numpy")
def through_layers(slope, source, step, opening, flux):
    """Flux over pi that leaves the layers at BLOCK samples that go through them together.

    With the source function S linear in optical depth between layers, the intensity is
    S_0 + sum over k of (S_k - S_k-1) T_k-1 (1 - exp(-d)) / d, T being what the layers above let
    through.  exp(-d) is y^16 with y = 1 / (1 + x + x^2/2 + x^3/6) and x = d/16, and 1 - y^16 comes
    in factors: nothing cancels.  The loops over samples have no branch (numpy's rules for division
    by zero spare one), so that the processor works on several samples at once.

    Parameters
    ----------
    slope, source : (layers, BLOCK) array
        d tau / d ln(Rosseland tau) along the vertical, and source function.
    step : float
        Between layers, in ln(Rosseland tau).
    opening, flux : (BLOCK,) array
        Room to work in, and the result.
    """
    flux[:] = 0.0
    for q in range(3):
        weight, slant = _MU_WEIGHT[q], 0.5 * step / _MU[q] / 16.0
        for b in range(BLOCK):
            # Above the first layer opacity grows like depth.
            x = slope[0, b] / _MU[q] / 16.0
            y = 1.0 / (1.0 + x * (1.0 + x * (0.5 + x * 0.16666666667)))
            y *= y
            y *= y
            y *= y
            opening[b] = weight * y * y
            flux[b] += weight * source[0, b]
        for k in range(1, slope.shape[0]):
            for b in range(BLOCK):
                x = (slope[k - 1, b] + slope[k, b]) * slant
                part = 1.0 + x * (0.5 + x * 0.16666666667)
                y1 = 1.0 / (1.0 + x * part)
                y2 = y1 * y1
                y4 = y2 * y2
                y8 = y4 * y4
                mean = 0.0625 * part * y1 * (1.0 + y1) * (1.0 + y2) * (1.0 + y4) * (1.0 + y8)
                flux[b] += (source[k, b] - source[k - 1, b]) * opening[b] * mean
                opening[b] = max(opening[b] * y8 * y8, 1e-30)


@njit(cache=True, fastmath=True, error_model="numpy")
def emergent_flux(kappa, source, depth):
    """Flux that leaves a stack of layers, source function linear in optical depth between them.

    Parameters
    ----------
    kappa : (layers, n) array
        Absorption over Rosseland absorption.
    source : (layers, n) array
        Source function.
    depth : (layers,) array
        log of the Rosseland optical depth, natural, in even steps.

    Returns
    -------
    (n,) array
        Flux over pi, in the unit of `source`.
    """
    n_layers, n = kappa.shape
    slope, here = np.zeros((n_layers, BLOCK)), np.zeros((n_layers, BLOCK))
    opening, block = np.empty(BLOCK), np.empty(BLOCK)
    flux = np.empty(n)
    for first in range(0, n, BLOCK):
        size = min(BLOCK, n - first)
        for k in range(n_layers):
            tau = np.exp(depth[k])
            for b in range(size):
                slope[k, b] = kappa[k, first + b] * tau
                here[k, b] = source[k, first + b]
        through_layers(slope, here, depth[1] - depth[0], opening, block)
        flux[first : first + size] = block[:size]
    return flux


def _planck(wavelength: np.ndarray, temperature: np.ndarray) -> np.ndarray:
    """Planck function B_lambda in arbitrary units, (layers, n)."""
    x = atmosphere.SECOND_RADIATION * 1e8 / (wavelength * temperature[:, None])
    return (1e4 / wavelength) ** 5 / (np.exp(x) - 1.0)


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
    """Makes exact spectra on the apStar grid.  Make one and keep it: it holds the line list.

    Parameters
    ----------
    line_list : helpers.mock.lines.LineList, optional
        Default: every line of the H band.
    """

    def __init__(self, line_list: lines.LineList | None = None) -> None:
        self.lines = lines.h_band() if line_list is None else line_list
        self._step = LOG_STEP / OVERSAMPLE
        self._start = LOG_START - LOG_STEP * MARGIN
        self._grid = 10.0 ** (self._start + self._step * np.arange(FINE_SIZE))
        self._coarse = np.linspace(self._grid[0], self._grid[-1], 24)
        self._brackett = lines.brackett()

    def structure(self, labels: Labels) -> atmosphere.Atmosphere:
        """The layers of a star."""
        return atmosphere.atmosphere(labels.teff, labels.logg, mixture(labels))

    def _position(self, wavelength: np.ndarray) -> np.ndarray:
        return (np.log10(wavelength) - self._start) / self._step

    def profiles(self, gas: atmosphere.Gas, micro: float) -> tuple[np.ndarray, ...]:
        """Doppler width (cm/s), damping parameter and peak absorption (cm-1), (lines, layers).

        `micro` is the microturbulence in cm/s.
        """
        present, species = np.unique(self.lines.species, return_inverse=True)
        mass = lines.species_masses()[present][:, None]
        density = np.array([gas.population(lines.SPECIES[s]) for s in present])
        density = density.reshape(-1, gas.temperature.size)  # also for no lines at all
        thermal = atmosphere.BOLTZMANN * gas.temperature
        width = np.sqrt(2.0 * thermal / (mass * atmosphere.ATOMIC_MASS) + micro**2)
        cm = self.lines.wavelength[:, None] * 1e-8
        photon = atmosphere.PLANCK * atmosphere.LIGHT / cm
        boltzmann = np.exp(-(self.lines.excitation[:, None] * atmosphere.EV) / thermal)
        width = width[species]
        # pi e^2 / (m c) = 0.02654 cm2 Hz
        peak = (
            0.026540 / np.sqrt(np.pi) * cm * self.lines.strength[:, None] * density[species]
            * boltzmann * -np.expm1(-photon / thermal) / width
        )  # fmt: skip
        # Van der Waals: 17 C6^0.4 v^0.6 N (Unsold); radiative: the classical constant.
        relative = np.sqrt(8 * thermal / np.pi / atmosphere.ATOMIC_MASS * (1 + 1 / mass)) ** 0.6
        collisions = 17.0 * self.lines.damping[:, None] ** 0.4 * relative[species] * gas.perturbers
        damping = (collisions + 0.2223 / cm**2) * cm / (4 * np.pi * width)
        return width, damping, peak

    def _hydrogen(self, gas: atmosphere.Gas, micro: float) -> tuple[np.ndarray, np.ndarray]:
        """Width (cm/s) and peak absorption (cm-1) of the Brackett lines, (lines, layers).

        The quasi-static field of the ions moves a level's mean Stark component by half that of the
        outermost, 3/2 n (n - 1) e a0 F; matching Holtsmark's wings, 1.496 beta^-5/2, makes the
        width 1.475 times that.  Doppler width joins in quadrature.
        """
        upper, wavelength, gf = (x[:, None] for x in self._brackett)
        cm = wavelength * 1e-8
        thermal = atmosphere.BOLTZMANN * gas.temperature
        population = gas.population("H I") * np.exp(-12.7485 * atmosphere.EV / thermal)
        field = 2.603 * 4.80320e-10 * gas.electrons ** (2.0 / 3.0)  # statvolt/cm
        shift = 0.75 * upper * (upper - 1) * 2.5417e-18 * field / atmosphere.PLANCK  # Hz
        doppler2 = 2.0 * thermal / atmosphere.ATOMIC_MASS + micro**2
        width = np.sqrt((1.475 * shift * cm) ** 2 + doppler2)
        photon = atmosphere.PLANCK * atmosphere.LIGHT / cm
        # The profile's integral is 2.396 widths.
        peak = 0.026540 / 2.396 * cm * population * gf * -np.expm1(-photon / thermal) / width
        return width, peak

    def raw_flux(self, labels: Labels) -> tuple[np.ndarray, np.ndarray]:
        """Normalised flux before any blurring, and the continuum per Angstrom, on the fine grid."""
        layers = self.structure(labels)
        gas = layers.gas
        mean = (layers.kappa * gas.density)[:, None]
        smooth = opacity.continuum(self._coarse, gas).T  # (layers, coarse)
        kappa = _spread(self._coarse, smooth, self._grid)
        step = self._step * np.log(10.0) * atmosphere.LIGHT  # cm/s a sample
        micro = 1e5 * microturbulence(min(labels.logg, 4.0))
        floor = FAINTEST * _spread(self._coarse, smooth, self.lines.wavelength).T
        place = self._position(self.lines.wavelength)
        _add_lines(place, *self.profiles(gas, micro), floor, step, kappa)
        _add_stark(self._position(self._brackett[1]), *self._hydrogen(gas, micro), step, kappa)
        source = _planck(self._coarse, gas.temperature)
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
    samples = np.log10(1.0 + shift_km_s / KM_S) / (LOG_STEP / OVERSAMPLE)
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
