"""The labels of a star: temperature, gravity, abundances and broadening."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Labels:
    """Stellar parameters that determine a spectrum.

    Attributes
    ----------
    teff : float
        Effective temperature, K.
    logg : float
        log10 surface gravity, cm s-2.
    fe_h, mg_fe, si_fe : float
        Abundances, dex relative to the Sun.
    alpha_fe : float or None
        The other alpha elements (O, S, Ca, Ti); the mean of Mg and Si when None.
    broadening : float
        Macroturbulence, km/s (full width at half maximum of a Gaussian).
    vsini : float
        Projected rotation, km/s.
    """

    teff: float
    logg: float
    fe_h: float
    mg_fe: float = 0.0
    si_fe: float = 0.0
    alpha_fe: float | None = None
    broadening: float = 6.0
    vsini: float = 0.0

    def changed(self, **values: float) -> Labels:
        """A copy with some labels replaced."""
        return replace(self, **values)

    @property
    def alpha(self) -> float:
        """[alpha/Fe] used for the elements without a label of their own."""
        return 0.5 * (self.mg_fe + self.si_fe) if self.alpha_fe is None else self.alpha_fe


def microturbulence(logg: float) -> float:
    """Microturbulence in km/s as APOGEE set it for giants (Holtzman et al. 2018, AJ 156, 125)."""
    return 10.0 ** (0.226 - 0.0228 * logg + 0.0297 * logg**2 - 0.0113 * logg**3)


def carbon_nitrogen(labels: Labels) -> tuple[float, float]:
    """[C/Fe] and [N/Fe] of a star.

    Giants have dredged up nitrogen, and their carbon follows the alpha elements, gravity and
    temperature; the slopes are those of real giants' spectra (`cannon_trained_on_real`, see
    data/README.md).  Dwarfs keep what they were born with.  The two join around log g 3.5.
    """
    giant = -0.2 + (labels.alpha - 0.05) + 0.14 * (labels.logg - 2.0)
    giant -= 3e-4 * (labels.teff - 4500.0)
    share = 1.0 / (1.0 + float(np.exp((labels.logg - 3.5) / 0.15)))
    born = 0.5 * labels.alpha
    return born + share * (giant - born), 0.3 * share
