"""NUTS on the mystery star: the naive full spectrum against sufficient statistics.

Prints CPU seconds per 1000 effective samples (the least of the five labels', bulk), all ways in
this run on one thread with the same priors, seeds and number of draws, and writes
``build/bench/mcmc.json``. Compiling is counted apart: it is done once per model and cached.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"

import numpy as np  # noqa: E402 - after the thread limits

ROOT = Path(__file__).resolve().parents[1]
DRAWS, TUNE, CHAINS = 500, 500, 2


def star() -> dict[str, np.ndarray]:
    """The reference Cannon and the embedded survey's mystery star, on the good pixels only."""
    from helpers import archive

    with np.load(archive.product("03_cannon")) as product:
        cannon = {name: product[name] for name in product.files}
    good = cannon["mystery_error"] < 1e9
    return {
        "coefficients": cannon["coefficients"][:, good].astype(float),
        "s2": cannon["s2"][good].astype(float),
        "flux": cannon["mystery_flux"][good].astype(float),
        "error": cannon["mystery_error"][good].astype(float),
        "mean": cannon["mean"],
        "scale": cannon["scale"],
    }


def naive(lab: dict[str, Any], x: Any, data: dict[str, np.ndarray]) -> None:
    """As most people write it: a normal distribution for each pixel, in PyTensor."""
    import pymc as pm
    import pytensor.tensor as pt

    first, second = np.triu_indices(5)
    q = pt.concatenate([np.ones(1), x, x[first] * x[second]])
    sigma = np.sqrt(data["error"] ** 2 + data["s2"])
    pm.Normal("flux", q @ data["coefficients"], sigma, observed=data["flux"])


def enrolled(lab: dict[str, Any], x: Any, data: dict[str, np.ndarray]) -> None:
    """All pixels through lab 5's own function and gradient."""
    import pymc as pm

    names = ("flux", "error", "s2", "coefficients", "mean", "scale")
    arguments = [data[name] for name in names]
    node = lab["LogLikelihood"](lambda labels: lab["log_likelihood"](labels, *arguments))
    pm.Potential("spectrum", node(data["mean"] + data["scale"] * x))


def enrolled_statistics(lab: dict[str, Any], x: Any, data: dict[str, np.ndarray]) -> None:
    """Sufficient statistics through lab 5's own function and gradient."""
    import pymc as pm

    statistics = _statistics(lab, data)
    mean, scale = data["mean"], data["scale"]
    node = lab["LogLikelihood"](
        lambda labels: lab["fast_log_likelihood"](labels, *statistics, mean, scale)
    )
    pm.Potential("spectrum", node(mean + scale * x))


def statistics(lab: dict[str, Any], x: Any, data: dict[str, np.ndarray]) -> None:
    """Sufficient statistics in PyTensor, as lab 5's solution samples them."""
    import pymc as pm
    import pytensor.tensor as pt

    matrix, vector, _ = _statistics(lab, data)
    first, second = np.triu_indices(5)
    q = pt.concatenate([np.ones(1), x, x[first] * x[second]])
    pm.Potential("spectrum", q @ vector - 0.5 * q @ (matrix @ q))


def _statistics(lab: dict[str, Any], data: dict[str, np.ndarray]) -> tuple:
    arrays = [data[name] for name in ("flux", "error", "s2", "coefficients")]
    return lab["sufficient_statistics"](*arrays)


def measure(
    way: Callable[..., None], lab: dict[str, Any], data: dict[str, np.ndarray]
) -> tuple[dict[str, float], np.ndarray]:
    import arviz as az
    import pymc as pm

    prior = lab["stated_prior"]
    mean, scale = data["mean"], data["scale"]
    with pm.Model() as model:
        x = pm.Normal("x", (prior[:, 0] - mean) / scale, prior[:, 1] / scale, shape=5)
        way(lab, x, data)
    started = time.process_time()
    gradient = model.logp_dlogp_function(ravel_inputs=True)
    gradient.set_extra_values({})
    gradient(np.zeros(5))
    compiling = time.process_time() - started
    started = time.process_time()
    for point in np.random.default_rng(1).normal(0, 0.3, (300, 5)):
        gradient(point)
    evaluation = (time.process_time() - started) / 300
    started = time.process_time()
    with model:
        trace = pm.sample(
            DRAWS,
            tune=TUNE,
            chains=CHAINS,
            cores=1,
            random_seed=128,
            progressbar=False,
            compute_convergence_checks=False,
        )
    seconds = time.process_time() - started
    draws = trace.posterior["x"].values
    size = float(az.ess(az.convert_to_dataset(draws))["x"].min())
    row = {
        "CPU s per 1000 effective samples": round(1000 * seconds / size, 2),
        "sampling, CPU s": round(seconds, 2),
        "effective samples": round(size),
        "value and gradient, microseconds": round(1e6 * evaluation, 1),
        "first compilation, CPU s": round(compiling, 2),
    }
    return row, draws.reshape(-1, 5)


def main() -> None:
    from labkit import lab_source

    lab, data = lab_source.solved_namespace("05_mcmc"), star()
    ways = {
        "naive, all pixels in PyTensor": naive,
        "all pixels, gradient by hand": enrolled,
        "statistics, gradient by hand": enrolled_statistics,
        "statistics in PyTensor (lab 5)": statistics,
    }
    table, draws = {}, {}
    for name, way in ways.items():
        table[name], draws[name] = measure(way, lab, data)
    best = draws["statistics in PyTensor (lab 5)"]
    for name, row in table.items():
        shift = (draws[name].mean(axis=0) - best.mean(axis=0)) / best.std(axis=0)
        row["mean differs, sigma"] = round(float(np.abs(shift).max()), 3)
    out = ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    setting = {"pixels": len(data["flux"]), "draws": DRAWS, "tune": TUNE, "chains": CHAINS}
    (out / "mcmc.json").write_text(json.dumps({**setting, "ways": table}, indent=1))
    print(f"NUTS on the mystery star, {len(data['flux'])} good pixels, one thread, CPU time")
    for name, row in table.items():
        print(
            f"  {name:31s} {row['CPU s per 1000 effective samples']:7.2f} s per 1000 effective "
            f"samples  {row['value and gradient, microseconds']:7.1f} µs an evaluation  "
            f"means within {row['mean differs, sigma']:.2f} sigma"
        )


if __name__ == "__main__":
    main()
