"""Lab 9's trained network, which says what lines a spectrum shows.

Written out in numpy, so that the service does without torch; a test holds it to the lab's own.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

#: a line counts as present above this share of the brightest line's flux
PRESENT = 0.10
#: a network may be sure and wrong: no probability counts as less, or as more than 1 minus this
_LEAST = 1e-3


def line_probabilities(
    weights: dict[str, np.ndarray], flux: np.ndarray, error: np.ndarray
) -> np.ndarray:
    """Look for lines in a spectrum.

    Parameters
    ----------
    weights : dict of array
        Of lab 9's network.
    flux, error : (p,) array
        Flux per Å and its standard deviation; the 99th percentile of the flux is above 0.

    Returns
    -------
    (l,) array
        The probability that each line is present.
    """
    scale = np.quantile(flux, 0.99)
    x = np.stack([np.arcsinh(3 * flux / scale), np.arcsinh(flux / error) / 2]).astype(np.float32)
    x = _convolved(x, weights, "0", stride=4)
    inner = _convolved(np.maximum(x, 0), weights, "1.change.1")
    x = x + _convolved(np.maximum(inner, 0), weights, "1.change.3")
    hidden = weights["4.weight"] @ np.maximum(x, 0).ravel() + weights["4.bias"]
    logit = weights["6.weight"] @ np.maximum(hidden, 0) + weights["6.bias"]
    probability: np.ndarray = 1 / (1 + np.exp(-np.clip(logit.astype(float), -500, 500)))
    return probability


def _convolved(
    x: np.ndarray, weights: dict[str, np.ndarray], layer: str, stride: int = 1
) -> np.ndarray:
    """Convolve channels (c, p), with two zeros at either end, as torch's Conv1d does."""
    kernel = weights[f"{layer}.weight"]
    windows = sliding_window_view(np.pad(x, ((0, 0), (2, 2))), kernel.shape[2], axis=1)
    convolved: np.ndarray = np.einsum("cpw,dcw->dp", windows[:, ::stride], kernel, optimize=True)
    convolved += weights[f"{layer}.bias"][:, None]
    return convolved


def agreement(probability: np.ndarray, models: np.ndarray) -> np.ndarray:
    """Compare what the network sees with the patterns of lines that models show.

    Parameters
    ----------
    probability : (l,) array
        That each line is present.
    models : (..., l) array
        Fluxes of the models' lines.

    Returns
    -------
    (...) array
        Natural logarithm of the probability of each model's pattern, but for a constant.
    """
    present = models > PRESENT * models.max(axis=-1, keepdims=True)
    p = np.clip(probability, _LEAST, 1 - _LEAST)
    log_odds: np.ndarray = present @ np.log(p / (1 - p))
    return log_odds
