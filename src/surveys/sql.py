"""SkyServer's SQL search over an SQLite catalogue: SQL Server's dialect in, CSV out.

The SQL comes from a notebook and is not trusted: one SELECT, on a read-only connection, with an
authorizer that knows only the catalogue's tables and a list of functions, and with limits on time,
rows, bytes and string length.
"""

from __future__ import annotations

import csv
import io
import math
import re
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

MAX_ROWS = 500_000
"""SkyServer's own limit on the rows of one answer."""
MAX_ANSWER_BYTES = 256_000_000
MAX_STRING_BYTES = 1_000_000
SQL_SECONDS = 5.0


class SqlError(Exception):
    """A query this server refuses or cannot run; `status` is the HTTP status SkyServer gives it."""

    def __init__(self, message: str, status: int = 500):
        super().__init__(message)
        self.status = status


_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
      | (?P<string>'(?:[^']|'')*')
      | (?P<name>\[[^\]]*\]|"(?:[^"]|"")*"|[A-Za-z_#@][\w#@$]*)
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<mark><>|!=|<=|>=|.)""",
    re.VERBOSE | re.DOTALL,
)
_SET_WORDS = {"UNION", "EXCEPT", "INTERSECT"}


class _Token(NamedTuple):
    kind: str
    text: str

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind == "name" else self.text


def _tokens(sql: str) -> list[_Token]:
    found = [_Token(match.lastgroup or "", match.group()) for match in _TOKEN.finditer(sql)]
    return [token for token in found if token.kind != "space"]


def to_sqlite(sql: str) -> str:
    """Rewrite SQL Server's dialect for SQLite, as far as a catalogue query needs it.

    `SELECT TOP n` becomes LIMIT, in subqueries too; the `dbo.` before a table goes; "names" in
    double quotes can no longer be mistaken for strings.

    Parameters
    ----------
    sql : str
        One SELECT statement.

    Returns
    -------
    str
        The same statement for SQLite.

    Raises
    ------
    SqlError
        When it is not one SELECT, or uses TOP in a way that has no counterpart.
    """
    tokens = _tokens(sql)
    while tokens and tokens[-1].text == ";":
        tokens.pop()
    if not tokens or tokens[0].word not in ("SELECT", "WITH"):
        raise SqlError("Only a SELECT statement can be run here.", 400)
    if any(token.text == ";" for token in tokens):
        raise SqlError("Only one statement can be run at a time.", 400)

    out: list[str] = []
    open_selects = [_OpenSelect()]  # one at each depth of brackets
    position = 0
    while position < len(tokens):
        token = tokens[position]
        position += 1
        if token.text == "(":
            open_selects.append(_OpenSelect())
        elif token.text == ")":
            if len(open_selects) == 1:
                raise SqlError("Incorrect syntax near ')'.")
            out += open_selects.pop().ending()
        elif token.word in _SET_WORDS:
            open_selects[-1].compound = True
        elif _is_schema(token) and position < len(tokens) and tokens[position].text == ".":
            position += 1
            continue
        out.append(_spelt(token))
        if token.word == "SELECT":
            position, words, limit = _read_top(tokens, position)
            out += words
            open_selects[-1].limit = limit or open_selects[-1].limit
    if len(open_selects) > 1:
        raise SqlError("Incorrect syntax: a ')' is missing.")
    out += open_selects[0].ending()
    return " ".join(out)


@dataclass
class _OpenSelect:
    """What is known of the SELECT whose end has not been reached."""

    limit: str | None = None
    compound: bool = False

    def ending(self) -> list[str]:
        if self.limit and self.compound:
            raise SqlError(
                "TOP beside UNION, EXCEPT or INTERSECT is not understood by this archive: "
                "write SELECT * FROM (SELECT TOP ...) there."
            )
        return [f"LIMIT {self.limit}"] if self.limit else []


def _is_schema(token: _Token) -> bool:
    return token.kind == "name" and token.text.strip('[]"').lower() == "dbo"


def _spelt(token: _Token) -> str:
    # SQLite takes an unknown "name" for a string; an unknown [name] is an error, as it should be.
    if token.kind == "name" and token.text.startswith('"'):
        return "[" + token.text[1:-1].replace('""', '"') + "]"
    # and ISNULL is an operator there, not a function
    return "ifnull" if token.word == "ISNULL" else token.text


def _read_top(tokens: list[_Token], position: int) -> tuple[int, list[str], str | None]:
    """Read `[DISTINCT|ALL] [TOP n | TOP (n)]` after a SELECT; return what to keep, and n."""
    words = []
    if position < len(tokens) and tokens[position].word in ("DISTINCT", "ALL"):
        words.append(tokens[position].text)
        position += 1
    if position >= len(tokens) or tokens[position].word != "TOP":
        return position, words, None
    ahead = [token.text for token in tokens[position + 1 : position + 4]]
    if len(ahead) == 3 and ahead[0] == "(" and ahead[1].isdigit() and ahead[2] == ")":
        number, position = ahead[1], position + 4
    elif ahead and ahead[0].isdigit():
        number, position = ahead[0], position + 2
    else:
        raise SqlError("Incorrect syntax near the keyword 'TOP': write SELECT TOP 10 ...")
    after = " ".join(token.word for token in tokens[position : position + 2])
    if after.startswith("PERCENT") or after == "WITH TIES":
        raise SqlError("TOP ... PERCENT and WITH TIES are not understood by this archive.")
    return position, words, number


def column_names(sql: str, names: list[str]) -> list[str]:
    """Name an answer's columns as SQL Server would.

    A plain column keeps the spelling of the query (SQLite gives the table's), an expression
    without a name is Column1, Column2 ..., and a name met twice gets a number.

    Parameters
    ----------
    sql : str
        The query, as sent.
    names : list of str
        The names SQLite gives.

    Returns
    -------
    list of str
        As many names, all different.
    """
    written = _written_names(sql)
    if len(written) != len(names):
        written = [None] * len(names)
    result: list[str] = []
    unnamed = 0
    for name, own in zip(names, written, strict=True):
        name = own or name
        if not re.fullmatch(r"[A-Za-z_][\w#@$ ]*", name):
            unnamed += 1
            name = f"Column{unnamed}"
        taken = {other.lower() for other in result}
        unique, number = name, 0
        while unique.lower() in taken:
            number += 1
            unique = f"{name}{number}"
        result.append(unique)
    return result


def _written_names(sql: str) -> list[str | None]:
    """Return the spelling of each plain column in the outer SELECT's list, None for the others."""
    tokens = _tokens(sql)
    if not tokens or tokens[0].word != "SELECT":
        return []
    position, _, _ = _read_top(tokens, 1)
    items: list[list[_Token]] = [[]]
    depth = 0
    for token in tokens[position:]:
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.word == "FROM":
            break
        if depth == 0 and token.text == ",":
            items.append([])
        else:
            items[-1].append(token)
    names: list[str | None] = []
    for item in items:
        plain = [token.kind for token in item] in (["name"], ["name", "mark", "name"])
        names.append(item[-1].text.strip('[]"') if plain else None)
    return names


# --- running it safely ----------------------------------------------------------------------------


def _null_if_none(function: Callable) -> Callable:
    def wrapped(*values):
        return None if any(value is None for value in values) else function(*values)

    return wrapped


# SQL Server's meaning where SQLite's differs (LOG is natural there) or depends on how it was built.
_FUNCTIONS: dict[str, tuple[int, Callable]] = {
    "log": (1, math.log),
    "log10": (1, math.log10),
    "exp": (1, math.exp),
    "power": (2, math.pow),
    "sqrt": (1, math.sqrt),
    "square": (1, lambda x: x * x),
    "floor": (1, math.floor),
    "ceiling": (1, math.ceil),
    "sin": (1, math.sin),
    "cos": (1, math.cos),
    "tan": (1, math.tan),
    "asin": (1, math.asin),
    "acos": (1, math.acos),
    "atan": (1, math.atan),
    "atn2": (2, math.atan2),
    "radians": (1, math.radians),
    "degrees": (1, math.degrees),
    "pi": (0, lambda: math.pi),
    "len": (1, lambda text: len(str(text).rstrip(" "))),
}
_BUILTIN_FUNCTIONS = {
    *("abs", "avg", "coalesce", "count", "ifnull", "iif", "like", "lower", "ltrim", "max", "min"),
    *("nullif", "replace", "round", "rtrim", "sign", "substr", "substring", "sum", "trim"),
    *("upper", "row_number", "rank", "dense_rank", "ntile", "first_value", "last_value"),
    *("lag", "lead", "unicode"),
}


class _Spread:
    """Standard deviation of a sample, as SQL Server's STDEV."""

    def __init__(self):
        self.n, self.mean, self.square = 0, 0.0, 0.0

    def step(self, value):
        if value is not None:
            self.n += 1
            delta = value - self.mean
            self.mean += delta / self.n
            self.square += delta * (value - self.mean)

    def finalize(self):
        return math.sqrt(self.square / (self.n - 1)) if self.n > 1 else None


class _Variance(_Spread):
    """Variance of a sample, as SQL Server's VAR."""

    def finalize(self):
        return self.square / (self.n - 1) if self.n > 1 else None


_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: MAX_STRING_BYTES,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 500,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 20,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}


