"""Isochrones of the formula in the ``.iso`` layout of MIST, marked as simulated.

The layout is that of MIST 1.2 (Choi et al. 2016, ApJ 823, 102; Dotter 2016, ApJS 222, 8): a header,
then one block per age whose rows are equivalent evolutionary points (EEPs), numbered alike in all.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skysim.stars import evolution

#: What the archive serves: [Fe/H] of its files, log ages in each.
METALLICITIES = tuple(np.arange(-2.0, 0.51, 0.25).round(2).tolist())
LOG_AGES = tuple(np.arange(8.5, 10.101, 0.05).round(2).tolist())
#: MIST's numbers of our points: its primary EEPs are 202 (zero age), 454 (end of the main
#: sequence), 605 (tip of the branch), 631 and 707 (begin and end of core helium burning).
EEPS = (
    np.arange(202, 455, 3),
    np.arange(456, 505, 2),
    np.arange(507, 606, 2),
    np.arange(631, 708, 4),
)
#: MIST's phase numbers; its 2 begins after the main sequence.
_PHASE = np.array([0, 2, 2, 3])
_COLUMNS = (
    "EEP",
    "log10_isochrone_age_yr",
    "initial_mass",
    "star_mass",
    "log_L",
    "log_Teff",
    "log_R",
    "log_g",
    "phase",
)
_RULE = "# " + "-" * 86


def product_name(fe_h: float) -> str:
    """Name of the product that holds the isochrones of one [Fe/H], such as isochrones_feh_m100."""
    return f"isochrones_feh_{'m' if fe_h < 0 else 'p'}{round(abs(100 * fe_h)):03d}"


def build(folder: Path) -> dict[str, int]:
    """Write the isochrones' products.

    Parameters
    ----------
    folder : Path
        The survey's, with ``products/`` in it.

    Returns
    -------
    dict
        Number of files.
    """
    for fe_h in METALLICITIES:
        path = folder / "products" / f"{product_name(fe_h)}.iso"
        path.write_text(iso_text(fe_h), encoding="utf-8")
    return {"files": len(METALLICITIES)}


def iso_text(fe_h: float, log_ages: Sequence[float] = LOG_AGES) -> str:
    """The text of an ``.iso`` file.

    Parameters
    ----------
    fe_h : float
        [Fe/H] of its isochrones.
    log_ages : sequence of float
        log10 of their ages in years.

    Returns
    -------
    str
    """
    # Z from the solar 0.0142 that MIST uses, its helium law
    z_init = 0.0142 * 10**fe_h
    lines = [
        "# SIMULATED, not MIST: a formula fitted to published isochrones, in MIST's layout = 1.2",
        "# made by skysim.stars.evolution; how far from MIST and PARSEC: data/README.md = 0.1",
        _RULE,
        "#  Yinit        Zinit   [Fe/H]   [a/Fe]  v/vcrit",
        f"# {0.2490 + 1.5 * z_init:6.4f}  {z_init:.5E}    {fe_h:5.2f}     0.00     0.00",
        _RULE,
        f"# number of isochrones = {len(log_ages):5d}",
        _RULE,
    ]
    for log_age in log_ages:
        lines += [*_block(fe_h, log_age), "", ""]
    return "\n".join(lines[:-2]) + "\n"


def _block(fe_h: float, log_age: float) -> list[str]:
    iso = evolution.isochrone(log_age, fe_h, points=tuple(len(e) for e in EEPS))
    log_r = 0.5 * (iso.log_l - 4 * (iso.log_teff - np.log10(5772.0)))
    numbers = "".join(f"{i:>5d}" if i == 1 else f"{i:>24d}" for i in range(1, len(_COLUMNS) + 1))
    names = "".join(f"{name:>5s}" if i == 0 else f"{name:>24s}" for i, name in enumerate(_COLUMNS))
    lines = [
        f"# number of EEPs, cols = {iso.phase.size:5d} {len(_COLUMNS):4d}",
        f"#{numbers}",
        f"#{names}",
    ]
    columns = (
        np.concatenate(EEPS),
        np.full(iso.phase.size, log_age),
        iso.initial_mass,
        iso.initial_mass,
        iso.log_l,
        iso.log_teff,
        log_r,
        iso.logg,
        _PHASE[iso.phase],
    )
    for eep, *values in zip(*columns, strict=True):
        lines.append(f"{eep:6d}" + "".join(f"{value:24.8E}" for value in values))
    return lines
