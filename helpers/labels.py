"""Read the label of an axis as a person does, whatever way its words and its unit are typed.

``F$_\\lambda$``, ``$\\lambda\\ [\\mathrm{\\AA}]$``, ``Wavelength (Ang)`` and ``λ / Å`` all say
what they mean; a check should not prefer one of them.
"""

from __future__ import annotations

import re
import unicodedata

#: Greek letters of the field, by their names in math text
_GREEK = {"alpha": "α", "lambda": "λ", "mu": "μ", "nu": "ν", "rho": "ρ", "sigma": "σ", "chi": "χ"}
#: commands of math text that change how a word looks, not what it says
_FONTS = (
    r"\\(?:math(?:rm|it|bf|sf|tt|cal|regular|default)|text(?:rm|it|bf|up|normal)?|operatorname"
    r"|rm|it|bf|left|right|big|Big|displaystyle|unit|si)(?![A-Za-z])"
)
_ANGSTROM_COMMANDS = r"\\(?:mathring\s*\{?\s*A\s*\}?|r\s*\{\s*A\s*\}|AA|[aA]ngstrom)(?![A-Za-z])"

#: how units are written once math text is resolved; a bare A only where a unit would stand
_BEFORE, _AFTER = r"(?<![^\W\d_])", r"(?![^\W\d_])"
_UNITS = {
    "Angstrom": rf"{_BEFORE}(?:Å|(?i:[aå]ngstr[oö]e?ms?|ang))\.?{_AFTER}"
    r"|(?:[\[(/,]|\bin)\s*AA?(?![^\W_])|\s+A\s*$",
    "nm": rf"{_BEFORE}(?i:nm|nanomet(?:er|re)s?){_AFTER}",
    "um": rf"{_BEFORE}(?:μm|(?i:um|microns?|micromet(?:er|re)s?)){_AFTER}",
    "K": rf"{_BEFORE}(?:K|kK|(?i:kelvins?)){_AFTER}",
    "dex": rf"{_BEFORE}(?i:dex|cgs){_AFTER}",
}
#: how many ångströms one unit of wavelength is
ANGSTROMS = {"Angstrom": 1.0, "nm": 10.0, "um": 1e4}


def resolved(label: str) -> str:
    """Return a label with math text, look-alike characters and odd spaces resolved.

    Parameters
    ----------
    label : str

    Returns
    -------
    str
        ``F$_{\\lambda}$`` becomes ``F_λ``, both characters for Å become one.
    """
    # composed first: the ångström sign and an A with a ring are one letter afterwards
    text = unicodedata.normalize("NFKC", label)
    text = re.sub(_ANGSTROM_COMMANDS, "Å", text)
    text = re.sub(_FONTS, "", text)
    text = re.sub(r"\\([A-Za-z]+)", lambda found: _GREEK.get(found[1], found[0]), text)
    text = re.sub(r"\\[,;:! ]|~", " ", text)
    return re.sub(r"\s+", " ", re.sub(r"[${}]", "", text)).strip()


def says(label: str, *words: str) -> bool:
    """Say whether a label holds one of some words, letter case and ways of typing apart.

    Parameters
    ----------
    label : str
    words : str

    Returns
    -------
    bool
    """
    text = resolved(label).casefold()
    return any(resolved(word).casefold() in text for word in words)


def unit(label: str, *units: str) -> str:
    """Return which of some units a label names.

    Parameters
    ----------
    label : str
    units : str
        Of "Angstrom", "nm", "um", "K", "dex".

    Returns
    -------
    str
        The first of them that it names; "" if it names none.
    """
    text = resolved(label)
    return next((name for name in units if re.search(_UNITS[name], text)), "")
