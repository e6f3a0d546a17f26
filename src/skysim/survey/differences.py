"""Compare two builds of the survey, array by array."""

from __future__ import annotations

import gzip
import io
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from astropy.io import fits


def differences(one: Path, other: Path) -> dict[str, float]:
    """Largest difference of each array and column that differs at all.

    Parameters
    ----------
    one, other : Path
        Folders that `survey.build` has made.

    Returns
    -------
    dict of float
        By file and array: relative to the array's largest finite value; infinite where a file or a
        column is missing, where shapes, texts or the places of NaN and infinity differ.  Empty when
        both hold the same.
    """
    names = [
        {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()} - {"survey.json"}
        for root in (one, other)
    ]
    found = dict.fromkeys(sorted(names[0] ^ names[1]), np.inf)
    for name in sorted(names[0] & names[1]):
        if (one / name).read_bytes() == (other / name).read_bytes():
            continue
        left, right = (dict(_arrays(root / name)) for root in (one, other))
        for key in sorted(left.keys() | right.keys()):
            if key in left and key in right:
                worst = _difference(left[key], right[key])
            else:
                worst = np.inf
            if worst > 0:
                found[f"{name}:{key}"] = worst
    return found


def _difference(left: np.ndarray, right: np.ndarray) -> float:
    """Relative to the largest finite value; infinite for what cannot be compared."""
    if left.shape != right.shape or left.dtype.kind != right.dtype.kind:
        return np.inf
    if np.array_equal(left, right):
        return 0.0
    if left.dtype.kind not in "fiub":
        return np.inf
    left, right = left.astype(float), right.astype(float)
    plain = np.isfinite(left)
    if not np.array_equal(left[~plain], right[~plain], equal_nan=True):
        return np.inf
    if not np.isfinite(right[plain]).all():
        return np.inf
    if not plain.any():
        return 0.0
    scale = max(float(np.abs(left[plain]).max()), 1e-300)
    return float(np.abs(left[plain] - right[plain]).max()) / scale


def _arrays(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Every array or column of a file."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            yield from ((name, file[name]) for name in file.files)
    elif path.suffix == ".sqlite":
        yield from _columns(path)
    elif path.name.endswith((".fits", ".fits.gz")):
        content = path.read_bytes()
        with fits.open(
            io.BytesIO(gzip.decompress(content) if path.suffix == ".gz" else content)
        ) as hdus:
            for number, hdu in enumerate(hdus):
                yield f"{number} header", np.array(repr(hdu.header))
                if hdu.data is not None and hdu.data.dtype.names is None:
                    yield str(number), np.array(hdu.data)
                elif hdu.data is not None:
                    yield from ((f"{number} {n}", np.array(hdu.data[n])) for n in hdu.columns.names)
    else:
        yield "bytes", np.frombuffer(path.read_bytes(), np.uint8)


def _columns(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall()
        for (table,) in tables:
            cursor = connection.execute(f'SELECT * FROM "{table}"')
            heads = [column[0] for column in cursor.description]
            for head, values in zip(heads, zip(*cursor.fetchall(), strict=True), strict=False):
                yield f"{table}.{head}", np.array(values)
    finally:
        connection.close()
