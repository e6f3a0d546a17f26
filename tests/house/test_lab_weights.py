"""The weights that come with lab 8: which they are, and what they are weights of."""

import hashlib

import numpy as np

from surveys.folders import facts_folder

WEIGHTS = facts_folder() / "reference" / "uaranet.npz"
#: changes with `python -m data.make.uaranet --write`, and with nothing else
CHECKSUM = "f756a90d378f992c9cf195338477fed83c7d458065a9696da03b89064cd3779d"


def test_weights_are_those_committed():
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() == CHECKSUM
    assert WEIGHTS.stat().st_size < 2e6


def test_weights_are_of_the_papers_table():
    """Sizes of Table 1; nothing of them is pickled, and all are finite."""
    with np.load(WEIGHTS, allow_pickle=False) as file:
        weights = dict(file)
    assert all(np.isfinite(values).all() for values in weights.values())
    for layer, shape in (("sed.0", (100, 16)), ("sed.2", (200, 100)), ("sed.4", (300, 200)),
                         ("sed.6", (574, 300)), ("error.0", (16, 2238)), ("sigma.0", (64, 32)),
                         ("sigma.2", (574, 64))):  # fmt: skip
        assert weights[f"{layer}.weight"].shape == shape
    channels = [weights[f"trunk.{unit}.convolution.weight"].shape[:2] for unit in range(1, 7)]
    assert channels == [(4, 4), (4, 4), (8, 4), (8, 8), (16, 8), (16, 16)]


def test_loss_fell_while_they_were_trained():
    with np.load(WEIGHTS, allow_pickle=False) as file:
        losses = file["losses"]
        assert file["steps"] >= 10_000
    assert losses[-1] < losses[0] - 2
    assert losses[-1] <= losses.min() + 0.02
