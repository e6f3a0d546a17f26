"""SQL Server's dialect, read by sqlglot and rewritten for SQLite.

What SQLite does not know, or knows under another meaning, becomes a call of a function of
`surveys.tsql_functions`; what is refused stands in `surveys.tsql_rules`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, ClassVar

from sqlglot import ErrorLevel, exp
from sqlglot.dialects.sqlite import SQLite
from sqlglot.dialects.tsql import TSQL
from sqlglot.errors import ParseError, TokenError, UnsupportedError
from sqlglot.parsers.tsql import TSQLParser
from sqlglot.tokenizer_core import Token, TokenType

from surveys.tsql_functions import COLLATION, FUNCTIONS, MAX_TEXT, PREFIX, SqlError
from surveys.tsql_rules import COMPARISONS, NATIVE, TYPES, check_grammar

MAX_SQL = 100_000
"""Most characters of a query."""


class _SqlServer(TSQL):
    """SQL Server's grammar, without what sqlglot knows from other dialects.

    Functions stay as they are written, & | ^ bind as + does, N'text' is text and 0x1F a number.
    """

    class Tokenizer(TSQL.Tokenizer):
        KEYWORDS: ClassVar = {
            **{word: kind for word, kind in TSQL.Tokenizer.KEYWORDS.items() if word[0].isalpha()},
            **{"<>": TokenType.NEQ, "!=": TokenType.NEQ},
            **{"<=": TokenType.LTE, "!>": TokenType.LTE},
            **{">=": TokenType.GTE, "!<": TokenType.GTE},
        }

    class Parser(TSQLParser):
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar = {
            name: TSQLParser.FUNCTION_PARSERS[name]
            for name in ("CAST", "CONVERT", "TRY_CAST", "TRY_CONVERT")
        }
        NO_PAREN_FUNCTIONS: ClassVar[dict[TokenType, Any]] = {}
        NO_PAREN_FUNCTION_PARSERS: ClassVar = {"CASE": TSQLParser.NO_PAREN_FUNCTION_PARSERS["CASE"]}
        PRIMARY_PARSERS: ClassVar = {
            **TSQLParser.PRIMARY_PARSERS,
            TokenType.NATIONAL_STRING: lambda _, token: exp.Literal.string(token.text),
            TokenType.HEX_STRING: lambda _, token: exp.Literal.number(int(token.text or "0", 16)),
        }
        QUERY_MODIFIER_PARSERS: ClassVar = {
            kind: parser
            for kind, parser in TSQLParser.QUERY_MODIFIER_PARSERS.items()
            if kind is not TokenType.LIMIT
        }
        TERM: ClassVar = {**TSQLParser.TERM, **TSQLParser.BITWISE}
        BITWISE: ClassVar[dict[TokenType, Any]] = {}


_CLAUSES = [
    *(TokenType.FROM, TokenType.WHERE, TokenType.GROUP_BY, TokenType.HAVING, TokenType.ORDER_BY)
]
_OPENING = {TokenType.SELECT, TokenType.L_PAREN, TokenType.COMMA, *_CLAUSES}
_CLOSING = {TokenType.R_PAREN, TokenType.SEMICOLON, TokenType.SELECT, TokenType.UNION, *_CLAUSES}


class _SQLite(SQLite):
    """SQLite's grammar, names in square brackets: there, "a name" unknown to it is a string."""

    class Tokenizer(SQLite.Tokenizer):
        IDENTIFIERS: ClassVar = [("[", "]")]


def parse(sql: str) -> exp.Query:
    """Read one SELECT.

    Parameters
    ----------
    sql : str
        In SQL Server's dialect.

    Returns
    -------
    sqlglot.exp.Query

    Raises
    ------
    SqlError
        When it is not one SELECT, or not SQL Server's grammar, or asks for what is not here.
    """
    if len(sql) > MAX_SQL:
        raise SqlError(f"The query is longer than {MAX_SQL} characters: shorten it.", 400)
    try:
        tokens = _SqlServer().tokenize(sql)
        first = next((token.text.upper() for token in tokens if token.text != "("), "")
        if first not in ("SELECT", "WITH"):
            what = f", not {first}" if first else ": the query is empty"
            raise SqlError(f"Only a SELECT statement can be run here{what}.", 400)
        _check_tokens(tokens)
        query, *others = filter(None, _SqlServer().parser().parse(tokens, sql))
    except ParseError as error:
        hint = " Write TOP after SELECT in place of LIMIT." if " LIMIT " in sql.upper() else ""
        raise SqlError(_syntax(error) + hint) from error
    except TokenError as error:
        raise SqlError("Incorrect syntax: a quotation mark or a comment is not closed.") from error
    except RecursionError as error:
        raise SqlError("The query is nested too deeply.") from error
    if others:
        raise SqlError("Only one statement can be run at a time.", 400)
    if not isinstance(query, exp.Query):
        raise SqlError(f"Only a SELECT statement can be run here, not {query.key.upper()}.", 400)
    while isinstance(query, exp.Subquery) and query.is_wrapper:  # brackets around it all
        query = query.this
    return query


