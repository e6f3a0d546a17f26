"""What a course says about handing in late, in the file `late.toml` of its folder.

timezone = "Europe/Berlin"       # of the dates below that name none
free_days = 5                    # late days that cost nothing, for each student over the term

[[rule]]                         # for all labs that no other rule names
percent_a_day = 10               # of the points that the student got

[[rule]]
labs = ["05_mcmc", "09_corona"]
points_a_day = 2

[[extension]]
student = "ada"
lab = "02_continuum"
until = "2026-03-02 23:59"
"""

from __future__ import annotations

import datetime
import math
import tomllib
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.errors import CourseError

#: its name in the course folder
FILE = "late.toml"
UTC = datetime.UTC


@dataclass(frozen=True)
class Rule:
    """What each day costs that is not free.

    Attributes
    ----------
    points_a_day : float
    percent_a_day : float
        Of the points that the student got, %.
    """

    points_a_day: float = 0.0
    percent_a_day: float = 0.0

    def cost(self, days: int, score: float) -> float:
        """Return the points that days cost a student who got ``score`` points."""
        return days * (self.points_a_day + self.percent_a_day / 100 * score)


@dataclass(frozen=True)
class LateRules:
    """The content of `late.toml`.

    Attributes
    ----------
    timezone : datetime.tzinfo
        In which students are told dates.
    free_days : int
        Late days that cost nothing, for each student over the term.
    by_lab : dict of str to Rule
    otherwise : Rule
        For the other labs.
    extensions : dict of (str, str) to datetime
        Until when a student may hand in a lab; UTC, without a time zone, as in the gradebook.
    """

    timezone: datetime.tzinfo = UTC
    free_days: int = 0
    by_lab: Mapping[str, Rule] = field(default_factory=dict)
    otherwise: Rule = Rule()
    extensions: Mapping[tuple[str, str], datetime.datetime] = field(default_factory=dict)

    def rule(self, lab: str) -> Rule:
        """Return the rule for a lab."""
        return self.by_lab.get(lab, self.otherwise)


def read(path: Path) -> LateRules:
    """Read a course's rules.

    Parameters
    ----------
    path : Path
        Of `late.toml`. If there is none, handing in late costs nothing.

    Returns
    -------
    LateRules

    Raises
    ------
    CourseError
        If something in it is wrong: what, where, and what to do.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return LateRules()
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read ({error}).") from error
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CourseError(
            f"{path} is not TOML: {error}.", 'Put names and dates in quotes: "2026-03-02 23:59".'
        ) from error
    file = _Table(path, "", content)
    file.only("timezone", "free_days", "rule", "extension")
    zone = _timezone(file)
    by_lab, otherwise = _rules(file)
    return LateRules(
        timezone=zone or UTC,
        free_days=int(file.number("free_days", whole=True)),
        by_lab=by_lab,
        otherwise=otherwise,
        extensions=_extensions(file, zone),
    )


@dataclass(frozen=True)
class _Table:
    """A table of the file, and where it stands."""

    path: Path
    name: str
    content: dict[str, Any]

    def wrong(self, what: str, advice: str) -> CourseError:
        where = f"{self.path}, {self.name}" if self.name else str(self.path)
        return CourseError(f"{where}: {what}.", advice)

    def only(self, *known: str) -> None:
        for key in self.content:
            if key not in known:
                raise self.wrong(f"nothing is called {key!r} here", f"Known: {', '.join(known)}.")

    def tables(self, name: str) -> list[_Table]:
        found = self.content.get(name, [])
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise self.wrong(f"{name!r} is no list of tables", f"Write [[{name}]] above each.")
        return [_Table(self.path, f"{name} {n}", each) for n, each in enumerate(found, 1)]

    def number(self, key: str, most: float = math.inf, whole: bool = False) -> float:
        value = self.content.get(key, 0)
        kinds = (int,) if whole else (int, float)
        if type(value) not in kinds or not (0 <= value <= most and math.isfinite(value)):
            kind = "a whole number" if whole else "a number"
            bounds = f"from 0 to {most:g}" if math.isfinite(most) else "that is not negative"
            raise self.wrong(f"{key} is {value!r}", f"It must be {kind} {bounds}.")
        return float(value)

    def text(self, key: str) -> str:
        value = self.content.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(f"{key} is missing or no text", f'Write {key} = "...".')
        return value


def _timezone(file: _Table) -> zoneinfo.ZoneInfo | None:
    if "timezone" not in file.content:
        return None
    name = file.text("timezone")
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise file.wrong(
            f"no time zone is called {name!r}", 'Names are those of IANA: "Europe/Berlin", "UTC".'
        ) from None


def _rules(file: _Table) -> tuple[dict[str, Rule], Rule]:
    """Return the rules by lab, and that for the other labs."""
    by_lab: dict[str, Rule] = {}
    otherwise: Rule | None = None
    for table in file.tables("rule"):
        table.only("labs", "points_a_day", "percent_a_day")
        if ("points_a_day" in table.content) == ("percent_a_day" in table.content):
            raise table.wrong(
                "it must name either points_a_day or percent_a_day", "Name one of the two."
            )
        rule = Rule(table.number("points_a_day"), table.number("percent_a_day", most=100))
        if "labs" not in table.content:
            if otherwise is not None:
                raise table.wrong(
                    "an earlier rule is for all labs too", "Name labs in one of them."
                )
            otherwise = rule
            continue
        labs = table.content["labs"]
        if not isinstance(labs, list) or not labs or not all(isinstance(lab, str) for lab in labs):
            raise table.wrong("labs is no list of labs", 'Write labs = ["05_mcmc"].')
        for lab in labs:
            if lab in by_lab:
                raise table.wrong(f"an earlier rule names {lab} too", "Name it in one of them.")
            by_lab[lab] = rule
    return by_lab, otherwise or Rule()


def _extensions(
    file: _Table, zone: zoneinfo.ZoneInfo | None
) -> dict[tuple[str, str], datetime.datetime]:
    found: dict[tuple[str, str], datetime.datetime] = {}
    for table in file.tables("extension"):
        table.only("student", "lab", "until")
        who = table.text("student"), table.text("lab")
        if who in found:
            raise table.wrong(
                f"an earlier extension is for {who[0]} and {who[1]} too", "Delete one of them."
            )
        found[who] = _moment(table, zone)
    return found


def _moment(table: _Table, zone: zoneinfo.ZoneInfo | None) -> datetime.datetime:
    """Return until when an extension lasts; UTC, without a time zone."""
    value = table.content.get("until")
    form = 'Write until = "2026-03-02 23:59".'
    if isinstance(value, str):
        text = value.strip()
        try:
            if len(text) <= len("2026-03-02"):  # a day without a time would end as it begins
                raise ValueError
            value = datetime.datetime.fromisoformat(text)
        except ValueError:
            raise table.wrong(f"until is {text!r}, no date and time", form) from None
    if not isinstance(value, datetime.datetime):
        raise table.wrong("until is missing or no date and time", form)
    if value.tzinfo is None:
        if zone is None:
            raise table.wrong(
                "until names no time zone", 'Write timezone = "Europe/Berlin" above all rules.'
            )
        value = value.replace(tzinfo=zone)
    return value.astimezone(UTC).replace(tzinfo=None)
