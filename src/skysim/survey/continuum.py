"""Selection of continuum pixels, the list that the labs use to normalise spectra.

The rule.  At a grid of giants that spans the survey's labels, the model spectrum and its
derivatives with respect to the five labels are computed.  A pixel is a candidate when

1. its flux stays near one: the lowest of all grid spectra is above a floor;
2. it is not under a telluric line deeper than 5 per cent nor an airglow line that outshines a fifth
   of a star of H = 12, at zero velocity.

Candidates are ranked by how much they change: the sum over labels of (spread of the label x
|derivative|).  On each chip, first the best six of every 40 Angstrom stretch are taken, as far as
it has candidates, so that no part is left to extrapolation.  Then the best of the chip are taken
until 8 per cent of its pixels are trusted, but none within 40 Angstrom of the four strongest
Brackett lines.  The wings of these are some tenths of a per cent deep there: a continuum with many
such pixels would follow the wings instead of the continuum.
"""

from __future__ import annotations

import numpy as np

from skysim.physics.lines import brackett
from skysim.spectra.h_band import Synthesizer, wavelength_grid
from skysim.stars.labels import Labels
from skysim.survey.apogee_files import H_ZERO, TRIMMED, night_sky, trimmed_pixels

FRACTION = 0.08
STRETCH = 40.0  # Angstrom
PER_STRETCH = 6
#: Lowest normalised flux that a continuum pixel may have in any spectrum of the grid.
FLOOR = 0.985
#: How far from the centre the wings of the strongest Brackett lines (11 to 14) reach, Angstrom.
WING = 40.0
STRONGEST = 4
#: Spread (standard deviation) of each label among the survey's giants, and the derivative's step.
SPREAD = {"teff": 260.0, "logg": 0.55, "fe_h": 0.23, "mg_fe": 0.09, "si_fe": 0.085}
STEP = {"teff": 60.0, "logg": 0.15, "fe_h": 0.1, "mg_fe": 0.1, "si_fe": 0.1}
#: Giants up the branch, at two metallicities.
GRID = tuple(
    Labels(teff, logg, fe_h, 0.05, 0.2, 0.05)
    for teff, logg in ((4050.0, 1.2), (4450.0, 2.0), (4800.0, 2.6), (5050.0, 3.1))
    for fe_h in (-0.5, 0.1)
)


def sensitivity(synthesizer: Synthesizer) -> tuple[np.ndarray, np.ndarray]:
    """How much each apStar pixel changes with the labels, and its lowest flux over the grid.

    Returns
    -------
    change : (8575,) array
        Mean over the grid of sum |df/dlabel| x spread of the label.
    lowest : (8575,) array
        Lowest normalised flux of the grid's spectra.
    """
    changes, fluxes = [], []
    for labels in GRID:
        fluxes.append(synthesizer.spectrum(labels))
        total = np.zeros_like(fluxes[0])
        for name, step in STEP.items():
            value = getattr(labels, name)
            up = synthesizer.spectrum(labels.changed(**{name: value + step}))
            down = synthesizer.spectrum(labels.changed(**{name: value - step}))
            total += np.abs(up - down) / (2 * step) * SPREAD[name]
        changes.append(total)
    return np.mean(changes, axis=0), np.min(fluxes, axis=0)


def continuum_pixels(synthesizer: Synthesizer | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Select the continuum pixels.

    Returns
    -------
    wavelengths : (7214,) array
        Vacuum wavelength of the trimmed apStar pixels, Angstrom.
    trusted : (7214,) bool array
        True where the pixel holds continuum.
    """
    change, lowest = sensitivity(synthesizer or Synthesizer())
    sky = night_sky()
    faint = H_ZERO * 10 ** (-0.4 * 12.0)
    absorbed = 1.0 - np.exp(-sum(sky.absorption.values()))
    clean = (absorbed < 0.05) & (sky.airglow < 0.2 * faint)
    candidate = clean & (lowest > FLOOR)
    wavelength = wavelength_grid()
    trusted = np.zeros(wavelength.size, bool)
    _, lines, _ = brackett()
    away = np.min(np.abs(wavelength[:, np.newaxis] - lines[:STRONGEST]), axis=1) > WING
    for first, last in TRIMMED:
        pixels = first + np.flatnonzero(candidate[first:last])
        stretch = (wavelength[pixels] - wavelength[first]) // STRETCH
        for k in np.unique(stretch):
            trusted[_steadiest(pixels[stretch == k], change, PER_STRETCH)] = True
        missing = int(FRACTION * (last - first)) - trusted[first:last].sum()
        more = pixels[(away & ~trusted)[pixels]]
        trusted[_steadiest(more, change, max(missing, 0))] = True
    pixels = trimmed_pixels()
    return wavelength[pixels], trusted[pixels]


def _steadiest(pixels: np.ndarray, change: np.ndarray, count: int) -> np.ndarray:
    """Return those of some pixels that change least with the labels, at most `count` of them."""
    return pixels[np.argsort(change[pixels])[:count]]
