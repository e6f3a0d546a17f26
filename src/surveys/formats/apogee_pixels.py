"""Pixels of resampled APOGEE spectra: their wavelengths, the detectors, the bits of the mask.

Source: the SDSS DR17 data model (https://data.sdss.org/datamodel, apStar and aspcapStar) and the
DR17 APOGEE_PIXMASK table (https://www.sdss4.org/dr17/algorithms/bitmasks/).
"""

from __future__ import annotations

N_PIXELS = 8575
"""Pixels of every resampled APOGEE spectrum."""


LOG_WAVELENGTH_START = 4.179
"""log10 of the vacuum wavelength in Å of the first pixel (the header's CRVAL1)."""


LOG_WAVELENGTH_STEP = 6e-6
"""Step of log10 wavelength from pixel to pixel (the header's CDELT1)."""


CHIPS = {"blue": slice(322, 3242), "green": slice(3648, 6048), "red": slice(6412, 8306)}
"""Pixels of each detector that the course uses, 7214 together: ASPCAP's of DR12, those of the
Cannon (Ness et al. 2015, ApJ 808, 16). From DR13 on ASPCAP keeps more, 7514: 246-3273, 3585-6079
and 6344-8334. The detectors reach further still."""


PIXMASK = {
    0: "BADPIX",
    1: "CRPIX",
    2: "SATPIX",
    3: "UNFIXABLE",
    4: "BADDARK",
    5: "BADFLAT",
    6: "BADERR",
    7: "NOSKY",
    8: "LITTROW_GHOST",
    9: "PERSIST_HIGH",
    10: "PERSIST_MED",
    11: "PERSIST_LOW",
    12: "SIG_SKYLINE",
    13: "SIG_TELLURIC",
    14: "NOT_ENOUGH_PSF",
}
"""Name of each bit of an apStar mask, by its number."""