def _check_tokens(tokens: Sequence[Token]) -> None:
    """Refuse what sqlglot forgives: a stray comma, clauses out of order, a JOIN without ON."""
    ends = [Token(TokenType.SELECT, ""), *tokens, Token(TokenType.SEMICOLON, "")]
    reached = {}  # the last clause at each depth of brackets
    depth = joins = 0
    for before, token in pairwise(ends):
        kind = token.token_type
        depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
        joins += kind is TokenType.JOIN and before.token_type is not TokenType.CROSS
        joins -= kind is TokenType.ON
        stray = kind is TokenType.COMMA and before.token_type in _OPENING
        stray |= kind in _CLOSING and before.token_type is TokenType.COMMA
        if kind in (TokenType.L_PAREN, TokenType.SELECT):
            reached[depth] = 0
        elif kind in _CLAUSES:
            stray |= _CLAUSES.index(kind) < reached.get(depth, 0)
            reached[depth] = _CLAUSES.index(kind)
        if stray:
            near = before if before.token_type is TokenType.COMMA else token
            place = f"line {near.line}, column {near.col}"
            raise SqlError(f"Incorrect syntax near '{near.text}' ({place}).")
    if joins > 0:
        raise SqlError("Incorrect syntax near 'JOIN': say ON which condition rows are joined.")


def _syntax(error: ParseError) -> str:
    found = error.errors[0]
    near = f"near '{found['highlight'][:40]}'" if found["highlight"] else "at the end"
    return f"Incorrect syntax {near} (line {found['line']}, column {found['col']})."


def to_sqlite(sql: str | exp.Query) -> str:
    """Rewrite a query of SQL Server's dialect for SQLite.

    Parameters
    ----------
    sql : str or sqlglot.exp.Query
        One SELECT statement, or what `parse` made of it.

    Returns
    -------
    str
        The same query for a connection that knows `tsql_functions.register`'s functions.

    Raises
    ------
    SqlError
        When it is not one SELECT, or uses what has no counterpart.
    """
    try:
        query = parse(sql) if isinstance(sql, str) else sql
        check_grammar(query)
        around = exp.Paren(this=query.copy())
        for node in reversed(list(around.this.walk())):  # what is inside first
            new = _REWRITES.get(type(node), _same)(node)
            if new is not node:
                node.replace(new)
        for node in list(around.find_all(exp.Anonymous, exp.Case)):
            _collate(node)
        written: str = around.this.sql(
            _SQLite, identify=True, comments=False, unsupported_level=ErrorLevel.RAISE
        )
        return written
    except UnsupportedError as error:
        raise SqlError(f"This archive does not understand the query: {error}") from error
    except RecursionError as error:
        raise SqlError("The query is nested too deeply.") from error


def column_names(sql: str | exp.Query, names: Sequence[str]) -> list[str]:
    """Name an answer's columns as SQL Server would.

    A plain column keeps the spelling of the query (SQLite gives the table's), an expression
    without a name is Column1, Column2 ..., and a name met twice gets a number.

    Parameters
    ----------
    sql : str or sqlglot.exp.Query
        The query, as sent or parsed.
    names : sequence of str
        The names SQLite gives.

    Returns
    -------
    list of str
        As many names, all different.
    """
    query = parse(sql) if isinstance(sql, str) else sql
    written = [_written_name(column) for column in query.selects]
    if "*" in written:
        written = [name if re.fullmatch(r"[A-Za-z_]\w*", name) else "" for name in names]
    result: list[str] = []
    unnamed = 0
    for name in written:
        if not name:
            unnamed += 1
            name = f"Column{unnamed}"
        taken = {other.lower() for other in result}
        unique, number = name, 0
        while unique.lower() in taken:
            number += 1
            unique = f"{name}{number}"
        result.append(unique)
    return result


def _written_name(column: exp.Expr) -> str:
    column = column.unnest()
    return column.alias_or_name if isinstance(column, (exp.Alias, exp.Column, exp.Star)) else ""


# --- rewriting, node by node ----------------------------------------------------------------------


def _same(node: exp.Expr) -> exp.Expr:
    return node


def _call(function: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=function, expressions=list(arguments))


def _sum(node: exp.Add) -> exp.Anonymous:
    first = node.this
    terms = first.expressions if first.name == "plus" else [first]
    return _call("plus", *terms, node.expression)


def _bracketed(node: exp.Binary) -> exp.Binary:
    """Keep the order of operations where SQLite has another."""
    for key in ("this", "expression"):
        if isinstance(node.args[key], exp.Binary):
            node.set(key, exp.Paren(this=node.args[key]))
    return node


def _divided(node: exp.Div) -> exp.Binary:
    divisor = node.expression
    if not divisor.is_number or not float(divisor.name):
        node.set("expression", _call("nonzero", divisor))
    return _bracketed(node)


