"""SQL Server's functions and operators, as its documentation defines them, for SQLite to call.

Where the two differ: text ignores letter case and trailing blanks, a function of a whole number
gives a whole number, and what SQL Server refuses is refused with a sentence (SQLite would say
NULL or zero).
"""

from __future__ import annotations

import math
import re
import sqlite3
import time
import uuid
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from functools import lru_cache, reduce
from typing import Any, TypeAlias

from surveys.catalogue import ASPCAPFLAG, EXTRATARG, STARFLAG

COLLATION = "skyserver"
PREFIX = "t_"
"""Before the name of a function in SQLite, whose own of that name may mean something else."""
MAX_TEXT = 8000
"""SQL Server's longest varchar."""

#: what SQLite hands to a function and takes from it: a str, int, float, bytes or None
Value: TypeAlias = Any
Function: TypeAlias = Callable[..., Value]


class SqlError(Exception):
    """A query this server refuses or cannot run; `status` is the HTTP status SkyServer gives it."""

    def __init__(self, message: str, status: int = 500):
        super().__init__(message)
        self.status = status


# --- text -----------------------------------------------------------------------------------------


def _collate(one: str, other: str) -> int:
    one, other = one.rstrip(" ").lower(), other.rstrip(" ").lower()
    return (one > other) - (one < other)


def _text(value: Value) -> str:
    """Write a value as SQL Server does where it needs text: six digits of a real number."""
    if not isinstance(value, float):
        return str(value)
    shown, exponent, power = f"{value:.6g}".partition("e")
    return f"{shown}e{int(power):+04d}" if exponent else shown


def _length(function: str, number: Value) -> int:
    if number < 0:
        raise SqlError(f"Invalid length parameter passed to the {function} function.")
    return min(int(number), MAX_TEXT + 1)


def _left(text: Value, length: Value) -> str:
    return _text(text)[: _length("LEFT", length)]


def _right(text: Value, length: Value) -> str:
    whole = _text(text)
    return whole[max(len(whole) - _length("RIGHT", length), 0) :]


def _substring(text: Value, start: Value, length: Value) -> str:
    end = int(start) + _length("SUBSTRING", length)
    return _text(text)[max(int(start) - 1, 0) : max(end - 1, 0)]


def _charindex(wanted: Value, text: Value, start: Value = 1) -> int:
    return _text(text).lower().find(_text(wanted).lower(), max(int(start) - 1, 0)) + 1


def _replace(text: Value, old: Value, new: Value) -> str:
    whole, wanted, instead = _text(text), _text(old), _text(new)
    parts = re.split(re.escape(wanted), whole, flags=re.IGNORECASE) if wanted else [whole]
    if len(parts) * len(instead) > 2 * MAX_TEXT:
        raise SqlError(f"REPLACE would make a text of more than {MAX_TEXT} characters.")
    return instead.join(parts)


def _stuff(text: Value, start: Value, length: Value, new: Value) -> str | None:
    whole, first = _text(text), int(start) - 1
    if not 0 <= first < len(whole) or length < 0:
        return None
    return whole[:first] + _text(new) + whole[first + int(length) :]


def _str(number: Value, length: Value = 10, decimals: Value = 0) -> str:
    width = min(int(length), MAX_TEXT)
    whole = f"{_rounded(float(number)):.0f}"
    if len(whole) > width:
        return "*" * width
    shown = max(min(int(decimals), 16, width - len(whole) - 1), 0)
    return f"{_rounded(float(number), shown):.{shown}f}".rjust(width)


def _replicate(text: Value, count: Value) -> str:
    return _text(text) * max(0, min(int(count), MAX_TEXT + 1))


def _concat(*values: Value) -> str:
    return "".join("" if value is None else _text(value) for value in values)


def _concat_ws(separator: Value, *values: Value) -> str:
    return _concat(separator).join(_text(value) for value in values if value is not None)


