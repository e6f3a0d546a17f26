"""Compare simulated M dwarfs with SDSS templates of real ones: band indices and a figure.

Templates: PyHammer's coadded SDSS spectra (Kesseli et al. 2017, ApJS 230, 16), vacuum wavelengths,
R about 1800.  A type's temperature is that of Pecaut & Mamajek 2013 (ApJS 208, 9, table 5), its
gravity follows from Mann et al. 2015 (ApJ 804, 64).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from skysim.spectra import optical
from skysim.stars.labels import Labels
from surveys.wavelengths import vacuum

#: Spectral type: Teff (K) and log g.
TYPES = {
    "M0": (3850.0, 4.70),
    "M1": (3680.0, 4.75),
    "M2": (3550.0, 4.80),
    "M3": (3400.0, 4.90),
    "M4": (3200.0, 5.00),
    "M5": (3050.0, 5.10),
}
#: Band and side band (A, air): TiO and CaH of Reid, Hawley & Gizis 1995 (AJ 110, 1838), TiO8440 of
#: PyHammer.
INDICES = {
    "TiO2": ((7058.0, 7061.0), (7043.0, 7046.0)),
    "TiO4": ((7130.0, 7135.0), (7115.0, 7120.0)),
    "TiO5": ((7126.0, 7135.0), (7042.0, 7046.0)),
    "CaH2": ((6814.0, 6846.0), (7042.0, 7046.0)),
    "CaH3": ((6960.0, 6990.0), (7042.0, 7046.0)),
    "TiO8440": ((8440.0, 8470.0), (8400.0, 8420.0)),
}
RESOLVING_POWER = 1800.0


def band_index(wavelength: np.ndarray, flux: np.ndarray, name: str) -> float:
    """Mean flux density in an index's band over that in its side band."""
    means = []
    for first, last in INDICES[name]:
        grid = np.linspace(vacuum(first), vacuum(last), 61)
        means.append(np.interp(grid, wavelength, flux).mean())
    return float(means[0] / means[1])


def simulated(
    synthesizer: optical.OpticalSynthesizer, kind: str, fe_h: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Vacuum wavelengths (A) and flux of a simulated M dwarf at the resolution of SDSS."""
    flux, _ = synthesizer.spectrum(Labels(*TYPES[kind], fe_h))
    return optical.wavelength_grid(), optical.blur(flux, RESOLVING_POWER)


@dataclass(frozen=True)
class Templates:
    """Spectra of real M dwarfs, read from the folder of real files.

    Parameters
    ----------
    folder : Path
        The folder of real files (LABKIT_REAL).
    """

    folder: Path

    @cached_property
    def _table(self) -> dict[str, np.ndarray]:
        return dict(np.load(self.folder / "lamost" / "sdss_templates_1A.npz"))

    def real(self, kind: str, fe_h: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Vacuum wavelengths (A) and flux of a template, such as M3 at [Fe/H] 0."""
        row = list(self._table["names"]).index(f"{kind}_{fe_h:+.1f}_Dwarf")
        return self._table["wavelength"], self._table["flux"][row].astype(float)


def figure(templates: Templates, synthesizer: optical.OpticalSynthesizer) -> Figure:
    """Simulated over real spectra, M0 to M5 from the top."""
    page = Figure(figsize=(8.0, 9.0), layout="constrained")
    axes = page.subplots(len(TYPES), 1, sharex=True)
    for axis, (kind, (teff, _)) in zip(axes, TYPES.items(), strict=True):
        for (wave, flux), colour, label in (
            (templates.real(kind), "black", "real (SDSS template)"),
            (simulated(synthesizer, kind), "#d55e00", "simulated"),
        ):
            near = (wave > 7400.0) & (wave < 7600.0)
            axis.plot(wave, flux / np.median(flux[near]), color=colour, lw=0.7, label=label)
        axis.set(xlim=(4800.0, 9100.0), ylim=(0.0, None), ylabel="flux")
        axis.set_title(f"{kind}, {teff:.0f} K", loc="left", fontsize="small")
    axes[0].legend(loc="lower right", fontsize="small")
    axes[-1].set_xlabel("vacuum wavelength (Å)")
    return page
