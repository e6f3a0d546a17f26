"""Rivals of `at_rest`."""

# %% right: the grid taken to the observed frame
def at_rest(wavelength, flux, error, z, grid):
    vacuum = grid * activity.air_index(grid)
    keep = error < 1e30
    return np.interp(vacuum * (1 + z), wavelength[keep], flux[keep])

# %% right: scipy, and the gap filled first
def at_rest(wavelength, flux, error, z, grid):
    from scipy.interpolate import interp1d

    bad = ~np.isfinite(error)
    filled = flux.astype(float).copy()
    filled[bad] = np.interp(np.flatnonzero(bad), np.flatnonzero(~bad), flux[~bad])
    rest = wavelength / (1 + z)
    return interp1d(rest / activity.air_index(rest), filled, fill_value="extrapolate")(grid)

# %% wrong: the rest frame with the wrong sign | loses: test_at_rest test_redshift test_redshift_flagged
# wavelength / (1 + z) => wavelength * (1 + z)

# %% wrong: vacuum for air | loses: test_at_rest test_redshift test_redshift_flagged
# rest / activity.air_index(rest) => rest

# %% wrong: from air to vacuum instead | loses: test_at_rest test_redshift test_redshift_flagged
# rest / activity => rest * activity

# %% wrong: z taken for a velocity | loses: test_at_rest test_redshift test_redshift_flagged
# (1 + z) => (1 + z / 299792.458)

# %% wrong: flagged pixels used | loses: test_at_rest_flagged test_redshift_flagged
# air[good], flux[good] => air, flux

# %% wrong: flagged pixels set to zero | loses: test_at_rest_flagged
# air[good], flux[good] => air, np.where(good, flux, 0)

# %% wrong: flagged pixels set to the median | loses: test_at_rest_flagged
# air[good], flux[good] => air, np.where(good, flux, np.median(flux))

# %% right: pandas bridges the gaps, and a list comes back
def at_rest(wavelength, flux, error, z, grid):
    import pandas as pd

    rest = np.asarray(wavelength) / (1 + z)
    air = rest / activity.air_index(rest)
    bridged = pd.Series(np.where(np.isfinite(error), flux, np.nan), index=air).interpolate("index")
    return np.interp(grid, air, bridged).tolist()

# %% right: single precision, lines in a loop
def at_rest(wavelength, flux, error, z, grid):
    good = [k for k in range(len(error)) if error[k] < np.inf]
    air = wavelength / (1 + z)
    air = air / activity.air_index(air)
    out = []
    for w in grid:
        k = min(max(np.searchsorted(air[good], w), 1), len(good) - 1)
        a, b = good[k - 1], good[k]
        share = (w - air[a]) / (air[b] - air[a])
        out.append((1 - share) * flux[a] + share * flux[b])
    return np.array(out, dtype=np.float32)

# %% wrong: the nearest pixel | loses: test_at_rest test_at_rest_flagged
# - return np.interp(grid, air[good], flux[good])
# + nearest = np.abs(air[good] - np.asarray(grid)[:, None]).argmin(axis=1)
# + return flux[good][nearest]

# %% wrong: gaps filled with their nearest neighbour | loses: test_at_rest_flagged
# - return np.interp(grid, air[good], flux[good])
# + nearest = np.abs(air[:, None] - air[good]).argmin(axis=1)
# + return np.interp(grid, air, flux[good][nearest])

# %% wrong: the grid itself | loses: test_at_rest test_at_rest_flagged test_redshift test_redshift_flagged
def at_rest(wavelength, flux, error, z, grid):
    return grid

# %% wrong: a cubic spline over the gaps | loses: test_at_rest_flagged
def at_rest(wavelength, flux, error, z, grid):
    from scipy.interpolate import CubicSpline

    rest = wavelength / (1 + z)
    good = np.isfinite(error)
    return CubicSpline((rest / activity.air_index(rest))[good], flux[good])(grid)