@lru_cache(maxsize=256)
def _pattern(like: str, escape: str) -> re.Pattern[str]:
    """Translate a pattern of LIKE; every % but the last takes the least it can, for good, so that
    no pattern takes long on any text.
    """
    segments = [""]
    marks = r"\[\^?.[^]]*\]|."
    if escape:
        marks = re.escape(escape) + ".|" + marks
    for mark in re.findall(marks, like, re.DOTALL):
        if mark == "%":
            segments.append("")
        elif mark == "_":
            segments[-1] += "."
        elif len(mark) > 2 and mark[0] == "[" != escape:
            inverse = "^" if mark[1] == "^" and len(mark) > 3 else ""
            inside = re.sub(r"([^-0-9A-Za-z])", r"\\\1", mark[1 + len(inverse) : -1])
            segments[-1] += f"[{inverse}{inside}]"
        else:
            segments[-1] += re.escape(mark[-1])
    first, *others = segments
    body = first + "".join(f"(?>.*?{segment})" for segment in others[:-1])
    body += "".join(f".*{segment}" for segment in others[-1:])
    try:
        return re.compile(body, re.IGNORECASE | re.DOTALL)
    except re.error:
        raise SqlError(f"The pattern '{like}' is not valid.") from None


def _like(pattern: Value, text: Value, escape: str = "") -> int:
    """Answer `text LIKE pattern`; blanks at the end of the text count if the pattern asks."""
    wanted, text = _pattern(_text(pattern), escape), _text(text)
    return int(any(wanted.fullmatch(form) for form in (text, text.rstrip(" "))))


def _patindex(pattern: Value, text: Value) -> int:
    pattern, text = _text(pattern), _text(text)
    inner = pattern.lstrip("%")
    starts = range(len(text) + 1 if pattern.startswith("%") else 1)
    return next((start + 1 for start in starts if _like(inner, text[start:])), 0)


# --- numbers --------------------------------------------------------------------------------------


def _of_its_type(function: Function) -> Function:
    """Let a function give a whole number of a whole number."""

    def typed(value: Value, *others: Value) -> int | float:
        result = function(value, *others)
        return int(result) if isinstance(value, int) else float(result)

    return typed


def _rounded(value: float, digits: Value = 0, truncate: Value = 0) -> float | Decimal:
    """Round half away from zero, by the decimal digits that the value shows."""
    step = Decimal(1).scaleb(-max(-30, min(int(digits), 30)))
    if step < math.ulp(value):
        return value
    return (Decimal(repr(value)) / step).quantize(
        Decimal(1), ROUND_DOWN if truncate else ROUND_HALF_UP
    ) * step


def _log(value: Value, base: Value = None) -> float:
    return math.log(value) if base is None else math.log(value, base)


def _plus(*terms: Value) -> Value:
    """Add numbers, or join texts, from left to right."""
    return reduce(_plus_one, terms)


def _plus_one(one: Value, other: Value) -> Value:
    """Add two; a text beside a number must hold a number."""
    if isinstance(one, str) and isinstance(other, str):
        return one + other
    if isinstance(one, str):
        one = _convert(one, "float" if isinstance(other, float) else "int")
    if isinstance(other, str):
        other = _convert(other, "float" if isinstance(one, float) else "int")
    return one + other


def _nonzero(divisor: Value) -> Value:
    if divisor == 0:
        raise SqlError("Divide by zero error encountered.")
    return divisor


def _modulo(value: Value, divisor: Value) -> int | float:
    _nonzero(divisor)
    if isinstance(value, int) and isinstance(divisor, int):
        return abs(value) % abs(divisor) * (-1 if value < 0 else 1)
    return math.fmod(value, divisor)


_SMALLEST = {"tinyint": 0, "smallint": -(2**15), "int": -(2**31), "bigint": -(2**63)}
_LARGEST = {"tinyint": 2**8 - 1, "smallint": 2**15 - 1, "int": 2**31 - 1, "bigint": 2**63 - 1}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+|", re.ASCII)


