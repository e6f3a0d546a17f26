"""Open a built survey and count what is in it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import numpy as np
from astropy.io import fits

from skysim.survey import apogee_survey
from skysim.survey.apogee_rows import N_DUPLICATES, N_STARS
from surveys.formats.apogee_pixels import N_PIXELS


def check(root: Path) -> dict:
    """Open a built survey and count; raises when something is missing.

    Returns
    -------
    dict
        rows, rows after the cuts, stars, and the files opened.

    Raises
    ------
    ValueError
        Naming what is wrong and what to do.
    """
    root = Path(root)
    advice = "rebuild it with `labkit data --rebuild`"
    if not (root / "survey.json").is_file():
        raise ValueError(f"no complete survey in {root} (survey.json is missing): {advice}")
    summary = json.loads((root / "survey.json").read_text(encoding="utf-8"))
    catalogue = root / "catalogue.sqlite"
    connection = sqlite3.connect(f"{catalogue.resolve().as_uri()}?mode=ro", uri=True)
    try:
        cuts = (
            "FROM apogeeStar s JOIN aspcapStar a ON s.apstar_id = a.apstar_id WHERE s.snr >= 50 "
            "AND a.teff > -9000 AND a.teff <= 5700 AND a.logg > -9000 AND a.logg <= 4 "
            "AND a.fe_h >= -1 AND a.mg_fe > -9000 AND a.si_fe > -9000"
        )
        kept, stars = connection.execute(
            f"SELECT COUNT(*), COUNT(DISTINCT s.apogee_id) {cuts}"
        ).fetchone()
        some = connection.execute(
            "SELECT telescope, field, apogee_id, nvisits FROM apogeeStar ORDER BY apogee_id LIMIT 3"
        ).fetchall()
        total = connection.execute("SELECT COUNT(*) FROM apogeeStar").fetchone()[0]
        optical_spectra = connection.execute("SELECT COUNT(*) FROM lamost").fetchone()[0]
    finally:
        connection.close()
    if not summary["limit"] and (kept, stars) != (N_STARS + N_DUPLICATES, N_STARS):
        raise ValueError(f"the cuts leave {kept} rows and {stars} stars in {root}: {advice}")
    for telescope, field, name, visits in some:
        path = root / apogee_survey.STARS / telescope / field / f"apStar-dr17-{name}.fits.gz"
        with fits.open(path) as file:
            shape = file[1].data.shape
        wanted = (1 if visits == 1 else visits + 2, N_PIXELS)
        if shape != wanted:
            raise ValueError(f"{path} holds {shape}, {wanted} expected: {advice}")
    _check_stacks(root, summary, optical_spectra, advice)
    return {
        "rows": total,
        "after_cuts": kept,
        "stars": stars,
        "opened": len(some),
        "optical_spectra": optical_spectra,
    }


def _check_stacks(root: Path, summary: dict, listed: int, advice: str) -> None:
    """Raise unless the optical products hold as many spectra as were made."""
    made = {
        product: (number, array)
        for part, array in (("lamost", "flux_scale"), ("sed", "labels"))
        for product, number in summary["parts"][part]["counts"].items()
    }
    for product, (number, array) in made.items():
        with np.load(root / "products" / f"{product}.npz") as file:
            found = len(file[array])
        if found != number:
            raise ValueError(f"product {product} in {root} holds {found} of {number}: {advice}")
    if listed != sum(number for product, (number, _) in made.items() if "lamost" in product):
        raise ValueError(f"table lamost in {root} lists {listed} spectra: {advice}")
