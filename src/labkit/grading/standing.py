"""What the gradebook says of a submission beyond its tests: marks by hand, comments, lateness."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Standing:
    """What stands in the gradebook, as a student may know it.

    Attributes
    ----------
    points, most : dict of str to float
        Points that count, and points to be had, by cell.
    by_hand : list of str
        Cells whose points a person gave.
    waiting : list of str
        Cells that wait for a person.
    comments : dict of str to str
        A person's words, by cell.
    late : float
        Points taken for handing in late.
    lateness : str
        How late it was, in words; "" if it was in time.
    """

    points: dict[str, float] = field(default_factory=dict)
    most: dict[str, float] = field(default_factory=dict)
    by_hand: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    comments: dict[str, str] = field(default_factory=dict)
    late: float = 0.0
    lateness: str = ""

    @property
    def total(self) -> float:
        """The points that count in the end."""
        return sum(self.points.values()) - self.late

    @property
    def adds_nothing(self) -> bool:
        """Whether there is nothing to tell but the tests."""
        return not (self.by_hand or self.comments or self.lateness)

    @property
    def to_come(self) -> float:
        """Points that a person may still give."""
        return sum(self.most[name] for name in self.waiting if name not in self.by_hand)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def score(grade: Any) -> float:
    """Return the points of a cell that count: those a person gave, otherwise the tests', and extra.

    Parameters
    ----------
    grade : nbgrader.api.Grade
    """
    given = (grade.manual_score, grade.auto_score, 0.0)
    points = next(float(points) for points in given if points is not None)
    return points + float(grade.extra_credit or 0.0)