def _convert(value: Value, kind: str, size: int = 0, decimals: int = 0) -> Value:
    """Give a value another type, as CAST does; `size` characters are kept of a text."""
    if kind in ("char", "varchar"):
        text = _text(value)
        if len(text) > size and isinstance(value, float):
            raise SqlError(f"Arithmetic overflow error converting {text} to {kind}({size}).")
        text = text[:size] if isinstance(value, str) or len(text) <= size else "*"
        return text.ljust(size) if kind == "char" else text
    if isinstance(value, str):
        form = _NUMBER if kind in ("float", "decimal") else _WHOLE
        if not form.fullmatch(value.strip()):
            raise SqlError(
                f"Conversion failed when converting the varchar value '{value}' "
                f"to data type {kind}."
            )
        value = float(value) if form is _NUMBER else int(value.strip() or 0)
    if kind == "float":
        return float(value)
    if kind == "decimal":
        return float(_rounded(float(value), decimals))
    if kind == "bit":
        return int(value != 0)
    if not _SMALLEST[kind] <= int(value) <= _LARGEST[kind]:
        raise SqlError(f"Arithmetic overflow error converting {value} to data type {kind}.")
    return int(value)


def _try_convert(value: Value, kind: str, size: int, decimals: int) -> Value:
    try:
        return _convert(value, kind, size, decimals)
    except SqlError:
        return None


# --- flags ----------------------------------------------------------------------------------------

#: SkyServer's functions that turn the name of a flag into its value; with an N at the end, they
#: turn a value into the names of its flags.
FLAG_FUNCTIONS = {
    "fApogeeStarFlag": STARFLAG,
    "fApogeeAspcapFlag": ASPCAPFLAG,
    "fApogeeExtraTarg": EXTRATARG,
}


def _value_of_flag(bits: dict[str, int]) -> Function:
    return lambda name: 1 << bits[name.upper()] if name.upper() in bits else None


def _names_of_flags(bits: dict[str, int]) -> Function:
    falling = sorted(bits.items(), key=lambda item: -item[1])
    return lambda value: " ".join(name for name, bit in falling if value >> bit & 1)


# --- aggregates -----------------------------------------------------------------------------------


class _Avg:
    """Mean of a group or window; of whole numbers a whole number."""

    def __init__(self) -> None:
        self.n = 0
        self.sum: int | float = 0

    def step(self, value: Value) -> None:
        if value is not None:
            self.n, self.sum = self.n + 1, self.sum + value

    def inverse(self, value: Value) -> None:
        if value is not None:
            self.n, self.sum = self.n - 1, self.sum - value

    def value(self) -> int | float | None:
        if self.n == 0:
            return None
        if isinstance(self.sum, int):
            return abs(self.sum) // self.n * (-1 if self.sum < 0 else 1)
        return self.sum / self.n

    def finalize(self) -> int | float | None:
        return self.value()


class _Var:
    """Variance of a group or window, estimated from a sample."""

    estimated = 1  # of what the squares are compared with, from the values themselves

    def __init__(self) -> None:
        self.n, self.mean, self.squares = 0, 0.0, 0.0

    def step(self, value: Value) -> None:
        if value is not None:
            self.n += 1
            before = value - self.mean
            self.mean += before / self.n
            self.squares += before * (value - self.mean)

    def inverse(self, value: Value) -> None:
        if value is not None:
            self.n -= 1
            after = value - self.mean
            self.mean -= after / self.n if self.n else self.mean
            self.squares -= after * (value - self.mean)

    def value(self) -> float | None:
        if self.n <= self.estimated:
            return None
        return max(self.squares, 0.0) / (self.n - self.estimated)

    def finalize(self) -> float | None:
        return self.value()


class _VarP(_Var):
    """Variance of a group or window that is all there is."""

    estimated = 0


class _StDev(_Var):
    """Square root of the variance."""

    def value(self) -> float | None:
        variance = super().value()
        return None if variance is None else math.sqrt(variance)


class _StDevP(_StDev):
    """Square root of the variance of all there is."""

    estimated = 0


AGGREGATES: dict[str, type[_Avg] | type[_Var]] = {
    "avg": _Avg,
    "var": _Var,
    "varp": _VarP,
    "stdev": _StDev,
    "stdevp": _StDevP,
}

# --- what SQLite is given -------------------------------------------------------------------------

