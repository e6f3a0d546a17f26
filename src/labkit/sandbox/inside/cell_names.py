"""The names that cells make and use.

Inside the sandbox, before any of the cells has run: a parser can be kept busy by what it reads, and
there it is held to the limits of the student's work.
"""

from __future__ import annotations

import re
import symtable

__all__ = ["made_and_used"]


def made_and_used(source: str) -> tuple[list[str], list[str]]:
    """Return the names of the notebook that a cell makes and those it uses.

    Parameters
    ----------
    source : str
        Python; of anything else all words count as used.

    Returns
    -------
    made, used : list of str
    """
    try:
        cell = symtable.symtable(source, "<cell>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [], sorted(set(re.findall(r"[^\W\d]\w*", source)))
    made, used = set(), set()
    scopes = [cell]
    while scopes:
        scope = scopes.pop()
        scopes += scope.get_children()
        for symbol in scope.get_symbols():
            # arguments and other names of a function's own are nobody else's
            if scope is cell or symbol.is_global():
                if symbol.is_assigned() or symbol.is_imported():
                    made.add(symbol.get_name())
                if symbol.is_referenced():
                    used.add(symbol.get_name())
    return sorted(made), sorted(used)
