"""A mystery star for each student, added to a survey: about twenty, of which a name picks one.

They are made like the one that every survey has, each from a seed of its own. All differ so much
from one another and from that one that no good measurement of one is taken for one of another.
`surveys.own_star` finds a student's.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from skysim.survey import apogee_survey, build, tables
from skysim.survey.apogee_files import EMPTY_ERROR
from skysim.survey.apogee_rows import Row, mystery_row
from skysim.survey.fitsfile import write_npz
from surveys import fingerprints, own_star
from surveys.folders import fact_file

#: how many are drawn, of which those are kept that are far from all others and measured well
DRAWN = 1000
#: how much a good measurement scatters in TEFF (K), LOGG, FE_H, MG_FE and SI_FE (dex); the hidden
#: test of lab 5 allows three times as much
SCATTER = np.array([24, 0.055, 0.019, 0.027, 0.025])
#: in these units: what two stars differ by in at least one label, and how well lab 3's Cannon must
#: measure every label of a star. So the test passes what it measures, and refuses it for another.
APART, MEASURED = 4.5, 1.5


def fingerprint(seed: int, drawn: int = DRAWN) -> str:
    """Return the digest of what the stars depend on: the survey and how they are chosen."""
    return fingerprints.digest([__name__], ("skysim",), [], build.fingerprint(seed), str(drawn))


def is_current(root: Path, seed: int) -> bool:
    """Return whether a survey has the stars that the present code, facts and seed give."""
    try:
        survey = json.loads((Path(root) / "survey.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return False
    return survey.get("mystery_stars", {}).get("fingerprint") == fingerprint(seed)


def add(root: Path, seed: int, drawn: int = DRAWN) -> int:
    """Put the stars into a survey, and their true labels beside it.

    Parameters
    ----------
    root : Path
        A complete survey. Its survey.json is written last, and says how many there are.
    seed : int
        That of the survey.
    drawn : int
        From how many they are chosen.

    Returns
    -------
    int
        How many there are.
    """
    root = Path(root)
    folder = root.with_name(f"{root.name}.making-{uuid.uuid4().hex[:8]}")
    try:
        stars = list(_kept(folder, seed, drawn))
        _remove(root)
        (root / "sas" / own_star.FILE).parent.mkdir()
        for number, star in enumerate(stars):
            star.file.replace(root / "sas" / f"{own_star.FILE.format(number)}.gz")
            product = root / "products" / f"{own_star.PRODUCT.format(number)}.npz"
            write_npz(product, {"mystery_flux": star.flux, "mystery_error": star.error})
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    np.savez_compressed(
        root.with_name("truth") / f"{own_star.TRUTH}.npz",
        label_names=np.array([name.upper() for name in _NAMES]),
        labels=np.array([star.labels for star in stars]),
    )
    survey = json.loads((root / "survey.json").read_text(encoding="utf-8"))
    made = {"count": len(stars), "fingerprint": fingerprint(seed, drawn)}
    draft = root / "survey.json.partial"
    text = json.dumps(survey | {"mystery_stars": made}, indent=2) + "\n"
    draft.write_text(text, encoding="utf-8")
    draft.replace(root / "survey.json")
    return len(stars)


def _remove(root: Path) -> None:
    """Remove the stars that a survey has."""
    shutil.rmtree((root / "sas" / own_star.FILE).parent, ignore_errors=True)
    for product in (root / "products").glob(own_star.PRODUCT.replace("{:02d}", "*.npz")):
        product.unlink()


_NAMES = (*tables.LABELS, "alpha_fe")


class _Star(NamedTuple):
    """True labels (6,), the file, and normalised flux and error (8575,) of one star."""

    labels: np.ndarray
    file: Path
    flux: np.ndarray
    error: np.ndarray


def _labels(row: Row) -> np.ndarray:
    """Return a star's true labels (6,), in the order of the survey's truth."""
    return np.array([getattr(row.truth, name) for name in _NAMES])


def _kept(folder: Path, seed: int, drawn: int) -> Iterator[_Star]:
    """Draw stars; make and yield those that are far from all others and measured well."""
    taken = [_labels(mystery_row(seed))]
    for number in range(drawn):
        own_seed = _seed(seed, number)
        row = mystery_row(own_seed)
        labels = _labels(row)
        if min(_distance(labels, other) for other in taken) < APART:
            continue
        place = folder / str(number)
        # private, since another name would change the fingerprint of every survey there is
        flux, error = apogee_survey._write_mystery(place, row, own_seed)
        if _distance(labels, _measured(flux, error)) < MEASURED:
            taken.append(labels)
            yield _Star(labels, place / apogee_survey.MYSTERY, flux, error)


def _seed(seed: int, number: int) -> int:
    """Return the seed of one star, which tells neither the survey's nor another's."""
    text = f"mystery star {number} of survey {seed}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _distance(labels: np.ndarray, others: np.ndarray) -> float:
    """Return the difference in the label that differs most, in units of `SCATTER`."""
    return float(np.abs((labels[:5] - others[:5]) / SCATTER).max())


def _measured(flux: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return the five labels that the Cannon of lab 3 fits to a normalised spectrum."""
    with np.load(fact_file(apogee_survey.CANNON)) as cannon:
        coefficients, s2, mean, scale = (
            cannon[name].astype(float) for name in ("coefficients", "s2", "mean", "scale")
        )
    good = (error < EMPTY_ERROR / 10) & (s2 < 1)
    first, second = np.triu_indices(mean.size)

    def misfit(x: np.ndarray) -> np.ndarray:
        model = np.concatenate([[1.0], x, x[first] * x[second]]) @ coefficients[:, good]
        return (flux[good] - model) / np.sqrt(error[good] ** 2 + s2[good])

    return mean + scale * least_squares(misfit, np.zeros(mean.size)).x
