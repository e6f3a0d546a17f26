"""Physical constants in cgs units (CODATA 2018)."""

from __future__ import annotations

BOLTZMANN = 1.380649e-16  # erg/K
PLANCK = 6.62607015e-27  # erg s
LIGHT = 2.99792458e10  # cm/s
ELECTRON_MASS = 9.1093837e-28  # g
ATOMIC_MASS = 1.66053907e-24  # g
EV = 1.602176634e-12  # erg
SECOND_RADIATION = 1.438776877  # cm K
