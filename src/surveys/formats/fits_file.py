"""Opens FITS files that are complete, or says what is wrong with them."""

from __future__ import annotations

import gzip
import io
import os
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from surveys.download import text_kind
from surveys.errors import KitError


@contextmanager
def opened(path: str | os.PathLike[str], refusal: type[KitError]) -> Iterator[Any]:
    """Open a FITS file that is complete to its last HDU.

    Parameters
    ----------
    path : path
        Plain or gzipped.
    refusal : type of KitError
        Raised when it is not such a file; the message says why and what to do.

    Yields
    ------
    HDUList
        Of astropy, closed at the end.
    """
    from astropy.io import fits

    zipped = _refuse_text(path, refusal).startswith(b"\x1f\x8b")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old releases write cards such as NAN without quotes
        # the two ways astropy tells, gently, that bytes are missing
        warnings.filterwarnings("error", message=".*truncated")
        warnings.filterwarnings("error", message="(?s).*corrupted")
        try:
            # unzipped here: astropy takes the end of a cut gzip stream for the end of the file
            source = io.BytesIO(gzip.decompress(Path(path).read_bytes())) if zipped else path
            hdus = fits.open(source, memmap=False, lazy_load_hdus=False)
        except (OSError, EOFError, ValueError, TypeError, KeyError, zlib.error, Warning) as error:
            raise refusal(
                f"{path}: not a complete FITS file ({_first_line(error)}). "
                "Delete it and fetch it again."
            ) from error
        with hdus:
            yield hdus


def _refuse_text(path: str | os.PathLike[str], refusal: type[KitError]) -> bytes:
    """Return the file's first bytes, unless they are plainly no data."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise refusal(
            f"{path}: cannot be read ({error.strerror}). Fetch it first, or correct the name."
        ) from error
    if kind := text_kind(head):
        raise refusal(
            f"{path}: holds {kind}, not FITS: the service was probably down when it was fetched. "
            "Delete it and fetch it again."
        )
    return head


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0]
