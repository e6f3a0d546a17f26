"""The posterior of one spectrum's temperature and density, without a chain.

Lab 9's hierarchical model becomes a problem of least squares when every parameter is counted in
standard deviations of its prior. Its best fit and the curvature there give a proposal, a
multivariate t; draws of it are weighted by posterior over proposal, and the greatest weights
smoothed (importance sampling; Vehtari et al. 2024, Journal of Machine Learning Research 25, 72).
The tail of the weights tells whether they can be trusted: not if its shape, Pareto's k, is above
0.7.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import logsumexp, ndtr, ndtri

from labkit.service import network
from labkit.service.least_squares import BrightLines, LineFluxes, Mode, fit
from labkit.service.product import Product

with warnings.catch_warnings():
    # ArviZ announces its version 1.0; the kit pins an earlier one
    warnings.simplefilter("ignore", FutureWarning)
    from arviz import psislw

#: draws of the proposal, and its degrees of freedom; one seed for all spectra, so that an answer
#: depends on its spectrum alone
DRAWS, FREEDOM, SEED = 4000, 7, 9
#: how many lines, the most probable ones, have an atomic error of their own
OWN_LINES = 24
#: Prior standard deviations of what is integrated out: the continuum's level and slope, in units of
#: the brightest line per Å; shift and widening of the lines, in units of their standard errors.
BACKGROUND_SD = np.array([10.0, 10.0, 1.0, 1.0])
#: grid of models at which a fit may start: temperatures, densities
_GRID = (26, 17)
#: where the proposals beside the mode lie: so many standard deviations of temperature from it
_ASIDE = 2.0
#: the least share of the draws that each proposal gets
_LEAST = 0.05


@dataclass(frozen=True)
class Marginal:
    """The posterior of one quantity.

    Attributes
    ----------
    mean, sd : float
    interval_68, interval_95 : pair of float
        Quantiles that leave the same probability on either side.
    """

    mean: float
    sd: float
    interval_68: tuple[float, float]
    interval_95: tuple[float, float]


@dataclass(frozen=True)
class Posterior:
    """What a spectrum says of its corona.

    Attributes
    ----------
    log_temperature, log_density : Marginal
        log10 of K, and of electrons per cm^3.
    correlation : float
        Of the two.
    pareto_k : float
        Shape of the tail of the weights; infinite where it cannot be told.
    effective_draws : float
        As many independent draws of the posterior would be as good.
    chi2_per_pixel : float
        Of the best fit; about 1 if the model describes the spectrum.
    """

    log_temperature: Marginal
    log_density: Marginal
    correlation: float
    pareto_k: float
    effective_draws: float
    chi2_per_pixel: float


class Sampler:
    """Compute posteriors with a product of lab 9.

    Parameters
    ----------
    product : Product
    """

    def __init__(self, product: Product) -> None:
        self._product = product
        self._fluxes = LineFluxes(product)
        x = product.wavelength - product.wavelength.mean()
        self._continuum = np.column_stack([np.ones_like(x), 2 * x / np.ptp(x)])
        self._profiles = _profiles(product)
        self._shift = _profiles(product, shift=product.shift_error) - self._profiles
        self._widening = _profiles(product, wider=product.width_error) - self._profiles
        shares = np.meshgrid(*(np.linspace(0, 1, count) for count in _GRID), indexing="ij")
        # not on the edges of the prior, which are infinitely far away
        self._starts = ndtri(np.clip(np.reshape(shares, (2, -1)).T, 0.03, 0.97))
        self._models = np.exp(self._fluxes.ln(self._starts))

    def posterior(self, flux: np.ndarray, error: np.ndarray, probability: np.ndarray) -> Posterior:
        """Compute the posterior of one spectrum.

        Parameters
        ----------
        flux, error : (p,) array
            Flux per Å, in any unit, and its standard deviation.
        probability : (l,) array
            That each line is present, as the network says: it chooses the lines that have errors of
            their own, and where the fit starts.

        Returns
        -------
        Posterior
        """
        root, data, unexplained = self._by_line(flux, error)
        start = int(np.argmax(network.agreement(probability, self._models)))
        expected = root @ self._models[start]
        brightness = max(expected @ data / (expected @ expected), 1e-3)
        own = np.argsort(-probability)[:OWN_LINES]
        lines = BrightLines(self._fluxes, root, data, own, float(np.log(brightness)))
        first = np.zeros(lines.parameters)
        first[:2] = self._starts[start]
        best = fit(lines, first)
        # the other lines' atomic errors are in proportion to their fluxes, which are known by now
        lines = lines.with_errors_of_others(best.place)
        best = fit(lines, best.place)
        # the posterior of temperature may be skewed: its sides have proposals of their own
        modes = [best, *(fit(lines, place, fixed=1) for place in _beside(best))]
        draws, log_density = _proposal(modes)
        log_weight = -0.5 * np.sum(lines.residuals(draws) ** 2, axis=1) - log_density
        with np.errstate(over="ignore"):  # in ArviZ, where 1 over infinity is meant to be 0
            log_weight, k = psislw(log_weight)
        weight = np.exp(log_weight - log_weight.max())
        weight /= weight.sum()
        chi2 = unexplained + best.chi2
        return self._summary(draws[:, :2], weight, float(k), chi2 / flux.size)

    def _by_line(self, flux: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Reduce pixels to lines: all they say of the fluxes a is data ~ N(root a, 1).

        Continuum, shift and widening are integrated out. Fluxes are in units of the brightest
        line. The third value is the part of chi squared that no fluxes can explain.
        """
        columns = np.column_stack([self._continuum, self._profiles, flux]) / error[:, None]
        triangle = _triangle(columns)
        intensity = np.maximum(solve_triangular(triangle[2:-1, 2:-1], triangle[2:-1, -1]), 0)
        # without any line: what would just be seen
        unit = max(intensity.max(), error.min() * self._product.fwhm)
        nuisance = [unit * self._continuum, self._shift @ intensity, self._widening @ intensity]
        design = np.column_stack([*nuisance, unit * self._profiles, flux]) / error[:, None]
        prior = np.eye(len(BACKGROUND_SD), design.shape[1]) / BACKGROUND_SD[:, None]
        triangle = _triangle(np.vstack([design, prior]))
        lines = slice(len(prior), -1)
        return triangle[lines, lines], triangle[lines, -1], float(triangle[-1, -1] ** 2)

    def _summary(
        self, whitened: np.ndarray, weight: np.ndarray, k: float, chi2: float
    ) -> Posterior:
        """Say in numbers what weighted draws of temperature and density hold."""
        low, high = self._product.prior.T
        draws = low + (high - low) * ndtr(whitened)
        mean = weight @ draws
        covariance = (draws - mean).T @ (weight[:, None] * (draws - mean))
        sd = np.sqrt(np.diag(covariance))
        temperature, density = (
            Marginal(float(m), float(s), *_intervals(values, weight))
            for m, s, values in zip(mean, sd, draws.T, strict=True)
        )
        # rounding, or weights that leave a single draw, must not make a correlation impossible
        correlation = covariance[0, 1] / max(sd.prod(), np.finfo(float).tiny)
        correlation = float(np.clip(correlation, -1, 1))
        return Posterior(temperature, density, correlation, k, float(1 / (weight @ weight)), chi2)


