"""Line-spread function and resampling as one sparse matrix, from a fine grid to pixels."""

from __future__ import annotations

import numpy as np
from scipy import sparse


def smearing(fine: np.ndarray, grid: np.ndarray, fwhm: np.ndarray) -> sparse.csr_matrix:
    """Matrix from flux density on a fine grid to that in an instrument's pixels.

    Parameters
    ----------
    fine : ndarray, shape (m,)
        A, uniform in log wavelength.
    grid : ndarray, shape (n,)
        The instrument's pixels, A.
    fwhm : ndarray, shape (n,)
        Full width at half maximum of its Gaussian line-spread function, A.

    Returns
    -------
    csr_matrix, shape (n, m)
        Every row adds up to one.

    Raises
    ------
    ValueError
        When a pixel's profile reaches beyond the fine grid by more than 2 sigma.
    """
    step = float(np.log(fine[-1] / fine[0]) / (fine.size - 1))
    sigma = fwhm / 2.354820
    if ((grid - 2.0 * sigma) < fine[0]).any() or ((grid + 2.0 * sigma) > fine[-1]).any():
        raise ValueError(
            f"a spectrum from {fine[0]:.0f} to {fine[-1]:.0f} A does not cover "
            f"{grid[0]:.0f} to {grid[-1]:.0f} A with a margin"
        )
    half = int(np.ceil((4.5 * sigma / grid).max() / step)) + 1
    middle = np.rint(np.log(grid / fine[0]) / step).astype(int)
    column = middle[:, None] + np.arange(-half, half + 1)
    inside = (column >= 0) & (column < fine.size)
    column = np.where(inside, column, 0)
    weight = np.exp(-0.5 * ((fine[column] - grid[:, None]) / sigma[:, None]) ** 2) * fine[column]
    weight = np.where(inside, weight, 0.0)
    weight /= weight.sum(axis=1, keepdims=True)
    start = np.arange(0, column.size + 1, column.shape[1])
    made = sparse.csr_matrix((weight.ravel(), column.ravel(), start), (grid.size, fine.size))
    made.eliminate_zeros()
    return made
