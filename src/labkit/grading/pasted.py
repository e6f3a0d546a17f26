"""Pictures pasted into prose: as attachments of a cell, or written out within its text (Colab)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from labkit.grading.cells import Cell

#: of a whole notebook
MAX_PICTURES = 20
#: of one, bytes
MAX_BYTES = 4_000_000
TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
#: a name that nbconvert finds again as it is written
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,100}")
#: a picture within the text; nothing is looked at twice
_WRITTEN_OUT = re.compile(r"\]\(data:image/(?:png|jpeg|gif|webp);base64,([A-Za-z0-9+/=]*+)\)")


def take_out(source: str, attachments: Any) -> tuple[str, dict[str, bytes]]:
    """Take the pictures out of a cell of prose.

    Parameters
    ----------
    source : str
        Its text.
    attachments : anything
        What the notebook's file calls so.

    Returns
    -------
    source : str
        Where pictures are named, but not written out.
    pictures : dict of str to bytes
        By name; no larger than the file they come from, and of no form that is sure.
    """
    pictures: dict[str, bytes] = {}
    for name, forms in attachments.items() if type(attachments) is dict else ():
        if type(forms) is dict:
            data = next((forms[kind] for kind in TYPES if type(forms.get(kind)) is str), "")
            plain = name if _PLAIN.fullmatch(name) else f"attached-{len(pictures) + 1}"
            if plain != name:
                source = source.replace(f"attachment:{name}", f"attachment:{plain}")
            pictures[plain] = _decoded(data)

    def named(match: re.Match[str]) -> str:
        name = f"pasted-{len(pictures) + 1}"
        pictures[name] = _decoded(match[1])
        return f"](attachment:{name})"

    return _WRITTEN_OUT.sub(named, source), pictures


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data.encode())
    except (binascii.Error, ValueError):
        return b""


def bound(cells: list[Cell]) -> list[str]:
    """Drop what is more than a page should hold; say so.

    Parameters
    ----------
    cells : list of Cell
        Changed in place.

    Returns
    -------
    list of str
        At most one sentence.
    """
    kept, dropped = 0, 0
    for cell in cells:
        for name, data in list(cell.pictures.items()):
            kept += 1
            if kept > MAX_PICTURES or not 0 < len(data) <= MAX_BYTES:
                del cell.pictures[name]
                dropped += 1
    if not dropped:
        return []
    return [
        f"{dropped} pasted pictures were left out: a notebook may hold {MAX_PICTURES}, each PNG, "
        f"JPEG, GIF or WebP of at most {MAX_BYTES / 1e6:.0f} MB."
    ]
