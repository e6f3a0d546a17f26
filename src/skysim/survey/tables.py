"""The catalogue's three forms: SkyServer's SQL tables, the allStar file and the survey's truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits

from skysim.stars.labels import microturbulence
from skysim.survey.apogee_files import SIMULATED, star_flags
from skysim.survey.apogee_rows import MISSING, Row, passes_cuts
from surveys.catalogue import EXTRATARG, allstar_columns, write_tables

LABELS = ("teff", "logg", "fe_h", "mg_fe", "si_fe")
PRODUCT = "synspec_rev1"


def clean_rows(rows: list[Row]) -> list[Row]:
    """One row per star that passes the cuts of lab 1: that of highest S/N, in table order."""
    best: dict[str, Row] = {}
    for row in rows:
        if passes_cuts(row.catalogue, row.snr):
            kept = best.get(row.apogee_id)
            if kept is None or row.snr > kept.snr:
                best[row.apogee_id] = row
    return sorted(best.values(), key=lambda r: r.index)


def _record(row: Row) -> dict[str, object]:
    """Make one spectrum's values, by column name of the catalogue's tables and the allStar file."""
    starflag, andflag = star_flags(row)
    c = row.catalogue
    found = c["teff"] > MISSING and c["logg"] > MISSING
    labels = {}
    for name in LABELS:
        digits = 3 if name == "teff" else 5
        labels[name] = round(float(c[name]), digits)
        labels[f"{name}_err"] = round(float(c[f"{name}_err"]), digits)
    target = f"{row.location_id}.{row.apogee_id}"
    return {
        "apstar_id": f"apogee.{row.telescope}.s.stars.{target}",
        "target_id": target,
        "apogee_id": row.apogee_id,
        "file": f"apStar-dr17-{row.apogee_id}.fits",
        "telescope": row.telescope,
        "location_id": row.location_id,
        "field": row.field,
        "ra": row.ra,
        "dec": row.dec,
        "glon": round(row.glon, 6),
        "glat": round(row.glat, 6),
        "extratarg": 1 << EXTRATARG["DUPLICATE"] if row.kind == "duplicate" else 0,
        "nvisits": len(row.visits),
        "snr": round(row.snr, 4),
        "starflag": starflag,
        "andflag": andflag,
        "vhelio_avg": round(row.vhelio, 5),
        "vscatter": round(row.vscatter, 5),
        "verr": round(row.verr, 5),
        "j": row.j,
        "h": row.h,
        "k": row.k,
        "aspcap_id": f"apogee.{row.telescope}.s.{PRODUCT}.{target}",
        "aspcapflag": row.flags["aspcapflag"],
        **labels,
        "m_h": round(float(c["m_h"]), 5),
        "m_h_err": labels["fe_h_err"],
        "alpha_m": round(float(c["alpha_m"]), 5),
        "alpha_m_err": 0.012 if c["alpha_m"] > MISSING else MISSING,
        "vmicro": round(microturbulence(min(c["logg"], 4.0)), 4) if found else MISSING,
        "vmacro": row.truth.broadening if found else MISSING,
        "vsini": 0.0 if found else MISSING,
    }


def write_sqlite(path: Path, rows: list[Row]) -> None:
    """Write tables apogeeStar and aspcapStar.

    Parameters
    ----------
    path : Path
        Written anew.
    rows : list of Row
    """
    write_tables([_record(row) for row in rows], path)


def write_allstar(path: Path, rows: list[Row]) -> None:
    """Write the allStar file: the rows of both SQL tables and 2MASS magnitudes in HDU 1.

    Column names are in capitals.

    Parameters
    ----------
    path : Path
        Written anew.
    rows : list of Row
    """
    records = [_record(row) for row in rows]
    columns = []
    for name, _, kind, _ in allstar_columns():
        values = np.array([record[name] for record in records])
        kind = f"{max(map(len, values))}A" if kind == "A" else kind
        columns.append(fits.Column(name=name.upper(), format=kind, array=values))
    table = fits.BinTableHDU.from_columns(columns, name="ALLSTAR")
    table.header["COMMENT"] = SIMULATED
    start = fits.PrimaryHDU()
    start.header["COMMENT"] = SIMULATED
    fits.HDUList([start, table]).writeto(path, overwrite=True)


def write_truth(path: Path, rows: list[Row], mystery: Row) -> None:
    """Write the hidden truth: true labels, kind of row, artefact and residual velocity.

    Parameters
    ----------
    path : Path
        Written anew.
    rows : list of Row
    mystery : Row
        Its labels go to ``mystery``, in the order of ``label_names``.
    """
    names = (*LABELS, "alpha_fe")
    np.savez_compressed(
        path,
        apogee_id=np.array([r.apogee_id for r in rows]),
        telescope=np.array([r.telescope for r in rows]),
        field=np.array([r.field for r in rows]),
        label_names=np.array([n.upper() for n in names]),
        labels=np.array([[getattr(r.truth, n) for n in names] for r in rows]),
        kind=np.array([r.kind for r in rows]),
        artefact=np.array([r.artefact for r in rows]),
        velocity_left_km_s=np.array([np.mean([v.residual for v in r.visits]) for r in rows]),
        mystery=np.array([getattr(mystery.truth, n) for n in names]),
    )
