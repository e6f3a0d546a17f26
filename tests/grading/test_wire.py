"""What crosses between grader and sandbox: the same plain data, and nothing else."""

import json
import struct

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from helpers.figures import AxesFacts, FigureFacts, describe
from labkit.sandbox.inside import wire

PLAIN = [
    None,
    True,
    3,
    2**70,
    -1.5,
    float("inf"),
    "α",
    b"\x00\xff",
    1 + 2j,
    [],
    (1, [2.0, ("x",)]),
    {1: "a", ("b", 2): [None]},
]
ARRAYS = [
    np.arange(6.0).reshape(2, 3),
    np.array(7),
    np.zeros((0, 4)),
    np.array(["ab", "ç"]),
    np.array([True, False]),
    np.arange(3, dtype=">i2"),
    np.array([1j]),
    np.arange(10)[::3],
    np.array(["2020-01-01"], dtype="M8[D]"),
]


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_values_come_back(value):
    back = wire.decode(wire.encode(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("value", ARRAYS, ids=lambda a: f"{a.dtype}{a.shape}")
def test_arrays_come_back(value):
    back = wire.decode(wire.encode(value))
    np.testing.assert_array_equal(back, value)
    assert back.shape == value.shape
    assert back.dtype == value.dtype.newbyteorder("=")
    assert back.flags.writeable


def test_figures_come_back_as_their_facts():
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots()
    axes.plot([1, 2], [3, 4])
    axes.set(xlabel="x [m]", title="t")
    facts = describe(figure)
    plt.close(figure)
    back = wire.decode(wire.encode(facts))
    assert type(back) is type(facts)
    assert back.axes[0].xlabel == "x [m]"
    np.testing.assert_array_equal(back.axes[0].curves[0], [[1, 3], [2, 4]])


def test_what_only_the_grader_may_send():
    header = fits.Header([("CRVAL1", 4.179, "start")])
    table = Table({"a": [1, 2], "b": ["x", "y"]})
    generator = np.random.default_rng(3)
    masked = np.ma.MaskedArray([1.0, 2.0], [True, False])
    for value, same in (
        (header, lambda back: back["CRVAL1"] == 4.179),
        (table, lambda back: list(back["b"]) == ["x", "y"]),
        (generator, lambda back: back.normal() == np.random.default_rng(3).normal()),
        (masked, lambda back: back.mask.tolist() == [True, False]),
        (np.float32(1.5), lambda back: type(back) is np.float32),
    ):
        message = wire.encode(value)
        assert same(wire.decode(message, trusted=True))
        with pytest.raises(wire.WireError):
            wire.decode(message)


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([None]), print, iter([]), type])
def test_nothing_else_is_sent(value):
    with pytest.raises(wire.WireError):
        wire.encode(value)


def _message(tree, *blobs):
    text = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    parts = [struct.pack("<QQ", len(text), len(blobs)), text]
    return b"".join(parts + [struct.pack("<Q", len(blob)) + blob for blob in blobs])


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff" * 40,
        _message(b"{"),
        _message({"array": ["<f8", [10**9], 0]}, b"12345678"),
        _message({"array": ["<U0", [10**9], 0]}, b""),
        _message({"array": ["<f8", [-1, -1], 0]}, b"12345678"),
        _message({"array": ["<f8", [2**70, 0], 0]}, b""),
        _message({"array": ["|O", [1], 0]}, b"12345678"),
        _message({"array": ["<f8,<f8", [1], 0]}, b"1" * 16),
        _message({"array": ["<f8", [1], -1]}, b"12345678"),
        _message({"array": ["<f8", [True], 0]}, b"12345678"),
        _message({"array": ["|b1", [1], 0]}, b"\x07"),
        _message({"array": ["<U1", [1], 0]}, b"\xff\xff\xff\x7f"),
        _message({"list": "abc"}),
        _message({"dict": [[{"list": []}, 1]]}),
        _message({"pickle": "x"}),
        _message({"list": [{"bytes": 0}, {"bytes": 0}]}, b"twice"),
        _message({"array": ["<M8[" + "1" * 40 + "s]", [1], 0]}, b"12345678"),
        _message({"dict": [[n * (2**61 - 1), 0] for n in range(9)]}),
        _message({"dict": [[n, 0] for n in range(10_001)]}),
        _message({"list": [{"dict": [[n, 0] for n in range(5_001)]}] * 2}),
        _message({"list": [{"dict": [[{"tuple": [n]}, 0] for n in range(9_000)]}] * 2}),
        _message({"path": "/etc/passwd"}),
        _message({"generator": {}}),
        _message({"FigureFacts": {"dict": []}}),
        _message({"list": [], "tuple": []}),
        _message(b"[" * 100_000 + b"]" * 100_000),
        _message(json.dumps(1).encode() + b" junk"),
        _message(b"9" * 10_000),
        _message(1) + b"more",
        struct.pack("<QQ", 1, 2**60) + b"1",
        struct.pack("<QQ", 2**62, 0),
    ],
)
def test_forged_messages_are_refused(message):
    with pytest.raises(wire.WireError):
        wire.decode(message)


def test_keys_of_numbers_are_taken():
    numbers = {n: {-n: None} for n in range(1_000)} | {n / 7: n for n in range(1_000)}
    assert wire.decode(wire.encode(numbers)) == numbers
    names = {f"star {n}": n for n in range(100_000)}
    assert wire.decode(wire.encode(names)) == names


def _figure(**facts):
    given = {"title": "", "xlabel": "", "ylabel": "", "xlim": (0.0, 1.0), "ylim": (0.0, 1.0)}
    return FigureFacts([AxesFacts(**{**given, "xscale": "log", "yscale": "log", **facts})] * 2)


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        ({"points": [np.zeros((1_000_001, 2))]}, "points"),
        ({"curves": [np.zeros((600_000, 2)), np.zeros((500_000, 2))]}, "points"),
        ({"bars": np.zeros((1_000_001, 2))}, "points"),
        ({"curves": [np.zeros((1, 2))] * 25_001}, "curves and clouds"),
        ({"texts": ["x" * 100_001]}, "letters"),
        ({"xlabel": "x" * 100_001}, "letters"),
    ],
)
def test_figures_of_more_than_can_be_seen_are_refused_on_both_sides(facts, what, monkeypatch):
    with pytest.raises(wire.WireError, match=f"a figure of \\d+ {what}, more than"):
        wire.encode(_figure(**facts))
    with monkeypatch.context() as patch:
        patch.setattr(wire, "_require_small", lambda _: None)
        message = wire.encode(_figure(**facts))
    with pytest.raises(wire.WireError, match=what):
        wire.decode(message)


def test_deep_nesting_is_refused():
    tree = 1
    for _ in range(60):
        tree = {"list": [tree]}
    with pytest.raises(wire.WireError):
        wire.decode(_message(tree))
