"""Make ``data/isochrones.csv``: our fit to published isochrones.

``python -m data.make.isochrones --compare`` reads the PARSEC and MIST tables of the real-data
folder (LABKIT_REAL) and fits the coefficients that `skysim.stars.evolution` uses. ``--write``
replaces the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data.make import table_files
from skysim.stars import evolution

NAME = "isochrones.csv"
#: Weight of a point of the zero-age formula against one of the tables.
FORMULA_WEIGHT = 3.0
#: How far from PARSEC towards MIST the giants lie: about half, where the worst miss is least.
SHARE = 0.55
#: Tout et al. 1996, tables 1 and 2: coefficients of powers of log10(Z / 0.02), for L and R.
_LUMINOSITY = (
    (0.39704170, -0.32913574, 0.34776688, 0.37470851, 0.09011915),
    (8.52762600, -24.41225973, 56.43597107, 37.06152575, 5.45624060),
    (0.00025546, -0.00123461, -0.00023246, 0.00045519, 0.00016176),
    (5.43288900, -8.62157806, 13.44202049, 14.51584135, 3.39793084),
    (5.56357900, -10.32345224, 19.44322980, 18.97361347, 4.16903097),
    (0.78866060, -2.90870942, 6.54713531, 4.05606657, 0.53287322),
    (0.00586685, -0.01704237, 0.03872348, 0.02570041, 0.00383376),
)
_RADIUS = (
    (1.71535900, 0.62246212, -0.92557761, -1.16996966, -0.30631491),
    (6.59778800, -0.42450044, -12.13339427, -10.73509484, -2.51487077),
    (10.08855000, -7.11727086, -31.67119479, -24.24848322, -5.33608972),
    (1.01249500, 0.32699690, -0.00923418, -0.03876858, -0.00412750),
    (0.07490166, 0.02410413, 0.07233664, 0.03040467, 0.00197741),
    (0.01077422,),
    (3.08223400, 0.94472050, -2.15200882, -2.49219496, -0.63848738),
    (17.84778000, -7.45345690, -48.96066856, -40.05386135, -9.09331816),
    (0.00022582, -0.00186899, 0.00388783, 0.00142402, -0.00007671),
)


def zero_age(log_mass: np.ndarray, fe_h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Zero-age log Teff (K) and log g by the formula of Tout et al. (1996), eqs. 1 and 2."""
    mass, x = 10**log_mass, fe_h + np.log10(0.0152 / 0.02)
    a, b, c, d, e, f, g = (np.polynomial.polynomial.polyval(x, k) for k in _LUMINOSITY)
    luminosity = (a * mass**5.5 + b * mass**11) / (
        c + mass**3 + d * mass**5 + e * mass**7 + f * mass**8 + g * mass**9.5
    )
    a, b, c, d, e, f, g, h, i = (np.polynomial.polynomial.polyval(x, k) for k in _RADIUS)
    radius = (a * mass**2.5 + b * mass**6.5 + c * mass**11 + d * mass**19 + e * mass**19.5) / (
        f + g * mass**2 + h * mass**8.5 + mass**18.5 + i * mass**19.5
    )
    log_teff = np.log10(5772.0) + 0.25 * np.log10(luminosity) - 0.5 * np.log10(radius)
    return log_teff, 4.438 + log_mass - 2 * np.log10(radius)


def parsec(folder: Path) -> Iterator[dict[str, np.ndarray]]:
    """The PARSEC isochrones below [Fe/H] = 0.55, one at a time.

    Parameters
    ----------
    folder : Path
        The folder of the isochrone tables.

    Yields
    ------
    dict
        ``fe_h`` and ``log_age`` (floats); initial_mass, log_teff, logg, log_l, phase (arrays;
        PARSEC's phases: 0 main sequence, 1 subgiant, 2 giant branch, 3 core helium burning).
    """
    with np.load(folder / "parsec_fsps.npz") as file:
        table = file["table"].astype(float)
    for z in np.unique(table[:, 0]):
        # helium and the solar Z/X as PARSEC has them
        fe_h = np.log10(z / (1 - (0.2485 + 1.78 * z) - z) / 0.0207)
        if fe_h > 0.55:
            continue
        for log_age in np.unique(table[:, 1]):
            rows = table[(table[:, 0] == z) & (table[:, 1] == log_age)]
            phase, logg = rows[:, 8], rows[:, 6]
            # what ends as a white dwarf is labelled 0 again: keep what comes before
            last = np.flatnonzero(phase == 3)[-1] + 1
            rows, phase, logg = rows[:last], phase[:last], logg[:last]
            yield {
                "fe_h": fe_h,
                "log_age": round(float(log_age), 2),
                "initial_mass": rows[:, 2],
                "log_teff": rows[:, 5],
                "logg": logg,
                "log_l": rows[:, 4],
                "phase": phase,
            }


