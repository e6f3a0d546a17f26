"""LAMOST-like spectra, real or simulated, made comparable: over their running mean, at rest."""

import numpy as np

from .conftest import real_file

BAD = 1e10


def chosen_stars(stars):
    """Return the rows of well observed F, G and K stars.

    Parameters
    ----------
    stars : mapping
        The columns of a stack of spectra.

    Returns
    -------
    array of int
    """
    return np.flatnonzero(
        (stars["snrg"] > 50)
        & (stars["teff"] > 4500)
        & (stars["teff"] < 7500)
        & (stars["feh"] > -1.5)
    )


def comparable(stars, chosen):
    """Put spectra of a stack over their running mean, at rest, on one grid.

    Parameters
    ----------
    stars : mapping
        The columns of a stack of spectra.
    chosen : (n,) array of int
        Rows.

    Returns
    -------
    flux, error : (n, pixels) arrays
        Between 4000 and 6900 A in steps of 1e-4 in log10 wavelength; the mean runs over 51
        pixels. Pixels that are flagged, or next to flagged ones, have an error of 1e10.
    """
    observed = stars["wavelength"]
    grid = 10 ** np.arange(np.log10(4000), np.log10(6900), 1e-4)
    window = np.ones(51)
    share = np.convolve(np.ones_like(grid), window, "same")
    flux, error = np.ones((len(chosen), len(grid))), np.full((len(chosen), len(grid)), BAD)
    flags = np.unpackbits(stars["bad"], axis=1)[:, : len(observed)].astype(bool)
    for row, n in enumerate(chosen):
        raw = stars["flux_i2"][n] * stars["flux_scale"][n]
        sigma = stars["err_f2"][n].astype(float) * stars["flux_scale"][n] * 100
        good = ~flags[n] & np.isfinite(sigma) & (sigma > 0)
        rest = observed / (1 + stars["z"][n])
        f, e = (np.interp(grid, rest[good], values[good]) for values in (raw, sigma))
        level = np.convolve(f, window, "same") / share
        use = (np.interp(grid, rest, good.astype(float)) == 1) & (level > 0)
        flux[row, use] = f[use] / level[use]
        error[row, use] = np.maximum(e[use] / level[use], 1e-4)
    return flux, error


def labels_of(stars, chosen):
    """Return Teff, log g and [Fe/H] (n, 3) of the catalogue."""
    return np.column_stack([stars[name][chosen] for name in ("teff", "logg", "feh")])


def lamost_stars():
    """Return spectra and labels of 884 real LAMOST stars.

    Returns
    -------
    flux, error : (884, pixels) arrays
        See `comparable`.
    labels : (884, 3) array
        Teff, log g and [Fe/H] of the LAMOST catalogue.
    """
    with np.load(real_file("lamost/dr10_afg_2330.npz")) as file:
        stars = dict(file)
    chosen = chosen_stars(stars)
    return *comparable(stars, chosen), labels_of(stars, chosen)