FUNCTIONS: dict[str, Function] = {
    "acos": math.acos,
    "ascii": lambda text: ord(_text(text)[0]) if text else None,
    "asin": math.asin,
    "atan": math.atan,
    "atn2": math.atan2,
    "ceiling": _of_its_type(math.ceil),
    "char": lambda code: chr(code) if 0 <= code < 256 else None,
    "charindex": _charindex,
    "concat": _concat,
    "concat_ws": _concat_ws,
    "cos": math.cos,
    "cot": lambda angle: 1 / math.tan(angle),
    "datalength": lambda text: len(_text(text)),
    "degrees": _of_its_type(math.degrees),
    "exp": math.exp,
    "floor": _of_its_type(math.floor),
    "left": _left,
    "len": lambda text: len(_text(text).rstrip(" ")),
    "log": _log,
    "log10": math.log10,
    "lower": lambda text: _text(text).lower(),
    "ltrim": lambda text: _text(text).lstrip(" "),
    "nchar": chr,
    "newid": lambda: str(uuid.uuid4()).upper(),
    "patindex": _patindex,
    "pi": lambda: math.pi,
    "power": _of_its_type(math.pow),
    "radians": _of_its_type(math.radians),
    "replace": _replace,
    "replicate": _replicate,
    "reverse": lambda text: _text(text)[::-1],
    "right": _right,
    "round": _of_its_type(_rounded),
    "rtrim": lambda text: _text(text).rstrip(" "),
    "sign": _of_its_type(lambda value: (value > 0) - (value < 0)),
    "sin": math.sin,
    "space": lambda count: _replicate(" ", count),
    "sqrt": math.sqrt,
    "square": lambda value: float(value) ** 2,
    "str": _str,
    "stuff": _stuff,
    "substring": _substring,
    "tan": math.tan,
    "trim": lambda text: _text(text).strip(" "),
    "unicode": lambda text: ord(_text(text)[0]) if text else None,
    "upper": lambda text: _text(text).upper(),
    **{name.lower(): _value_of_flag(bits) for name, bits in FLAG_FUNCTIONS.items()},
    **{f"{name}n".lower(): _names_of_flags(bits) for name, bits in FLAG_FUNCTIONS.items()},
}
#: What operators of SQL Server's become where SQLite has none of that meaning.
OPERATORS: dict[str, Function] = {
    "as_type": _convert,
    "bitwise_xor": lambda one, other: one ^ other,
    "like": _like,
    "modulo": _modulo,
    "nonzero": _nonzero,
    "plus": _plus,
    "try_as_type": _try_convert,
}
_TAKE_NULL = {"concat", "concat_ws"}


def register(connection: sqlite3.Connection, deadline: float, complaints: list[str]) -> None:
    """Give a connection SQL Server's functions and its way to compare texts.

    Parameters
    ----------
    connection : sqlite3.Connection
    deadline : float
        In time.monotonic()'s seconds; afterwards the functions refuse to work.
    complaints : list of str
        Receives a sentence when a function refuses its values (SQLite keeps no reasons).
    """
    for name, function in (FUNCTIONS | OPERATORS).items():
        called = PREFIX + name if name in FUNCTIONS else name
        explained = _explained(name, function, deadline, complaints)
        connection.create_function(called, -1, explained, deterministic=name != "newid")
    for name, aggregate in AGGREGATES.items():
        connection.create_window_function(name, 1, aggregate)
    connection.create_collation(COLLATION, _collate)


def _explained(name: str, function: Function, deadline: float, complaints: list[str]) -> Function:
    def call(*values: Value) -> Value:
        if None in values and name not in _TAKE_NULL:
            return None
        if time.monotonic() > deadline:  # SQLite counts its own steps only
            raise TimeoutError
        try:
            result = function(*values)
        except SqlError as error:
            complaints.append(str(error))
            raise
        except (ArithmeticError, ValueError):
            complaints.append(
                f"An invalid floating point operation occurred: {_shown(name, values)}."
            )
            raise
        except (TypeError, AttributeError):
            complaints.append(f"The function does not take these values: {_shown(name, values)}.")
            raise
        if isinstance(result, str) and len(result) > MAX_TEXT:
            complaints.append(
                f"A text has at most {MAX_TEXT} characters: {name.upper()} made more."
            )
            raise ValueError
        return result

    return call


def _shown(name: str, values: tuple[Value, ...]) -> str:
    return f"{name.upper()}({', '.join(str(value)[:40] for value in values)})"
