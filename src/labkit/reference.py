"""The committed reference of lab 3, for students who start at a later lab.

It is the product of the solved lab itself. Training it while the survey is built would need the
lab's answer inside `helpers`; keeping the result, less than a megabyte, needs no code at all.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from labkit import ROOT

LAB = "03_cannon"
#: kept in double precision: names, and numbers that must be the catalogue's own
EXACT = ("wavelength", "mean", "scale", "catalogue", "label_names", "apogee_id")


def write(root: Path = ROOT) -> Path:
    """Keep the product of lab 3 that ``labkit walkthrough`` left.

    Parameters
    ----------
    root : Path
        The course folder.

    Returns
    -------
    Path
        ``data/reference/03_cannon.npz``; floats in single precision.

    Raises
    ------
    FileNotFoundError
        If the solved labs have not been run.
    """
    product = root / "build" / "run" / "products" / f"{LAB}.npz"
    if not product.is_file():
        raise FileNotFoundError(f"{product} is not there: run `labkit walkthrough` first")
    with np.load(product) as arrays:
        kept = {
            name: values if name in EXACT else values.astype(np.float32)
            for name, values in arrays.items()
        }
    path = root / "data" / "reference" / f"{LAB}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **kept)
    return path
