"""The base of the errors that the kit raises on purpose."""

from __future__ import annotations


class KitError(Exception):
    """An error with advice: what is wrong and where, and what to do about it.

    Parameters
    ----------
    problem : str
        What is wrong, and where.
    advice : str
        What to do about it.

    Attributes
    ----------
    problem, advice : str
    """

    def __init__(self, problem: str = "", advice: str = "") -> None:
        super().__init__(f"{problem} {advice}".strip())
        self.problem, self.advice = problem, advice

    def __reduce__(self) -> tuple[type[KitError], tuple[str, str]]:
        # exceptions cross processes by pickle, which calls the class with `args` otherwise
        return type(self), (self.problem, self.advice)
