"""Mutation operators: the slips that a machine makes in a right answer, one at a time.

These are the standard ones (DeMillo, Lipton and Sayward 1978; Offutt et al. 1996) on Python's
syntax tree, and some for arrays:

==================  ===============================================================
comparison          ``<`` becomes ``>=``, ``==`` becomes ``!=``, ``in`` becomes ``not in``
boundary            ``<`` becomes ``<=``
arithmetic          ``+`` becomes ``-``, ``*`` becomes ``/``, ``**`` becomes ``*``
boolean             ``and`` becomes ``or``, ``&`` becomes ``|``
dropped operand     ``a + b`` becomes ``a``, and ``b``
dropped sign        ``-x``, ``~x`` and ``not x`` become ``x``
constant            n becomes n + 1 (1.1 n from 1000 on), 0 and -n; True becomes False
index               one more, one less; a bound or step of a slice left out
axis                ``axis=0`` becomes ``axis=1``
condition           ``if a`` becomes ``if not a``
dropped statement   one that changes something there already, a guard, or the end of a loop
dropped argument    a keyword, or the last one
dropped call        ``np.sqrt(x)`` becomes ``x``, ``max(x, 1)`` becomes ``x``
exchanged           neighbouring arguments or results; a name for another of the function
returned argument   an argument is returned
in place            ``b = a + 1`` becomes ``a += 1; b = a``; ``x.copy()`` becomes ``x``
==================  ===============================================================

What is never touched is in `places`; conversions of type are not touched either.
"""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Iterator
from typing import Any, TypeVar

from labkit.grading.places import Change, Place, called, literal, number, words

#: calls that give something of the shape of what they are given
_SHAPE_KEEPING = words(
    "abs arcsinh clamp clip cumsum exp expm1 isfinite log log10 max maximum min minimum nan_to_num "
    "reciprocal reversed round sort sorted sqrt square"
)
#: of those, the ones that need a second argument to be so
_NEED_TWO = words("max maximum min minimum")
_MODULES = words("math np pt torch")
#: calls whose arguments may come in any order
_SYMMETRIC = words("allclose gcd hypot isclose logical_and logical_or max maximum min minimum zip")
#: calls that look at the shape of something, which several arguments have in common
_OF_SHAPE = words("empty_like full_like len ones_like shape zeros_like")
#: a number from which on one more would be no slip that anybody could see
_LARGE = 1000

_NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.MatMult: ast.Mult,
    ast.LShift: ast.RShift,
}
_BITS: dict[type[ast.operator], type[ast.operator]] = {
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_IN_PLACE = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)

Slip = tuple[str, list[Change]]
_Node = TypeVar("_Node", bound=ast.AST)


def slips(place: Place) -> Iterator[Slip]:
    """Yield every slip that can be made in a place: the operator's name, and what it changes."""
    node = place.node
    if isinstance(node, ast.stmt):
        yield from _of_statement(place, node)
    elif isinstance(node, ast.keyword):
        if node.arg and isinstance(place.parent, ast.Call):
            yield "dropped argument", [place.replaced()]
    elif isinstance(node, ast.Slice):
        yield from _of_slice(place, node)
    elif isinstance(node, ast.expr):
        if (value := number(node)) is not None:
            yield from _of_number(place, value)
        else:
            yield from _of_expression(place, node)
        yield from _of_its_role(place, node)


