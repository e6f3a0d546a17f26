"""Lithium abundances of stars and equivalent widths of Li I 6708."""

from __future__ import annotations

import numpy as np

#: A(Li) of young stars that have burnt none: Soderblom et al. 1993 (AJ 106, 1059), Pleiades.
INITIAL = 3.3


def abundance(
    rng: np.random.Generator,
    teff: np.ndarray,
    age: np.ndarray,
    logg: np.ndarray,
    rossby: np.ndarray,
) -> np.ndarray:
    """A(Li) = log n(Li)/n(H) + 12 of stars.

    Dwarfs burn lithium where convection reaches deep: our formula follows the mean trends of the
    Pleiades (Soderblom et al. 1993), the Hyades (Thorburn et al. 1993, ApJ 415, 150) and the Sun.
    Scatter grows with depletion, and fast rotators keep more, as in the Pleiades.  Giants have
    diluted what they had; one in a hundred is lithium-rich.

    Parameters
    ----------
    rng : Generator
    teff, age, logg, rossby : ndarray, shape (n,)
        K, Gyr, dex, and period over turnover time.

    Returns
    -------
    ndarray, shape (n,)
    """
    n = teff.size
    cool = np.clip((6300.0 - teff) / 2000.0, 0.0, 1.6)
    depletion = 3.0 * cool**1.6 * (age / 0.125) ** 0.4
    depletion = depletion * 10.0 ** rng.normal(0.0, 0.12, n)
    depletion = np.where(rossby < 0.1, 0.65 * depletion, depletion)
    dwarf = INITIAL - depletion - np.abs(rng.normal(0.0, 0.1, n))
    giant = 0.9 * np.clip((teff - 4200.0) / 800.0, -1.0, 1.0) + rng.normal(0.0, 0.4, n)
    rich = rng.random(n) < 0.01
    giant = np.where(rich, rng.uniform(1.8, 4.0, n), giant)
    return np.where(logg < 3.5, giant, dwarf)


def equivalent_width(a_li: np.ndarray, teff: np.ndarray) -> np.ndarray:
    """Equivalent width of Li I 6708, A.

    Lithium is ionised: the neutral share falls with temperature as exp(5.4 eV / kT) does, and the
    line saturates.  Our own two-constant curve of growth, set at 100 mA for A(Li) = 2.98 at 6000 K
    (Soderblom et al. 1993, appendix) and good to about 0.15 dex between 4000 and 6500 K.

    Parameters
    ----------
    a_li : ndarray
        A(Li).
    teff : ndarray
        K.

    Returns
    -------
    ndarray
    """
    strength = 0.8 * 10.0 ** (a_li - 2.98 + 5.6 * (5040.0 / teff - 0.84))
    return 0.2 * strength / (1.0 + strength) ** 0.8
