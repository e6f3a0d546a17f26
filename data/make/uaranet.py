"""Makes ``data/reference/uaranet.npz``: weights of the network of lab 8's paper, trained long.

The network is UaRA-net (Yang et al. 2024, arXiv:2401.13167, Table 1), as lab 8 builds it: its
classes and answers are read from the lab's source, so that there is one definition.  It learns
from the lab's training stars, which are SIMULATED (``sed_grid.npz`` of the survey).

The paper took 300 000 steps of 2048 spectra on a graphics card.  ``python -m data.make.uaranet``
takes 14 000 steps of 32 on one core.  To make the most of them, noise is drawn anew in each step,
and the learning rate of Adam warms up to 0.004 and falls to zero along a cosine; the paper has
0.001 throughout and noise drawn once for each star and S/N.  The command prints the loss;
``--write`` replaces the file, weights in half precision.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from helpers import csst
from labkit import lab_source
from surveys.folders import facts_folder

NAME = "reference/uaranet.npz"
LAB = "08_csst"
STEPS, BATCH, RATE, WARM_UP = 14_000, 32, 4e-3, 500
REPORT = 500


def lab() -> dict[str, Any]:
    """Return the answers of the lab and the classes of its network, by name."""
    names = lab_source.solved_namespace(LAB)
    names |= {"torch": torch, "nn": nn, "functional": functional, "pairwise": pairwise}
    exec(lab_source.definitions(LAB, ("SubUnit", "UaRANet")), names)
    # Eq. 5 and 6 together: the same gate, in fewer operations
    names["SubUnit"].refine = lambda _, features, weight: features * functional.relu(1 - weight)
    return names


def training_stars(names: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return normalised spectra and energy distributions of the lab's training stars."""
    grid = csst.models()
    order = np.random.default_rng(8).permutation(len(grid.sed))
    rows = np.sort(order[len(grid.sed) // 4 :])
    flux = grid.flux[rows] / names["running_continuum"](grid.flux[rows])
    sed = names["scale_sed"](grid.sed_wavelength, grid.sed[rows].astype(float))
    return flux.astype(np.float32), sed.astype(np.float32)


def train(
    names: dict[str, Any], steps: int = STEPS, seed: int = 0
) -> tuple[nn.Module, list[float]]:
    """Train the network.

    Parameters
    ----------
    names : dict
        From `lab`.
    steps : int
        Batches of `BATCH` spectra.
    seed : int
        Of weights and noise.

    Returns
    -------
    network : torch.nn.Module
    losses : list of float
        Mean loss of every `REPORT` steps.
    """
    torch.manual_seed(seed)
    flux, sed = map(torch.from_numpy, training_stars(names))
    levels = torch.tensor(names["TRAINING_LEVELS"], dtype=torch.float32)
    network: nn.Module = names["UaRANet"](flux.shape[1], sed.mean(dim=0).numpy())
    adam = torch.optim.Adam(network.parameters(), RATE, fused=True)
    losses, recent = [], []
    for step in range(steps):
        fall = 0.5 * (1 + np.cos(np.pi * step / steps))
        adam.param_groups[0]["lr"] = RATE * fall * min((step + 1) / WARM_UP, 1)
        k = torch.randint(len(flux), (BATCH,))
        error = flux[k] / levels[torch.randint(len(levels), (BATCH, 1))]
        predicted, log_sigma = network(flux[k] + error * torch.randn_like(error), error)
        residual = predicted / sed[k] - 1
        loss = (0.5 * residual**2 * (-2 * log_sigma).exp() + log_sigma).mean()
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        adam.step()
        recent.append(float(loss.detach()))
        if len(recent) == REPORT:
            losses.append(float(np.mean(recent)))
            recent.clear()
            print(f"{step + 1:6d} steps, loss {losses[-1]:.3f}, {time.process_time():.0f} s",
                  flush=True)  # fmt: skip
    network.eval()
    return network, losses


def save(network: nn.Module, losses: list[float], path: Path) -> None:
    """Write the weights, and how they were trained."""
    weights = {
        # matrices in half precision; the others are few, and variances can be tiny
        name: values.numpy().astype(np.float16 if values.ndim > 1 else np.float32)
        for name, values in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    np.savez_compressed(path, losses=np.array(losses), steps=np.array(len(losses) * REPORT),
                        batch=np.array(BATCH), **weights)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Train, print the loss, and write the weights when asked to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help=f"replace data/{NAME}")
    parser.add_argument("--steps", type=int, default=STEPS)
    chosen = parser.parse_args(arguments)
    network, losses = train(lab(), chosen.steps)
    if chosen.write:
        save(network, losses, facts_folder() / NAME)
    return 0


if __name__ == "__main__":
    sys.exit(main())
