"""The catalogue's tables: what stands in apogeeStar and aspcapStar, and how they are written.

`SCHEMA` is the one place where their columns are named; the simulated survey writes its SQL tables
and its allStar file by it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

MISSING = -9999


class Column(NamedTuple):
    """A column of a table.

    Attributes
    ----------
    name : str
        In SQL; the allStar file has it in capitals.
    sql : str
        Type in SQLite: TEXT, INTEGER or REAL.
    fits : str
        Format in the allStar file; "A" is as wide as the longest value.
    meaning : str
        What it holds, and its unit.
    """

    name: str
    sql: str
    fits: str
    meaning: str


#: Columns of DR17's CAS tables that the kit fills, by table
#: (https://skyserver.sdss.org/dr17/MoreTools/browser).
SCHEMA = {
    "apogeeStar": (
        Column("apstar_id", "TEXT", "A", "combined spectrum, the key of both tables"),
        Column("target_id", "TEXT", "A", "location_id.apogee_id"),
        Column("apogee_id", "TEXT", "A", "star, by its 2MASS designation"),
        Column("file", "TEXT", "A", "name of the apStar file"),
        Column("telescope", "TEXT", "A", "apo25m, apo1m or lco25m"),
        Column("location_id", "INTEGER", "J", "number of the field"),
        Column("field", "TEXT", "A", "name of the field"),
        Column("ra", "REAL", "D", "right ascension (J2000), deg"),
        Column("dec", "REAL", "D", "declination (J2000), deg"),
        Column("glon", "REAL", "D", "Galactic longitude, deg"),
        Column("glat", "REAL", "D", "Galactic latitude, deg"),
        Column("extratarg", "INTEGER", "J", "bits of EXTRATARG"),
        Column("nvisits", "INTEGER", "I", "number of visits in the combined spectrum"),
        Column("snr", "REAL", "E", "signal to noise per apStar pixel"),
        Column("starflag", "INTEGER", "K", "bits of STARFLAG that any visit has"),
        Column("andflag", "INTEGER", "K", "bits of STARFLAG that all visits have"),
        Column("vhelio_avg", "REAL", "E", "mean heliocentric velocity, km/s"),
        Column("vscatter", "REAL", "E", "scatter of the visits' velocities, km/s"),
        Column("verr", "REAL", "E", "error of vhelio_avg, km/s"),
    ),
    "aspcapStar": (
        Column("apstar_id", "TEXT", "A", "combined spectrum, the key of both tables"),
        Column("target_id", "TEXT", "A", "location_id.apogee_id"),
        Column("apogee_id", "TEXT", "A", "star, by its 2MASS designation"),
        Column("aspcap_id", "TEXT", "A", "result of ASPCAP"),
        Column("aspcapflag", "INTEGER", "K", "bits of ASPCAPFLAG"),
        Column("teff", "REAL", "E", "effective temperature, K"),
        Column("teff_err", "REAL", "E", "error of teff, K"),
        Column("logg", "REAL", "E", "log10 of surface gravity in cm/s^2, dex"),
        Column("logg_err", "REAL", "E", "error of logg, dex"),
        Column("fe_h", "REAL", "E", "[Fe/H], dex"),
        Column("fe_h_err", "REAL", "E", "error of fe_h, dex"),
        Column("mg_fe", "REAL", "E", "[Mg/Fe], dex"),
        Column("mg_fe_err", "REAL", "E", "error of mg_fe, dex"),
        Column("si_fe", "REAL", "E", "[Si/Fe], dex"),
        Column("si_fe_err", "REAL", "E", "error of si_fe, dex"),
        Column("m_h", "REAL", "E", "[M/H], dex"),
        Column("m_h_err", "REAL", "E", "error of m_h, dex"),
        Column("alpha_m", "REAL", "E", "[alpha/M], dex"),
        Column("alpha_m_err", "REAL", "E", "error of alpha_m, dex"),
        Column("vmicro", "REAL", "E", "microturbulence, km/s"),
        Column("vmacro", "REAL", "E", "macroturbulence, km/s"),
        Column("vsini", "REAL", "E", "projected rotation velocity, km/s"),
    ),
}
#: Magnitudes that the allStar file has beside the tables' columns.
PHOTOMETRY = (
    Column("j", "REAL", "E", "2MASS J, mag"),
    Column("h", "REAL", "E", "2MASS H, mag"),
    Column("k", "REAL", "E", "2MASS Ks, mag"),
)

# Bits by name, DR17 (https://www.sdss4.org/dr17/irspec/apogee-bitmasks/).
STARFLAG = {
    "BAD_PIXELS": 0,
    "COMMISSIONING": 1,
    "BRIGHT_NEIGHBOR": 2,
    "VERY_BRIGHT_NEIGHBOR": 3,
    "LOW_SNR": 4,
    "PERSIST_HIGH": 9,
    "PERSIST_MED": 10,
    "PERSIST_LOW": 11,
    "PERSIST_JUMP_POS": 12,
    "PERSIST_JUMP_NEG": 13,
    "SUSPECT_RV_COMBINATION": 16,
    "SUSPECT_BROAD_LINES": 17,
    "BAD_RV_COMBINATION": 18,
    "RV_REJECT": 19,
    "RV_SUSPECT": 20,
    "MULTIPLE_SUSPECT": 21,
    "RV_FAIL": 22,
    "SUSPECT_ROTATION": 23,
    "MTPFLUX_LT_75": 24,
    "MTPFLUX_LT_50": 25,
}
ASPCAPFLAG = {
    "TEFF_WARN": 0,
    "LOGG_WARN": 1,
    "VMICRO_WARN": 2,
    "M_H_WARN": 3,
    "ALPHA_M_WARN": 4,
    "C_M_WARN": 5,
    "N_M_WARN": 6,
    "STAR_WARN": 7,
    "CHI2_WARN": 8,
    "COLORTE_WARN": 9,
    "ROTATION_WARN": 10,
    "SN_WARN": 11,
    "SPEC_HOLE_WARN": 12,
    "ATMOS_HOLE_WARN": 13,
    "VSINI_WARN": 14,
    "TEFF_BAD": 16,
    "LOGG_BAD": 17,
    "VMICRO_BAD": 18,
    "M_H_BAD": 19,
    "ALPHA_M_BAD": 20,
    "C_M_BAD": 21,
    "N_M_BAD": 22,
    "STAR_BAD": 23,
    "CHI2_BAD": 24,
    "COLORTE_BAD": 25,
    "ROTATION_BAD": 26,
    "SN_BAD": 27,
    "SPEC_HOLE_BAD": 28,
    "ATMOS_HOLE_BAD": 29,
    "VSINI_BAD": 30,
    "NO_ASPCAP_RESULT": 31,
    "MISSING_APSTAR": 32,
    "NO_GRID": 33,
    "BAD_FRAC_LOWSNR": 34,
    "BAD_FRAC_BADPIX": 35,
    "FERRE_FAIL": 36,
    "PROBLEM_TARGET": 40,
    "MULTIPLE_SUSPECT": 41,
}
EXTRATARG = {"NOT_MAIN": 0, "COMMISSIONING": 1, "TELLURIC": 2, "APO1M": 3, "DUPLICATE": 4}


def allstar_columns() -> tuple[Column, ...]:
    """List the columns of the allStar file: both tables' and the magnitudes, each once.

    Returns
    -------
    tuple of Column
        In the order of the file.
    """
    star, labels = SCHEMA["apogeeStar"], SCHEMA["aspcapStar"]
    known = {column.name for column in star}
    return (*star, *PHOTOMETRY, *(column for column in labels if column.name not in known))


def write_tables(rows: Sequence[dict[str, Any]], catalogue: Path) -> None:
    """Write the tables apogeeStar and aspcapStar.

    Parameters
    ----------
    rows : sequence of dict
        A combined spectrum each, by column name: apogee_id, telescope, field, location_id, snr,
        teff ... What a row does not say is -9999.
    catalogue : Path
        The SQLite file to write.
    """
    rows = [_identified(row) for row in rows]
    with closing(sqlite3.connect(catalogue)) as connection, connection:
        for table, columns in SCHEMA.items():
            listed = ", ".join(f'"{column.name}" {column.sql}' for column in columns)
            connection.execute(f"CREATE TABLE {table} ({listed})")
            connection.executemany(
                f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})",
                ([row.get(column.name, MISSING) for column in columns] for row in rows),
            )
            connection.execute(f"CREATE INDEX {table}_id ON {table} (apstar_id)")
            connection.execute(f"CREATE INDEX {table}_apogee ON {table} (apogee_id)")


def _identified(row: dict[str, Any]) -> dict[str, Any]:
    """Add the names by which the tables refer to one another, where a row has none."""
    name = row.get("apogee_id", MISSING)
    star = f"{row.get('location_id', MISSING)}.{name}"
    spectrum = f"apogee.{row.get('telescope', MISSING)}.s"
    return {
        "target_id": star,
        "apstar_id": f"{spectrum}.stars.{star}",
        "aspcap_id": f"{spectrum}.aspcap.{star}",
        "file": f"apStar-dr17-{name}.fits",
    } | row
