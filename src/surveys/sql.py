"""SkyServer's SQL search over an SQLite catalogue: SQL Server's dialect in, CSV out.

The SQL comes from a notebook and is not trusted: one SELECT, on a read-only connection, with an
authorizer that knows only the catalogue's tables and a list of functions, and with limits on time,
rows, bytes and string length.
"""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from sqlglot import exp

from surveys.tsql import column_names, parse, to_sqlite
from surveys.tsql_functions import SqlError, register
from surveys.tsql_rules import SQLITE_NAMES, check_names, column_hint

MAX_ROWS = 500_000
"""SkyServer's own limit on the rows of one answer."""
MAX_ANSWER_BYTES = 256_000_000
MAX_STRING_BYTES = 1_000_000
SQL_SECONDS = 5.0

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: MAX_STRING_BYTES,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1_000_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 500,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 20,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}


def _tables(connection: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """List every table's columns with their types, and let texts compare as SQL Server's do.

    A view of the table's name hides the table. Indexed columns keep their own way of comparing,
    letter by letter, so that joins are fast: they are names, written alike in all tables.
    """
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'"
    )
    tables = {}
    for (table,) in found.fetchall():
        columns = connection.execute(f"PRAGMA table_info([{table}])").fetchall()
        indexed = {
            column
            for _, index, *_ in connection.execute(f"PRAGMA index_list([{table}])").fetchall()
            for *_, column in connection.execute(f"PRAGMA index_info([{index}])").fetchall()
        }
        listed = ", ".join(
            f"[{name}]"
            if kind in ("INTEGER", "REAL") or name in indexed
            else f"[{name}] COLLATE NOCASE AS [{name}]"
            for _, name, kind, *_ in columns
        )
        connection.execute(f"CREATE TEMP VIEW [{table}] AS SELECT {listed} FROM main.[{table}]")
        tables[table] = {name: kind for _, name, kind, *_ in columns}
    return tables


def _protect(connection: sqlite3.Connection, tables: Iterable[str], deadline: float) -> None:
    """Forbid everything but reading the tables, with functions that do no harm, in time."""
    readable = {name.lower() for name in tables}

    def authorize(
        action: int, first: str | None, second: str | None, _database: str | None, _view: str | None
    ) -> int:
        first, second = (first or "").lower(), (second or "").lower()
        if action == sqlite3.SQLITE_SELECT:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION and second in SQLITE_NAMES:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            # a column of a table; "" is a count(*), of a subquery perhaps, which has its own name
            hidden = first.startswith(("sqlite_", "pragma_"))
            if first in readable or (not second and not hidden):
                return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    for limit, value in _LIMITS.items():
        connection.setlimit(limit, value)
    connection.set_authorizer(authorize)
    connection.set_progress_handler(lambda: int(time.monotonic() > deadline), 10_000)


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
    deadline = time.monotonic() + seconds
    query = parse(sql)
    statement = to_sqlite(query)
    uri = catalogue.resolve().as_uri() + "?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    complaints: list[str] = []
    tables: dict[str, dict[str, str]] = {}
    try:
        tables = _tables(connection)
        check_names(query, tables)
        register(connection, deadline, complaints)
        _protect(connection, tables, deadline)
        cursor = connection.execute(statement)
        text = io.StringIO()
        text.write("#Table1\n")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(column_names(query, [column[0] for column in cursor.description]))
        for count, row in enumerate(cursor):
            if count == max_rows:
                break
            writer.writerow(row)
            if text.tell() > MAX_ANSWER_BYTES:
                raise SqlError("The answer is too large: ask for fewer rows or columns.")
        return text.getvalue()
    except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
        if time.monotonic() > deadline:
            reason = f"The query ran longer than {seconds:g} s and was stopped: narrow it down."
        else:
            reason = complaints[0] if complaints else _reason(str(error), query, tables)
        raise SqlError(reason) from error
    finally:
        connection.close()


def _reason(message: str, query: exp.Query, tables: Mapping[str, Iterable[str]]) -> str:
    """Say in SQL Server's words why SQLite does not run a query."""
    if match := re.search(r"no such column: (?:.*\.)?(.+)", message):
        return f"Invalid column name '{match[1]}'.{column_hint(match[1], query, tables)}"
    if match := re.search(r"ambiguous column name: (.+)", message):
        return f"Ambiguous column name '{match[1]}': say of which table, as in s.{match[1]}."
    if re.search(r"stack overflow|too many|too large", message, re.IGNORECASE):
        return f"The query is too long or too deeply nested: {message}."
    if "prohibited" in message or "not authorized" in message:
        return f"The permission was denied: {message}."
    return message[:1].upper() + message[1:] + "."
