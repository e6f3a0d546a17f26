"""Compare simulated optical spectra with real stars and published energy distributions.

Stars: MILES (Sanchez-Blazquez et al. 2006, MNRAS 371, 703), 2.5 A resolution, and LAMOST DR10.
Models: Castelli & Kurucz 2004 (ck04) at R = 200.  All are brought to vacuum wavelengths and to bins
of 75 km/s, three samples of the optical grid.  Odd MILES stars and every other ck04 model are for
judging; `data.make.haze_optical` fits only to the even ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy import ndimage

from skysim.spectra import optical
from skysim.stars.labels import Labels
from surveys.wavelengths import vacuum

PER_BIN = optical.HAZE_SAMPLES
N_BINS = -(-optical.N_SAMPLES // PER_BIN)
Source = optical.OpticalSynthesizer
#: Middle of each bin, vacuum Angstrom.
BINS = optical.FIRST * np.exp(optical.LOG_STEP * (PER_BIN * np.arange(N_BINS) + 1))
MILES_FWHM = 2.5  # A
WINDOW = 51  # bins of the running mean that normalises
SED_POWER = 200.0
SCALE = (5526.0, 5586.0)  # A, where energy distributions are scaled to one


def binned(flux: np.ndarray) -> np.ndarray:
    """Average a spectrum on the optical grid over bins, (N_BINS,)."""
    padded = np.concatenate([flux, np.repeat(flux[-1:], N_BINS * PER_BIN - flux.size)])
    return padded.reshape(-1, PER_BIN).mean(axis=1)


def onto_bins(wavelength: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """Average a spectrum on any wavelengths over bins, (N_BINS,); NaN outside its range."""
    edges = BINS * np.exp(-optical.LOG_STEP * PER_BIN / 2)
    edges = np.append(edges, edges[-1] * np.exp(optical.LOG_STEP * PER_BIN))
    middle = 0.5 * (wavelength[1:] + wavelength[:-1])
    borders = np.concatenate([[2 * wavelength[0] - middle[0]], middle, wavelength[-1:] + 1e-3])
    total = np.concatenate([[0.0], np.cumsum(flux * np.diff(borders))])
    whole = np.interp(edges, borders, total)
    out = np.diff(whole) / np.diff(edges)
    out[(edges[:-1] < borders[0]) | (edges[1:] > borders[-1])] = np.nan
    return out


def running_normalised(flux: np.ndarray) -> np.ndarray:
    """Flux over its running mean of 51 bins."""
    return flux / ndimage.uniform_filter1d(flux, WINDOW, mode="nearest")


def alpha_of(fe_h: float) -> float:
    """Usual [alpha/Fe] of a star in the solar neighbourhood: 0.4 for metal-poor stars."""
    return float(np.clip(-0.4 * fe_h, 0.0, 0.4))


def star(teff: float, logg: float, fe_h: float, alpha: float | None = None) -> Labels:
    """Labels of the simulated sky for a catalogued star."""
    alpha = alpha_of(fe_h) if alpha is None else alpha
    return Labels(float(teff), float(logg), float(fe_h), alpha, alpha, alpha)


@dataclass(frozen=True)
class OpticalReference:
    """Real stars and published model atmospheres, from the folder of real files.

    Parameters
    ----------
    folder : Path
        The folder of real files (LABKIT_REAL).
    """

    folder: Path

    @cached_property
    def miles(self) -> dict[str, np.ndarray]:
        """MILES stars: `labels` (n, 3) Teff, log g, [Fe/H]; `ids`; `flux`; vacuum `wavelength`."""
        with np.load(self.folder / "csst" / "miles_stars.npz") as file:
            return {
                "labels": file["labels"],
                "ids": file["ids"].astype(int),
                "flux": file["flux"],
                "wavelength": vacuum(file["wavelength"]),
            }

    @cached_property
    def models(self) -> dict[str, np.ndarray]:
        """Models of ck04: `labels` (n, 3), `flux` (n, m), vacuum `wavelength` (m,)."""
        with np.load(self.folder / "csst" / "ck04_grid.npz") as file:
            return {name: file[name].astype(float) for name in ("labels", "flux", "wavelength")}

    def miles_stars(self, number: int, teff: tuple[float, float], odd: bool) -> list[int]:
        """Rows of MILES stars spread evenly in temperature, with odd or even identifiers."""
        labels = self.miles["labels"]
        lowest, highest = np.array([teff[0], -0.5, -2.5]), np.array([teff[1], 5.0, 0.5])
        good = (
            np.isfinite(labels).all(axis=1) & (labels >= lowest).all(1) & (labels <= highest).all(1)
        )
        rows = np.flatnonzero(good & (self.miles["ids"] % 2 == int(odd)))
        chosen: list[int] = []
        for want in np.linspace(*teff, number):
            left = np.array([r for r in rows if r not in chosen])
            chosen.append(int(left[np.argmin(np.abs(labels[left, 0] - want))]))
        return chosen

    def miles_spectrum(self, row: int) -> np.ndarray:
        """A MILES star on the bins (NaN outside)."""
        return onto_bins(self.miles["wavelength"], self.miles["flux"][row].astype(float))

    def model_rows(self, teff: tuple[float, float], odd: bool) -> np.ndarray:
        """Rows of the ck04 grid in the kit's range of labels: every other one of them."""
        labels = self.models["labels"]
        low, high = np.array([teff[0], 0.0, -2.5]), np.array([teff[1], 5.0, 0.5])
        inside = (labels >= low).all(axis=1) & (labels <= high).all(axis=1)
        inside &= self.models["flux"].min(axis=1) > 0
        rows = np.flatnonzero(inside)
        order = np.lexsort(labels[rows].T)
        return np.sort(rows[order][int(odd) :: 2])

    def model_spectrum(self, row: int) -> np.ndarray:
        """A ck04 energy distribution on the bins, at R = 200 and scaled to one."""
        return sed(np.interp(BINS, self.models["wavelength"], self.models["flux"][row]))


