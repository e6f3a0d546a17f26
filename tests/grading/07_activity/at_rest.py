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

# %% wrong: the rest frame with the wrong sign | loses: test_at_rest
# wavelength / (1 + z) => wavelength * (1 + z)

# %% wrong: vacuum for air | loses: test_at_rest
# rest / activity.air_index(rest) => rest

# %% wrong: from air to vacuum instead | loses: test_at_rest
# rest / activity => rest * activity

# %% wrong: z taken for a velocity | loses: test_at_rest
# (1 + z) => (1 + z / 299792.458)

# %% wrong: flagged pixels used | loses: test_at_rest_flagged
# air[good], flux[good] => air, flux

# %% wrong: flagged pixels set to zero | loses: test_at_rest_flagged
# air[good], flux[good] => air, np.where(good, flux, 0)

# %% wrong: flagged pixels set to the median | loses: test_at_rest_flagged
# air[good], flux[good] => air, np.where(good, flux, np.median(flux))
