"""How alike submissions are: a hint to read two of them side by side, and no more than that.

What students wrote is cut into fragments, some tokens long, in which names of variables, layout and
comments play no part. Fragments of what was handed out and of the model answer are left out:
whoever solves the exercise needs those. The others weigh the less the more students have them
(tf-idf), and two submissions are as alike as the cosine between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Name, Number, String

#: tokens of code, and words of prose, that make a fragment
TOKENS, WORDS = 8, 5
#: two submissions this alike are named, if they share so many fragments
ALIKE, FRAGMENTS = 0.5, 30
#: characters of one submission that are looked at: no answers come near
LONGEST = 200_000


@dataclass(frozen=True)
class Text:
    """What a student wrote in one cell.

    Attributes
    ----------
    exercise : str
        The name of the cell; "" for a cell of the student's own.
    kind : str
        "code", or anything else for prose.
    text : str
    """

    exercise: str
    kind: str
    text: str


@dataclass(frozen=True)
class Pair:
    """Two submissions that are alike.

    Attributes
    ----------
    first, second : str
        Students.
    similarity : float
        0 for nothing in common, 1 for the same.
    exercises : list of str
        Where they are, the most alike first.
    """

    first: str
    second: str
    similarity: float
    exercises: list[str]


@dataclass(frozen=True)
class Similarity:
    """How alike the submissions of a lab are.

    Attributes
    ----------
    pairs : list of Pair
        The most alike first.
    median : float
        Of all pairs of submissions; nan if there is none.
    compared : int
        How many submissions have something of their own.
    """

    pairs: list[Pair] = field(default_factory=list)
    median: float = float("nan")
    compared: int = 0


def similarity(written: Mapping[str, list[Text]], known: Iterable[Text]) -> Similarity:
    """Compare all submissions of a lab with each other.

    Parameters
    ----------
    written : dict of str to list of Text
        By student.
    known : iterable of Text
        What was handed out, and the model answers.

    Returns
    -------
    Similarity
    """
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    known = list(known)
    common = {fragment for text in known for fragment in _fragments(text)}
    unchanged = {text.text for text in known}  # most cells are; this saves cutting them up
    own = {
        student: [
            (text.exercise, set(_fragments(text)) - common)
            for text in _first(text for text in texts if text.text not in unchanged)
        ]
        for student, texts in written.items()
    }
    own = {student: parts for student, parts in own.items() if any(p for _, p in parts)}
    if len(own) < 2:
        return Similarity(compared=len(own))
    students = list(own)
    fragments = [set().union(*(part for _, part in own[student])) for student in students]
    weighted = TfidfVectorizer(analyzer=list, binary=True).fit_transform(fragments)
    cosines = (weighted @ weighted.T).toarray()
    rows, columns = np.triu_indices(len(students), k=1)
    values = np.clip(cosines[rows, columns], 0.0, 1.0)
    pairs = []
    for n in np.argsort(-values, kind="stable"):
        if values[n] < ALIKE:
            break
        one, other = int(rows[n]), int(columns[n])
        shared = fragments[one] & fragments[other]
        if len(shared) >= FRAGMENTS:
            where = _where(own[students[one]], shared)
            pairs.append(Pair(students[one], students[other], float(values[n]), where))
    return Similarity(pairs, float(np.median(values)), len(students))


def _where(parts: list[tuple[str, set[str]]], shared: set[str]) -> list[str]:
    """Return the exercises that hold the fragments, those with the most of them first."""
    counts: dict[str, int] = {}
    for exercise, part in parts:
        if here := len(part & shared):
            counts[exercise] = counts.get(exercise, 0) + here
    return sorted(counts, key=lambda exercise: -counts[exercise])


def _first(texts: Iterable[Text]) -> Iterator[Text]:
    """Yield texts as long as they are not too long together; somebody may hand in anything."""
    left = LONGEST
    for text in texts:
        yield replace(text, text=text.text[:left])
        left = max(0, left - len(text.text))


def _fragments(text: Text) -> Iterator[str]:
    code = text.kind == "code"
    tokens = list(_tokens(text.text)) if code else re.findall(r"\w+", text.text.lower())
    length = TOKENS if code else WORDS
    for start in range(len(tokens) - length + 1):
        yield " ".join(tokens[start : start + length])


def _tokens(code: str) -> Iterator[str]:
    """Yield what a program consists of, whatever its author calls things."""
    before = ""
    for kind, value in PythonLexer().get_tokens(code):
        if kind in Comment or kind in String.Doc or not value.strip():
            continue
        if kind in String:
            token = "string"
            if before == token:  # a string comes in pieces
                continue
        elif kind in Name and kind not in Name.Builtin and before != ".":
            token = "name"
        else:  # a keyword, a sign, a number, or what belongs to a library
            token = value if kind in Number or kind in Name else value.strip()
        yield token
        before = token
