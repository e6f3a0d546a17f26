"""The networks of lab 6, unchanged, on real LAMOST stars (needs shared/real), beside the Cannon.

Labels compared with are LAMOST's own, so their errors are part of every scatter.
"""

import numpy as np
import pytest

from helpers import archive
from helpers.course import source

from .lamost import chosen_stars, comparable, labels_of, lamost_stars

FOLDS = 5
KIND = "convolutional"
#: what lab 3's plain Cannon reaches on these folds (`pytest tests/real -k cannon_on_lamost -s`)
CANNON = np.array([47.9, 0.069, 0.050])


@pytest.fixture(scope="module")
def lab():
    """Return the model answers of lab 6, nothing else."""
    return source.solved_namespace("06_neural_labels")


@pytest.fixture(scope="module")
def real():
    """Return flux, error and labels of 884 real stars."""
    return lamost_stars()


def inputs_of(lab, flux, error, rows):
    """Return a network's inputs and their errors: deviations from the typical star of `rows`."""
    known = error[rows] < 1e9
    typical = (flux[rows] * known).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return lab["network_input"](flux, error, typical)


def trained(lab, start, pace, *rows, **options):
    """Train with the lab's own loop, from a network that was trained before if `start` is given.

    Returns
    -------
    dict
        What `train_network` returns.
    dict
        The weights.
    """
    build, usual, made = lab["build_network"], lab["LEARNING_RATE"], []

    def build_trained(*shape):
        made.append(build(*shape))
        if start is not None:
            made[0].load_state_dict(start)
        return made[0]

    lab["build_network"], lab["LEARNING_RATE"] = build_trained, {KIND: pace * usual[KIND]}
    try:
        run = lab["train_network"](KIND, *rows, patience=10, seed=1, **options)
    finally:
        lab["build_network"], lab["LEARNING_RATE"] = build, usual
    return run, made[0].state_dict()


def held_out(n, seed):
    """Choose 15 per cent of n rows."""
    return np.random.default_rng(seed).random(n) < 0.15


def cross_validated(lab, real, start=None, scaling=None, **options):
    """Label every star with a network that has not seen it; bias, median error and scatter."""
    flux, error, labels = real
    fold = np.random.default_rng(1).permutation(len(labels)) % FOLDS
    found = np.empty_like(labels)
    for number in range(FOLDS):
        rest = fold != number
        validation = rest & held_out(len(labels), number)
        training = rest & ~validation
        scaled, mean, scale = lab["scale_labels"](labels, training)
        if scaling is not None:
            mean, scale = scaling
            scaled = (labels - mean) / scale
        scaled = np.where(rest[:, None], scaled, np.nan)
        data = inputs_of(lab, flux, error, training)
        run, _ = trained(lab, start, options["pace"], *data, scaled, training, validation,
                         epochs=options["epochs"])  # fmt: skip
        found[~rest] = (mean + scale * run["mean"])[~rest]
    return found


@pytest.fixture(scope="module")
def pretrained(lab):
    """Return weights learnt on the simulated LAMOST-like survey, and how its labels were scaled."""
    with np.load(archive.product("lamost_k2")) as file:
        stars = dict(file)
    chosen = chosen_stars(stars)
    flux, error = comparable(stars, chosen)
    validation = held_out(len(chosen), 0)
    scaled, mean, scale = lab["scale_labels"](labels_of(stars, chosen), ~validation)
    data = inputs_of(lab, flux, error, ~validation)
    _, weights = trained(lab, None, 1.0, *data, scaled, ~validation, validation, epochs=12)
    return weights, (mean, scale), len(chosen)
