"""What a query may not say: SQL Server would refuse it, or this archive does not have it.

SQLite runs much that SQL Server refuses; a query that passes here is to run on SkyServer too.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping

from sqlglot import exp

from surveys.tsql_functions import (
    AGGREGATES,
    FLAG_FUNCTIONS,
    FUNCTIONS,
    OPERATORS,
    PREFIX,
    SqlError,
)

#: SQLite's own functions of the same meaning, by SQL Server's name
NATIVE_AGGREGATES = {
    **{name: name for name in ("count", "sum", "min", "max")},
    "count_big": "count",
    "string_agg": "group_concat",
}
NATIVE = {
    **NATIVE_AGGREGATES,
    **{name: name for name in ("abs", "coalesce", "nullif", "iif")},
    **{name: name for name in ("row_number", "rank", "dense_rank", "ntile", "percent_rank")},
    **{name: name for name in ("cume_dist", "lag", "lead", "first_value", "last_value")},
    "isnull": "ifnull",
}
#: The functions that a rewritten query may call.
SQLITE_NAMES = frozenset(
    {*(PREFIX + name for name in FUNCTIONS), *OPERATORS, *AGGREGATES, *NATIVE.values()}
)
#: SQL Server's types, by sqlglot's.
TYPES = {
    exp.DType.BIT: "bit",
    exp.DType.UTINYINT: "tinyint",
    exp.DType.SMALLINT: "smallint",
    exp.DType.INT: "int",
    exp.DType.BIGINT: "bigint",
    exp.DType.FLOAT: "float",
    exp.DType.DOUBLE: "float",
    exp.DType.DECIMAL: "decimal",
    exp.DType.CHAR: "char",
    exp.DType.NCHAR: "char",
    exp.DType.VARCHAR: "varchar",
    exp.DType.NVARCHAR: "varchar",
    exp.DType.TEXT: "varchar",
}
_KNOWN = {*FUNCTIONS, *AGGREGATES, *NATIVE}
_AGGREGATES = {*AGGREGATES, *NATIVE_AGGREGATES}
_FLAG_NAMES = {form.lower(): form for name in FLAG_FUNCTIONS for form in (name, f"{name}N")}
_GRAMMAR = (
    *(exp.Select, exp.Subquery, exp.Union, exp.Except, exp.Intersect, exp.With, exp.CTE),
    *(exp.From, exp.Join, exp.Table, exp.TableAlias, exp.WithTableHint, exp.QueryOption),
    *(exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Distinct),
    *(exp.Limit, exp.LimitOptions, exp.Fetch, exp.Offset, exp.Window, exp.WindowSpec),
    *(exp.Alias, exp.Column, exp.Dot, exp.Identifier, exp.Var, exp.Star, exp.Literal, exp.Null),
    *(exp.And, exp.Or, exp.Not, exp.Paren, exp.Exists, exp.In, exp.Between, exp.Is),
    *(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Like, exp.Escape, exp.Collate),
    *(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg),
    *(exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.BitwiseNot),
    *(exp.Anonymous, exp.Case, exp.If, exp.Cast, exp.TryCast, exp.Convert),
    *(exp.DataType, exp.DataTypeParam),
)
COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
_CONDITIONS = (exp.Predicate, exp.Connector, exp.Not, exp.Escape)
_OWN_DATABASE = re.compile(r"(dbo|(best)?dr\d+)?", re.IGNORECASE)


def nearest(name: str, known: Iterable[str]) -> str:
    """Name what resembles a name that does not exist.

    Parameters
    ----------
    name : str
    known : iterable of str
        Those that exist.

    Returns
    -------
    str
        " Did you mean ...?", or nothing.
    """
    lower = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.6)
    inside = [other for other in lower if len(other) > 2 and other in name.lower()]
    found = [f"'{lower[other]}'" for other in dict.fromkeys([*close, *inside])][:3]
    return f" Did you mean {' or '.join(found)}?" if found else ""


def check_grammar(query: exp.Query) -> None:
    """Refuse what can be told without the tables.

    Parameters
    ----------
    query : sqlglot.exp.Query

    Raises
    ------
    SqlError
        Naming the part.
    """
    for node in query.walk():
        if isinstance(node, exp.Into):
            raise SqlError("SELECT ... INTO makes a table, but this archive is only read.", 400)
        if type(node) not in _GRAMMAR:
            raise SqlError(f"This archive does not understand '{node.sql('tsql').strip()[:60]}'.")
        if isinstance(node, exp.In) and not (node.expressions or node.args.get("query")):
            raise SqlError("Incorrect syntax near ')': IN wants at least one value.")
        if isinstance(node, exp.Is) and not isinstance(node.expression, exp.Null):
            raise SqlError("Incorrect syntax near 'IS': it tells NULLs only; write = for others.")
        if node.args.get("with_ties"):
            raise SqlError("This archive does not understand TOP ... WITH TIES.")
        if isinstance(node, exp.CTE) and node.alias.lower() in _table_names(node):
            raise SqlError("This archive does not understand a WITH that refers to itself.")
        if isinstance(node, exp.DataType) and node.this not in TYPES:
            raise SqlError(f"This archive does not understand the type {node.sql('tsql')}.")
    for node in query.walk():
        if isinstance(node, exp.Anonymous):
            _check_function(node)
        if isinstance(node, exp.Select):
            _check_groups(node)
            _check_order(node)
        in_from = isinstance(node.parent, (exp.From, exp.Join)) and node.arg_key == "this"
        if in_from and isinstance(node.this, exp.Query) and not node.alias:
            raise SqlError("A query in FROM needs a name: FROM (SELECT ...) AS x.")
        if not isinstance(node, exp.Paren):
            _check_condition(node)


def check_names(query: exp.Query, tables: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse unknown tables, misplaced aliases, and texts compared with numbers.

    Parameters
    ----------
    query : sqlglot.exp.Query
    tables : mapping of str to mapping of str to str
        The columns of every table, and their types in SQLite.

    Raises
    ------
    SqlError
        Naming the part, and what there is.
    """
    columns: dict[str, Iterable[str]] = {name.lower(): names for name, names in tables.items()}
    for part in query.find_all(exp.CTE):
        columns[part.alias.lower()] = part.alias_column_names or part.this.named_selects
    for table in query.find_all(exp.Table):
        owners = [part.name for part in table.parts[:-1]]
        if table.name.lower() not in columns or not all(map(_OWN_DATABASE.fullmatch, owners)):
            name = ".".join([*filter(None, owners), table.name])
            raise SqlError(
                f"Invalid object name '{name}': the tables of this archive are "
                f"{', '.join(sorted(tables))}.{nearest(table.name, tables)}"
            )
    called = {source.alias_or_name.lower() for source in query.find_all(exp.Table, exp.Subquery)}
    for column in query.find_all(exp.Column):
        if column.table and column.table.lower() not in called:
            raise SqlError(
                f"The multi-part identifier '{column.sql('tsql')}' could not be bound: no table is "
                f"called {column.table} in this query."
            )
    for select in query.find_all(exp.Select):
        _check_aliases(select, columns)
    _check_texts(query, tables)


