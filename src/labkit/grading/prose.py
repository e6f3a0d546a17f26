"""A student's prose made fit to be shown to whoever grades it: as written, and harmless.

The formgrader would show HTML and links of any kind to an instructor, who may change marks. What
of a text is HTML or a link is asked of nbconvert, which draws the formgrader's page: only that is
turned into text. Formulas and code, where `<` and brackets stand for themselves, stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

#: characters that are read so carefully: of one text, and of a whole notebook
MAX_PROSE = 10_000
MAX_READ = 100_000
#: what one change leaves alive another one may catch
TRIES = 3
_PAGE = re.compile(r"https?://|mailto:|#|attachment:", re.IGNORECASE)


class Prose:
    """Makes the texts of one notebook harmless."""

    def __init__(self) -> None:
        self._read = 0

    def harmless(self, text: str, pictures: Collection[str] = ()) -> str:
        """Return Markdown with nothing alive in it but links to pages and its own pictures.

        Parameters
        ----------
        text : str
        pictures : collection of str
            Names of the pictures that the cell has.

        Returns
        -------
        str
        """
        self._read += len(text)
        if len(text) > MAX_PROSE or self._read > MAX_READ:
            return without_html(_without_missing(text, pictures))
        for attempt in range(TRIES + 1):
            try:
                found = _Alive(pictures)
                MarkdownWithMath(renderer=found).render(text)
            except Exception:  # noqa: BLE001 - a reader fed with anything may raise anything
                break
            if not (found.html or found.links or found.missing or found.diagram):
                return text
            text = without_html(text) if attempt == TRIES - 1 else found.quietened(text)
        return _literal(text)


class _Alive(IPythonRenderer):
    """Notes what nbconvert would pass on as it stands."""

    def __init__(self, pictures: Collection[str]) -> None:
        super().__init__(escape=False, attachments={name: {"image/png": ""} for name in pictures})
        self.html: set[str] = set()
        self.missing: set[str] = set()
        self.links = self.diagram = False

    def block_html(self, html: str) -> str:
        """Note HTML that stands by itself."""
        self.html |= {line.strip() for line in html.splitlines() if "<" in line}
        return ""

    def inline_html(self, html: str) -> str:
        """Note HTML within a sentence."""
        return self.block_html(html)

    def block_mermaidjs(self, code: str) -> str:
        """Note a diagram: its text would be passed on without a look at it."""
        self.diagram = True
        return ""

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """Note a link to anything but a page."""
        self._look(url)
        return ""

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Note a picture that is not the notebook's own."""
        name = url.removeprefix("attachment:")
        if name != url and name not in self.attachments:
            self.missing.add(name)
        self._look(url)
        return ""

    def _look(self, url: Any) -> None:
        self.links = self.links or not _PAGE.match(str(url))

    def quietened(self, text: str) -> str:
        """Return a text with what was found in it turned into words."""
        for piece in sorted(self.html, key=len, reverse=True):
            text = text.replace(piece, piece.replace("<", "&lt;"))
        for name in self.missing:
            text = text.replace(f"attachment:{name}", "#")
        if self.diagram:
            text = text.replace("mermaid", "text")
        return _without_links(text) if self.links else text


def without_html(text: str) -> str:
    """Turn all that may be a tag or a live link into text, in formulas and code too.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    return _without_links(re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text))


def _without_links(text: str) -> str:
    # what is no link to a page is cut off from its brackets by a space of no width
    page = r"\s|https?://|mailto:|#|attachment:"
    return re.sub(rf"\](?=[(:]\s*(?!{page}))", "]\u200b", text)


def _without_missing(text: str, pictures: Collection[str]) -> str:
    """Return a text that names no picture which is not there: nbconvert would fail over it."""
    return re.sub(
        r"attachment:([^)\s]*)", lambda match: match[0] if match[1] in pictures else "#", text
    )


def _literal(text: str) -> str:
    """Return a text in which no character means anything but itself."""
    return re.sub(r"[!-/:-@\[-`{-~]", lambda match: f"&#{ord(match[0])};", text)
