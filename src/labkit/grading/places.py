"""Places in an answer's syntax tree where a machine may make a slip, and changes made there.

Left alone is what no test should look at: docstrings, annotations, texts, errors' messages, how a
plot looks, progress bars.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field


def words(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


#: arguments that change how something looks or how fast it comes, not what it says
_COSMETIC_ARGUMENTS = words(
    "alpha ax capsize cmap compute_convergence_checks cores desc dpi dtype edgecolor elinewidth "
    "figsize fontsize fused labelpad layout leave levels linestyle linewidth loc lw marker "
    "max_n_ticks ms ncols pad progressbar s sharex sharey smooth strict unit zorder"
)
#: calls that do no more than that
_COSMETIC_CALLS = words(
    "axhline axvline errstate grid margins set_title setLevel style subplots_adjust suptitle text "
    "tick_params tight_layout"
)
#: calls whose arguments may be anything sensible, as long as they are in order
_FREE_CALLS = frozenset({"set_xlim", "set_ylim"})
_NOT_ENTERED = (ast.Raise, ast.Assert, ast.JoinedStr, ast.Import, ast.ImportFrom, ast.arguments)
_NO_NODES = ("decorator_list", "annotation", "returns", "ctx", "op", "ops")


@dataclass
class Scope:
    """The names of a function.

    Attributes
    ----------
    parameters : list of str
    arrays : set of str
        Those of them that are arrays, by the docstring.
    made : list of (int, str)
        Where a name is given a value, and which.
    """

    parameters: list[str] = field(default_factory=list)
    arrays: set[str] = field(default_factory=set)
    made: list[tuple[int, str]] = field(default_factory=list)

    def above(self, line: int) -> list[str]:
        """Return the names that are made above a line, the latest last."""
        return list(dict.fromkeys(name for at, name in reversed(self.made) if at < line))[::-1]


@dataclass
class Change:
    """Other nodes in the place of one; none at all leave ``pass`` of a statement."""

    parent: ast.AST
    name: str  # of the field of the parent
    index: int | None  # in that field
    old: ast.AST
    new: tuple[ast.AST, ...]

    @property
    def _put_in(self) -> tuple[ast.AST, ...]:
        return self.new or ((ast.Pass(),) if isinstance(self.old, ast.stmt) else ())

    def make(self) -> None:
        """Make it in the tree."""
        self._replace(1, self._put_in)

    def undo(self) -> None:
        """Put the old node back."""
        self._replace(len(self._put_in), (self.old,))

    def _replace(self, count: int, nodes: tuple[ast.AST, ...]) -> None:
        if self.index is None:
            setattr(self.parent, self.name, nodes[0])
        else:
            getattr(self.parent, self.name)[self.index : self.index + count] = nodes


@contextlib.contextmanager
def made(changes: list[Change]) -> Iterator[None]:
    """Make changes in a tree, and undo them afterwards."""
    for change in changes:
        change.make()
    try:
        yield
    finally:
        for change in reversed(changes):
            change.undo()


@dataclass
class Place:
    """A node, where it hangs, the nodes above it, and the names known there."""

    node: ast.AST
    name: str  # of the field of the node above
    index: int | None  # in that field
    above: tuple[ast.AST, ...]
    scope: Scope

    @property
    def parent(self) -> ast.AST:
        """The node right above."""
        return self.above[-1]

    @property
    def line(self) -> int:
        """The line it stands in, from 1."""
        lines = (getattr(node, "lineno", 0) for node in (self.node, *reversed(self.above)))
        return next((line for line in lines if line), 1)

    def replaced(self, *new: ast.AST) -> Change:
        """Return the change that puts other nodes here."""
        return Change(self.parent, self.name, self.index, self.node, new)

    def within(self) -> Iterator[Place]:
        """Yield the places below this one."""
        yield from _below(self.node, self.above, self.scope, {})


def places(tree: ast.Module) -> list[Place]:
    """Take the docstrings out of a tree, and return the places where there may be a slip."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    scopes = {id(function): _scope(function) for function in functions}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            del node.body[0]
    return list(_below(tree, (), Scope(), scopes))


def _below(
    node: ast.AST, above: tuple[ast.AST, ...], scope: Scope, scopes: dict[int, Scope]
) -> Iterator[Place]:
    scope = scopes.get(id(node), scope)
    for name, value in ast.iter_fields(node):
        several = isinstance(value, list)
        for index, child in enumerate(value if several else [value]):
            if not isinstance(child, ast.AST) or name in _NO_NODES or _is_cosmetic(child):
                continue
            if isinstance(child, _NOT_ENTERED):
                continue
            place = Place(child, name, index if several else None, (*above, node), scope)
            yield place
            # a negative number is one node here
            if called(child) not in _FREE_CALLS and number(child) is None:
                yield from _below(child, place.above, scope, scopes)


def _scope(function: ast.FunctionDef) -> Scope:
    arguments = (*function.args.posonlyargs, *function.args.args)
    parameters = [a.arg for a in arguments if a.arg not in ("self", "_")]
    told = re.findall(r"^ *([\w, ]+) : (.*)$", ast.get_docstring(function) or "", re.MULTILINE)
    arrays = {name for names, kind in told if "array" in kind for name in names.split(", ")}
    return Scope(parameters, arrays & set(parameters), sorted(_made_names(function.body)))


def _made_names(nodes: list[ast.AST] | list[ast.stmt]) -> Iterator[tuple[int, str]]:
    """Yield where names are made, but those of functions and comprehensions further in."""
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id != "_":
            yield node.lineno, node.id
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda | ast.comprehension):
            yield from _made_names(list(ast.iter_child_nodes(node)))


def _is_cosmetic(node: ast.AST) -> bool:
    if isinstance(node, ast.keyword):
        says_nothing = not any(isinstance(part, ast.Call) for part in ast.walk(node.value))
        return node.arg in _COSMETIC_ARGUMENTS or (node.arg == "color" and says_nothing)
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) or called(node.value) in _COSMETIC_CALLS
    if isinstance(node, ast.withitem):
        return called(node.context_expr) in _COSMETIC_CALLS
    return False


# --- looking at nodes ---------------------------------------------------------------------------


def called(node: ast.AST) -> str:
    """Return the last name of what a call calls; "" for anything that is no call."""
    if not isinstance(node, ast.Call):
        return ""
    return str(getattr(node.func, "attr", "") or getattr(node.func, "id", ""))


def number(node: ast.AST) -> int | float | None:
    """Return the number that a node writes out, with its sign; None if it does not."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = number(node.operand)
        return None if inner is None or isinstance(node.operand, ast.UnaryOp) else -inner
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]
    return None


def literal(value: float) -> ast.expr:
    """Return the node that writes a number out."""
    if value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)
