"""One contender of bench/cannon.py, alone in its process: train, infer, and say what it cost.

    python bench/cannon_peers.py NAME data.npz result.npz

TheCannon and AnniesLasso run in an environment of their own, so this file needs numpy only. The
solved lab (`lab 3`) and its plain loops (`student's loop`) come in as functions from the caller.
"""

from __future__ import annotations

import contextlib
import io
import resource
import sys
import time
from collections.abc import Callable

import numpy as np

BAD_LIMIT = 1e9


def peak_mb() -> float:
    """Peak resident memory of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def inverse_variance(error: np.ndarray) -> np.ndarray:
    """1 / error^2, and zero where a pixel is bad: what both packages ask for."""
    return np.where(error < BAD_LIMIT, 1.0 / error.astype(float) ** 2, 0.0)


def timed(work: Callable) -> tuple[object, float]:
    """Result and CPU seconds; what the package prints is dropped."""
    with contextlib.redirect_stdout(io.StringIO()):
        started = time.process_time()
        result = work()
        return result, time.process_time() - started


def the_cannon(data: dict) -> dict:
    """A. Ho's TheCannon, as its tutorial uses it."""
    import matplotlib as mpl

    mpl.use("agg")
    from TheCannon import dataset, model

    names = [f"L{i}" for i in range(data["labels"].shape[1])]
    wavelength = data["wavelength"]
    stars = dataset.Dataset(
        wavelength,
        np.arange(len(data["labels"])),
        data["flux"].astype(float),
        inverse_variance(data["error"]),
        data["labels"],
        np.arange(len(data["test_flux"])),
        data["test_flux"].astype(float),
        inverse_variance(data["test_error"]),
    )
    stars.set_label_names(names)
    cannon = model.CannonModel(2, False)
    _, train = timed(lambda: cannon.train(stars))
    _, infer = timed(lambda: cannon.infer_labels(stars))
    x = (data["labels"] - cannon.pivots) / cannon.scales
    i, j = np.triu_indices(x.shape[1])
    columns = np.column_stack([np.ones(len(x)), x, x[:, i] * x[:, j]])
    pixels = data["judged"]
    return {
        "train": train,
        "infer": infer,
        "fitted": stars.test_label_vals,
        "s2": cannon.scatters[pixels] ** 2,
        "model": columns @ cannon.coeffs[pixels].T,
    }


def annies_lasso(data: dict) -> dict:
    """A. Casey's AnniesLasso (`thecannon`), without regularisation."""
    import thecannon

    names = [f"L{i}" for i in range(data["labels"].shape[1])]
    cannon = thecannon.CannonModel(
        data["labels"],
        data["flux"].astype(float),
        inverse_variance(data["error"]),
        vectorizer=thecannon.vectorizer.PolynomialVectorizer(names, 2),
    )
    _, train = timed(lambda: cannon.train(threads=1))
    ivar = inverse_variance(data["test_error"])
    (fitted, _, _), infer = timed(
        lambda: cannon.test(data["test_flux"].astype(float), ivar, threads=1)
    )
    pixels = data["judged"]
    return {
        "train": train,
        "infer": infer,
        "fitted": fitted,
        "s2": cannon.s2[pixels],
        "model": cannon.design_matrix @ cannon.theta[pixels].T,
    }


def run(contender: Callable[[dict], dict], source: str, target: str) -> None:
    """Load the data, let the contender work, and write what it found and what it cost."""
    with np.load(source) as file:
        data = dict(file)
    before = peak_mb()
    np.savez(target, **contender(data), peak_mb=peak_mb(), peak_before_mb=before)


if __name__ == "__main__":
    run({"TheCannon": the_cannon, "AnniesLasso": annies_lasso}[sys.argv[1]], *sys.argv[2:4])
