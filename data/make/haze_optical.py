"""Make ``data/haze_optical.csv``: cross-sections of the haze, fitted to real stars and models.

``python -m data.make.haze_optical`` reads MILES stars and ck04 models from the real-data
folder (LABKIT_REAL), even ones only, and moves the cross-section of every bin and kind (see
`skysim.physics.haze`) so that the normalised spectra of the stars and the R = 200 energy
distributions of the models are met, by Gauss-Newton with a prior about a smooth start.  The haze of
a bin acts on that bin alone, so one more transfer per kind gives all derivatives at once.
``--write`` replaces the table.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np
from scipy import ndimage, sparse
from scipy.linalg import solveh_banded

from data.make import against_optical as compare
from data.make import real_folder
from data.make.against_optical import BINS, N_BINS, WINDOW
from skysim.physics import haze
from skysim.spectra import optical
from skysim.stars.labels import Labels
from surveys.folders import facts_folder

N_STARS, N_MODELS = 20, 24
STARS, MODELS = (4400.0, 9500.0), (4500.0, 9750.0)
NOISE, SED_NOISE, UV_NOISE = 0.02, 0.02, 0.04
#: The prior: natural log of the cross-section within so much of the start, or (below
#: 4000 A, where R = 200 cannot tell bins apart) of its own running mean.
PRIOR = np.where(BINS > 4000.0, 2.0, 1.0)
REACH = 60  # bins over which the observations tie the unknowns together
#: Wavelengths (A) that MILES is not asked about: hydrogen, interstellar sodium and calcium.
ASIDE = ((6549, 6581), (4851, 4875), (4332, 4352), (4093, 4113), (5886, 5902), (3964, 3976))
#: The start: wavelength (A), log10 of the cross-section (cm2) of Fe I at 3.6 eV and of Fe II.
START = (
    (2400, 3000, 3500, 4000, 4500, 5000, 6000, 7000, 10600),
    (-15.2, -15.4, -15.6, -16.0, -16.5, -17.0, -17.6, -18.0, -18.5),
)
HEADER = """\
# Haze of the optical and ultraviolet: mean cross-sections (log10 cm2) of unlisted lines in bins of
# 75 km/s, by kind of absorber, made by data/make/haze_optical.py from MILES stars (2.5 A,
# 3560-7380 A) and Castelli & Kurucz 2004 model fluxes (R = 200).  See src/skysim/physics/haze.py.
"""


def start() -> np.ndarray:
    """Natural log of the cross-sections the fit starts from, (kinds, bins)."""
    level = np.interp(BINS, *START)
    methylidyne = np.where((BINS > 4180) & (BINS < 4440), level - 1.0, level - 2.5)
    return np.log(10.0) * np.array([level - 1.3, level, level - 1.5, level, methylidyne])


@dataclass
class Target:
    """A spectrum to be fitted: labels of its star, and flux on the bins."""

    labels: Labels
    seen: np.ndarray
    is_star: bool


def targets(reference: compare.OpticalReference) -> list[Target]:
    """The even MILES stars and ck04 models of the fit."""
    found = []
    for row in reference.miles_stars(N_STARS, STARS, odd=False):
        found.append(
            Target(
                compare.star(*reference.miles["labels"][row]), reference.miles_spectrum(row), True
            )
        )
    rows = reference.model_rows(MODELS, odd=False)
    rows = rows[np.random.default_rng(4).permutation(rows.size)[:N_MODELS]]
    for row in rows:
        labels = compare.star(*reference.models["labels"][row], alpha=0.0)
        found.append(Target(labels, reference.model_spectrum(row), False))
    return found


def _blur_matrix(sigma: np.ndarray) -> sparse.csr_matrix:
    """Matrix of a Gaussian blur on the bins, with a width (in bins) for each bin."""
    offsets = np.arange(-30, 31)
    rows = np.exp(-0.5 * (offsets / sigma[:, None]) ** 2)
    rows /= rows.sum(axis=1, keepdims=True)
    i = np.arange(N_BINS)[:, None] + offsets
    inside = (i >= 0) & (i < N_BINS)
    j = np.broadcast_to(np.arange(N_BINS)[:, None], i.shape)
    return sparse.csr_matrix((rows[inside], (j[inside], i[inside])), (N_BINS, N_BINS))


class Fit:
    """The Gauss-Newton fit of the haze."""

    def __init__(self, reference: compare.OpticalReference, ultraviolet: bool = False) -> None:
        self.targets = [t for t in targets(reference) if not (ultraviolet and t.is_star)]
        self.moves = (3900.0 if ultraviolet else np.inf) > BINS
        per_bin = optical.LOG_STEP * compare.PER_BIN
        self.star_blur = _blur_matrix(compare.MILES_FWHM / 2.3548 / BINS / per_bin)
        mean = sparse.diags(
            [np.full(N_BINS, 1.0 / WINDOW)] * WINDOW,
            range(-(WINDOW // 2), WINDOW // 2 + 1),
            (N_BINS, N_BINS),
        ).tocsr()
        self.sed_blur = _blur_matrix(np.full(N_BINS, 1.0 / (compare.SED_POWER * 2.3548 * per_bin)))
        asked = (BINS > 3600.0) & (BINS < 7360.0)
        for low, high in ASIDE:
            asked &= (low > BINS) | (high < BINS)
        self.star_weight = asked / NOISE**2
        # R = 200 is oversampled: neighbouring bins say the same.
        noise = np.where(BINS > 4000, SED_NOISE, UV_NOISE)
        self.sed_weight = (BINS > 2420) & (BINS < 10500)
        self.sed_weight = self.sed_weight / noise**2 / 15.0
        self.star_map = (sparse.identity(N_BINS) - mean) @ self.star_blur
        self.first = start()
        self.bands = [] if ultraviolet else None  # molecules of cool stars show longwards
        self.structures: dict[int, object] = {}

    def _transfer(self, synthesizer, layers, kappa) -> np.ndarray:
        return compare.binned(synthesizer.emergent(layers, kappa))

    def response(self, synthesizer, number: int, renew: bool) -> tuple[np.ndarray, np.ndarray]:
        """Flux on the bins, and d ln(flux) / d ln(cross-section) of each kind, (kinds, bins)."""
        target = self.targets[number]
        if renew or number not in self.structures:
            self.structures[number] = synthesizer.structure(target.labels)
        layers = self.structures[number]
        kappa, _ = synthesizer.opacity(layers.gas, target.labels)
        flux = self._transfer(synthesizer, layers, kappa)
        rows = []
        for kind in range(len(haze.KINDS)):
            only = np.zeros_like(synthesizer.cross)
            only[kind] = 0.1 * synthesizer.cross[kind]
            more = kappa.copy()
            haze.add(more, layers.gas, only)
            rows.append(np.log(self._transfer(synthesizer, layers, more) / flux) / 0.1)
        return flux, np.array(rows)

    def round(self, logs: np.ndarray, renew: bool) -> tuple[np.ndarray, list[float]]:
        """One Gauss-Newton step: new log cross-sections, and median residual of each target."""
        kinds = len(haze.KINDS)
        synthesizer = optical.OpticalSynthesizer(cross=np.exp(logs), band_opacity=self.bands)
        bands = np.zeros((kinds, kinds, REACH + 1, N_BINS))  # upper band: bin i with i + offset
        smooth = ndimage.uniform_filter1d(logs, 41, axis=1, mode="nearest")
        right = (np.where(BINS > 4000.0, self.first, smooth) - logs) / PRIOR**2
        missed = []
        products = {
            True: self._product(self.star_map, self.star_weight),
            False: self._product(self.sed_blur, self.sed_weight),
        }
        for number, target in enumerate(self.targets):
            flux, slope = self.response(synthesizer, number, renew)
            if target.is_star:
                seen = np.where(np.isfinite(target.seen), target.seen, 1.0)
                blurred = self.star_blur @ flux
                model = compare.running_normalised(blurred)
                lack = compare.running_normalised(seen) - model
                scaled = slope * flux / (blurred / model)
                mapping, weight = self.star_map, self.star_weight
            else:
                model = self.sed_blur @ flux
                level = compare.sed(flux)
                lack = np.log(target.seen / level)
                scaled = slope * flux / model
                # The median counts: a few deep troughs may not rule the rest.
                mapping = self.sed_blur
                weight = self.sed_weight / (1.0 + (lack / 0.15) ** 2)
            rms = np.sqrt(np.average(lack**2, weights=weight))
            asked = weight > 0
            missed.append(float(np.median(np.abs(lack[asked]))))
            share = 1.0 / (
                1.0 + (rms / (0.06 if target.is_star else 0.3)) ** 2
            )  # what is far off has other reasons
            right += share * scaled * (mapping.T @ (weight * np.clip(lack, -0.3, 0.3)))
            product = products[target.is_star]
            for a in range(kinds):
                for b in range(kinds):
                    for offset in range(REACH + 1):
                        n = N_BINS - offset
                        bands[a, b, offset, :n] += (
                            share * scaled[a, :n] * product[offset, :n] * scaled[b, offset:]
                        )
        step = np.clip(self._solve(bands, right), -1.5, 1.5)
        return np.where(self.moves, logs + step, logs), missed

    @staticmethod
    def _product(mapping: sparse.csr_matrix, weight: np.ndarray) -> np.ndarray:
        """Diagonals 0 to REACH of mapping^T weight mapping, (REACH + 1, N_BINS)."""
        square = (mapping.T @ sparse.diags(weight) @ mapping).todia()
        rows = np.zeros((REACH + 1, N_BINS))
        for offset in range(REACH + 1):
            diagonal = square.diagonal(offset)
            rows[offset, : diagonal.size] = diagonal
        return rows

    @staticmethod
    def _solve(bands: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Solve the banded normal equations; unknowns ordered by bin, then kind."""
        kinds = len(bands)
        width = kinds * (REACH + 1)
        matrix = np.zeros((width, kinds * N_BINS))  # lower form: matrix[d, j] = A[j + d, j]
        for a in range(kinds):
            for b in range(kinds):
                for offset in range(REACH + 1):
                    d = offset * kinds + b - a
                    if d >= 0:
                        n = N_BINS - offset
                        matrix[d, a : a + kinds * n : kinds] = bands[a, b, offset, :n]
        matrix[0] += np.repeat(PRIOR**-2.0, kinds)
        step = solveh_banded(matrix, right.T.ravel(), lower=True, overwrite_ab=True)
        return step.reshape(N_BINS, kinds).T


