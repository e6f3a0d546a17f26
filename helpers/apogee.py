"""APOGEE spectra: the pixel grid, the names of the mask bits, and a reader for its files.

Nothing here interprets a spectrum: what a mask bit means for your work, and what the continuum is,
are yours to decide.

Source: the SDSS DR17 data model (https://data.sdss.org/datamodel, apStar and aspcapStar) and the
DR17 APOGEE_PIXMASK table (https://www.sdss4.org/dr17/algorithms/bitmasks/).
"""

from __future__ import annotations

from surveys.formats.apogee_pixels import CHIPS, N_PIXELS, PIXMASK
from surveys.formats.apstar import ApogeeFileError, Spectrum, read_apstar, read_aspcapstar

__all__ = [
    "CHIPS",
    "FIELDS",
    "LABELS",
    "N_PIXELS",
    "PIXMASK",
    "PIXMASK_MEANING",
    "ApogeeFileError",
    "Spectrum",
    "read_apstar",
    "read_aspcapstar",
]


FIELDS = ("M15", "N6791", "K2_C4_168-21", "060+00")
"""The four fields on the sky that the course works with, as in the catalogue's `field` column."""
LABELS = ("TEFF", "LOGG", "FE_H", "MG_FE", "SI_FE")
"""The five labels of the course, in the order every product keeps: K, dex, dex, dex, dex."""

PIXMASK_MEANING = {
    0: "listed as bad on the detector, or spoilt by a neighbour",
    1: "hit by a cosmic ray",
    2: "saturated",
    3: "could not be repaired",
    4: "bad in the dark exposure",
    5: "bad in the flat field",
    6: "its error is set to a very large value",
    7: "no sky fibre could tell the sky brightness here",
    8: "under the ghost image made by the spectrograph's grating",
    9: "in a detector region that remembers earlier light: strongly",
    10: "in a detector region that remembers earlier light: moderately",
    11: "in a detector region that remembers earlier light: weakly",
    12: "near a bright line of the night sky",
    13: "near a strong absorption line of the Earth's atmosphere",
    14: "too little of the fibre's profile fell on good pixels",
}
"""What each bit says, in one line."""