def mist(folder: Path) -> Iterator[dict[str, np.ndarray]]:
    """The three MIST isochrones, as `parsec` (MIST's phases: 0, 2 from the subgiants on, 3)."""
    for name, fe_h, log_age in (
        ("mist_feh_p0.00_vvcrit0.0_logage9.6.iso", 0.0, 9.6),
        ("mist_feh_m1.00_vvcrit0.4_10gyr.ecsv", -1.0, 10.0),
        ("mist_feh_m1.35_vvcrit0.4_12gyr.iso.cmd", -1.35, float(np.log10(12e9))),
    ):
        lines = (folder / name).read_text().splitlines()
        names = next(line for line in lines if line.lstrip("# ").startswith("EEP ")).lstrip("# ")
        rows = [x.split() for x in lines if x.strip() and x.split()[0].isdigit()]
        columns = dict(zip(names.split(), np.array(rows, dtype=float).T, strict=True))
        yield {
            "fe_h": fe_h,
            "log_age": log_age,
            "initial_mass": columns["initial_mass"],
            "log_teff": columns["log_Teff"],
            "logg": columns["log_g"],
            "log_l": columns["log_L"],
            "phase": columns["phase"],
        }


def branch_temperature(iso: dict[str, np.ndarray], logg: np.ndarray) -> np.ndarray:
    """Temperature (K) of the giant branch of a table at gravities below 3.3; NaN beyond it."""
    giant = (iso["phase"] == 2) & (iso["logg"] < 3.3)
    order = np.argsort(iso["logg"][giant])
    g, log_teff = iso["logg"][giant][order], iso["log_teff"][giant][order]
    return 10 ** np.interp(logg, g, log_teff, left=np.nan, right=np.nan)


def _landmarks(iso: dict[str, np.ndarray]) -> dict[str, float]:
    """Landmarks of one isochrone: foot, bump and tip of the giant branch, and the clump."""
    log_mass, logg = np.log10(iso["initial_mass"]), iso["logg"]
    branch, clump = (np.flatnonzero(iso["phase"] == p) for p in (2, 3))
    steps = np.diff(log_mass[clump], append=log_mass[clump[-1]])
    # the bump: where most mass goes by per step of gravity
    grid = np.arange(1.3, 3.3, 0.06)
    inner = branch[logg[branch] < 3.3]
    passed = np.histogram(
        0.5 * (logg[inner][1:] + logg[inner][:-1]), grid, weights=np.diff(log_mass[inner])
    )[0]
    expected = np.exp(1.45 * grid[:-1])
    return {
        "log_mass_foot": log_mass[branch[0]],
        "logg_foot": logg[branch[0]],
        "logg_bump": grid[np.argmax(passed / expected)] + 0.03,
        "logg_tip": logg[branch[-1]],
        "mass_range_branch": log_mass[branch[-1]] - log_mass[branch[0]],
        "logg_clump": float(np.average(logg[clump], weights=steps)),
        "mass_range_clump": log_mass[clump[-1]] - log_mass[branch[-1]],
    }


def fit(folder: Path) -> dict[str, np.ndarray]:
    """Fit all coefficients of the isochrone formula.

    Parameters
    ----------
    folder : Path
        The folder of the isochrone tables.

    Returns
    -------
    dict
        (terms, powers of [Fe/H]) coefficients by quantity.
    """
    tables = list(parsec(folder))
    log_age, fe_h = (np.array([iso[name] for iso in tables]) for name in ("log_age", "fe_h"))
    basis = evolution.ridge_basis(log_age, fe_h)
    found = {}
    marks = [_landmarks(iso) for iso in tables]
    for name in marks[0]:
        values = np.array([mark[name] for mark in marks])
        found[name] = _robust(basis, values)[:, None]
    found["zero_point"] = _zero_point(folder, tables, basis)[:, None]

    rows = [_main_sequence_rows(iso, found["log_mass_foot"][:, 0]) for iso in tables]
    q, distance, z, log_teff, logg = (np.concatenate(column) for column in zip(*rows, strict=True))
    formula_q, formula_z = (
        a.ravel() for a in np.meshgrid(np.linspace(0.2, 0.75, 23), np.linspace(-2, 0.3, 8))
    )
    there = np.full(formula_q.size, -9.0)  # unevolved
    design = np.vstack(
        [_design(q, distance, z), FORMULA_WEIGHT * _design(formula_q, there, formula_z)]
    )
    for name, values, formula in zip(
        ("log_teff", "logg"), (log_teff, logg), zero_age(formula_q, formula_z), strict=True
    ):
        target = np.concatenate([values, FORMULA_WEIGHT * formula])
        solution = np.linalg.lstsq(design, target, rcond=1e-9)[0]
        found[f"{name}_zero_age"] = solution[:44].reshape(11, 4)
        found[f"{name}_evolved"] = solution[44:].reshape(9, 3)
    return found


