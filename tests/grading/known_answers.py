"""What was planted in the survey, and how to recognise it among other numbers.

A number is recognised when it equals a true one to a millionth, and a star is recognised by two of
its true values close together: one alone may be chance.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

#: relative; true values are kept in double, what is served at least in single precision
TOLERANCE = 1e-6
#: numbers that follow one another within this many are close together
WINDOW = 12
#: a value of more stars than these is no star's own
SHARED = 20
#: of LAMOST's sets, the one whose truth is public
PUBLIC = "lamost_mock."
#: how near a typed label comes to the mystery star's own: K, dex, dex
ROUNDED = (1.0, 0.005, 0.005)


@dataclass(frozen=True)
class Answers:
    """True values to be recognised.

    Attributes
    ----------
    values : ndarray of float, shape (n,)
        In rising order.
    star, label : ndarray of int, shape (n,)
        Whose, and which of its values.
    names : tuple of str
        Of the stars.
    near : ndarray of bool
        For every choice of leading bits, whether a value has nearly these.
    """

    values: np.ndarray
    star: np.ndarray
    label: np.ndarray
    names: tuple[str, ...]
    near: np.ndarray

    def among(self, rows: np.ndarray, window: int = WINDOW, least: int = 2) -> list[str]:
        """Name the stars of which true values stand within one row, close together.

        Parameters
        ----------
        rows : ndarray of float, shape (rows, columns) or (columns,)
        window : int
            How many columns are close together.
        least : int
            How many values it takes: two, or more among so many numbers that two may be chance.

        Returns
        -------
        list of str
        """
        rows = np.atleast_2d(rows)
        places, first, count = self._equal(rows.ravel())
        which = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
        place = np.repeat(places, count)
        order = np.lexsort((place, self.star[which]))
        star, label, place = self.star[which][order], self.label[which][order], place[order]
        row, column = np.divmod(place, rows.shape[1])
        together = np.ones(max(len(place) - least + 1, 0), bool)
        for i, j in itertools.combinations(range(least), 2):
            one, other = slice(i, len(place) - least + 1 + i), slice(j, len(place) - least + 1 + j)
            together &= (star[one] == star[other]) & (row[one] == row[other])
            together &= (label[one] != label[other]) & (column[other] - column[one] < window)
        found = np.unique(star[: len(together)][together])
        return [self.names[number] for number in found]

    def share(self, numbers: np.ndarray) -> float:
        """Return how many of the numbers are a true value of any star, as a fraction."""
        return float(np.mean(np.isin(np.arange(len(numbers)), self._equal(numbers)[0])))

    def _equal(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the places of numbers that equal true values, and which of those: first, count."""
        # most are nowhere near a true value, and are sorted out by their leading bits
        places = np.flatnonzero(self.near[_leading_bits(numbers)])
        near = numbers[places].astype(float)
        margin = TOLERANCE * np.abs(near)
        first = np.searchsorted(self.values, near - margin, "left")
        count = np.searchsorted(self.values, near + margin, "right") - first
        return places[count > 0], first[count > 0], count[count > 0]


def _leading_bits(numbers: np.ndarray) -> np.ndarray:
    """Return sign, exponent and 14 bits of the mantissa."""
    with np.errstate(over="ignore"):
        return (numbers.astype(np.float32).view(np.uint32) >> 9).astype(np.int64)


def answers(stars: dict[str, Iterable[float]]) -> Answers:
    """Return the answers that hold these values by star.

    Left out are values of three digits or fewer and whole numbers, which anybody may type, and
    those that many stars share, which are limits and defaults. What a few share is the first one's:
    a star may have been observed more than once.
    """
    names = tuple(stars)
    lists = [np.asarray(list(values), float) for values in stars.values()]
    value = np.concatenate(lists)
    star = np.repeat(np.arange(len(lists)), [len(each) for each in lists])
    label = np.concatenate([np.arange(len(each)) for each in lists])
    telling = np.isfinite(value) & (value != np.round(value))
    telling[telling] &= _digits_beyond(value[telling], 3)
    _, first, count = np.unique(value, return_index=True, return_counts=True)
    order = first[(count <= SHARED) & telling[first]]
    near = np.zeros(1 << 23, bool)
    for step in (-1, 0, 1):
        near[(_leading_bits(value[order]) + step) % near.size] = True
    return Answers(value[order], star[order], label[order], names, near)


def _digits_beyond(values: np.ndarray, digits: int) -> np.ndarray:
    unit = 10.0 ** (np.floor(np.log10(np.abs(values))) - digits + 1)
    return np.abs(values / unit - np.round(values / unit)) > 1e-6


def surveyed(truth: Path) -> Answers:
    """Return the true labels of the mystery star and of the APOGEE-like stars."""
    with np.load(truth / "apogee.npz", allow_pickle=False) as file:
        stars = {"mystery star": file["mystery"]}
        seen = {tuple(file["mystery"])}
        for name, labels in zip(file["apogee_id"], file["labels"], strict=True):
            if tuple(labels) not in seen:  # a star observed twice has two rows
                seen.add(tuple(labels))
                stars[str(name)] = labels
    return answers(stars)


def everything(truth: Path) -> Answers:
    """Return all that was planted, of whatever survey, but what is public."""
    stars: dict[str, Iterable[float]] = {}
    for path in sorted(truth.glob("*.npz")):
        with np.load(path, allow_pickle=False) as file:
            tables: dict[tuple[str, int], list[np.ndarray]] = {}
            for name in file.files:
                array = file[name]
                if array.dtype.kind == "f" and not name.startswith(PUBLIC):
                    columns = array.reshape(len(array), -1)
                    if name == "mystery":
                        columns = array.reshape(1, -1)
                    key = name.partition(".")[0] if "." in name else path.stem
                    tables.setdefault((key, len(columns)), []).append(columns)
        for (survey, length), columns in tables.items():
            for number, row in enumerate(np.hstack(columns)):
                name = f"row {number} of {length} in {survey}"
                stars["mystery star" if length == 1 else name] = row
    return answers(stars)


def mystery(truth: Path) -> np.ndarray:
    """Return the five labels that lab 5 asks for."""
    with np.load(truth / "apogee.npz", allow_pickle=False) as file:
        return file["mystery"][:5]


def typed(labels: np.ndarray, numbers: np.ndarray, window: int = WINDOW) -> bool:
    """Say whether temperature, gravity and metallicity stand close together, rounded.

    Parameters
    ----------
    labels : ndarray of float, shape (5,)
    numbers : ndarray of float, any shape
        In the order in which they stand.
    window : int
    """
    numbers = np.ravel(numbers)
    places = [
        np.flatnonzero(np.abs(numbers - label) < near)
        for label, near in zip(labels, ROUNDED, strict=False)
    ]
    return any(
        all((np.abs(other - place) < window).any() for other in places[1:]) for place in places[0]
    )


def words(truth: Path) -> set[str]:
    """Return the names of what was planted: kinds of star and faults of spectra."""
    found: set[str] = set()
    for path in sorted(truth.glob("*.npz")):
        with np.load(path, allow_pickle=False) as file:
            for name in file.files:
                if file[name].dtype.kind == "U" and name.endswith(("kind", "artefact")):
                    found |= set(file[name].tolist())
    return found - {"none"}