def _cast(node: exp.Cast | exp.TryCast | exp.Convert) -> exp.Anonymous:
    converted = isinstance(node, exp.Convert)
    value, wanted = (node.expression, node.this) if converted else (node.this, node.args["to"])
    kind = TYPES[wanted.this]
    sizes = [part.name for part in wanted.expressions]
    size, decimals = [*sizes, *("30" if "char" in kind else "18", "0")[len(sizes) :]][:2]
    forgiving = node.args.get("safe") or isinstance(node, exp.TryCast)
    return _call(
        "try_as_type" if forgiving else "as_type",
        value,
        exp.Literal.string(kind),
        exp.Literal.number(size if size.isdigit() else MAX_TEXT),
        exp.Literal.number(decimals),
    )


def _function(node: exp.Anonymous) -> exp.Anonymous:
    name = node.name.lower()
    node.set("this", f"{PREFIX}{name}" if name in FUNCTIONS else NATIVE.get(name, name))
    return node


def _name(node: exp.Column | exp.Table) -> exp.Column | exp.Table:
    for part in ("db", "catalog"):
        node.set(part, None)
    return node


def _select(node: exp.Select) -> exp.Select:
    node.set("options", None)
    limit = node.args.get("limit")
    options = limit and limit.args.get("limit_options")
    if limit and options and options.args.get("percent"):
        everything = node.copy()
        for part in ("limit", "order", "with_"):
            everything.set(part, None)
        share = f"{PREFIX}ceiling(COUNT(*) * ({limit.expression.sql(_SQLite)}) / 100.0)"
        number = exp.select(f"CAST({share} AS INTEGER)").from_(everything.subquery("everything"))
        node.set("limit", exp.Limit(expression=number.subquery()))
    return node


def _set_operation(node: exp.SetOperation) -> exp.SetOperation:
    for key in ("this", "expression"):
        if isinstance(node.args[key], exp.Subquery):
            node.set(key, exp.select("*").from_(node.args[key]))
    return node


def _collation(node: exp.Collate) -> exp.Collate:
    kept = "_CI_" in node.expression.name.upper()
    node.set("expression", exp.Var(this=COLLATION if kept else "BINARY"))
    return node


# --- comparing texts ------------------------------------------------------------------------------
#
# Letter case and blanks at the end do not count. Columns have no such blanks, and the connection's
# views let them compare by NOCASE; what functions make is compared by a function of our own.


def _collated(node: exp.Expr, collation: str) -> exp.Collate:
    return exp.Collate(this=node, expression=exp.Var(this=collation))


def _trim(literal: exp.Expr) -> None:
    if literal.is_string:
        literal.set("this", literal.name.rstrip(" "))


def _comparison(node: exp.Binary) -> exp.Binary:
    for key, beside in (("this", node.expression), ("expression", node.this)):
        _trim(node.args[key])
        if node.args[key].is_string and isinstance(beside, (exp.Column, exp.Literal)):
            node.set(key, _collated(node.args[key], "NOCASE"))
    return node


def _between(node: exp.Between) -> exp.Expr:
    for key in ("low", "high"):
        _trim(node.args[key])
    return _compared(node)


def _case(node: exp.Case) -> exp.Case:
    if node.this:
        _trim(node.this)
        for branch in node.args["ifs"]:
            _trim(branch.this)
        _compared(node)
    return node


def _in(node: exp.In) -> exp.Expr:
    for item in node.expressions:
        _trim(item)
    return _compared(node) if node.expressions else node


def _compared(node: exp.Expr) -> exp.Expr:
    """Let what stands first decide how texts are compared."""
    if isinstance(node.this, (exp.Column, exp.Literal)):
        node.set("this", _collated(node.this, "NOCASE"))
    return node


def _collate(node: exp.Expr) -> None:
    """Let what a function makes be compared, sorted and grouped as texts are."""
    if isinstance(node.parent, exp.Window) and node.arg_key == "this":
        node = node.parent
    inside = isinstance(node.parent, exp.Anonymous) and node.parent.name not in ("min", "max")
    if not inside:
        around = _collated(exp.Null(), COLLATION)
        node.replace(around)
        around.set("this", node)


#: by class of node; each function takes a node of its class
_REWRITES: dict[type[exp.Expr], Callable[[Any], exp.Expr]] = {
    **dict.fromkeys(COMPARISONS, _comparison),
    **dict.fromkeys((exp.Sub, exp.Mul, exp.BitwiseAnd, exp.BitwiseOr), _bracketed),
    **dict.fromkeys((exp.Cast, exp.TryCast, exp.Convert), _cast),
    **dict.fromkeys((exp.Union, exp.Except, exp.Intersect), _set_operation),
    **dict.fromkeys((exp.Column, exp.Table), _name),
    exp.Add: _sum,
    exp.Anonymous: _function,
    exp.Between: _between,
    exp.BitwiseXor: lambda node: _call("bitwise_xor", node.this, node.expression),
    exp.Case: _case,
    exp.Collate: _collation,
    exp.Div: _divided,
    exp.Dot: lambda node: node.expression,
    exp.In: _in,
    exp.Mod: lambda node: _call("modulo", node.this, node.expression),
    exp.Select: _select,
}
