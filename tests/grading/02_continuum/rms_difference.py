"""Rivals of `rms_difference`."""

# %% right: with a masked array
def rms_difference(flux_a, error_a, flux_b, error_b):
    d = np.ma.array(flux_a - flux_b, mask=(error_a >= 1e9) | (error_b >= 1e9))
    if d.count() == 0:
        return np.nan
    return np.sqrt((d**2).mean())

# %% right: the norm over the root of the number
def rms_difference(flux_a, error_a, flux_b, error_b):
    k = np.maximum(error_a, error_b) < 1e9
    return np.linalg.norm((flux_a - flux_b)[k]) / max(k.sum(), 1) ** 0.5

# %% wrong: the standard deviation, blind to offsets | loses: test_rms_difference test_rms_difference_bad
def rms_difference(flux_a, error_a, flux_b, error_b):
    k = (error_a < 1e9) & (error_b < 1e9)
    return float(np.std((flux_a - flux_b)[k]))

# %% wrong: all pixels count | loses: test_rms_difference_bad
def rms_difference(flux_a, error_a, flux_b, error_b):
    return float(np.sqrt(np.mean((flux_a - flux_b) ** 2)))

# %% wrong: pixels that are good in either spectrum | loses: test_rms_difference_bad
def rms_difference(flux_a, error_a, flux_b, error_b):
    k = (error_a < 1e9) | (error_b < 1e9)
    return float(np.sqrt(np.mean((flux_a - flux_b)[k] ** 2)))

# %% wrong: only the first spectrum's bad pixels | loses: test_rms_difference_bad
def rms_difference(flux_a, error_a, flux_b, error_b):
    k = error_a < 1e9
    return float(np.sqrt(np.mean((flux_a - flux_b)[k] ** 2)))

# %% wrong: the root is forgotten | loses: test_rms_difference test_rms_difference_bad
def rms_difference(flux_a, error_a, flux_b, error_b):
    k = (error_a < 1e9) & (error_b < 1e9)
    return float(np.mean((flux_a - flux_b)[k] ** 2))

# %% wrong: mean absolute difference | loses: test_rms_difference test_rms_difference_bad
def rms_difference(flux_a, error_a, flux_b, error_b):
    k = (error_a < 1e9) & (error_b < 1e9)
    return float(np.mean(np.abs(flux_a - flux_b)[k]))

# %% wrong: in units of the errors | loses: test_rms_difference test_rms_difference_bad
def rms_difference(flux_a, error_a, flux_b, error_b):
    k = (error_a < 1e9) & (error_b < 1e9)
    z = (flux_a - flux_b) / np.hypot(error_a, error_b)
    return float(np.sqrt(np.mean(z[k] ** 2)))
