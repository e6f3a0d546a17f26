"""The checkpoint PDFs that the course sheet asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from surveys.errors import KitError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class CheckpointError(KitError, RuntimeError):
    """A checkpoint PDF cannot be written; the message says what to do."""


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
