"""Pictures in what a cell of a notebook displayed, with their alt texts."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

#: of one picture, bytes
MAX_BYTES = 2_000_000
#: of its alt text, characters
MAX_WORDS = 2000
#: how `helpers.plots` shows a figure that has an alt text
_DESCRIBED = re.compile(r'src="data:image/png;base64,([^"]+)"(?: alt="([^"]*)")?')


def figures(data: Mapping[str, Any]) -> list[list[Any]]:
    """Return the pictures in what was displayed.

    Parameters
    ----------
    data : dict
        Texts or bytes, by MIME type.

    Returns
    -------
    list of [bytes, str]
        Picture and alt text; "" if it has none.
    """
    return [[image, words[:MAX_WORDS]] for image, words in _found(data) if len(image) <= MAX_BYTES]


def _found(data: Mapping[str, Any]) -> Iterator[tuple[bytes, str]]:
    if "image/png" in data:
        image = data["image/png"]
        yield (_decoded(image) if isinstance(image, str) else image), ""
        return
    for image, words in _DESCRIBED.findall(str(data.get("text/html", ""))):
        yield _decoded(image), html.unescape(words)


def _decoded(image: str) -> bytes:
    try:
        return base64.b64decode(image)
    except (binascii.Error, ValueError):
        return b""
