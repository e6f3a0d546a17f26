"""What one lab leaves for the next, and the checkpoint PDFs the course sheet asks for.

A lab ends by saving its *product* (arrays, never code). The next lab loads yours if you saved one,
else the reference the simulated archive serves, so every lab can be started on its own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers import archive

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: the figures each checkpoint of the Astro 128 sheet wants, in order: {(lab, checkpoint): ...}
REQUIRED_FIGURES = {
    (2, 1): (
        "corner plot of the stellar labels (problem 2)",
        "spectrum, continuum and normalised spectrum of 2M21235315+1244123 (problem 4)",
    ),
    (2, 2): (
        "observed and predicted spectrum of 2M03533659+2512012 (problem 7)",
        "cross-validation: fitted against catalogue labels (problem 9)",
    ),
    (2, 3): (
        "Kiel diagram from fitted labels (problem 11)",
        "corner plot of the mystery star's posterior (problem 12)",
    ),
}


class CheckpointError(RuntimeError):
    """A product or checkpoint cannot be written or read; the message says what to do."""


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
    CheckpointError
        If an array cannot be stored; an earlier file stays as it was.
    """
    plain = {name: np.asarray(values) for name, values in arrays.items()}
    for name, values in plain.items():
        if values.dtype.kind not in "biufcUS":
            raise CheckpointError(
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
            np.savez(file, **plain)
        partial.replace(path)
    except OSError as error:
        raise CheckpointError(
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
    CheckpointError
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
            raise CheckpointError(
                f"{own} cannot be read ({error}): delete it, or run lab {lab} again to write it"
            ) from error
    with np.load(archive.product(lab), allow_pickle=False) as product:
        return {**product, "source": np.array("reference")}


def write_pdf(
    first: str,
    last: str,
    lab: int,
    checkpoint: int,
    figures: Sequence[Figure],
    folder: str | Path = ".",
) -> Path:
    """Write a checkpoint PDF in the form of the course sheet, one page per figure.

    Parameters
    ----------
    first, last : str
        Your name; it becomes ``First_Last_lab2_cp1.pdf``.
    lab, checkpoint : int
        Numbers as on the sheet (all labs of this course are its "Lab 2").
    figures : sequence of Figure
        The required figures, in order.
    folder : path
        Where to write.

    Returns
    -------
    Path

    Raises
    ------
    CheckpointError
        If the name is empty or a figure is missing.
    """
    names = [re.sub(r"[^\w-]+", "-", name.strip()).strip("-") for name in (first, last)]
    if not all(names):
        raise CheckpointError("write your first and last name: they become the file's name")
    required = REQUIRED_FIGURES.get((lab, checkpoint))
    if required is None:
        raise CheckpointError(f"the sheet has no checkpoint {checkpoint} of lab {lab}")
    if len(figures) != len(required):
        wanted = "; ".join(f"{i}. {what}" for i, what in enumerate(required, start=1))
        raise CheckpointError(f"{len(figures)} figures given, {len(required)} asked for: {wanted}")
    from matplotlib.backends.backend_pdf import PdfPages

    path = Path(folder) / f"{names[0]}_{names[1]}_lab{lab}_cp{checkpoint}.pdf"
    partial = path.with_suffix(".partial")
    information = {
        "Author": f"{first.strip()} {last.strip()}",
        "Title": f"Lab {lab}, checkpoint {checkpoint}",
        "Subject": "; ".join(required),
    }
    with PdfPages(partial, metadata=information) as pdf:
        for figure in figures:
            pdf.savefig(figure)
    partial.replace(path)
    return path
