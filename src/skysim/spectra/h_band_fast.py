"""Fast H-band spectra, interpolated between a few hundred exact ones.

A `Zone` is a box in coordinates that follow the stars (a giant's temperature counts from its giant
branch), filled evenly with exact spectra.  These are compressed to principal components, and each
component is interpolated by cubic radial basis functions on a quadratic trend.  What lies outside
every zone is made exactly.  `tests/skysim/test_h_band_fast.py` shows error and coverage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import qmc

from skysim.spectra.h_band import Synthesizer, sample
from skysim.stars.evolution import giant_temperature
from skysim.stars.giants import SI_ZERO_POINT
from skysim.stars.labels import Labels

COMPONENTS = 45
#: Macroturbulence of the training spectra, km/s; other values are made exactly.
BROADENING = 6.0


@dataclass(frozen=True)
class Zone:
    """A box of labels: coordinates from -1 to 1 in (log g, [Fe/H], alpha, Mg, Si, Teff).

    Attributes
    ----------
    name : str
        For files and messages.
    nodes : int
        Exact spectra that fill the box (a power of two).
    logg, fe_h, alpha, teff : pairs
        Centre and half width; Teff counts from `track`.
    track : function
        Usual temperature (K) at (log g, [Fe/H]).
    metric : 6 numbers
        How much each coordinate counts in the distance between nodes.
    """

    name: str
    nodes: int
    logg: tuple[float, float]
    fe_h: tuple[float, float]
    alpha: tuple[float, float]
    teff: tuple[float, float]
    track: Callable[[float, float], float]
    metric: tuple[float, ...] = (1.6, 0.8, 0.6, 0.4, 0.4, 0.7)

    def coordinates(self, star: Labels) -> np.ndarray:
        """Coordinates (6,) of a star."""
        excess = star.teff - float(self.track(star.logg, star.fe_h))
        values = (star.logg, star.fe_h, star.alpha, star.mg_fe - star.alpha)
        values += (star.si_fe - star.alpha, excess)
        return np.array([(v - c) / h for v, (c, h) in zip(values, self._boxes, strict=True)])

    def labels(self, x: np.ndarray) -> Labels:
        """The star at given coordinates (6,)."""
        logg, fe_h, alpha, mg, si, excess = (
            float(c + h * u) for u, (c, h) in zip(x, self._boxes, strict=True)
        )
        teff = float(self.track(logg, fe_h)) + excess
        return Labels(teff, logg, fe_h, alpha + mg, alpha + si, alpha, BROADENING)

    def holds(self, star: Labels) -> bool:
        """Whether a star lies in the box."""
        plain = star.broadening == BROADENING and star.vsini == 0.0
        return plain and bool(np.abs(self.coordinates(star)).max() <= 1.0)

    def plan(self) -> list[Labels]:
        """Labels of the nodes: a Sobol sequence, the same every time."""
        draw = qmc.Sobol(6, seed=17).random(self.nodes)
        return [self.labels(x) for x in 2.0 * draw - 1.0]

    @property
    def _boxes(self) -> tuple[tuple[float, float], ...]:
        elements = ((0.0, 0.2), (SI_ZERO_POINT, 0.25))
        return (self.logg, self.fe_h, self.alpha, *elements, self.teff)


def _dwarf(logg: float, fe_h: float) -> float:
    """Central temperature of the dwarf zone, K: the same at every gravity and metallicity."""
    return 5400.0


ZONES = (
    Zone("giants", 512, (2.2, 1.85), (-0.3, 0.78), (0.1, 0.26), (50.0, 320.0), giant_temperature),
    Zone(
        "dwarfs", 256, (4.4, 0.45), (-0.16, 0.62), (0.09, 0.25), (0.0, 1340.0), _dwarf,
        metric=(0.5, 0.8, 0.4, 0.3, 0.3, 2.2),
    ),
)  # fmt: skip


def _quadratic(x: np.ndarray) -> np.ndarray:
    """Quadratic terms 1, x_i, x_i x_j of coordinates (n, d); (n, 28) for d = 6."""
    i, j = np.triu_indices(x.shape[1])
    return np.concatenate([np.ones((len(x), 1)), x, x[:, i] * x[:, j]], axis=1)


@dataclass(frozen=True)
class Patch:
    """An interpolator of spectra over one zone of d coordinates.

    Attributes
    ----------
    nodes : (n, d) array
        Coordinates times the metric.
    weights : (n + terms of the trend, k) array
    components : (k, size) array
    mean : (size,) array
    power : int
        The basis functions are distances to this (odd) power.
    """

    nodes: np.ndarray
    weights: np.ndarray
    components: np.ndarray
    mean: np.ndarray
    power: int = 3

    @classmethod
    def trained(
        cls, nodes: np.ndarray, spectra: np.ndarray, components: int = COMPONENTS, power: int = 3
    ) -> Patch:
        """Fit spectra (n, size) given at coordinates already multiplied by the metric (n, d)."""
        mean = spectra.mean(axis=0)
        spread = (spectra - mean).astype(float)  # in single, threads would show in the sum
        # Principal components by way of the small matrix of scalar products.
        variance, vectors = np.linalg.eigh(spread @ spread.T)
        best = np.argsort(variance)[::-1][:components]
        # With few nodes the last components hold rounding errors, of either sign.
        best = best[variance[best] > 1e-9 * variance.max()]
        scores = vectors[:, best] * np.sqrt(variance[best])
        shapes = spread.T @ (vectors[:, best] / np.sqrt(variance[best]))
        trend = _quadratic(nodes)
        basis = np.linalg.norm(nodes[:, None] - nodes[None], axis=2) ** power
        corner = np.zeros((trend.shape[1],) * 2)
        system = np.block([[basis, trend], [trend.T, corner]])
        right = np.concatenate([scores, np.zeros((trend.shape[1], best.size))])
        weights = np.linalg.solve(system, right)
        return cls(nodes, weights, shapes.T.astype(np.float32), mean.astype(np.float32), power)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The spectrum (size,) at coordinates (d,) times the metric."""
        distance = np.linalg.norm(self.nodes - x, axis=1)
        basis = np.concatenate([distance**self.power, _quadratic(x[None])[0]])
        # einsum: one thread, so that worker processes do not trip over each other's BLAS.
        scores = np.einsum("n,nk->k", basis, self.weights).astype(np.float32)
        return self.mean + np.einsum("k,kp->p", scores, self.components)


