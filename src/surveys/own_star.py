"""A mystery star for each student: of the stars that a survey has for that, a name decides which.

A survey that has them says how many in survey.json. They lie beside the mystery star that all share
otherwise, and which the solved labs go on with.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from surveys import students
from surveys.archives import Archive, count_mystery_stars, current, read_survey
from surveys.download import download
from surveys.errors import KitError
from surveys.folders import survey_folder, truth_folder
from surveys.whole_files import npz_file

#: the mystery star that all share, and one student's: paths of files, and the name of a product
SHARED = "labkit/mystery_spec_wiped.fits"
FILE = "labkit/mystery_stars/{:02d}_spec_wiped.fits"
PRODUCT = "mystery_star_{:02d}"
#: the name of the labels in the truth, by the number of the star
TRUTH = "mystery_stars"


def number(name: str, stars: int) -> int | None:
    """Return which star is a student's.

    Parameters
    ----------
    name : str
        The student's user name; capitals, and how an accent is put together, make no difference.
    stars : int
        How many there are.

    Returns
    -------
    int or None
        From 0; None for the star that all share, where there are no others, and for the solved
        labs.
    """
    plain = unicodedata.normalize("NFKC", name.strip()).casefold()
    if not stars or plain == students.INSTRUCTOR:
        return None
    # names of folders may hold bytes that are no text
    digest = hashlib.sha256(plain.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") % stars


def _mine(stars: int) -> int | None:
    """Return which star is that of the student at work; who that is need not be known without."""
    return number(students.name(), stars) if stars else None


def fetch(archive: Archive, paths: Sequence[str], **options: Any) -> list[Path]:
    """Download files of an archive, the student's own star in the place of the shared one.

    Parameters
    ----------
    archive : Archive
    paths : sequence of str
        Below the archive's sas/.
    **options
        See `download`.

    Returns
    -------
    list of Path
        In the order asked for.
    """
    mine = _mine(archive.mystery_stars) if SHARED in paths else None
    if mine is None:
        return download(archive.sas, paths, archive.cache / "sas", **options)
    others = [path for path in paths if path != SHARED]
    found = dict(zip(others, fetch(archive, others, **options), strict=True))
    # in a folder of its own: while grading, those of what the instructor fetched are read-only
    (own,) = download(archive.sas, [FILE.format(mine)], archive.cache / "own_star", **options)
    return [own if path == SHARED else found[path] for path in paths]


def spectrum(product: Iterable[str]) -> dict[str, np.ndarray]:
    """Return what takes the place of the shared star in a product of the current archive.

    Parameters
    ----------
    product : iterable of str
        The names of its arrays.

    Returns
    -------
    dict of ndarray
        ``mystery_flux`` and ``mystery_error``, each (8575,), of the student's own star; empty where
        all share one, and for a product without it.
    """
    if "mystery_flux" not in product:
        return {}
    archive = current()
    mine = _mine(archive.mystery_stars)
    if mine is None or archive.products is None:
        return {}
    (path,) = download(
        archive.products,
        [f"{PRODUCT.format(mine)}.npz"],
        archive.cache / "own_star",
        check=npz_file,
        service=f"the products of the {archive.description}",
        progress=False,
    )
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def truth(survey: str, name: str) -> np.ndarray | None:
    """Return the true labels of the student's own star.

    Parameters
    ----------
    survey, name : str
        What a hidden test asks for, see `checks.truth`.

    Returns
    -------
    (6,) array or None
        None if it asks for something else, or all share one star.

    Raises
    ------
    KitError
        Where the truth is not at hand, or it is not known whose work is looked at.
    """
    if (survey, name) != ("apogee", "mystery"):
        return None
    stars = count_mystery_stars(read_survey(survey_folder()))
    if stars:
        students.require_known()
    mine = _mine(stars)
    if mine is None:
        return None
    path = truth_folder() / f"{TRUTH}.npz"
    try:
        with np.load(path, allow_pickle=False) as planted:
            labels: list[np.ndarray] = list(planted["labels"])
    except (OSError, KeyError) as error:
        raise KitError(
            f"the true labels of the students' mystery stars cannot be read from {path}.",
            "Hidden tests that need them run on the instructor's machine: `labkit data` makes it.",
        ) from error
    if len(labels) != stars:
        raise KitError(
            f"{path} holds {len(labels)} stars, the survey {stars}.", "Run `labkit data`."
        )
    return labels[mine]
