"""Whatever students hand in is read in a time that grows with its length, not with its square."""

import contextlib
import gc
import json
import re
import struct
import time

import nbformat
import pytest

from labkit.errors import GradingError
from labkit.grading import feedback, judge, pasted, prose, repair, story
from labkit.grading.cells import Cell, handed_out
from labkit.sandbox.inside import cell_names, wire

from .toy import LAB, make_course

#: an eightfold length may take so much longer: its square would take 64 times as long
DOUBLINGS = 3
MOST = 8**1.5
#: what takes less is not measured but repeated, s
SHORT = 0.02


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("course"))
    notebook = nbformat.read(course / "labs" / LAB / f"{LAB}.ipynb", as_version=4)
    return handed_out(notebook)


def _message(tree, *blobs):
    text = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    parts = [struct.pack("<QQ", len(text), len(blobs)), text]
    return b"".join(parts + [struct.pack("<Q", len(blob)) + blob for blob in blobs])


def _parse(text):
    with contextlib.suppress(GradingError):
        repair.parse(text.encode())


def _decode(message):
    with contextlib.suppress(wire.WireError):
        wire.decode(message)


def _chain(n):
    names = {i: ([f"a{i}"], [f"a{i + 1}"]) for i in range(n)}
    return [Cell("own", "", "code", "", story=i > 0) for i in range(n)], names


def _notebook(n):
    cell = {"cell_type": "code", "metadata": {}, "source": "double = 1\n" * 20}
    return json.dumps({"cells": [cell] * n}).encode()


def _printable(text):
    feedback.printable(text, 10**9)


def _take_out(text):
    pasted.take_out(text, None)


def _define(text):
    repair._defines(text, "double")


def _fit(message):
    for pieces in (["a", "b", "ba", "c", ""], ["a", "aab", "aab", "aab", "b"]):
        judge._fits(message, pieces)


def _show(printed):
    story.Story().add({"printed": printed, "figures": [[b"", printed]], "error": printed}, 0, "")


#: what reads it, what it reads, how long that is at first
READERS = {
    "quotes without end": (_parse, lambda n: '{"cells": [' + '\\"' * n, 20_000),
    "strings cut short": (_parse, lambda n: '{"cells": [' + '"\\' * n, 20_000),
    "commas and spaces": (_parse, lambda n: '{"cells": [,' + " " * n + "," * n, 20_000),
    "beginnings of notebooks": (_parse, lambda n: '"cells"   ' * n, 20_000),
    "brackets": (_parse, lambda n: '{"cells": [' + "[" * n, 20_000),
    "small cells": (_parse, lambda n: '{"cells": [' + "{}," * n, 20_000),
    "letters escaped": (_parse, lambda n: '{"cells": ["' + "\\u0041" * n, 20_000),
    "escapes": (_printable, lambda n: "\x1b[" * n, 5_000),
    "escapes with numbers": (_printable, lambda n: "\x1b[" + "1;" * n, 5_000),
    "links": (prose.without_html, lambda n: "](" + " " * n, 20_000),
    "many links": (prose.without_html, lambda n: "](  " * n, 20_000),
    "tags": (prose.without_html, lambda n: "<" * n, 20_000),
    "pictures": (_take_out, lambda n: "](data:image/png;base64," + "A" * n, 20_000),
    "many pictures": (_take_out, lambda n: "](data:image/png;base64,AAAA" * n, 5_000),
    "a definition cut in two": (_define, lambda n: "def" + " " * n, 20_000),
    "definitions": (_define, lambda n: "def\n" * n, 20_000),
    "messages": (_fit, lambda n: "ab" * n, 20_000),
    "messages of one letter": (_fit, lambda n: "a" * n, 20_000),
    "chains of cells": (lambda made: judge.needed_cells(*made), _chain, 500),
    "names": (cell_names.made_and_used, lambda n: "a = b\n" * n, 2_000),
    "words": (cell_names.made_and_used, lambda n: "a " * n, 20_000),
    "keys": (_decode, lambda n: _message({"dict": [[str(i), i] for i in range(n)]}), 2_000),
    "colliding keys": (
        _decode,
        lambda n: _message({"dict": [[i * (2**61 - 1), 0] for i in range(n)]}),
        2_000,
    ),
    "colliding pairs": (
        _decode,
        lambda n: _message({"dict": [[{"complex": [-1000003 * i, i]}, 0] for i in range(n)]}),
        2_000,
    ),
    "bytes": (
        _decode,
        lambda n: _message({"list": [{"bytes": i} for i in range(n)]}, *[b"x"] * n),
        2_000,
    ),
    "one blob": (
        _decode,
        lambda n: _message({"list": [{"bytes": 0}] * n}, bytes(100 * n)),
        2_000,
    ),
    "digits of a type": (
        _decode,
        lambda n: _message({"array": ["<M8[" + "1" * n + "!]", [1], 0]}, bytes(8)),
        20_000,
    ),
    "digits of a number": (_decode, lambda n: _message(b"[" + b"9" * n + b"]"), 20_000),
    "digits of a fraction": (_decode, lambda n: _message(b"0." + b"7" * n), 20_000),
    "dimensions": (_decode, lambda n: _message({"array": ["<f8", [1] * n, 0]}, b"x" * 8), 20_000),
    "what cells show": (_show, lambda n: "x" * n, 20_000),
}


@pytest.fixture(autouse=True)
def without_garbage_collection():
    """Of all that the other tests have made."""
    gc.disable()
    yield
    gc.enable()


def _seconds(read, what):
    """Return the least of a few processor times of one reading, s."""
    times = []
    for _ in range(3):
        started, runs = time.process_time(), 0
        while time.process_time() - started < SHORT:
            read(what)
            runs += 1
        times.append((time.process_time() - started) / runs)
    return min(times)


@pytest.mark.parametrize("what", READERS)
def test_time_grows_with_length(what):
    read, make, n = READERS[what]
    short, long = _seconds(read, make(n)), _seconds(read, make(n * 2**DOUBLINGS))
    assert long < MOST * short, f"{n} of them take {short:.2g} s, eight times as many {long:.2g} s"


def test_a_square_would_be_seen():
    """The measurement itself: what was here before took a square's time."""
    before = re.compile(r'("(?:[^"\\]|\\.)*")|,(\s*[\]}])', re.DOTALL)
    times = [_seconds(lambda text: before.sub("", text), '\\"' * n) for n in (500, 4_000)]
    assert times[1] > MOST * times[0]


def test_a_chain_of_cells_is_followed_to_its_end():
    assert len(judge.needed_cells(*_chain(50))[0]) == 50


def test_a_notebook_is_repaired_in_a_time_that_grows_with_its_length(released):
    def read(raw):
        repair.repair(raw, released)

    assert _seconds(read, _notebook(1_600)) < MOST * _seconds(read, _notebook(200))
