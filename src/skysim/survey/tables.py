"""The catalogue's three forms: SkyServer's SQL tables, the allStar file and the survey's truth."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
from astropy.io import fits

from skysim.stars.labels import microturbulence
from skysim.survey.apogee_files import SIMULATED, star_flags
from skysim.survey.apogee_rows import MISSING, Row, passes_cuts

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


def _identifiers(row: Row) -> dict[str, str]:
    """Identifiers that link the rows of the DR17 tables."""
    return {
        "apstar_id": f"apogee.{row.telescope}.s.stars.{row.location_id}.{row.apogee_id}",
        "target_id": f"{row.location_id}.{row.apogee_id}",
        "apogee_id": row.apogee_id,
    }


def _star(row: Row) -> dict[str, object]:
    """Columns of CAS table apogeeStar, those of DR17's that the kit fills."""
    starflag, andflag = star_flags(row)
    return {
        **_identifiers(row),
        "file": f"apStar-dr17-{row.apogee_id}.fits",
        "telescope": row.telescope,
        "location_id": row.location_id,
        "field": row.field,
        "ra": row.ra,
        "dec": row.dec,
        "glon": round(row.glon, 6),
        "glat": round(row.glat, 6),
        "extratarg": 16 if row.kind == "duplicate" else 0,
        "nvisits": len(row.visits),
        "snr": round(row.snr, 4),
        "starflag": starflag,
        "andflag": andflag,
        "vhelio_avg": round(row.vhelio, 5),
        "vscatter": round(row.vscatter, 5),
        "verr": round(row.verr, 5),
    }


def _aspcap(row: Row) -> dict[str, object]:
    """Columns of CAS table aspcapStar, those of DR17's that the kit fills."""
    c = row.catalogue
    found = c["teff"] > MISSING and c["logg"] > MISSING
    labels = {}
    for name in LABELS:
        digits = 3 if name == "teff" else 5
        labels[name] = round(float(c[name]), digits)
        labels[f"{name}_err"] = round(float(c[f"{name}_err"]), digits)
    return {
        **_identifiers(row),
        "aspcap_id": f"apogee.{row.telescope}.s.{PRODUCT}.{row.location_id}.{row.apogee_id}",
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
    connection = sqlite3.connect(path)
    try:
        for table, maker in (("apogeeStar", _star), ("aspcapStar", _aspcap)):
            records = [maker(r) for r in rows]
            kinds = {str: "TEXT", int: "INTEGER", float: "REAL"}
            columns = [f'"{n}" {kinds[type(v)]}' for n, v in records[0].items()]
            connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
            slots = ", ".join("?" * len(columns))
            connection.executemany(
                f"INSERT INTO {table} VALUES ({slots})", [tuple(r.values()) for r in records]
            )
            connection.execute(f"CREATE INDEX {table}_id ON {table} (apstar_id)")
            connection.execute(f"CREATE INDEX {table}_apogee ON {table} (apogee_id)")
        connection.commit()
    finally:
        connection.close()


_INTEGERS = {
    "location_id": "J", "nvisits": "I", "starflag": "K", "andflag": "K",
    "extratarg": "J", "aspcapflag": "K",
}  # fmt: skip


def write_allstar(path: Path, rows: list[Row]) -> None:
    """Write the allStar file: the rows of both SQL tables and 2MASS magnitudes in HDU 1.

    Column names are in capitals.

    Parameters
    ----------
    path : Path
        Written anew.
    rows : list of Row
    """
    records = [_star(r) | {"j": r.j, "h": r.h, "k": r.k} | _aspcap(r) for r in rows]
    columns = []
    for name, first in records[0].items():
        values = [r[name] for r in records]
        if isinstance(first, str):
            kind = f"{max(len(v) for v in values)}A"
        elif name in _INTEGERS:
            kind = _INTEGERS[name]
        else:
            kind = "D" if name in ("ra", "dec", "glon", "glat") else "E"
        columns.append(fits.Column(name=name.upper(), format=kind, array=np.array(values)))
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