def table(logs: np.ndarray) -> str:
    """Text of the table of cross-sections."""
    names = ",".join(f"{s.replace(' ', '_')}_{e}eV" for s, e in haze.KINDS)
    rows = [
        ",".join([f"{w:.2f}", *(f"{x:.2f}" for x in column)])
        for w, column in zip(BINS, logs.T / np.log(10.0), strict=True)
    ]
    return HEADER + f"wavelength_vac_A,{names}\n" + "\n".join(rows) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Fit, print the residuals of the targets at each step, and write the table when asked to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="replace data/haze_optical.csv")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--again", action="store_true", help="go on from the present table")
    parser.add_argument("--ultraviolet", action="store_true", help="only models, below 3900 A")
    chosen = parser.parse_args(arguments)
    reference = compare.OpticalReference(real_folder())
    fit = Fit(reference, chosen.ultraviolet)
    logs = np.log(haze.cross_sections()) if chosen.again else fit.first
    say = sys.stdout.write
    for number in range(chosen.rounds):
        logs, missed = fit.round(logs, renew=number in (0, 2))
        for name, which in (("stars", True), ("models", False)):
            some = [m for t, m in zip(fit.targets, missed, strict=True) if t.is_star == which]
            if some:
                say(f"before step {number + 1}: {len(some)} {name}, median {np.median(some):.4f}\n")
        sys.stdout.flush()
        if chosen.write:
            (facts_folder() / "haze_optical.csv").write_text(table(logs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
