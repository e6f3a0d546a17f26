"""Lab 9's model of a spectrum as a problem of least squares.

Parameters are counted in standard deviations of their priors, standard normal ones: first
temperature and density (their share of the prior's range is the normal distribution function of
the parameter), then the brightness, the modes of the calibration, and the atomic errors of some
lines. What the pixels say comes as one number for each line, of unit error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.polynomial import polynomial
from scipy.linalg import solve_triangular
from scipy.special import ndtr

from labkit.service.product import Product

#: steps of a fit at most; it ends when chi squared falls by less than this
_STEPS, _ENOUGH = 50, 1e-3
#: no line's flux is taken as more than exp of this, should a step go too far
_GREATEST = 50.0


class LineFluxes:
    """Natural logarithms of lines' fluxes, as functions of temperature and density.

    Parameters
    ----------
    product : Product
    """

    def __init__(self, product: Product) -> None:
        self.product = product
        # of x = 2 (log10 T - 6.5) and y = log10 n - 10
        self._low = np.array([2.0, 1.0]) * (product.prior[:, 0] - [6.5, 10.0])
        self._range = np.array([2.0, 1.0]) * np.ptp(product.prior, axis=1)
        self._degrees = [count - 1 for count in product.ln_model.shape[:2]]
        self._coefficients = product.ln_model.reshape(-1, product.ln_model.shape[2])
        self._slopes = [polynomial.polyder(product.ln_model, axis=axis) for axis in (0, 1)]

    def ln(self, first: np.ndarray) -> np.ndarray:
        """Return the logarithms (m, l), up to a constant, from the first two parameters (m, 2)."""
        x, y = (self._low + self._range * ndtr(first)).T
        logarithms: np.ndarray = polynomial.polyvander2d(x, y, self._degrees) @ self._coefficients
        return logarithms

    def slopes(self, first: np.ndarray) -> np.ndarray:
        """Return the derivatives (2, l) of `ln` by the first two parameters (2,)."""
        x, y = self._low + self._range * ndtr(first)
        inner = self._range * np.exp(-0.5 * first**2) / np.sqrt(2 * np.pi)
        by_axis = [polynomial.polyval2d(x, y, slope) for slope in self._slopes]
        slopes: np.ndarray = inner[:, None] * np.array(by_axis)
        return slopes


@dataclass(frozen=True)
class BrightLines:
    """Residuals of one spectrum's lines, and of the parameters from their priors.

    Attributes
    ----------
    fluxes : LineFluxes
    root, data : (l, l) and (l,) array
        What the pixels say of the lines' fluxes a: data ~ N(root a, 1).
    own : (k,) array of int
        The lines that have an atomic error of their own.
    ln_brightness : float
        Prior mean of the logarithm of the brightness; the standard deviation is 1.
    """

    fluxes: LineFluxes
    root: np.ndarray
    data: np.ndarray
    own: np.ndarray
    ln_brightness: float

    @cached_property
    def _linear(self) -> np.ndarray:
        """What each parameter after the first two adds to the logarithms of fluxes, (d - 2, l)."""
        product = self.fluxes.product
        atomic = product.atomic_error * np.eye(len(self.data))[self.own]
        return np.vstack([np.ones(len(self.data)), product.modes, atomic])

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return 2 + len(self._linear)

    def _flux(self, parameters: np.ndarray) -> np.ndarray:
        ln_flux = self.ln_brightness + self.fluxes.ln(parameters[:, :2])
        ln_flux += parameters[:, 2:] @ self._linear
        flux: np.ndarray = np.exp(np.minimum(ln_flux, _GREATEST))
        return flux

    def residuals(self, parameters: np.ndarray) -> np.ndarray:
        """Return residuals whose squares sum to -2 times the log posterior, but for a constant.

        Parameters
        ----------
        parameters : (m, d) array

        Returns
        -------
        (m, l + d) array
        """
        return np.hstack([self._flux(parameters) @ self.root.T - self.data, parameters])

    def slopes(self, parameters: np.ndarray) -> np.ndarray:
        """Return the derivatives (l + d, d) of the residuals by the parameters (d,)."""
        of_ln = np.vstack([self.fluxes.slopes(parameters[:2]), self._linear])
        of_data = self.root @ (self._flux(parameters[None])[0] * of_ln).T
        return np.vstack([of_data, np.eye(parameters.size)])

    def with_errors_of_others(self, parameters: np.ndarray) -> BrightLines:
        """Count the atomic errors of lines that have none of their own as noise of the data.

        Parameters
        ----------
        parameters : (d,) array
            They tell how bright these lines are.

        Returns
        -------
        BrightLines
        """
        others = np.delete(np.arange(len(self.data)), self.own)
        flux = self._flux(parameters[None])[0]
        added = self.root[:, others] * (self.fluxes.product.atomic_error * flux[others])
        noise = np.linalg.cholesky(np.eye(len(self.data)) + added @ added.T)
        both = solve_triangular(noise, np.column_stack([self.root, self.data]), lower=True)
        return replace(self, root=both[:, :-1], data=both[:, -1])


@dataclass(frozen=True)
class Mode:
    """A maximum of the posterior.

    Attributes
    ----------
    place : (d,) array
        Parameters.
    curvature : (d, d) array
        Gauss and Newton's: the inverse of the posterior's covariance near its maximum.
    chi2 : float
        Sum of the squares of the residuals.
    """

    place: np.ndarray
    curvature: np.ndarray
    chi2: float


def fit(lines: BrightLines, first: np.ndarray, fixed: int = 0) -> Mode:
    """Climb to a maximum by Levenberg and Marquardt's steps.

    Parameters
    ----------
    lines : BrightLines
    first : (d,) array
        Where to start.
    fixed : int
        How many of the first parameters stay as they are.

    Returns
    -------
    Mode
        For fixed parameters the maximum is that of the others.
    """
    place, damping = first, 1e-3
    residual, slope = lines.residuals(place[None])[0], lines.slopes(place)
    for _ in range(_STEPS):
        free = slope[:, fixed:]
        curvature = free.T @ free
        damped = curvature + damping * np.diag(np.diag(curvature))
        there = place.copy()
        there[fixed:] -= np.linalg.solve(damped, free.T @ residual)
        new = lines.residuals(there[None])[0]
        gain = residual @ residual - new @ new
        if not gain >= 0:
            damping *= 10
            continue
        place, residual, slope, damping = there, new, lines.slopes(there), damping / 10
        if gain < _ENOUGH:
            break
    return Mode(place, slope.T @ slope, float(residual @ residual))
