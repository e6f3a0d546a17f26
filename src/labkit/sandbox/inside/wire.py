"""Plain data as bytes and back, without pickle: how grader and sandbox talk.

A message is a JSON tree and, beside it, the raw bytes of its arrays. What comes out of a sandbox
may be anything, so a decoder believes nothing: an array is exactly as long as its bytes, and they
are used for nothing else; the tree is bounded in depth and size; keys that would make a dictionary
slow are refused; and only the types named here can come out. What is made of a message grows in
proportion to its length, in time and in memory.
"""

from __future__ import annotations

import json
import re
import struct
from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np

__all__ = ["HEADER", "MAX_BYTES", "WireError", "decode", "encode"]

#: what stands before a message: its length in bytes
HEADER = struct.Struct("<Q")
#: the longest message a decoder looks at
MAX_BYTES = 512_000_000
MAX_TREE_BYTES = 64_000_000
MAX_NODES = 2_000_000
MAX_DEPTH = 40
MAX_ELEMENTS = 125_000_000
#: keys of dictionaries that are no text; text is hashed with a secret, other things are not
MAX_KEYS = 10_000
#: of these, how many may share a hash
MAX_COLLISIONS = 8
#: in one figure: points of all curves, clouds and bars; how many of these; characters of all texts
MAX_POINTS = 2_000_000
MAX_DRAWN = 50_000
MAX_LETTERS = 200_000

# numbers, booleans, text and times, in the byte order of this machine
_DTYPE = re.compile(
    r"[<>|=](b1|[iu][1248]|f(2|4|8|16)|c(8|16|32)|[SU]\d{1,7}|M8(\[\d{0,9}[A-Za-z]{1,2}\])?)"
)
_LENGTHS = struct.Struct("<QQ")


class WireError(ValueError):
    """A message cannot be sent, or what came is not one; the message says why."""


# --- sending ------------------------------------------------------------------------------------


def encode(value: Any) -> bytes:
    """Turn plain data into bytes.

    Parameters
    ----------
    value : None, bool, int, float, complex, str, bytes, list, tuple, dict, array, table, figure's
        facts; for the way into a sandbox also numpy scalars, paths, FITS headers, numpy Generators
        and masked arrays.

    Returns
    -------
    bytes

    Raises
    ------
    WireError
        If something in it is of another type.
    """
    blobs: list[bytes] = []
    tree = json.dumps(_tree(value, blobs, 0), separators=(",", ":")).encode()
    parts = [_LENGTHS.pack(len(tree), len(blobs)), tree]
    for blob in blobs:
        parts += [HEADER.pack(len(blob)), blob]
    return b"".join(parts)


def _tree(value: Any, blobs: list[bytes], depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise WireError(f"nested more than {MAX_DEPTH} deep")
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    deeper = depth + 1
    if kind in (list, tuple):
        return {"list" if kind is list else "tuple": [_tree(v, blobs, deeper) for v in value]}
    if kind is dict:
        pairs = [[_tree(k, blobs, deeper), _tree(v, blobs, deeper)] for k, v in value.items()]
        return {"dict": pairs}
    if kind is np.ndarray:
        return {"array": _array(value, blobs)}
    if kind is bytes:
        blobs.append(value)
        return {"bytes": len(blobs) - 1}
    if kind is complex:
        return {"complex": [value.real, value.imag]}
    return _rarer(value, blobs, deeper)


def _rarer(value: Any, blobs: list[bytes], depth: int) -> Any:
    kind, module = type(value), type(value).__module__.partition(".")[0]
    if isinstance(value, np.generic) and module == "numpy":
        return {"scalar": _array(np.asarray(value), blobs)}
    if kind is np.ma.MaskedArray:
        whole = [np.asarray(value.data), np.ma.getmaskarray(value)]
        return {"masked": [_tree(part, blobs, depth) for part in whole]}
    if kind is np.random.Generator:
        return {"generator": _tree(value.bit_generator.state, blobs, depth)}
    if isinstance(value, PurePosixPath):
        return {"path": str(value)}
    if kind.__name__ in ("FigureFacts", "AxesFacts") and kind.__module__ == "helpers.figures":
        if kind.__name__ == "FigureFacts":
            _require_small(value)
        return {kind.__name__: _tree(vars(value), blobs, depth)}
    if module == "astropy":
        return _astropy_tree(value, blobs, depth)
    raise WireError(f"a value of type {kind.__name__} cannot be sent")


def _astropy_tree(value: Any, blobs: list[bytes], depth: int) -> Any:
    from astropy.io.fits import Header
    from astropy.table import Column, MaskedColumn, Table

    if type(value) is Header:
        return {"header": value.tostring(sep="\n")}
    if type(value) is Table:
        return {"table": [[n, _tree(value[n], blobs, depth)] for n in value.colnames]}
    if type(value) is Column:
        return {"array": _array(np.asarray(value), blobs)}
    if type(value) is MaskedColumn:
        return _rarer(np.ma.MaskedArray(value), blobs, depth)
    raise WireError(f"a value of type {type(value).__name__} cannot be sent")


def _array(array: np.ndarray, blobs: list[bytes]) -> list[Any]:
    array = np.asarray(array, dtype=array.dtype.newbyteorder("="))
    if not _DTYPE.fullmatch(array.dtype.str):
        raise WireError(f"an array of {array.dtype} cannot be sent")
    blobs.append(array.tobytes())
    return [array.dtype.str, list(array.shape), len(blobs) - 1]


# --- receiving ----------------------------------------------------------------------------------


def decode(message: bytes | bytearray, trusted: bool = False) -> Any:
    """Turn bytes back into plain data.

    Parameters
    ----------
    message : bytes or bytearray
    trusted : bool
        Whether it comes from the grader; only then may it hold tables, paths, FITS headers,
        generators, numpy scalars and masked arrays.

    Returns
    -------
    plain data

    Raises
    ------
    WireError
        If it is anything but a well-formed message within the limits.
    """
    try:
        return _Decoder(message, trusted).value()
    except WireError:
        raise
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        OverflowError,
        RecursionError,
        MemoryError,
        struct.error,
    ) as error:
        raise WireError(f"not a message: {type(error).__name__}") from None