def _triangle(matrix: np.ndarray) -> np.ndarray:
    """Return the upper triangle R of matrix = Q R."""
    return np.asarray(np.linalg.qr(matrix, mode="r"))


def _profiles(product: Product, shift: float = 0.0, wider: float = 0.0) -> np.ndarray:
    """Gaussians of unit area (p, l), shifted by so many Å and widened by this share."""
    sigma = (1 + wider) * product.fwhm / np.sqrt(8 * np.log(2))
    z = (product.wavelength[:, None] - product.line_wavelength - shift) / sigma
    profiles: np.ndarray = np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * sigma)
    return profiles


def _beside(mode: Mode) -> Iterator[np.ndarray]:
    """Places at lower and at higher temperature, where the posterior's Gaussian is highest."""
    along = np.linalg.inv(mode.curvature)[0]
    for side in (-1, 1):
        yield mode.place + side * _ASIDE * along / np.sqrt(along[0])


def _proposal(modes: list[Mode]) -> tuple[np.ndarray, np.ndarray]:
    """Draw (m, d) from multivariate t's at the modes; add their log density, but for a constant.

    Each has the share of the draws that it would have of the posterior if that were Gaussian there.
    """
    roots = [np.linalg.cholesky(mode.curvature) for mode in modes]
    half_log_det = np.array([np.log(np.diag(root)).sum() for root in roots])
    log_mass = -0.5 * np.array([mode.chi2 for mode in modes]) - half_log_det
    share = np.maximum(np.exp(log_mass - logsumexp(log_mass)), _LEAST)
    share /= share.sum()
    standard = _standard_draws(modes[0].place.size)
    ends = np.rint(DRAWS * np.cumsum(share[:-1])).astype(int)
    parts = zip(modes, roots, np.split(standard, ends, axis=1), strict=True)
    draws = np.concatenate(
        [
            mode.place + solve_triangular(root, part, lower=True, trans=1).T
            for mode, root, part in parts
        ]
    )
    power = 0.5 * (FREEDOM + len(standard))
    distance = [
        np.sum(((draws - m.place) @ root) ** 2, axis=1)
        for m, root in zip(modes, roots, strict=True)
    ]
    log_density = np.log(share) + half_log_det - power * np.log1p(np.transpose(distance) / FREEDOM)
    return draws, logsumexp(log_density, axis=1)


@lru_cache(maxsize=4)
def _standard_draws(dimensions: int) -> np.ndarray:
    """Draws (d, m) of a standard multivariate t, always the same."""
    rng = np.random.default_rng(SEED)
    draws = rng.standard_normal((dimensions, DRAWS))
    draws *= np.sqrt(FREEDOM / rng.chisquare(FREEDOM, DRAWS))
    draws.flags.writeable = False
    return draws


def _intervals(
    values: np.ndarray, weight: np.ndarray
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the central 68 and 95 % intervals of weighted values."""
    order = np.argsort(values)
    below = np.cumsum(weight[order]) - 0.5 * weight[order]
    quantiles = np.interp([0.16, 0.84, 0.025, 0.975], below, values[order])
    low_68, high_68, low_95, high_95 = map(float, quantiles)
    return (low_68, high_68), (low_95, high_95)
