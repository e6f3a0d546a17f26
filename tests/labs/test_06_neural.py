"""The networks of lab 6, judged by their figures of merit beside the Cannon (simulated survey)."""

import multiprocessing
import resource
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from helpers import apogee, checkpoints
from helpers.course import ROOT, source

LABELS = ("TEFF", "LOGG", "FE_H", "MG_FE", "SI_FE")
SEEDS = (1, 2, 3)
#: how much worse than the Cannon's a median error may be
ALLOWED = 1.25


def examined_network(seed):
    """Train the lab's convolutional network alone, and examine it on the Cannon's stars.

    Returns
    -------
    network, cannon : (5,) arrays
        Median absolute errors of the labels, K and dex.
    seconds : float
        What the training took.
    memory : int
        The largest resident set of this process so far, bytes.
    """
    lab = source.solved_namespace("06_neural_labels")
    survey, cannon = checkpoints.load("02_continuum"), checkpoints.load("03_cannon")
    chips = np.concatenate([np.arange(chip.start, chip.stop) for chip in apogee.CHIPS.values()])
    flux, error = survey["flux"][:, chips], survey["error"][:, chips]
    sets = lab["three_sets"](survey["apogee_id"], cannon["apogee_id"], share=0.15, seed=6)
    is_training, is_validation, is_test = sets
    scaled, mean, scale = lab["scale_labels"](survey["labels"], is_training)
    known = np.where(error < 1e9, 1.0, 0.0)[is_training]
    typical = (flux[is_training] * known).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    inputs, input_error = lab["network_input"](flux, error, typical)
    scaled[is_test] = np.nan
    start = time.perf_counter()
    run = lab["train_network"](
        "convolutional",
        inputs,
        input_error,
        scaled,
        is_training,
        is_validation,
        epochs=25,
        patience=8,
        seed=seed,
    )
    seconds = time.perf_counter() - start
    predicted, _ = lab["unscale"](run["mean"], np.exp(run["log_sigma"]), mean, scale)
    row = {name: n for n, name in enumerate(cannon["apogee_id"])}
    same = [row[name] for name in survey["apogee_id"][is_test]]
    truth = survey["labels"][is_test]
    return (
        lab["performance"](predicted[is_test], truth)[1],
        lab["performance"](cannon["fitted"][same], truth)[1],
        seconds,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


@pytest.fixture(scope="module")
def runs():
    """One run for each seed, all in one process of their own, from the reference products."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_PRODUCTS", "none")
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as process:
            return dict(zip(SEEDS, process.map(examined_network, SEEDS), strict=True))


def test_network_is_as_good_as_the_cannon(runs):
    print(f"\nlab 6: median errors of one network over those of the Cannon (at most {ALLOWED})")
    print(f"  seed   seconds  {'':8s}", *(f"{name:>9s}" for name in LABELS))
    for seed, (network, cannon, seconds, _) in runs.items():
        print(f"  {seed:4d} {seconds:9.0f}  ratio   ", *(f"{r:9.2f}" for r in network / cannon))
        print(f"  {'':14s}  network ", f"{network[0]:9.1f}", *(f"{e:9.4f}" for e in network[1:]))
    print(f"  {'':14s}  Cannon  ", f"{cannon[0]:9.1f}", *(f"{e:9.4f}" for e in cannon[1:]))
    for network, cannon, _, _ in runs.values():
        assert (network <= ALLOWED * cannon).all()


def test_training_fits_in_memory(runs):
    memory = max(memory for *_, memory in runs.values())
    print(f"\nlab 6: three trainings in one process: {memory / 1e9:.2f} GB at most")
    assert memory < 2e9


@pytest.fixture(scope="module")
def product(walkthrough):
    with np.load(ROOT / "build" / "run" / "products" / "06_neural_labels.npz") as arrays:
        return dict(arrays)


def test_the_ensembles_errors_hold_what_they_promise(product):
    print(f"\nlab 6: 68.3 % intervals of the ensemble hold {np.round(product['coverage'], 3)}")
    assert ((product["coverage"] > 0.6) & (product["coverage"] < 0.8)).all()


def test_the_ensemble_is_as_good_as_the_cannon(product):
    truth = product["catalogue"]
    errors = [np.median(np.abs(product[k] - truth), axis=0) for k in ("predicted", "cannon")]
    print(f"\nlab 6: ensemble over Cannon, median errors: {np.round(errors[0] / errors[1], 2)}")
    assert (errors[0] <= ALLOWED * errors[1]).all()


def test_decorrelated_stars_tell_measuring_from_guessing(product):
    """The answer to a label's own change is near one for the Cannon, and less for the network."""
    network, cannon = product["response_network"], product["response_cannon"]
    mg, si = LABELS.index("MG_FE"), LABELS.index("SI_FE")
    for name, matrix in (("network", network), ("Cannon", cannon)):
        print(
            f"\nlab 6: {name}'s [Mg/Fe] follows true [Mg/Fe] by {matrix[mg, mg]:.2f}, "
            f"true [Si/Fe] by {matrix[mg, si]:.2f}",
            end="",
        )
    assert abs(cannon[mg, mg] - 1) < 0.15
    assert network[mg, mg] < cannon[mg, mg] - 0.1
    assert network[mg, si] > cannon[mg, si] + 0.05