class _Decoder:
    def __init__(self, message: bytes | bytearray, trusted: bool) -> None:
        if len(message) > MAX_BYTES:
            raise WireError(f"a message of {len(message)} bytes is too long")
        length, count = _LENGTHS.unpack_from(message)
        start = _LENGTHS.size
        if length > MAX_TREE_BYTES or count > MAX_NODES:
            raise WireError("too many values")
        self._tree = message[start : start + length]
        position = start + length
        self._blobs: list[memoryview | None] = []  # None: used
        view = memoryview(message)
        for _ in range(count):
            (size,) = HEADER.unpack_from(message, position)
            position += HEADER.size
            if position + size > len(message):
                raise WireError("cut short")
            self._blobs.append(view[position : position + size])
            position += size
        if position != len(message):
            raise WireError("bytes left over")
        self._nodes = self._keys = 0
        self._trusted = trusted

    def value(self) -> Any:
        # what the parser makes of the tree is many times larger than the tree
        if sum(map(self._tree.count, (b"[", b"{", b","))) > 4 * MAX_NODES:
            raise WireError("too many values")
        return self._read(json.loads(self._tree), 0)

    def _read(self, node: Any, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise WireError("too many values, or nested too deep")
        if node is None or type(node) in (bool, int, float, str):
            return node
        if type(node) is not dict or len(node) != 1:
            raise WireError("an unknown form of value")
        ((tag, content),) = node.items()
        depth += 1
        if tag in ("list", "tuple"):
            items = [self._read(item, depth) for item in _list(content)]
            return items if tag == "list" else tuple(items)
        if tag == "dict":
            pairs = [_list(pair, 2) for pair in _list(content)]
            keys = [self._read(key, depth) for key, _ in pairs]
            self._require_quick(keys)
            return {key: self._read(v, depth) for key, (_, v) in zip(keys, pairs, strict=True)}
        if tag == "array":
            return self._array(content)
        if tag == "bytes":
            return bytes(self._blob(content))
        if tag == "complex":
            return complex(*map(_float, _list(content, 2)))
        if tag == "AxesFacts":
            return _axes_facts(self._read(content, depth))
        if tag == "FigureFacts":
            return _figure_facts(self._read(content, depth))
        if not self._trusted:
            raise WireError("an unknown form of value")
        return self._from_grader(tag, content, depth)

    def _require_quick(self, keys: list[Any]) -> None:
        """Refuse keys that would make a dictionary's time grow faster than their number."""
        hashes = [hash(key) for key in keys if type(key) is not str]
        self._keys += len(hashes)
        if self._keys > MAX_KEYS or max(Counter(hashes).values(), default=0) > MAX_COLLISIONS:
            raise WireError("too many keys that are not text")

    def _from_grader(self, tag: str, content: Any, depth: int) -> Any:
        if tag == "scalar":
            return self._array(content)[()]
        if tag == "masked":
            data, mask = (self._read(part, depth) for part in content)
            return np.ma.MaskedArray(data, mask)
        if tag == "generator":
            state = self._read(content, depth)
            generator = getattr(np.random, state["bit_generator"])()
            generator.state = state
            return np.random.Generator(generator)
        if tag == "path":
            from pathlib import Path

            return Path(content)
        if tag == "header":
            from astropy.io.fits import Header

            return Header.fromstring(content, sep="\n")
        if tag == "table":
            from astropy.table import Table

            return Table({name: self._read(column, depth) for name, column in content})
        raise WireError("an unknown form of value")

    def _blob(self, number: Any) -> memoryview:
        if type(number) is not int or not 0 <= number < len(self._blobs):
            raise WireError("bytes that are not there")
        blob, self._blobs[number] = self._blobs[number], None
        if blob is None:
            raise WireError("bytes used twice")
        return blob

    def _array(self, content: Any) -> np.ndarray:
        kind, shape, number = _list(content, 3)
        if type(kind) is not str or len(kind) > 32 or not _DTYPE.fullmatch(kind):
            raise WireError("an array of a type that is not allowed")
        dtype = np.dtype(kind)
        shape = _list(shape)
        if len(shape) > 32 or any(type(n) is not int or not 0 <= n < 2**40 for n in shape):
            raise WireError("an array of an impossible shape")
        count = 1
        for n in shape:
            count *= n
        blob = self._blob(number)
        if count > MAX_ELEMENTS or len(blob) != count * dtype.itemsize:
            raise WireError("an array whose length is not what it claims")
        if count and not dtype.itemsize:
            raise WireError("an array of empty elements")
        array = np.frombuffer(blob, dtype=dtype, count=count).reshape(shape).copy()
        if dtype.kind == "b" and count and array.view(np.uint8).max() > 1:
            raise WireError("booleans that are neither true nor false")
        if dtype.kind == "U" and count:
            points = array.reshape(-1).view(np.uint32)
            if points.max() > 0x10FFFF or np.any((points >= 0xD800) & (points <= 0xDFFF)):
                raise WireError("text that is no text")
        return array


def _list(value: Any, length: int | None = None) -> list[Any]:
    if type(value) is not list or (length is not None and len(value) != length):
        raise WireError("an unknown form of value")
    return value


def _float(value: Any) -> float:
    if type(value) not in (int, float):
        raise WireError("a number is expected")
    return float(value)


def _facts(values: Any, fields: Mapping[str, type | tuple[type, ...]]) -> dict[str, Any]:
    if type(values) is not dict or set(values) != set(fields):
        raise WireError("a figure's facts are not complete")
    for name, kind in fields.items():
        if type(values[name]) is not kind:
            raise WireError(f"a figure's {name} is of the wrong type")
    return values


def _axes_facts(values: Any) -> Any:
    from helpers.figures import AxesFacts

    words = dict.fromkeys(("title", "xlabel", "ylabel", "xscale", "yscale"), str)
    lists = dict.fromkeys(("curves", "points", "texts", "colours"), list)
    rest = {"xlim": tuple, "ylim": tuple, "bars": np.ndarray, "images": int}
    _facts(values, {**words, **lists, **rest})
    for pairs in (*values["curves"], *values["points"], values["bars"]):
        if type(pairs) is not np.ndarray or pairs.dtype != float or pairs.shape[1:] != (2,):
            raise WireError("a figure's data are not pairs of numbers")
    for rgba in values["colours"]:
        if type(rgba) is not np.ndarray or rgba.dtype != float or rgba.shape[1:] != (4,):
            raise WireError("a figure's colours are no colours")
    for limits in (values["xlim"], values["ylim"]):
        if [type(limit) for limit in limits] != [float, float]:
            raise WireError("a figure's limits are not two numbers")
    if any(type(text) is not str for text in values["texts"]):
        raise WireError("a figure's texts are no texts")
    return AxesFacts(**values)


def _figure_facts(values: Any) -> Any:
    from helpers.figures import AxesFacts, FigureFacts

    _facts(values, {"axes": list, "title": str})
    if any(type(axes) is not AxesFacts for axes in values["axes"]):
        raise WireError("a figure's axes are none")
    facts = FigureFacts(**values)
    _require_small(facts)
    return facts


def _require_small(figure: Any) -> None:
    """Refuse a figure of more than anybody can see: tests look at every point and every word."""
    drawn = [xy for axes in figure.axes for xy in (*axes.data, axes.bars)]
    words = [figure.title]
    for axes in figure.axes:
        words += [axes.title, axes.xlabel, axes.ylabel, axes.xscale, axes.yscale, *axes.texts]
    for what, count, most in (
        ("points", sum(map(len, drawn)), MAX_POINTS),
        ("curves and clouds", len(drawn), MAX_DRAWN),
        ("letters", sum(map(len, words)), MAX_LETTERS),
    ):
        if count > most:
            raise WireError(f"a figure of {count} {what}, more than {most}")
