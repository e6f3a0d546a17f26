"""Files of the survey: FITS, gzip and npz, quick to write and small on disk.

Thousands of headers are written.  Those of extensions repeat, so astropy makes each kind once; the
cards of a star are written here, letter for letter as astropy would (2.4 ms a file, astropy 18.8;
tests/skysim/test_fitsfile.py).
"""

from __future__ import annotations

import gzip
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np
from astropy.io import fits

#: A header card: keyword, value, comment.  COMMENT and HISTORY cards carry their text as value.
Card = tuple[str, object, str]
_BLOCK = 2880


def card(keyword: str, value: object, comment: str = "") -> str:
    """The 80 characters of a card in FITS's fixed format.

    Parameters
    ----------
    keyword : str
        At most 8 capital letters and digits.
    value : str, bool, int or float
    comment : str
        What follows the slash.

    Raises
    ------
    ValueError
        When it does not fit.
    """
    if keyword in ("COMMENT", "HISTORY"):
        text = f"{keyword:8}{value}"
    else:
        text = f"{keyword:8}= {_value(value)}{' / ' if comment else ''}{comment}"
    if len(keyword) > 8 or len(text) > 80:
        raise ValueError(f"this header card is longer than FITS allows: {text!r}")
    return f"{text:80}"


def _value(value: object) -> str:
    if isinstance(value, str):
        quoted = value.replace("'", "''")
        return f"'{quoted:8}'".ljust(20)
    if isinstance(value, bool | np.bool_):
        return f"{'T' if value else 'F':>20}"
    if isinstance(value, int | np.integer):
        return f"{value:20d}"
    digits, e, exponent = str(value).upper().partition("E")
    return f"{digits[: 20 - len(e + exponent)] + e + exponent:>20}"


def primary(cards: list[Card]) -> bytes:
    """A primary HDU without data."""
    first = [
        ("SIMPLE", True, "conforms to FITS standard"),
        ("BITPIX", 8, "array data type"),
        ("NAXIS", 0, "number of array dimensions"),
        ("EXTEND", True, ""),
    ]
    text = "".join(card(*c) for c in first + cards) + f"{'END':80}"
    return _filled(text.encode("ascii"), b" ")


def image(data: np.ndarray, cards: list[Card]) -> bytes:
    """An image extension with its cards."""
    header = _image_header(data.shape, data.dtype.str, tuple(cards))
    return header + _filled(data.astype(data.dtype.newbyteorder(">")).tobytes(), b"\0")


def table_row(values: dict[str, object], cards: list[Card]) -> bytes:
    """A binary table of one row: strings, numbers or arrays."""
    kinds = tuple((name, *_kind(value)) for name, value in values.items())
    row = np.array([tuple(values.values())], dtype=list(kinds))
    return _table_header(kinds, tuple(cards)) + _filled(row.tobytes(), b"\0")


def _kind(value: object) -> tuple[str, tuple[int, ...]]:
    """Type, big-endian as FITS has it, and shape of a table's cell."""
    if isinstance(value, str):
        return f"S{max(len(value), 1)}", ()
    array = np.asarray(value)
    return array.dtype.newbyteorder(">").str, array.shape


@lru_cache(maxsize=256)
def _image_header(shape: tuple[int, ...], kind: str, cards: tuple[Card, ...]) -> bytes:
    hdu = fits.ImageHDU(np.empty(shape, kind), header=fits.Header(cards))
    return hdu.header.tostring().encode("ascii")


@lru_cache(maxsize=256)
def _table_header(kinds: tuple[tuple, ...], cards: tuple[Card, ...]) -> bytes:
    hdu = fits.BinTableHDU(np.zeros(1, list(kinds)), header=fits.Header(cards))
    return hdu.header.tostring().encode("ascii")


def _filled(content: bytes, filler: bytes) -> bytes:
    """Content with its last block filled up."""
    return content + filler * (-len(content) % _BLOCK)


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
    path.write_bytes(packed)
    return len(packed)


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an npz file, like numpy.savez_compressed, at zlib's fastest level."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as handle:
                np.lib.format.write_array(handle, np.ascontiguousarray(array), allow_pickle=False)
