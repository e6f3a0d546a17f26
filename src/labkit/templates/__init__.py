"""Pages of HTML, filled in by Jinja2, which escapes whatever is put into them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("labkit", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(name: str, **values: Any) -> str:
    """Fill in a page.

    Parameters
    ----------
    name : str
        Of a file in this folder.
    **values
        What the page shows; text is escaped.

    Returns
    -------
    str
    """
    return _environment().get_template(name).render(values)
