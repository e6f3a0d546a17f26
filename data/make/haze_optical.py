"""Makes ``data/haze_optical.csv``: cross-sections of the haze, fitted to real stars and models.

``python -m data.make.haze_optical`` (two minutes) reads MILES stars and ck04 models from the
real-data folder (LABKIT_REAL), even ones only, and moves the cross-section of every bin and kind
(see `skysim.physics.haze`) so that the normalised spectra of the stars and the R = 200 energy
distributions of the models are met, by Gauss-Newton with a prior about a smooth start.  The haze of
a bin acts on that bin alone, so one more transfer per kind gives all derivatives at once.

The committed table is older than this recipe, and this script makes another one.  It was made in
several sessions, each going on from the last one's table, while the number of models, the prior and
the line list changed between them.  Longwards of 4000 A it is the end of that; shortwards it is an
earlier stage, lowered by hand by 0.22 dex from 2600 to 3400 A (by less down to 2500 and up to
3600 A).  ``--compare`` (one more minute) shows both tables to stars and models that were not
fitted, and how far one more step would move the committed one.  ``--write`` replaces the table,
and with it every optical spectrum of the survey.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage, sparse
from scipy.linalg import solveh_banded

from data.make import against_optical as compare
from data.make import table_files
from data.make.against_optical import BINS, N_BINS, WINDOW
from skysim.physics import haze
from skysim.spectra import optical
from skysim.stars.labels import Labels

NAME = "haze_optical.csv"
N_STARS, N_MODELS = 20, 36
#: Steps of the fit.  After eight, stars that are not fitted come out an eighth worse.
STEPS = 4
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
#: Iron ions of low excitation play no part shortwards of this (A): at R = 200 they can hardly be
#: told from those of high excitation, and a fit of both ran away.
LOW_IONS_FROM = 4000.0
LOW_IONS, NONE = haze.KINDS.index(("Fe II", 0.8)), -19.0
#: Where tables are judged (A): normalised spectra, then energy distributions.
JUDGED, VISIBLE, ULTRAVIOLET = (4000.0, 7000.0), (4000.0, 10000.0), (2500.0, 4000.0)


def start() -> np.ndarray:
    """Return the natural log of the cross-sections the fit starts from, (kinds, bins)."""
    level = np.interp(BINS, *START)
    methylidyne = np.where((BINS > 4180) & (BINS < 4440), level - 1.0, level - 2.5)
    low_ions = np.where(BINS < LOW_IONS_FROM, NONE, level - 1.5)
    return np.log(10.0) * np.array([level - 1.3, level, low_ions, level, methylidyne])


@dataclass
class Target:
    """A spectrum to meet: labels, and what is to be seen on the bins."""

    labels: Labels
    seen: np.ndarray
    is_star: bool


def targets(reality: compare.OpticalReference, odd: bool = False) -> list[Target]:
    """Return the even MILES stars and ck04 models of the fit, or as many odd ones."""
    found = []
    for row in reality.miles_stars(N_STARS, STARS, odd):
        found.append(
            Target(compare.star(*reality.miles["labels"][row]), reality.miles_spectrum(row), True)
        )
    rows = reality.model_rows(MODELS, odd)
    rows = rows[np.random.default_rng(4).permutation(rows.size)[:N_MODELS]]
    for row in rows:
        labels = compare.star(*reality.models["labels"][row], alpha=0.0)
        found.append(Target(labels, reality.model_spectrum(row), False))
    return found


def _blur_matrix(sigma: np.ndarray) -> sparse.csr_matrix:
    """Gaussian blur on the bins, a width (bins) for each."""
    offsets = np.arange(-30, 31)
    rows = np.exp(-0.5 * (offsets / sigma[:, None]) ** 2)
    rows /= rows.sum(axis=1, keepdims=True)
    i = np.arange(N_BINS)[:, None] + offsets
    inside = (i >= 0) & (i < N_BINS)
    j = np.broadcast_to(np.arange(N_BINS)[:, None], i.shape)
    return sparse.csr_matrix((rows[inside], (j[inside], i[inside])), (N_BINS, N_BINS))


class Fit:
    """The Gauss-Newton fit of the haze."""

    def __init__(self, to_meet: list[Target]) -> None:
        self.targets = to_meet
        self.moves = np.ones((len(haze.KINDS), N_BINS), bool)
        self.moves[LOW_IONS] = BINS > LOW_IONS_FROM
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
        self.structures: dict[int, object] = {}

    def _transfer(self, synthesizer, layers, kappa) -> np.ndarray:
        return compare.binned(synthesizer.emergent(layers, kappa))

    def response(self, synthesizer, number: int, renew: bool) -> tuple[np.ndarray, np.ndarray]:
        """Flux on the bins, and its log derivative with the log of each kind, (kinds, bins)."""
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
        """One step: new logs, and how far each target was missed (median)."""
        kinds = len(haze.KINDS)
        synthesizer = optical.OpticalSynthesizer(cross=np.exp(logs))
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
            slope = slope * self.moves
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

    def summary(self, missed: list[float]) -> str:
        """How far the targets were missed, in words."""
        stars = [m for target, m in zip(self.targets, missed, strict=True) if target.is_star]
        models = [m for target, m in zip(self.targets, missed, strict=True) if not target.is_star]
        return (
            f"{len(stars)} stars are missed by {np.median(stars):.4f}, {len(models)} models by "
            f"{np.median(models):.4f} (median)"
        )

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
    """Return the text of the table."""
    names = [f"{species.replace(' ', '_')}_{excitation}eV" for species, excitation in haze.KINDS]
    rows = [
        [f"{wavelength:.2f}", *(f"{x:.2f}" for x in column)]
        for wavelength, column in zip(BINS, logs.T / np.log(10.0), strict=True)
    ]
    return table_files.header(NAME) + table_files.csv_text(["wavelength_vac_A", *names], rows)


def logs_of(text: str) -> np.ndarray:
    """Return the natural log of the cross-sections in the text of a table, (kinds, bins)."""
    rows = table_files.rows_of(text)[1:]
    return np.log(10.0) * np.array([row[1:] for row in rows], float).T


def make(folder: Path) -> dict[str, str]:
    """Return the text of the table from the folder of real files."""
    fit = Fit(targets(compare.OpticalReference(folder)))
    logs = fit.first
    for number in range(STEPS):
        logs, missed = fit.round(logs, renew=number in (0, 2))
        print(f"before step {number + 1}: {fit.summary(missed)}", flush=True)
    return {NAME: table(logs)}


def shown(target: Target, flux: np.ndarray) -> np.ndarray:
    """A simulated spectrum on the optical grid as the target shows itself, (bins,)."""
    if target.is_star:
        return compare.running_normalised(compare.as_miles(flux))
    return compare.sed(compare.binned(flux))


def spectra(asked: list[Target], logs: np.ndarray) -> list[np.ndarray]:
    """Simulated spectra of targets with a given haze, as the targets show themselves."""
    synthesizer = optical.OpticalSynthesizer(cross=np.exp(logs))
    return [shown(target, synthesizer.spectrum(target.labels)[0]) for target in asked]


def apart(asked: list[Target], some: list[np.ndarray], others: list[np.ndarray]) -> str:
    """How far two sets of the targets' spectra are apart, in words."""

    def within(first: float, last: float) -> np.ndarray:
        return (first < BINS) & (last > BINS)

    here = within(*JUDGED)
    stars = [
        np.sqrt(np.mean((a - b)[here] ** 2))
        for target, a, b in zip(asked, some, others, strict=True)
        if target.is_star
    ]
    models = np.array(
        [
            np.abs(a / b - 1.0)
            for target, a, b in zip(asked, some, others, strict=True)
            if not target.is_star
        ]
    )
    visible, ultraviolet = (np.median(models[:, within(*r)]) for r in (VISIBLE, ULTRAVIOLET))
    return (
        f"{len(stars)} stars, normalised: rms {np.median(stars):.4f}; {len(models)} energy "
        f"distributions: {visible:.2%} in the visible, {ultraviolet:.2%} in the ultraviolet "
        "(all medians)"
    )