def column_hint(name: str, query: exp.Query, tables: Mapping[str, Iterable[str]]) -> str:
    """Say what may have been meant by a column that is in none of the query's tables.

    Parameters
    ----------
    name : str
    query : sqlglot.exp.Query
    tables : mapping of str to iterable of str
        The columns of every table.

    Returns
    -------
    str
        A sentence after a blank, or nothing.
    """
    owners = [table for table in tables if name.lower() in map(str.lower, tables[table])]
    if owners:
        return f" It is a column of {' and '.join(owners)}."
    used = [tables[table] for table in tables if table.lower() in _table_names(query)]
    hint = nearest(name, {column for columns in used for column in columns})
    quoted = any(part.quoted for part in query.find_all(exp.Identifier) if part.name == name)
    return hint or (f" Text stands in single quotes: '{name}'." if quoted else "")


def _table_names(part: exp.Expr) -> set[str]:
    return {table.name.lower() for table in part.find_all(exp.Table)}


def _own(part: exp.Expr) -> Iterator[exp.Expr]:
    """Go through a part of a SELECT, but not through the queries inside it."""
    return part.walk(prune=lambda node: isinstance(node, exp.Query) and node is not part)


def _check_function(call: exp.Anonymous) -> None:
    name, arguments = call.name.lower(), call.expressions
    in_schema = isinstance(call.parent, (exp.Dot, exp.Table))
    if in_schema and name not in _FLAG_NAMES:
        there = ", ".join(f"dbo.{known}" for known in _FLAG_NAMES.values())
        raise SqlError(f"There is no function dbo.{call.name} in this archive: it has {there}.")
    if name not in _KNOWN:
        raise SqlError(f"There is no function {call.name} in this archive.{nearest(name, _KNOWN)}")
    if name in _FLAG_NAMES and not in_schema:
        raise SqlError(f"There is no function {call.name}: write dbo.{call.name}.")
    wanted = 2 if name == "string_agg" else 1
    if name in _AGGREGATES and len(arguments) != wanted:
        raise SqlError(f"The function {name.upper()} requires {wanted} argument(s).")
    for function, bits in FLAG_FUNCTIONS.items():
        flag = arguments[0].name if arguments else ""
        if name == function.lower() and arguments[0].is_string and flag.upper() not in bits:
            raise SqlError(f"{function} knows no flag '{flag}'.{nearest(flag, bits)}")


