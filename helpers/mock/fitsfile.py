"""Files of the survey: FITS as astropy writes it, npz, and how both are kept small on disk."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from pathlib import Path

import numpy as np
from astropy.io import fits

#: A header card: keyword, value, comment.  COMMENT and HISTORY cards carry their text as value.
Card = tuple[str, object, str]


def primary(cards: list[Card]) -> fits.PrimaryHDU:
    """A primary HDU without data."""
    return fits.PrimaryHDU(header=fits.Header(cards))


def image(data: np.ndarray, cards: list[Card]) -> fits.ImageHDU:
    """An image extension with its cards."""
    return fits.ImageHDU(data, header=fits.Header(cards))


def table_row(values: dict[str, object], cards: list[Card]) -> fits.BinTableHDU:
    """A binary table of one row: strings, numbers or arrays."""
    kinds = [(name, *_kind(value)) for name, value in values.items()]
    row = np.array([tuple(values.values())], dtype=kinds)
    return fits.BinTableHDU(row, header=fits.Header(cards))


def _kind(value: object) -> tuple:
    if isinstance(value, str):
        return (f"S{max(len(value), 1)}",)
    array = np.asarray(value)
    return array.dtype, array.shape


def file_bytes(hdus: list) -> bytes:
    """The uncompressed file that holds these HDUs."""
    content = io.BytesIO()
    fits.HDUList(hdus).writeto(content)
    return content.getvalue()


def round_mantissa(data: np.ndarray, bits: int) -> np.ndarray:
    """float32 with only the leading `bits` of the mantissa kept (rounded), so that it compresses.

    Parameters
    ----------
    data : array
        Finite numbers.
    bits : int
        Mantissa bits kept; the relative rounding error is at most 2**-(bits+1).
    """
    integer = np.ascontiguousarray(data, dtype=np.float32).view(np.int32)
    drop = 23 - bits
    rounded = (integer + np.int32(1 << (drop - 1))) & np.int32(-(1 << drop))
    return rounded.view(np.float32)


def write_gzip(path: Path, content: bytes) -> int:
    """Write compressed (fast, reproducible: no name, no time); returns the size on disk."""
    packed = gzip.compress(content, compresslevel=1, mtime=0)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(packed)
    os.replace(partial, path)
    return len(packed)


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an npz file, like numpy.savez_compressed, at zlib's fastest level."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as handle:
                np.lib.format.write_array(handle, np.ascontiguousarray(array), allow_pickle=False)