def report(folder: Path, made: dict[str, str]) -> Iterator[str]:
    """Compare the committed haze, the new one and the committed one a step on, as they show."""
    reality = compare.OpticalReference(folder)
    old = logs_of(table_files.committed(NAME))
    fit = Fit(targets(reality))
    next_one, missed = fit.round(old, renew=True)
    _, missed_then = fit.round(next_one, renew=False)
    step = np.abs(next_one - old)[fit.moves] / np.log(10.0)
    yield (
        f"one more step moves the committed cross-sections by {np.median(step):.2f} dex (median); "
        f"before it {fit.summary(missed)}; after it {fit.summary(missed_then)}"
    )
    unseen = targets(reality, odd=True)
    real = [
        compare.running_normalised(np.nan_to_num(t.seen, nan=1.0)) if t.is_star else t.seen
        for t in unseen
    ]
    before = spectra(unseen, old)
    yield f"committed haze against what was not fitted: {apart(unseen, before, real)}"
    for name, logs in (("new haze", logs_of(made[NAME])), ("committed, a step on", next_one)):
        after = spectra(unseen, logs)
        yield f"{name} against what was not fitted: {apart(unseen, after, real)}"
        yield f"{name} against the committed one: {apart(unseen, after, before)}"


if __name__ == "__main__":
    table_files.run(__doc__, make, report)