def _of_expression(place: Place, node: ast.expr) -> Iterator[Slip]:
    match node:
        case ast.Constant(value=bool()):
            yield "constant", [place.replaced(ast.Constant(not node.value))]
        case ast.Compare():
            for operator, table in (("comparison", _NEGATED), ("boundary", _BOUNDARY)):
                for n, op in enumerate(node.ops):
                    if other := table.get(type(op)):
                        ops = [*node.ops[:n], other(), *node.ops[n + 1 :]]
                        yield operator, [place.replaced(_but(node, ops=ops))]
        case ast.BinOp():
            yield from _other_operator(place, node)
            for operand in (node.left, node.right):
                if number(operand) is None:
                    yield "dropped operand", [place.replaced(operand)]
        case ast.BoolOp():
            other_op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield "boolean", [place.replaced(_but(node, op=other_op))]
            for n in range(len(node.values)):
                left = [*node.values[:n], *node.values[n + 1 :]]
                new = _but(node, values=left) if len(left) > 1 else left[0]
                yield "dropped operand", [place.replaced(new)]
        case ast.UnaryOp():
            yield "dropped sign", [place.replaced(node.operand)]
        case ast.Name(ctx=ast.Load()):
            if name := _another_name(place, node.id):
                yield "exchanged", [place.replaced(ast.Name(name, ast.Load()))]
        case ast.Call():
            yield from _of_call(place, node)
        case ast.Tuple() if isinstance(place.parent, ast.Return):
            for parts in _neighbours_exchanged(node.elts):
                yield "exchanged", [place.replaced(_but(node, elts=parts))]


def _other_operator(place: Place, node: ast.BinOp | ast.AugAssign) -> Iterator[Slip]:
    for operator, table in (("arithmetic", _ARITHMETIC), ("boolean", _BITS)):
        if other := table.get(type(node.op)):
            yield operator, [place.replaced(_but(node, op=other()))]


def _of_number(place: Place, value: float) -> Iterator[Slip]:
    if isinstance(place.parent, ast.keyword) and place.parent.arg == "axis":
        yield "axis", [place.replaced(literal(1 if value == 0 else 0))]
        return
    if _is_index(place):
        operator, others = "index", [value + 1, value - 1]
    else:
        more = value + 1 if abs(value) < _LARGE else type(value)(1.1 * value)
        operator, others = "constant", [more, 0, -value]
    for other in others:
        if other != value:
            yield operator, [place.replaced(literal(other))]


def _is_index(place: Place) -> bool:
    parent = place.parent
    if isinstance(parent, ast.Tuple) and isinstance(place.above[-2], ast.Subscript):
        return place.above[-2].slice is parent
    return isinstance(parent, ast.Slice) or (
        isinstance(parent, ast.Subscript) and parent.slice is place.node
    )


def _of_slice(place: Place, node: ast.Slice) -> Iterator[Slip]:
    for name, op in (("lower", ast.Add()), ("upper", ast.Sub()), ("step", None)):
        bound = getattr(node, name)
        if bound is not None:
            yield "index", [place.replaced(_but(node, **{name: None}))]
            if op and number(bound) is None:
                one_off = ast.BinOp(bound, op, ast.Constant(1))
                yield "index", [place.replaced(_but(node, **{name: one_off}))]


def _of_call(place: Place, node: ast.Call) -> Iterator[Slip]:
    name = called(node)
    if name in _SHAPE_KEEPING and (kept := _what_it_is_given(node)) is not None:
        yield "dropped call", [place.replaced(kept)]
    if name == "copy" and isinstance(node.func, ast.Attribute) and not node.args:
        yield "in place", [place.replaced(node.func.value)]
    if name == "array" and isinstance(node.func, ast.Attribute):
        yield "in place", [place.replaced(_but(node, func=_but(node.func, attr="asarray")))]
    if name == "range" and node.args and number(node.args[-1]) is None:
        fewer = ast.BinOp(node.args[-1], ast.Sub(), ast.Constant(1))
        yield "index", [place.replaced(_but(node, args=[*node.args[:-1], fewer]))]
    if name not in _SYMMETRIC:
        for arguments in _neighbours_exchanged(node.args):
            yield "exchanged", [place.replaced(_but(node, args=arguments))]


