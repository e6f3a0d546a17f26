"""Fast optical spectra, interpolated between a few hundred exact ones.

As `interpolator` does for the H band, in four coordinates: temperature, gravity, [Fe/H] and
[alpha/Fe], which magnesium and silicon follow in these surveys.  A `Region` is a range of
temperature with all gravities that stars have there.  The logarithms of flux and continuum are
interpolated.  What lies outside every region, stars with magnesium or silicon of their own among
it, is made exactly.

Nodes crowd towards the borders, as Chebyshev's points do, because interpolation is worst there.
Their numbers are a trade of a build's time against error: twice as many G stars halve theirs, and
take 10 s more of two cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import qmc

from skysim.spectra.h_band_fast import Patch
from skysim.spectra.optical import N_SAMPLES, SMOOTH, OpticalSynthesizer
from skysim.stars.labels import Labels

#: Basis functions are distances to this power.
POWER = 5
COMPONENTS = 90
#: How far nodes are moved from even spacing (0) towards Chebyshev nodes (1).
EDGE_CLUSTERING = 0.65
#: [Mg/Fe] and [Si/Fe] may differ from [alpha/Fe] by this (dex) and change the flux by less than
#: the interpolation does.
ALPHA_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Region:
    """A range of labels covered by one interpolator.

    Attributes
    ----------
    name : str
        For files and messages.
    nodes : int
        Exact spectra that fill it.
    teff : pair
        Coolest and hottest, K.
    lowest, highest : pair
        Smallest and largest log g at these two temperatures.
    fe_h, alpha : pair
        Lowest and highest [Fe/H] and [alpha/Fe].
    metric : 4 numbers
        How much each coordinate counts in the distance between nodes: temperature, gravity, [Fe/H],
        [alpha/Fe].  These have about the smallest errors when each node is left out in turn.
    """

    name: str
    nodes: int
    teff: tuple[float, float]
    lowest: tuple[float, float]
    highest: tuple[float, float]
    fe_h: tuple[float, float]
    alpha: tuple[float, float]
    metric: tuple[float, ...] = (0.75, 1.0, 1.3, 0.2)

    def _ranges(self, teff: float) -> np.ndarray:
        """Middles and half widths of log g, [Fe/H] and [alpha/Fe] at a temperature, (2, 3)."""
        gravity = [float(np.interp(teff, self.teff, side)) for side in (self.lowest, self.highest)]
        low, high = np.array([gravity, self.fe_h, self.alpha]).T
        return np.array([0.5 * (high + low), 0.5 * (high - low)])

    def coordinates(self, star: Labels) -> np.ndarray:
        """Coordinates (4,) of a star, -1 to 1 within the region."""
        cool, hot = np.log(self.teff)
        middle, half = self._ranges(star.teff)
        others = (np.array([star.logg, star.fe_h, star.alpha]) - middle) / half
        return np.append((2.0 * np.log(star.teff) - cool - hot) / (hot - cool), others)

    def labels(self, x: np.ndarray) -> Labels:
        """The star at given coordinates (4,)."""
        cool, hot = np.log(self.teff)
        teff = float(np.exp(0.5 * (cool + hot + x[0] * (hot - cool))))
        middle, half = self._ranges(teff)
        logg, fe_h, alpha = (float(v) for v in middle + half * x[1:])
        return Labels(teff, logg, fe_h, alpha, alpha, alpha)

    def holds(self, star: Labels) -> bool:
        """Whether a star lies in the region."""
        own = max(abs(star.mg_fe - star.alpha), abs(star.si_fe - star.alpha))
        return own < ALPHA_TOLERANCE and bool(np.abs(self.coordinates(star)).max() <= 1.0 + 1e-9)

    def plan(self) -> list[Labels]:
        """Labels of the nodes: the first of a Sobol sequence, the same every time."""
        draw = qmc.Sobol(4, seed=23).random_base2(9)[: self.nodes]
        even, crowded = 2.0 * draw - 1.0, -np.cos(np.pi * draw)
        return [self.labels(x) for x in even + EDGE_CLUSTERING * (crowded - even)]


_DISC, _ALL = ((-1.0, 0.5), (-0.1, 0.4)), ((-2.5, 0.5), (-0.12, 0.5))
_NARROW = (3.0, 1.0, 2.5, 1.5)
REGIONS = (
    Region("M dwarfs", 104, (2950.0, 4000.0), (4.7, 4.6), (5.2, 5.05), *_DISC, _NARROW),
    Region("K dwarfs", 48, (4000.0, 4600.0), (4.55, 4.5), (4.9, 4.85), *_DISC, _NARROW),
    Region("K giants", 48, (4000.0, 4600.0), (0.9, 1.3), (2.2, 3.0), *_DISC, (1.2, 1.0, 1.3, 0.35)),
    Region("K stars", 80, (4600.0, 5000.0), (1.3, 1.5), (4.9, 4.9), (-2.05, 0.5), (-0.1, 0.45)),
    Region("G stars", 176, (5000.0, 6200.0), (0.0, 0.5), (5.0, 5.0), *_ALL),
    Region("F stars", 112, (6200.0, 7600.0), (0.5, 1.0), (5.0, 5.0), *_ALL),
    Region("A stars", 160, (7600.0, 9760.0), (1.0, 2.0), (5.0, 5.0), *_ALL, (0.5, 1.0, 0.7, 0.12)),
)


def packed(flux: np.ndarray, continuum: np.ndarray) -> np.ndarray:
    """Pack the logarithms of flux and coarse continuum into one float32 array."""
    return np.log(np.concatenate([flux, continuum[::SMOOTH]])).astype(np.float32)


def unpacked(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recover flux and continuum from a packed spectrum."""
    values = np.exp(values).astype(float)
    coarse = values[N_SAMPLES:]
    share = np.arange(SMOOTH) / SMOOTH
    rise = np.append(np.diff(coarse), 0.0)
    continuum = (coarse[:, None] + rise[:, None] * share).ravel()
    return values[:N_SAMPLES], continuum[:N_SAMPLES]


class OpticalInterpolator:
    """Spectra like those of `OpticalSynthesizer`, a hundred times faster inside the regions.

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
            nodes = np.array([region.coordinates(s) for s in plan[start:stop]]) * region.metric
            patches[region.name] = Patch.trained(nodes, made[start:stop], COMPONENTS, POWER)
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
                return unpacked(patch(region.coordinates(labels) * region.metric))
        if self._exact is None:
            self._exact = OpticalSynthesizer()
        return self._exact.spectrum(labels)
