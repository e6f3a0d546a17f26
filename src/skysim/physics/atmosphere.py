"""Model atmospheres: temperature, pressure and gas in plane-parallel layers.

`state` solves ionisation (Saha), the molecules H2, CO, OH, CN, N2, H2O, TiO, CaH and MgH, and the
charge balance in local thermodynamic equilibrium.  `atmosphere` stacks 22 such layers: temperature
follows a grey-type law T(tau), gentler in M dwarfs, pressure the hydrostatic balance
dP/dtau = g / kappa.

Left out: departures from LTE and from radiative equilibrium in lines other than as the T(tau) law
has them, convection (but for M dwarfs), sphericity, turbulent pressure, other molecules and
dust.  Good for 3000 to 10000 K.  Units are cgs unless a name says otherwise; arrays run over the
layers in their last axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skysim.physics.gas import Constants, Gas, state
from skysim.physics.opacity import rosseland

#: log10 of the Rosseland optical depth of the layers.
LOG_TAU = np.linspace(-4.0, 1.25, 22)


def temperature_law(tau: np.ndarray, teff: float) -> np.ndarray:
    """T(tau) in K: Eddington's grey law with Hopf's function.

    The fit to q(tau) is exact at both ends (0.5773 at the surface, 0.7104 inside; Mihalas 1978,
    section 3-3) and 0.1 per cent in T between.
    """
    hopf = 0.7104 - 0.1331 * np.exp(-3.4488 * tau)
    return teff * (0.75 * (tau + hopf)) ** 0.25


#: Exponent of the temperature's run in cool dwarfs (see `cool_dwarf`).
FLATTENING = 0.62


def cool_dwarf_share(teff: float, logg: float) -> float:
    """Weight of the M-dwarf structure: 1 below 4000 K, 0 above 4600 K and in giants."""
    cool = float(np.clip((4600.0 - teff) / 600.0, 0.0, 1.0))
    return cool / (1.0 + float(np.exp((3.75 - logg) / 0.15)))


def cool_dwarf(temperature: np.ndarray, teff: float, logg: float) -> np.ndarray:
    """Layer temperatures of M dwarfs, K: T/Teff of the grey law to a power below one.

    Convection reaches into the photosphere of M dwarfs and makes the gradient below gentler;
    above, TiO catches light of hotter layers and warms the gas (Krupp, Collins & Johnson 1978, ApJ
    219, 963).  The exponent, with the opacity of water in `opacity.rosseland`, was chosen on the
    band depths of the SDSS templates M0-M5 (tests/real/test_sky_m_dwarfs.py).  It holds for dwarfs
    below 4000 K and is gone at 4600 K and in giants.
    """
    return teff * (temperature / teff) ** (1.0 - (1.0 - FLATTENING) * cool_dwarf_share(teff, logg))


@dataclass(frozen=True)
class Atmosphere:
    """Layers of a stellar atmosphere, from the surface inwards."""

    tau: np.ndarray  # (layers,) Rosseland optical depth
    kappa: np.ndarray  # (layers,) Rosseland opacity, cm2/g
    gas: Gas


def atmosphere(
    teff: float,
    logg: float,
    abundance: np.ndarray,
    temperature: np.ndarray | None = None,
    guess: Atmosphere | None = None,
    tolerance: float = 1e-4,
) -> Atmosphere:
    """Structure of a star's atmosphere.

    Pressure is integrated inwards, dP/dln tau = g tau / kappa, with the opacity of the round
    before, until it stands still.

    Parameters
    ----------
    teff, logg : float
        Effective temperature (K) and log10 surface gravity (cm s-2).
    abundance : (elements,) array
        Number abundances relative to hydrogen (see `abundances`).
    temperature : (layers,) array, optional
        Temperature of the layers, K; the grey law when absent.
    guess : Atmosphere, optional
        Layers of a star much like it, to start from.
    tolerance : float
        Largest relative change of the pressure in the last round.

    Returns
    -------
    Atmosphere

    Raises
    ------
    ValueError
        If the pressure does not converge: the labels are far from those of any star.
    """
    tau = 10.0**LOG_TAU
    step = np.log(10.0) * (LOG_TAU[1] - LOG_TAU[0])
    if temperature is None:
        temperature = cool_dwarf(temperature_law(tau, teff), teff, logg)
    gravity = 10.0**logg
    constants = Constants.of(temperature)
    gas = None if guess is None else guess.gas
    pressure = gravity * tau**0.6 * 17.0 + 1e-3 if gas is None else gas.pressure
    for _ in range(60):
        electrons = None if gas is None else gas.electrons
        gas = state(temperature, pressure, abundance, electrons, constants)
        kappa = rosseland(gas)
        push = gravity * tau / kappa
        # Above the first layer kappa grows like pressure, so P = 5/3 of one step's push there.
        inner = np.concatenate([[0.0], np.cumsum(0.5 * (push[1:] + push[:-1]) * step)])
        updated = 5.0 / 3.0 * push[0] + inner
        change = np.abs(np.log(updated / pressure)).max()
        if change < tolerance:
            return Atmosphere(tau, kappa, gas)
        pressure = pressure**0.4 * updated**0.6
    raise ValueError(
        f"no hydrostatic balance at Teff {teff:.0f} K, log g {logg:.2f}: the pressure still "
        f"changes by {change:.1e}; use labels of a real star (3000-10000 K, log g 0-5)"
    )