def _robust(basis: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Least squares with clipping of residuals above three times the typical one."""
    good = np.ones(values.size, bool)
    for _ in range(5):
        solution = np.linalg.lstsq(basis[good], values[good], rcond=None)[0]
        missed = np.abs(values - basis @ solution)
        good = missed <= 3 * 1.4826 * np.median(missed)
    return solution


def _main_sequence_rows(iso: dict[str, np.ndarray], foot: np.ndarray) -> tuple[np.ndarray, ...]:
    """Main-sequence stars: log mass, log mass relative to the foot, [Fe/H], log Teff, log g."""
    q = np.log10(iso["initial_mass"])
    basis = evolution.ridge_basis(np.array(iso["log_age"]), np.array(iso["fe_h"]))
    distance = q - basis @ foot
    keep = (iso["phase"] <= 1) & (q > -1) & (distance < evolution.END_OF_MAIN_SEQUENCE)
    columns = (q, distance, np.full(q.size, iso["fe_h"]), iso["log_teff"], iso["logg"])
    return tuple(column[keep] for column in columns)


def _design(q: np.ndarray, distance: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Design matrix of the main sequence: zero age (11 x 4), then evolved (9 x 3)."""
    powers = z[:, None] ** np.arange(4)
    young, evolved = evolution.zero_age_basis(q), evolution.evolved_basis(q, distance)
    return np.column_stack(
        [
            (young[:, :, None] * powers[:, None, :]).reshape(q.size, -1),
            (evolved[:, :, None] * powers[:, None, :3]).reshape(q.size, -1),
        ]
    )


def _zero_point(folder: Path, tables: list[dict[str, np.ndarray]], basis: np.ndarray) -> np.ndarray:
    """Zero-point shift (K): `SHARE` of MIST's offset from PARSEC, and the offset of the fit.

    The families' difference is taken to be a straight line in [Fe/H].
    """
    logg = np.arange(1.0, 3.01, 0.1)
    difference, metallicity = [], []
    for iso in mist(folder):
        here = np.array([x["fe_h"] for x in tables]) - iso["fe_h"]
        ages = np.array([x["log_age"] for x in tables]) - iso["log_age"]
        # between the neighbouring tables, linear in both
        weight = np.zeros(len(tables))
        for side_z in (here.min(where=here >= 0, initial=9), here.max(where=here < 0, initial=-9)):
            for side_t in (
                ages.min(where=ages > -1e-6, initial=9),
                ages.max(where=ages < -1e-6, initial=-9),
            ):
                weight[(here == side_z) & (ages == side_t)] = 1.0 / (
                    (abs(side_z) + 1e-9) * (abs(side_t) + 1e-9)
                )
        near = weight > 0
        parsec_teff = np.average(
            [branch_temperature(x, logg) for x, n in zip(tables, near, strict=True) if n],
            axis=0,
            weights=weight[near],
        )
        metallicity.append(iso["fe_h"])
        difference.append(np.nanmedian(branch_temperature(iso, logg) - parsec_teff))
    missed = np.array(
        [
            np.nanmedian(
                branch_temperature(iso, logg)
                - evolution.giant_temperature(logg, iso["fe_h"], iso["log_age"])
            )
            for iso in tables
        ]
    )
    solution = _robust(basis, missed)
    slope, middle = np.polyfit(metallicity, difference, 1)
    solution[[0, 3]] += SHARE * middle, SHARE * slope
    print(
        "MIST giants minus PARSEC's, log g 1 to 3, at [Fe/H] 0, -1, -1.35: "
        f"{', '.join(f'{d:.0f}' for d in difference)} K"
    )
    return solution


def table(found: dict[str, np.ndarray]) -> str:
    """Text of ``data/isochrones.csv``."""
    rows = [
        (name, i, j, f"{value:.7g}")
        for name, values in found.items()
        for (i, j), value in np.ndenumerate(values)
        if value != 0.0
    ]
    columns = ("quantity", "term", "power", "value")
    return table_files.header(NAME) + table_files.csv_text(columns, rows)


def make(folder: Path) -> dict[str, str]:
    """Return the text of the table from the folder of real files."""
    return {NAME: table(fit(folder / "isochrones"))}


if __name__ == "__main__":
    table_files.run(__doc__, make)
