"""What one lab leaves for the next.

A lab ends by saving its *product* (arrays, never code). The next lab loads yours if you saved one,
else the reference the simulated archive serves, so every lab can be started on its own.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from helpers import archive
from surveys.errors import KitError


class ProductError(KitError, RuntimeError):
    """A product cannot be written or read; the message says what to do."""


def _folder() -> Path | None:
    """Return the folder of one's own products; None while grading, when nothing is kept."""
    if os.environ.get("NBGRADER_EXECUTION") == "autograde":
        return None
    setting = os.environ.get("LABKIT_PRODUCTS", "")
    if setting == "none":
        return None
    return Path(setting) if setting else archive.current().cache / "saved"


def save(lab: str, **arrays: np.ndarray) -> Path | None:
    """Save a lab's product for the labs that follow.

    Parameters
    ----------
    lab : str
        The lab's slug, for example ``"01_apogee"``.
    **arrays
        Arrays of numbers, booleans or text, by name.

    Returns
    -------
    Path or None
        The file; None while a grader runs the notebook, which keeps nothing.

    Raises
    ------
    ProductError
        If an array cannot be stored; an earlier file stays as it was.
    """
    plain = {name: np.asarray(values) for name, values in arrays.items()}
    for name, values in plain.items():
        if values.dtype.kind not in "biufcUS":
            raise ProductError(
                f"{name!r} of {lab} is an array of {values.dtype}: save numbers, booleans or text"
            )
    folder = _folder()
    if folder is None:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{lab}.npz"
        partial = folder / f".{lab}.{os.getpid()}.partial"
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **plain)
        partial.replace(path)
    except OSError as error:
        raise ProductError(
            f"cannot write the product of {lab} to {folder} ({error}); free some space there or "
            "set LABKIT_PRODUCTS to a folder of yours"
        ) from error
    return path


def load(lab: str) -> dict[str, np.ndarray]:
    """Load a lab's product: yours if you saved one, else the archive's reference.

    Parameters
    ----------
    lab : str
        The lab's slug.

    Returns
    -------
    dict of ndarray
        The arrays by name, and ``"source"``: ``"yours"`` or ``"reference"``.

    Raises
    ------
    ProductError
        If your file cannot be read.
    ArchiveError
        If there is neither.
    """
    folder = _folder()
    own = folder / f"{lab}.npz" if folder else None
    if own and own.is_file():
        try:
            with np.load(own, allow_pickle=False) as product:
                return {**product, "source": np.array("yours")}
        except (OSError, ValueError, EOFError) as error:
            raise ProductError(
                f"{own} cannot be read ({error}): delete it, or run lab {lab} again to write it"
            ) from error
    with np.load(archive.product(lab), allow_pickle=False) as product:
        return {**product, "source": np.array("reference")}
