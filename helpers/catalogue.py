"""A catalogue for a folder of spectra that has none: from its allStar file, or from its headers."""

from __future__ import annotations

import math
import sqlite3
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
    "J": "j",
    "H": "h",
    "K": "k",
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
    connection = sqlite3.connect(catalogue)
    try:
        for table, columns in {"apogeeStar": _STAR_COLUMNS, "aspcapStar": _LABEL_COLUMNS}.items():
            ids = ["apstar_id", "target_id"] if table == "apogeeStar" else ["apstar_id"]
            extra = [] if table == "apogeeStar" else ["aspcap_id", "apogee_id"]
            names = [*ids, *extra, *columns.values()]
            connection.execute(f"CREATE TABLE {table} ({', '.join(f'[{name}]' for name in names)})")
            connection.executemany(
                f"INSERT INTO {table} VALUES ({', '.join('?' * len(names))})",
                ([row.get(name, _MISSING) for name in names] for row in rows),
            )
        connection.commit()
    finally:
        connection.close()


def _identify(row: dict) -> dict:
    key = f"{row.get('telescope')}.{row.get('field')}.{row.get('apogee_id')}"
    return row | {"apstar_id": f"apogee.{key}", "aspcap_id": f"aspcap.{key}", "target_id": key}


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
        _identify({name: _plain(value) for name, value in zip(columns, values, strict=True)})
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
        rows.append(_identify(row))
    return rows


def _plain(value):
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and not math.isfinite(value):
        return _MISSING
    return value
