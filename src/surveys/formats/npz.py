"""Arrays of an npz file, mapped into memory row by row."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def stored_array(path: Path, name: str) -> np.ndarray:
    """Map an array of an uncompressed npz file into memory, so that a row costs a row.

    Parameters
    ----------
    path : Path
        The npz file.
    name : str
        Of the array.

    Returns
    -------
    ndarray
        Read-only.

    Raises
    ------
    ValueError
        When the array is compressed.
    """
    import numpy as np

    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        entry = archive.getinfo(f"{name}.npy")
        if entry.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{name} in {path} is compressed: read it with numpy.load")
        # the local header: 30 bytes, then name and extra field, whose lengths it tells
        file.seek(entry.header_offset + 26)
        lengths = np.frombuffer(file.read(4), "<u2")
        file.seek(entry.header_offset + 30 + int(lengths.sum()))
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        if version != (1, 0):
            read = np.lib.format.read_array_header_2_0
        shape, fortran, kind = read(file)
        return np.memmap(path, kind, "r", file.tell(), shape, order="F" if fortran else "C")
