"""A catalogue for a folder of spectra that has none, from its allStar file or its headers.

A folder is filled by hand and by interrupted downloads: a file that cannot be read is named in a
warning and left out, and the others are used.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from surveys.catalogue import MISSING, SCHEMA, Column, allstar_columns, write_tables
from surveys.errors import KitError
from surveys.formats.apstar import ApogeeFileError
from surveys.formats.fits_file import opened

_HEADER_NAMES = {
    "apogee_id": "OBJID",
    "telescope": "TELESCOP",
    "location_id": "LOCID",
    "vhelio_avg": "VHELIO",
}


class CatalogueError(KitError, ValueError):
    """A folder has no file from which a catalogue can be made; the message says why."""


class LeftOutWarning(UserWarning):
    """A file of a folder of spectra cannot be read and is left out; the message says why."""


def make_catalogue(sas: Path, catalogue: Path) -> None:
    """Make the tables apogeeStar and aspcapStar for a folder of spectra that has none.

    The rows come from the folder's allStar file, of the newest data release if there are several;
    without one, from the headers of its apStar files, and then the labels are -9999.

    Parameters
    ----------
    sas : Path
        The folder that holds dr17/ (or another release).
    catalogue : Path
        The SQLite file to write.

    Raises
    ------
    CatalogueError
        When the folder has such files and none can be read.

    Warns
    -----
    LeftOutWarning
        For each file that cannot be read; the others are used.
    """
    bad: list[str] = []
    rows = _rows_of_tables(sas, bad)
    if rows is None:
        rows = _rows_of_headers(sas, bad)
    if bad and not rows:
        raise CatalogueError(
            f"No catalogue can be made from the files in {sas}: " + " ".join(bad[:3]),
            "Fetch an allStar file or apStar files and start again.",
        )
    for reason in bad:
        warnings.warn(f"Left out of the catalogue: {reason}", LeftOutWarning, stacklevel=2)
    write_tables(rows, catalogue)


def _rows_of_tables(sas: Path, bad: list[str]) -> list[dict[str, Any]] | None:
    """Rows of the newest allStar file that can be read; None without one."""
    found = sorted(_complete(sas.glob("*/**/allStar*.fits*"), bad), key=_release, reverse=True)
    for path in found:
        try:
            return _rows_of_table(path)
        except ApogeeFileError as error:
            bad.append(str(error))
    return None


def _release(path: Path) -> tuple[int, bool, str]:
    """Order allStar files: by data release, then full ones before those with few columns."""
    named = re.findall(r"\bdr(\d+)\b", path.as_posix())
    return int(named[-1]) if named else 0, "Lite" not in path.name, path.name


def _rows_of_table(path: Path) -> list[dict[str, Any]]:
    with opened(path, ApogeeFileError) as hdus:
        table = hdus[1] if len(hdus) > 1 and not hdus[1].is_image else None
        names = {} if table is None else {name.lower(): name for name in table.columns.names}
        if table is None or "apogee_id" not in names:
            raise ApogeeFileError(
                f"{path}: HDU 1 has no column APOGEE_ID. Is this an allStar file?"
            )
        columns = {
            column: table.data[names[column.name]].tolist()
            for column in allstar_columns()
            if column.name in names and table.data[names[column.name]].ndim == 1
        }
    return [
        {column.name: _plain(column, value) for column, value in zip(columns, row, strict=True)}
        for row in zip(*columns.values(), strict=True)
    ]


def _rows_of_headers(sas: Path, bad: list[str]) -> list[dict[str, Any]]:
    rows = []
    for path in sorted(_complete(sas.glob("*/**/apStar-*.fits*"), bad)):
        try:
            with opened(path, ApogeeFileError) as hdus:
                hdus[0].verify("silentfix")
                header = dict(hdus[0].header)
        except ApogeeFileError as error:
            bad.append(str(error))
            continue
        row = {
            column.name: _plain(column, header[key])
            for column in SCHEMA["apogeeStar"]
            if (key := _HEADER_NAMES.get(column.name, column.name.upper())) in header
        }
        rows.append({"field": path.parent.name, "file": path.name.removesuffix(".gz")} | row)
    return rows


def _complete(paths: Iterator[Path], bad: list[str]) -> Iterator[Path]:
    """Leave out what a browser or a download tool has not finished."""
    for path in paths:
        if path.name.endswith((".fits", ".fits.gz")):
            yield path
        elif path.suffix in (".crdownload", ".part", ".partial", ".download", ".tmp"):
            bad.append(f"{path}: an unfinished download. Fetch it again.")


def _plain(column: Column, value: Any) -> Any:
    """Return a value as its column in SQL holds it; MISSING where the file has none."""
    if column.sql == "TEXT":
        return str(value).strip()
    if not isinstance(value, int | float) or not math.isfinite(value):
        return MISSING
    return value
