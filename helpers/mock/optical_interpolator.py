"""Fast optical spectra: exact ones at a few hundred labels, interpolated between them.

As `interpolator` does for the H band, with other coordinates: a `Region` is a range of temperature
and metallicity with all gravities that stars have there.  The logarithms of flux and continuum are
interpolated.  What lies outside every region is made exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import qmc

from helpers.mock.interpolator import Patch
from helpers.mock.optical import N_SAMPLES, SMOOTH, OpticalSynthesizer
from helpers.mock.synthesis import Labels

#: How much each coordinate counts in the distance between nodes: temperature, gravity, metallicity,
#: alpha, and Mg and Si over alpha.
METRIC = np.array([1.4, 1.0, 1.2, 0.4, 0.25, 0.2])
#: Half widths of [alpha/Fe] about 0.2, and of [Mg/alpha] and [Si/alpha] about 0.
ALPHA, SPREAD = (0.2, 0.35), 0.25


@dataclass(frozen=True)
class Region:
    """A range of labels.

    Attributes
    ----------
    name : str
        For files and messages.
    nodes : int
        Exact spectra that fill it (a power of two).
    teff : pair
        Coolest and hottest, K.
    lowest : pair
        Smallest log g at these two temperatures.
    highest : float
        Largest log g.
    fe_h : pair
        Lowest and highest [Fe/H].
    """

    name: str
    nodes: int
    teff: tuple[float, float]
    lowest: tuple[float, float]
    highest: float
    fe_h: tuple[float, float]

    def _gravities(self, teff: float) -> tuple[float, float]:
        """Centre and half width of log g at a temperature."""
        low = float(np.interp(teff, self.teff, self.lowest))
        return 0.5 * (self.highest + low), 0.5 * (self.highest - low)

    def coordinates(self, star: Labels) -> np.ndarray:
        """Coordinates (6,) of a star, -1 to 1 within the region."""
        cool, hot = np.log(self.teff)
        centre, half = self._gravities(star.teff)
        poor, rich = self.fe_h
        return np.array(
            [
                (2.0 * np.log(star.teff) - cool - hot) / (hot - cool),
                (star.logg - centre) / half,
                (2.0 * star.fe_h - poor - rich) / (rich - poor),
                (star.alpha - ALPHA[0]) / ALPHA[1],
                (star.mg_fe - star.alpha) / SPREAD,
                (star.si_fe - star.alpha) / SPREAD,
            ]
        )

    def labels(self, x: np.ndarray) -> Labels:
        """The star at given coordinates (6,)."""
        cool, hot = np.log(self.teff)
        teff = float(np.exp(0.5 * (cool + hot + x[0] * (hot - cool))))
        centre, half = self._gravities(teff)
        poor, rich = self.fe_h
        alpha = ALPHA[0] + ALPHA[1] * x[3]
        return Labels(
            teff,
            float(centre + half * x[1]),
            float(0.5 * (poor + rich + x[2] * (rich - poor))),
            float(alpha + SPREAD * x[4]),
            float(alpha + SPREAD * x[5]),
            float(alpha),
        )

    def holds(self, star: Labels) -> bool:
        """Whether a star lies in the region."""
        return bool(np.abs(self.coordinates(star)).max() <= 1.0 + 1e-9)

    def plan(self) -> list[Labels]:
        """Labels of the nodes: a Sobol sequence, the same every time."""
        draw = qmc.Sobol(6, seed=23).random(self.nodes)
        return [self.labels(x) for x in 2.0 * draw - 1.0]


REGIONS = (
    Region("M dwarfs", 64, (2950.0, 4150.0), (4.3, 4.2), 5.2, (-1.0, 0.5)),
    Region("K stars", 64, (4050.0, 5050.0), (0.4, 1.0), 5.1, (-1.0, 0.5)),
    Region("G stars", 64, (4950.0, 6250.0), (0.0, 0.5), 5.0, (-1.0, 0.5)),
    Region("F stars", 64, (6150.0, 7650.0), (0.5, 1.0), 5.0, (-1.0, 0.5)),
    Region("A stars", 64, (7550.0, 9760.0), (1.0, 2.0), 5.0, (-1.0, 0.5)),
    Region("poor G stars", 64, (4950.0, 6250.0), (0.0, 0.5), 5.0, (-2.5, -0.9)),
    Region("poor F stars", 32, (6150.0, 7650.0), (0.5, 1.0), 5.0, (-2.5, -0.9)),
    Region("poor A stars", 32, (7550.0, 9760.0), (1.0, 2.0), 5.0, (-2.5, -0.9)),
)


def packed(flux: np.ndarray, continuum: np.ndarray) -> np.ndarray:
    """What is interpolated of a spectrum, one float32 array: logarithms, a coarse continuum."""
    return np.log(np.concatenate([flux, continuum[::SMOOTH]])).astype(np.float32)


def unpacked(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flux and continuum of a packed spectrum."""
    values = np.exp(values)
    place = np.arange(N_SAMPLES)
    return values[:N_SAMPLES].astype(float), np.interp(
        place, place[::SMOOTH], values[N_SAMPLES:].astype(float)
    )


class OpticalInterpolator:
    """Spectra as from `OpticalSynthesizer`, a hundred times faster inside the regions.

    Parameters
    ----------
    patches : dict
        Trained patches by name of region.
    regions : tuple of Region
        A region without a patch is made exactly.
    """

    def __init__(self, patches: dict[str, Patch], regions: tuple[Region, ...] = REGIONS) -> None:
        self._parts = [(r, patches[r.name]) for r in regions if r.name in patches]
        self._exact: OpticalSynthesizer | None = None

    @classmethod
    def trained(
        cls,
        spectra: Callable[[list[Labels]], Iterable[np.ndarray]],
        regions: tuple[Region, ...] = REGIONS,
    ) -> OpticalInterpolator:
        """Train on exact spectra.

        Parameters
        ----------
        spectra : function
            Makes the `packed` spectra of a list of labels, in order (in as many processes as it
            likes).
        regions : tuple of Region
            What to fill.
        """
        plan = [star for region in regions for star in region.plan()]
        made = np.array(list(spectra(plan)), np.float32)
        patches, start = {}, 0
        for region in regions:
            stop = start + region.nodes
            nodes = np.array([region.coordinates(s) for s in plan[start:stop]]) * METRIC
            patches[region.name] = Patch.trained(nodes, made[start:stop])
            start = stop
        return cls(patches, regions)

    def save(self, path: Path) -> None:
        """Write the patches to an npz file."""
        names = Patch.__dataclass_fields__
        np.savez(path, **{f"{r.name}.{n}": getattr(p, n) for r, p in self._parts for n in names})

    @classmethod
    def load(cls, path: Path, regions: tuple[Region, ...] = REGIONS) -> OpticalInterpolator:
        """Read what `save` wrote."""
        with np.load(path) as file:
            patches = {
                r.name: Patch(*(file[f"{r.name}.{n}"] for n in Patch.__dataclass_fields__))
                for r in regions
            }
        return cls(patches, regions)

    def covers(self, labels: Labels) -> bool:
        """Whether a star is interpolated rather than made exactly."""
        return any(region.holds(labels) for region, _ in self._parts)

    def spectrum(self, labels: Labels) -> tuple[np.ndarray, np.ndarray]:
        """Surface flux density and continuum (see `OpticalSynthesizer.spectrum`)."""
        for region, patch in self._parts:
            if region.holds(labels):
                return unpacked(patch(region.coordinates(labels) * METRIC))
        if self._exact is None:
            self._exact = OpticalSynthesizer()
        return self._exact.spectrum(labels)
