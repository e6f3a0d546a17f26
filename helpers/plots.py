"""How the course's figures look: one style, colours everybody can tell apart, and alt text.

`COLOURS` is the palette of Okabe & Ito (2008, "Color Universal Design"), made to be told apart
with any of the common kinds of colour vision; order in a figure by lightness as well as by hue.
"""

from __future__ import annotations

import base64
import html
import io
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.typing import RcKeyType

COLOURS = {
    "black": "#000000",
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "vermilion": "#D55E00",
    "sky": "#56B4E9",
    "purple": "#CC79A7",
    "yellow": "#F0E442",
}

#: a perceptually uniform map for numbers that colour points
SEQUENTIAL = "cividis"

STYLE: dict[RcKeyType, Any] = {
    "axes.grid": False,
    "axes.prop_cycle": "cycler('color', {})".format(
        [COLOURS[name] for name in ("blue", "vermilion", "green", "orange", "sky", "purple")]
    ),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "figure.dpi": 110,
    "figure.figsize": (8.0, 3.6),
    "font.size": 10.0,
    "image.cmap": SEQUENTIAL,
    "legend.frameon": False,
    "lines.linewidth": 1.0,
}


def style() -> AbstractContextManager[None]:
    """Return a context in which matplotlib draws in the course's style.

    Returns
    -------
    context manager
        Use it as ``with plots.style(): ...``; nothing outside the block is changed.
    """
    import matplotlib

    return matplotlib.rc_context(STYLE)


def show(figure: Figure, alt: str) -> None:
    """Show a figure in the notebook together with a text that says what it shows.

    Parameters
    ----------
    figure : matplotlib Figure
        The figure; it is closed afterwards, so that it is not drawn a second time.
    alt : str
        What a reader who cannot see the figure should know: what is plotted and what it tells,
        not "a plot".

    Raises
    ------
    ValueError
        If the text is too short to say anything.
    """
    from IPython import get_ipython
    from IPython.display import display
    from matplotlib import pyplot as plt

    if len(alt.split()) < 6:
        raise ValueError(
            f"the alt text {alt!r} does not say what the figure shows; describe the axes and the "
            "message in a sentence"
        )
    if get_ipython() is None:  # a lab run as a plain script
        plt.close(figure)
        return
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    plt.close(figure)
    image = base64.b64encode(buffer.getvalue()).decode("ascii")
    page = (
        f'<img src="data:image/png;base64,{image}" alt="{html.escape(alt, quote=True)}" '
        'style="max-width:100%;height:auto">'
    )
    display({"text/html": page, "text/plain": f"[figure: {alt}]"}, raw=True)