def _connect(catalogue: Path, deadline: float) -> sqlite3.Connection:
    """Open the catalogue read-only, with everything but reading its tables forbidden."""
    uri = catalogue.resolve().as_uri() + "?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    tables = {
        name.lower()
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
        )
    }
    for name, (count, function) in _FUNCTIONS.items():
        connection.create_function(name, count, _null_if_none(function), deterministic=True)
    for name, aggregate in {"stdev": _Spread, "var": _Variance}.items():
        connection.create_aggregate(name, 1, aggregate)
    functions = _BUILTIN_FUNCTIONS | set(_FUNCTIONS) | {"stdev", "var"}

    def authorize(action, first, second, _database, _trigger):
        first, second = (first or "").lower(), (second or "").lower()
        if action == sqlite3.SQLITE_SELECT:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION and second in functions:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            # a column of a table; "" is a count(*), of a subquery perhaps, which has its own name
            hidden = first.startswith(("sqlite_", "pragma_"))
            if first in tables or (not second and not hidden):
                return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    for limit, value in _LIMITS.items():
        connection.setlimit(limit, value)
    connection.set_authorizer(authorize)
    connection.set_progress_handler(lambda: int(time.monotonic() > deadline), 10_000)
    return connection


def run_sql(
    catalogue: Path, sql: str, *, seconds: float = SQL_SECONDS, max_rows: int = MAX_ROWS
) -> str:
    """Run one untrusted query and write the answer as SkyServer's CSV.

    Parameters
    ----------
    catalogue : Path
        The SQLite file.
    sql : str
        One SELECT in SQL Server's dialect.
    seconds : float
        The longest it may run.
    max_rows : int
        Rows beyond these are cut off, as SkyServer does.

    Returns
    -------
    str
        "#Table1", a line of column names, the rows.

    Raises
    ------
    SqlError
        With a message for the person who wrote the query.
    """
    statement = to_sqlite(sql)
    deadline = time.monotonic() + seconds
    connection = _connect(catalogue, deadline)
    try:
        cursor = connection.execute(statement)
        text = io.StringIO()
        text.write("#Table1\n")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(column_names(sql, [column[0] for column in cursor.description]))
        for count, row in enumerate(cursor):
            if count == max_rows:
                break
            writer.writerow(row)
            if text.tell() > MAX_ANSWER_BYTES:
                raise SqlError("The answer is too large: ask for fewer rows or columns.")
        return text.getvalue()
    except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
        raise SqlError(_sql_message(error, deadline, seconds)) from error
    finally:
        connection.close()


def _sql_message(error: Exception, deadline: float, seconds: float) -> str:
    message = str(error)
    if "interrupted" in message or time.monotonic() > deadline:
        return f"The query ran longer than {seconds:g} s and was stopped: narrow it down."
    if match := re.search(r"no such column: (\S+)", message):
        return f"Invalid column name '{match[1]}'."
    if match := re.search(r"no such table: (\S+)", message):
        return f"Invalid object name '{match[1]}'."
    if "user-defined" in message:
        return "An invalid floating point operation occurred: a logarithm or root of such a value?"
    if "prohibited" in message or "not authorized" in message:
        return f"The permission was denied: {message}."
    return message[:1].upper() + message[1:] + "."