def _check_condition(node: exp.Expr) -> None:
    """Keep conditions and values apart: in SQL Server no value is true or false."""
    place = node
    while isinstance(place.parent, exp.Paren):
        place = place.parent
    above, key = place.parent, place.arg_key
    wanted = (
        isinstance(above, (exp.Where, exp.Having, exp.Connector, exp.Not))
        or (isinstance(above, exp.Join) and key == "on")
        or (isinstance(above, exp.Escape) and key == "this")
        or (isinstance(above, exp.If) and key == "this" and not _case_value(above))
        or (isinstance(above, exp.Anonymous) and above.name.lower() == "iif" and place.index == 0)
    )
    if wanted and not isinstance(node, _CONDITIONS):
        raise SqlError(
            f"A condition is expected near '{node.sql('tsql')}', which is a value: compare it "
            "with another, as in ... <> 0."
        )
    if isinstance(node, _CONDITIONS) and not wanted:
        raise SqlError(
            f"A value is expected near '{node.sql('tsql')}', which is a condition: write "
            "CASE WHEN ... THEN 1 ELSE 0 END."
        )


def _case_value(branch: exp.If) -> exp.Expr | None:
    """Return x of the CASE x WHEN ... that a branch belongs to; None in CASE WHEN ..."""
    return branch.parent.this if branch.parent else None


def _is_aggregate(node: exp.Expr) -> bool:
    if isinstance(node.parent, exp.Window) and node.arg_key == "this":
        return False
    return isinstance(node, exp.Anonymous) and node.name.lower() in _AGGREGATES


def _check_groups(select: exp.Select) -> None:
    """Refuse a column that has many values in a group; SQLite would give any of them."""
    group, having, order = (select.args.get(name) for name in ("group", "having", "order"))
    keys = group.expressions if group else []
    parts = [*select.expressions, *filter(None, (having, order))]
    if not group and not having and not any(map(_is_aggregate, _all_own(parts))):
        return
    names = {key.name.lower() for key in keys if isinstance(key, exp.Column)}
    written = {key.sql().lower() for key in keys}

    def settled(node: exp.Expr) -> bool:
        inside = isinstance(node, (exp.Query, exp.Window)) or _is_aggregate(node)
        return inside or node.sql().lower() in written

    for part in parts:
        allowed = names | {column.alias.lower() for column in select.expressions if part is order}
        for node in part.walk(prune=settled):
            many = isinstance(node, (exp.Column, exp.Star)) and node.name.lower() not in allowed
            if many and not settled(node):
                raise SqlError(
                    f"Column '{node.sql('tsql')}' is invalid here because it is not contained in "
                    "either an aggregate function or the GROUP BY clause."
                )