class Interpolator:
    """Spectra like those of `Synthesizer`, a hundred times faster inside the zones.

    Parameters
    ----------
    patches : dict
        Trained patches by name of zone.
    zones : tuple of Zone
        The boxes; a zone without a patch is made exactly.
    """

    def __init__(self, patches: dict[str, Patch], zones: tuple[Zone, ...] = ZONES) -> None:
        self._parts = [(z, patches[z.name]) for z in zones if z.name in patches]
        self._exact: Synthesizer | None = None

    @classmethod
    def trained(
        cls,
        spectra: Callable[[list[Labels]], Iterable[np.ndarray]],
        zones: tuple[Zone, ...] = ZONES,
    ) -> Interpolator:
        """Train on exact spectra.

        Parameters
        ----------
        spectra : function
            Makes the fine spectra of a list of labels, in order (in as many processes as it likes).
        zones : tuple of Zone
            The boxes to fill.
        """
        plan = [star for zone in zones for star in zone.plan()]
        made = np.array(list(spectra(plan)), np.float32)
        patches, start = {}, 0
        for zone in zones:
            stop = start + zone.nodes
            nodes = np.array([zone.coordinates(s) for s in plan[start:stop]]) * zone.metric
            patches[zone.name] = Patch.trained(nodes, made[start:stop])
            start = stop
        return cls(patches, zones)

    def save(self, path: Path) -> None:
        """Write the patches to an npz file."""
        names = Patch.__dataclass_fields__
        np.savez(path, **{f"{z.name}.{n}": getattr(p, n) for z, p in self._parts for n in names})

    @classmethod
    def load(cls, path: Path, zones: tuple[Zone, ...] = ZONES) -> Interpolator:
        """Read what `save` wrote."""
        with np.load(path) as file:
            patches = {
                z.name: Patch(*(file[f"{z.name}.{n}"] for n in Patch.__dataclass_fields__))
                for z in zones
            }
        return cls(patches, zones)

    def covers(self, labels: Labels) -> bool:
        """Whether a star is interpolated rather than made exactly."""
        return any(zone.holds(labels) for zone, _ in self._parts)

    def fine_spectrum(self, labels: Labels) -> np.ndarray:
        """Normalised flux, smoothed to the instrument's resolution, on the fine grid."""
        for zone, patch in self._parts:
            if zone.holds(labels):
                return patch(zone.coordinates(labels) * zone.metric)
        if self._exact is None:
            self._exact = Synthesizer()
        return self._exact.fine_spectrum(labels)

    def spectrum(self, labels: Labels, shift_km_s: float = 0.0) -> np.ndarray:
        """Normalised flux at the 8575 apStar pixels (see `Synthesizer.spectrum`)."""
        return sample(self.fine_spectrum(labels), shift_km_s)