def sed(flux: np.ndarray) -> np.ndarray:
    """Blur a spectrum on the bins to R = 200 and scale it to one at 5526-5586 A."""
    sigma = 1.0 / (SED_POWER * 2.3548 * optical.LOG_STEP * PER_BIN)
    smooth = ndimage.gaussian_filter1d(flux, sigma, mode="nearest")
    return smooth / smooth[np.clip(BINS, *SCALE) == BINS].mean()


def as_miles(flux: np.ndarray) -> np.ndarray:
    """Blur a simulated spectrum on the optical grid to the resolution of MILES, on the bins."""
    return binned(optical.blur(flux, optical.wavelength_grid() / MILES_FWHM))


@dataclass(frozen=True)
class Feature:
    """A spectral feature: windows of the line and of the continuum beside it, vacuum Angstrom."""

    name: str
    line: tuple[tuple[float, float], ...]
    beside: tuple[tuple[float, float], ...]
    least: float  # A: real equivalent widths below this are not compared
    coolest: float = 4500.0
    hottest: float = 9000.0


# Hydrogen, Mg b and Na D: windows of the Lick indices (Worthey et al. 1994, ApJS 94, 687) or near
# them; Ca II: near those of Cenarro et al. 2001 (MNRAS 326, 959).
FEATURES = (
    Feature("H alpha", ((6546.0, 6584.0),), ((6520.0, 6540.0), (6590.0, 6610.0)), 0.5),
    Feature("H beta", ((4849.2, 4878.0),), ((4829.2, 4849.2), (4878.0, 4893.0)), 0.5),
    Feature("Mg b", ((5161.6, 5194.1),), ((5119.1, 5144.1), (5192.8, 5207.8)), 0.4, 4500.0, 6800.0),
    Feature("Na D", ((5878.5, 5911.0),), ((5862.3, 5877.3), (5923.8, 5949.8)), 0.4, 4500.0, 6000.0),
    Feature(
        "Ca II triplet",
        ((8486.3, 8515.3), (8524.3, 8564.3), (8644.4, 8684.4)),
        ((8476.3, 8486.3), (8565.3, 8579.3), (8621.4, 8644.4), (8702.4, 8727.4)),
        1.0,
    ),
)


