"""The networks of lab 6, unchanged, on real LAMOST stars (needs shared/real), beside the Cannon.

Labels compared with are LAMOST's own, so their errors are part of every scatter.
"""

import numpy as np
import pytest
import torch

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


def cross_validated(lab, real, epochs, pace=1.0, start=None, scaling=None):
    """Label every star with a network that has not seen it.

    Returns
    -------
    (884, 3) array
    """
    flux, error, labels = real
    fold = np.random.default_rng(1).permutation(len(labels)) % FOLDS
    found = np.empty_like(labels)
    for number in range(FOLDS):
        rest = fold != number
        validation = rest & held_out(len(labels), number)
        training = rest & ~validation
        _, mean, scale = lab["scale_labels"](labels, training)
        mean, scale = scaling or (mean, scale)
        scaled = np.where(rest[:, None], (labels - mean) / scale, np.nan)
        data = inputs_of(lab, flux, error, training)
        run, _ = trained(lab, start, pace, *data, scaled, training, validation, epochs=epochs)
        found[~rest] = (mean + scale * run["mean"])[~rest]
    return found


@pytest.fixture(scope="module")
def pretrained(lab):
    """Return weights learnt on simulated stars, how labels were scaled, and how many stars."""
    with np.load(archive.product("lamost_k2")) as file:
        stars = dict(file)
    chosen = chosen_stars(stars)
    flux, error = comparable(stars, chosen)
    validation = held_out(len(chosen), 0)
    scaled, mean, scale = lab["scale_labels"](labels_of(stars, chosen), ~validation)
    data = inputs_of(lab, flux, error, ~validation)
    _, weights = trained(lab, None, 1.0, *data, scaled, ~validation, validation, epochs=12)
    return weights, (mean, scale), len(chosen)


def untouched(lab, real, weights, scaling):
    """Label real stars with a network that has seen simulated ones only."""
    flux, error, labels = real
    inputs, _ = inputs_of(lab, flux, error, np.ones(len(flux), dtype=bool))
    network = lab["build_network"](KIND, inputs.shape[1], labels.shape[1], 0)
    network.load_state_dict(weights)
    with torch.no_grad():
        found = network.eval()(torch.as_tensor(inputs, device=lab["DEVICE"])).cpu().numpy()
    mean, scale = scaling
    return mean + scale * found[:, : labels.shape[1]]


def test_network_on_lamost_spectra(lab, real, pretrained):
    weights, scaling, simulated = pretrained
    *_, labels = real
    found = {
        "network": cross_validated(lab, real, 60),
        "network trained on simulated stars only": untouched(lab, real, weights, scaling),
        "the same, trained on by real stars": cross_validated(lab, real, 30, 0.3, weights, scaling),
    }
    print(f"\n{len(labels)} real LAMOST spectra, {FOLDS}-fold against LAMOST labels: scatter; bias")
    print("  {:40s} {:5.1f} K  {:.3f} dex  {:.3f} dex".format("Cannon of lab 3", *CANNON))
    scatter = {}
    for name, values in found.items():
        bias, _, scatter[name] = lab["performance"](values, labels)
        print(
            "  {:40s} {:5.1f} K  {:.3f} dex  {:.3f} dex; {:+.1f} K {:+.3f} {:+.3f}".format(
                name, *scatter[name], *bias
            )
        )
    print(f"  simulated stars: {simulated}")
    alone, simulated_only, both = scatter.values()
    assert (both < alone).all()
    assert (both < simulated_only).all()
    # the Cannon, told by its form what a spectrum does, needs fewer stars
    assert (alone > CANNON).all()
    assert (alone < 2 * CANNON).all()
