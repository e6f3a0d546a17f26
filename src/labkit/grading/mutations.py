"""Answers with one slip each, as a machine makes them of a right one, and the slip in words."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, replace

from labkit.grading.operators import slips
from labkit.grading.places import Change, Place, made, number, places


@dataclass(frozen=True)
class Mutation:
    """An answer with one slip.

    Attributes
    ----------
    operator : str
    line : int
        Of the answer, from 1.
    before, after : str
        The text around the slip, so much of it that it reads like no other place of the answer.
    code : str
        The whole answer.
    """

    operator: str
    line: int
    before: str
    after: str
    code: str

    def __str__(self) -> str:
        return f"{self.operator}: {self.before} => {self.after}"


def mutations(answer: str) -> list[Mutation]:
    """Make every slip in an answer.

    Parameters
    ----------
    answer : str
        Python code.

    Returns
    -------
    list of Mutation
        In the order of the answer; no two of them are the same code, and none is the answer's own.
    """
    tree = ast.parse(answer)
    everywhere = [(place, *slip) for place in places(tree) for slip in slips(place)]
    # what is more than that is called by its own name
    everywhere.sort(key=lambda each: each[1] == "returned argument")
    texts = Counter(_text(node) for node in ast.walk(tree) if _is_readable(node))
    # of a cell with several functions only the one with the slip is written out anew
    parts = list(map(ast.unparse, tree.body))
    seen = {"\n".join(parts)}
    found: list[Mutation] = []
    for place, operator, changes in everywhere:
        around = _around(place, changes, texts)
        before = _text(around)
        top = (*place.above, place.node)[1]
        part = next(n for n, statement in enumerate(tree.body) if statement is top)
        with made(changes):
            new, after = ast.unparse(tree.body[part]), _after(around, changes)
        code = "\n".join([*parts[:part], new, *parts[part + 1 :]])
        if code not in seen and _compiles(new):
            seen.add(code)
            found.append(Mutation(operator, place.line, *_short(before, after), code))
    return _told_apart(sorted(found, key=lambda mutation: mutation.line))


# --- what a slip is called ----------------------------------------------------------------------


def _is_readable(node: ast.AST) -> bool:
    """Say whether a node by itself tells a reader something."""
    if isinstance(node, ast.expr):
        alone = isinstance(node, ast.Name | ast.Constant | ast.Slice | ast.Starred)
        return not alone and number(node) is None
    return isinstance(node, ast.stmt | ast.keyword)


def _text(node: ast.AST) -> str:
    """Return a node as a line of Python; of a block, its first line."""
    return ast.unparse(node).partition("\n")[0]


def _around(place: Place, changes: list[Change], texts: Counter[str]) -> ast.AST:
    """Return the smallest node around a slip that reads like no other, at most a statement."""
    nodes = (place.node, *reversed(place.above))
    if isinstance(place.node, ast.expr) and not changes[0].new:
        nodes = nodes[1:]  # an argument alone does not say whose it was
    return next(
        node
        for node in nodes
        if isinstance(node, ast.stmt) or (_is_readable(node) and texts[_text(node)] == 1)
    )


def _after(around: ast.AST, changes: list[Change]) -> str:
    for change in changes:
        if change.old is around:
            return "; ".join(map(_text, change.new)) or "(nothing)"
    return _text(around)


def _short(before: str, after: str, most: int = 100, context: int = 40) -> tuple[str, str]:
    """Cut long texts down to what differs, with some of what stands around it."""
    if max(len(before), len(after)) <= most:
        return before, after
    length = min(len(before), len(after))
    head = next((n for n in range(length) if before[n] != after[n]), length)
    tail = next((n for n in range(length) if before[-1 - n] != after[-1 - n]), length)
    tail = min(tail, length - head)

    def cut(text: str) -> str:
        first, last = max(head - context, 0), min(len(text) - tail + context, len(text))
        return "..." * (first > 0) + text[first:last] + "..." * (last < len(text))

    return cut(before), cut(after)


def _told_apart(found: list[Mutation]) -> list[Mutation]:
    """Number those that would read alike."""
    count: Counter[str] = Counter()
    for n, mutation in enumerate(found):
        count[str(mutation)] += 1
        if (times := count[str(mutation)]) > 1:
            found[n] = replace(mutation, after=f"{mutation.after} #{times}")
    return found


def _compiles(code: str) -> bool:
    try:
        compile(code, "<mutant>", "exec")
    except (SyntaxError, ValueError):
        return False
    return True