def _check_order(select: exp.Select) -> None:
    """Refuse an order that has no meaning, or that some rows of the answer do not settle."""
    order, offset = select.args.get("order"), select.args.get("offset")
    if offset and (not order or isinstance(select.args.get("limit"), exp.Limit)):
        raise SqlError("Incorrect syntax near 'OFFSET': it wants ORDER BY, and no TOP.")
    if not order or not select.args.get("distinct") or select.is_star:
        return
    shown = {part.alias_or_name.lower() for part in select.expressions}
    shown |= {part.unalias().sql().lower() for part in select.expressions}
    for key in (part.this for part in order.expressions):
        if not key.is_number and not {key.sql().lower(), key.name.lower()} & shown:
            raise SqlError(
                "ORDER BY items must appear in the select list if SELECT DISTINCT is specified: "
                f"'{key.sql('tsql')}' does not."
            )


def _all_own(parts: Iterable[exp.Expr]) -> Iterator[exp.Expr]:
    return (node for part in parts for node in _own(part))


def _columns_in_reach(select: exp.Select, columns: Mapping[str, Iterable[str]]) -> set[str]:
    """List what a SELECT can read: columns of its tables and of those of the query around it."""
    outer = select.find_ancestor(exp.From, exp.Join, exp.CTE, exp.Select)
    found = _columns_in_reach(outer, columns) if isinstance(outer, exp.Select) else set()
    for part in filter(None, (select.args.get("from_"), *(select.args.get("joins") or []))):
        if isinstance(part.this, exp.Table):
            found.update(map(str.lower, columns[part.this.name.lower()]))
        elif isinstance(part.this, exp.Subquery):
            found.update(map(str.lower, part.this.named_selects))
    return found


def _check_aliases(select: exp.Select, columns: Mapping[str, Iterable[str]]) -> None:
    """Refuse the use of a column's new name before it is given; SQLite would allow it."""
    known = _columns_in_reach(select, columns)
    if "*" in known:
        return
    given = {part.alias.lower() for part in select.expressions if isinstance(part, exp.Alias)}
    places = map(select.args.get, ("where", "group", "having"))
    for node in _all_own([*filter(None, places), *(select.args.get("joins") or [])]):
        if isinstance(node, exp.Column) and not node.table and node.name.lower() in given - known:
            raise SqlError(
                f"Invalid column name '{node.name}': a name given by AS is known in ORDER BY only; "
                "repeat what it stands for."
            )


def _check_texts(query: exp.Query, tables: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse a column of text beside a number: most often, quotation marks were forgotten."""
    used = _table_names(query)
    kinds = [
        (name, kind)
        for table in tables
        if table.lower() in used
        for name, kind in tables[table].items()
    ]
    texts = {name.lower() for name, kind in kinds if kind == "TEXT"}
    texts -= {name.lower() for name, kind in kinds if kind != "TEXT"}
    texts -= {part.alias.lower() for part in query.find_all(exp.Alias)}
    for node in query.find_all(*COMPARISONS, exp.In, exp.Between):
        parts = [part for part in node.iter_expressions() if not isinstance(part, exp.Query)]
        column = next((part for part in parts if part.name.lower() in texts), None)
        number = next((part for part in parts if _is_number(part)), None)
        if isinstance(column, exp.Column) and number:
            raise SqlError(
                f"Conversion failed when converting the varchar column '{column.name}' to a "
                f"number, near '{number.sql('tsql')}': text stands in single quotes."
            )


def _is_number(part: exp.Expr) -> bool:
    """Whether a part is made of numbers only."""
    leaves = list(part.find_all(exp.Literal, exp.Column, exp.Anonymous))
    return bool(leaves) and all(leaf.is_number for leaf in leaves)
