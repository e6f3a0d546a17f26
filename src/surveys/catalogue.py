"""A catalogue for a folder of spectra that has none: from its allStar file, or from its headers."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

_STAR_COLUMNS = {
    "APOGEE_ID": "apogee_id",
    "TELESCOPE": "telescope",
    "FIELD": "field",
    "LOCATION_ID": "location_id",
    "RA": "ra",
    "DEC": "dec",
    "GLON": "glon",
    "GLAT": "glat",
    "NVISITS": "nvisits",
    "SNR": "snr",
    "VHELIO_AVG": "vhelio_avg",
    "VSCATTER": "vscatter",
    "VERR": "verr",
    "STARFLAG": "starflag",
    "ANDFLAG": "andflag",
}
_HEADER_NAMES = {
    "APOGEE_ID": "OBJID",
    "TELESCOPE": "TELESCOP",
    "LOCATION_ID": "LOCID",
    "VHELIO_AVG": "VHELIO",
}
_LABEL_COLUMNS = {
    name: name.lower()
    for label in ("TEFF", "LOGG", "M_H", "ALPHA_M", "FE_H", "MG_FE", "SI_FE", "VMICRO", "VSINI")
    for name in (label, label + "_ERR")
} | {"ASPCAPFLAG": "aspcapflag"}
_MISSING = -9999


def make_catalogue(sas: Path, catalogue: Path) -> None:
    """Make the tables apogeeStar and aspcapStar for a folder of spectra that has none.

    The rows come from the folder's allStar file; without one, from the headers of its apStar
    files, and then the labels are -9999.

    Parameters
    ----------
    sas : Path
        The folder that holds dr17/ (or another release).
    catalogue : Path
        The SQLite file to write.
    """
    rows = None
    for table in sorted(sas.glob("*/**/allStar*.fits*")):
        rows = _rows_of_table(table)
        break
    if rows is None:
        rows = _rows_of_headers(sas)
    write_tables(rows, catalogue)


def write_tables(rows: Sequence[dict], catalogue: Path) -> None:
    """Write the tables apogeeStar and aspcapStar with the columns of DR17's that the kit knows.

    Parameters
    ----------
    rows : sequence of dict
        A combined spectrum each, by column name: apogee_id, telescope, field, location_id, snr,
        teff ... What a row does not say is -9999.
    catalogue : Path
        The SQLite file to write.
    """
    names = {
        "apogeeStar": ["apstar_id", "target_id", *_STAR_COLUMNS.values()],
        "aspcapStar": [
            "apstar_id",
            "target_id",
            "aspcap_id",
            "apogee_id",
            *_LABEL_COLUMNS.values(),
        ],
    }
    rows = [_identified(row) for row in rows]
    with closing(sqlite3.connect(catalogue)) as connection, connection:
        for table, columns in names.items():
            listed = ", ".join(f"[{name}]" for name in columns)
            connection.execute(f"CREATE TABLE {table} ({listed})")
            connection.executemany(
                f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})",
                ([row.get(name, _MISSING) for name in columns] for row in rows),
            )


def _identified(row: dict) -> dict:
    """Add the names by which the tables refer to one another."""
    star = f"{row.get('location_id', _MISSING)}.{row['apogee_id']}"
    spectrum = f"apogee.{row.get('telescope', _MISSING)}.s"
    return row | {
        "target_id": star,
        "apstar_id": f"{spectrum}.stars.{star}",
        "aspcap_id": f"{spectrum}.aspcap.{star}",
    }


def _rows_of_table(path: Path) -> list[dict]:
    from astropy.io import fits

    with fits.open(path, memmap=False) as hdus:
        data = hdus[1].data
        columns = {
            lower: data[name].tolist()
            for name, lower in (_STAR_COLUMNS | _LABEL_COLUMNS).items()
            if name in data.columns.names and data[name].ndim == 1
        }
    return [
        {name: _plain(value) for name, value in zip(columns, values, strict=True)}
        for values in zip(*columns.values(), strict=True)
    ]


def _rows_of_headers(sas: Path) -> list[dict]:
    from astropy.io import fits

    rows = []
    for path in sorted(sas.glob("*/**/apStar-*.fits*")):
        header = fits.getheader(path, 0)
        row = {
            lower: _plain(header.get(_HEADER_NAMES.get(name, name), _MISSING))
            for name, lower in _STAR_COLUMNS.items()
        }
        row["field"] = path.parent.name if row["field"] == _MISSING else row["field"]
        rows.append(row)
    return rows


def _plain(value):
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and not math.isfinite(value):
        return _MISSING
    return value
