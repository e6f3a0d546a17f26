"""The networks of lab 6, unchanged, on real LAMOST stars (needs shared/real), beside the Cannon.

Labels compared with are LAMOST's own, so their errors are part of every scatter.
"""

import numpy as np
import pytest
import torch

from helpers import archive
from labkit import lab_source
from tests.tiers import THOROUGH

from .conftest import folds
from .lamost import chosen_stars, comparable, labels_of, lamost_stars

KIND = "convolutional"


@pytest.fixture(scope="module")
def lab():
    """Return the model answers of lab 6, nothing else."""
    return lab_source.solved_namespace("06_neural_labels")


@pytest.fixture(scope="module")
def real():
    """Return flux, error and labels of 884 real stars."""
    return lamost_stars()


def inputs_of(lab, flux, error, rows):
    """Return a network's inputs and their errors: deviations from the typical star of `rows`."""
    known = error[rows] < 1e9
    typical = (flux[rows] * known).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return lab["network_input"](flux, error, typical)


def trained(lab, start, pace, data, scaled, training, validation, **options):
    """Train with the lab's own loop, from a state that was trained before if `start` is given.

    Returns
    -------
    (n, k) array
        Scaled labels of all stars.
    dict
        The state.
    """
    build = lab["build_network"]
    usual = lab["DESIGNS"][KIND]
    design = usual | {"learning_rate": pace * usual["learning_rate"]}

    def build_trained(*shape):
        network = build(*shape)
        if start is not None:
            network.load_state_dict({name: torch.as_tensor(v) for name, v in start.items()})
        return network

    inputs, input_error = data
    lab["build_network"] = build_trained
    try:
        run = lab["train_network"](
            design,
            (inputs[training], input_error[training], scaled[training]),
            (inputs[validation], scaled[validation]),
            patience=10,
            seed=1,
            **options,
        )
    finally:
        lab["build_network"] = build
    mean, _ = lab["predict_network"](design, run["state"], inputs, scaled.shape[1])
    return mean, run["state"]


def held_out(n, seed):
    """Choose 15 per cent of n rows."""
    return np.random.default_rng(seed).random(n) < 0.15


def cross_validated(lab, real, few, epochs, pace=1.0, start=None, scaling=None):
    """Label every star with networks that have not seen it.

    Trained on four folds and examined on the fifth; with `few`, trained on one and examined on
    the others.

    Returns
    -------
    array
        Found minus catalogue labels, one row for each star and network that labelled it.
    """
    flux, error, labels = real
    differences = []
    for number, fold in enumerate(folds(len(labels))):
        learnt = fold if few else ~fold
        validation = learnt & held_out(len(labels), number)
        training = learnt & ~validation
        _, mean, scale = lab["scale_labels"](labels, training)
        mean, scale = scaling or (mean, scale)
        scaled = np.where(learnt[:, None], (labels - mean) / scale, np.nan)
        data = inputs_of(lab, flux, error, training)
        found, _ = trained(lab, start, pace, data, scaled, training, validation, epochs=epochs)
        differences.append((mean + scale * found - labels)[~learnt])
    return np.concatenate(differences)


def cannon_cross_validated(real, few):
    """Do the same with lab 3's plain Cannon."""
    flux, error, labels = real
    lab = lab_source.solved_namespace("03_cannon")
    differences = []
    for fold in folds(len(labels)):
        learnt = fold if few else ~fold
        mean, scale = labels[learnt].mean(axis=0), labels[learnt].std(axis=0)
        terms = lab["design_matrix"](labels[learnt], mean, scale)
        model = lab["train"](terms, flux[learnt], error[learnt])
        found, *_ = lab["fit_stars"](flux[~learnt], error[~learnt], *model, mean, scale)
        differences.append(found - labels[~learnt])
    return np.concatenate(differences)


@pytest.fixture(scope="module")
def pretrained(lab):
    """Return the state learnt on simulated stars, and how their labels were scaled."""
    with np.load(archive.product("lamost_k2")) as file:
        stars = dict(file)
    chosen = chosen_stars(stars)
    flux, error = comparable(stars, chosen)
    validation = held_out(len(chosen), 0)
    scaled, mean, scale = lab["scale_labels"](labels_of(stars, chosen), ~validation)
    data = inputs_of(lab, flux, error, ~validation)
    _, state = trained(lab, None, 1.0, data, scaled, ~validation, validation, epochs=12)
    print(f"\n{len(chosen)} simulated LAMOST-like stars to train on first")
    return {"start": state, "scaling": (mean, scale)}


def test_network_on_lamost_spectra(lab, real, pretrained):
    """With 177 stars to learn from, and (LABKIT_THOROUGH) 707: what do simulated stars bring?"""
    scatter = {}
    for few, stars in ((True, 177), (False, 707)) if THOROUGH else ((True, 177),):
        found = {
            "Cannon of lab 3": cannon_cross_validated(real, few),
            "network": cross_validated(lab, real, few, 80 if few else 40),
            "network, pre-trained": cross_validated(lab, real, few, 40, 0.3, **pretrained),
        }
        print(f"\n884 real LAMOST stars, {stars} to train on, against LAMOST labels: scatter; bias")
        for name, differences in found.items():
            bias, _, s = lab["performance"](differences, np.zeros_like(differences))
            scatter[name, stars] = s
            print(
                f"  {name:21s} {s[0]:5.1f} K  {s[1]:.3f} dex  {s[2]:.3f} dex; "
                f"{bias[0]:+.1f} K {bias[1]:+.3f} {bias[2]:+.3f}"
            )
    # few stars: the network loses everywhere, and pre-training wins gravity and metallicity
    assert (scatter["network", 177] > 1.1 * scatter["Cannon of lab 3", 177]).all()
    assert (scatter["network, pre-trained", 177] < scatter["network", 177])[1:].all()
    assert (scatter["network, pre-trained", 177] < scatter["Cannon of lab 3", 177])[1:].all()
    # many: it need not lose (an earlier trial's Cannon had 56 K, 0.083, 0.061)
    for name in ("network", "network, pre-trained") if THOROUGH else ():
        assert (scatter[name, 707] < (62, 0.083, 0.061)).all()