def equivalent_width(wavelength: np.ndarray, flux: np.ndarray, feature: Feature) -> float:
    """Equivalent width (A) below a straight line through the continuum windows."""
    centres = np.array([np.mean(w) for w in feature.beside])
    levels = [
        np.nanmedian(flux[(wavelength > low) & (wavelength < high)]) for low, high in feature.beside
    ]
    slope, level = np.polyfit(centres, levels, 1)
    total = 0.0
    for low, high in feature.line:
        inside = (wavelength > low) & (wavelength < high)
        x = wavelength[inside]
        total += float(np.trapezoid(1.0 - flux[inside] / (level + slope * x), x))
    return total


def miles_differences(
    reference: OpticalReference, synthesizer: Source, rows: list[int]
) -> np.ndarray:
    """Root mean square of simulated minus real MILES stars, normalised alike, 4000-7000 A, (n,)."""
    use = (vacuum(4000.0) < BINS) & (vacuum(7000.0) > BINS)
    found = []
    for row in rows:
        flux, _ = synthesizer.spectrum(star(*reference.miles["labels"][row]))
        real = running_normalised(np.nan_to_num(reference.miles_spectrum(row), nan=1.0))
        found.append(np.sqrt(np.mean((running_normalised(as_miles(flux)) - real)[use] ** 2)))
    return np.array(found)


def sed_differences(
    reference: OpticalReference, synthesizer: Source, rows: np.ndarray
) -> np.ndarray:
    """Simulated over ck04 energy distributions at R = 200, minus one, (n, N_BINS)."""
    found = []
    for row in rows:
        labels = star(*reference.models["labels"][row], alpha=0.0)
        flux = binned(synthesizer.spectrum(labels)[0])
        found.append(sed(flux) / reference.model_spectrum(row) - 1.0)
    return np.array(found)


def width_ratios(
    stars: list[tuple[Labels, np.ndarray, np.ndarray]],
    synthesizer: Source,
    resolving_power: float | np.ndarray,
    features: tuple[Feature, ...] = FEATURES,
) -> dict[str, np.ndarray]:
    """Simulated over real equivalent widths of real stars, by feature.

    `stars` holds labels, vacuum wavelengths at rest (A) and flux.
    """
    found: dict[str, list[float]] = {f.name: [] for f in features}
    grid = optical.wavelength_grid()
    for labels, wavelength, flux in stars:
        model = optical.blur(synthesizer.spectrum(labels)[0], resolving_power)
        for feature in features:
            if not feature.coolest <= labels.teff <= feature.hottest:
                continue
            real = equivalent_width(wavelength, flux, feature)
            if real > feature.least:
                found[feature.name].append(equivalent_width(grid, model, feature) / real)
    return {name: np.array(values) for name, values in found.items()}


def lamost_stars(
    reference: OpticalReference, number: int, teff: tuple[float, float], snr: float = 60.0
) -> list[tuple[Labels, np.ndarray, np.ndarray]]:
    """Real LAMOST stars spread evenly in temperature: labels, wavelength at rest, flux."""
    with np.load(reference.folder / "lamost" / "dr10_afg_2330.npz") as z:
        labels = np.stack([z["teff"], z["logg"], z["feh"]], axis=1)
        low, high = np.array([teff[0], 0.0, -2.5]), np.array([teff[1], 5.0, 0.5])
        good = (z["snrg"] > snr) & (labels >= low).all(1) & (labels <= high).all(1)
        rows: list[int] = []
        left = list(np.flatnonzero(good))
        for want in np.linspace(*teff, number):
            best = min(left, key=lambda r: abs(labels[r, 0] - want))
            left.remove(best)
            rows.append(int(best))
        shifts = 1.0 + z["z"][rows]
        wavelength = z["wavelength"]
        flux = z["flux_i2"][rows] * z["flux_scale"][rows, None]
        bad = np.unpackbits(z["bad"][rows], axis=1)[:, : wavelength.size].astype(bool)
    found = []
    for k, row in enumerate(rows):
        clean = np.interp(wavelength, wavelength[~bad[k]], flux[k][~bad[k]])
        found.append((star(*labels[row]), wavelength / shifts[k], clean))
    return found