def _what_it_is_given(node: ast.Call) -> ast.expr | None:
    """Return what a call makes something of: its first argument, or what it is a method of."""
    arguments = node.args
    if isinstance(node.func, ast.Attribute):
        value = node.func.value
        if not (isinstance(value, ast.Name) and value.id in _MODULES):
            arguments = [value, *arguments]
    return arguments[0] if len(arguments) > (called(node) in _NEED_TWO) else None


def _of_its_role(place: Place, node: ast.expr) -> Iterator[Slip]:
    """Yield the slips that depend on what an expression is for."""
    parent = place.parent
    if place.name in ("test", "ifs") and not isinstance(node, ast.Compare | ast.UnaryOp):
        yield "condition", [place.replaced(ast.UnaryOp(ast.Not(), node))]
    if place.name == "args" and isinstance(parent, ast.Call) and called(parent) not in _SYMMETRIC:
        last = len(parent.args) - 1
        if 0 < last == place.index:
            yield "dropped argument", [place.replaced()]


def _another_name(place: Place, name: str) -> str:
    """Return another name of the same kind: the next parameter, or what was made just before."""
    parameters = place.scope.parameters
    if place.name == "func" or called(place.parent) in _OF_SHAPE or _is_shape(place.parent):
        return ""
    if name in parameters:
        other = parameters[(parameters.index(name) + 1) % len(parameters)]
        return other if other != name else ""
    above = place.scope.above(place.line)
    return next((n for n in reversed(above) if n != name), "") if name in above else ""


def _is_shape(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in ("shape", "size")


def _neighbours_exchanged(nodes: list[ast.expr]) -> Iterator[list[ast.expr]]:
    for n, (first, second) in enumerate(itertools.pairwise(nodes)):
        if not any(_is_text(node) or isinstance(node, ast.Starred) for node in (first, second)):
            yield [*nodes[:n], second, first, *nodes[n + 2 :]]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


# --- of statements ------------------------------------------------------------------------------


def _of_statement(place: Place, node: ast.stmt) -> Iterator[Slip]:
    if _may_be_dropped(place, node):
        yield "dropped statement", [place.replaced()]
    if isinstance(node, ast.AugAssign):
        yield from _other_operator(place, node)
    if isinstance(node, ast.Return) and isinstance(place.parent, ast.FunctionDef):
        for name in place.scope.parameters:
            returned = ast.Return(ast.Name(name, ast.Load()))
            yield "returned argument", [place.replaced(returned)]
    if isinstance(node, ast.Return | ast.Assign | ast.AugAssign | ast.Expr):
        yield from _in_place(place, node)


def _may_be_dropped(place: Place, node: ast.stmt) -> bool:
    """Say whether the rest can do without a statement: what it makes is there already."""
    if isinstance(node, ast.If):
        return not node.orelse
    if isinstance(node, ast.Assign):
        names = {
            part.id
            for target in node.targets
            for part in ast.walk(target)
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
        }
        return names <= {*place.scope.parameters, *place.scope.above(node.lineno)}
    return isinstance(node, ast.AugAssign | ast.Expr | ast.Break | ast.Continue)


def _in_place(place: Place, node: ast.stmt) -> Iterator[Slip]:
    """Compute with an array that was handed in, and leave the result in it."""
    again = (ast.Lambda, ast.comprehension, ast.ListComp, ast.GeneratorExp, ast.DictComp)
    for inner in place.within():
        part = inner.node
        if any(isinstance(above, again) for above in inner.above[len(place.above) :]):
            continue
        if not (isinstance(part, ast.BinOp) and isinstance(part.op, _IN_PLACE)):
            continue
        if isinstance(part.left, ast.Name) and part.left.id in place.scope.arrays:
            name = part.left.id
            first = ast.AugAssign(ast.Name(name, ast.Store()), part.op, part.right)
            result = inner.replaced(ast.Name(name, ast.Load()))
            yield "in place", [result, place.replaced(first, node)]


def _but(node: _Node, **fields: Any) -> _Node:
    """Return a copy of a node with other fields."""
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new
