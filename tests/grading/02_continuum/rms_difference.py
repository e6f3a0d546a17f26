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
    return np.linalg.norm((flux_a - flux_b)[k]) / np.sqrt(k.sum())

# %% right: scikit-learn, NaN caught, single precision
def rms_difference(flux_a, error_a, flux_b, error_b):
    from sklearn.metrics import root_mean_squared_error

    k = np.fmax(error_a, error_b) < 1e9
    if k.sum() == 0:
        return float("nan")
    return root_mean_squared_error(np.float32(flux_a[k]), np.float32(flux_b[k]))

# %% right: pandas, whose mean of nothing is NaN
def rms_difference(flux_a, error_a, flux_b, error_b):
    import pandas as pd

    difference = pd.Series(flux_a - flux_b).where((error_a < 1e9) & (error_b < 1e9))
    return (difference**2).mean() ** 0.5

# %% wrong: the standard deviation, blind to offsets | loses: test_rms_difference test_rms_difference_bad
# np.sqrt(np.mean((flux_a[both] - flux_b[both]) ** 2)) => np.std(flux_a[both] - flux_b[both])

# %% wrong: all pixels count | loses: test_rms_difference_bad
# (error_a < BAD_LIMIT) & (error_b < BAD_LIMIT) => np.ones(len(flux_a), dtype=bool)

# %% wrong: pixels that are good in either spectrum | loses: test_rms_difference_bad
# BAD_LIMIT) & (error_b => BAD_LIMIT) | (error_b

# %% wrong: only the first spectrum's bad pixels | loses: test_rms_difference_bad
# & (error_b < BAD_LIMIT) =>

# %% wrong: the root is forgotten | loses: test_rms_difference test_rms_difference_bad
# np.sqrt =>

# %% wrong: mean absolute difference | loses: test_rms_difference test_rms_difference_bad
# np.sqrt =>
# (flux_a[both] - flux_b[both]) ** 2 => np.abs(flux_a[both] - flux_b[both])

# %% wrong: in units of the errors | loses: test_rms_difference test_rms_difference_bad
# flux_a[both] - flux_b[both] => (flux_a - flux_b)[both] / np.hypot(error_a, error_b)[both]

# %% wrong: zero where nothing can be compared | loses: test_rms_difference_bad
# float("nan") => 0.0

# %% wrong: always zero | loses: test_rms_difference test_rms_difference_bad
def rms_difference(flux_a, error_a, flux_b, error_b):
    return 0.0

# %% wrong: weighted by the errors | loses: test_rms_difference
def rms_difference(flux_a, error_a, flux_b, error_b):
    w = np.where((error_a < 1e9) & (error_b < 1e9), 1 / (error_a**2 + error_b**2), 0)
    if not w.any():
        return np.nan
    return np.sqrt(np.sum(w * (flux_a - flux_b) ** 2) / w.sum())

# %% wrong: an error of exactly 1e9 is good | loses: test_rms_difference_bad
def rms_difference(flux_a, error_a, flux_b, error_b):
    good = (error_a <= 1e9) & (error_b <= 1e9)
    if not good.any():
        return np.nan
    return np.sqrt(np.mean((flux_a[good] - flux_b[good]) ** 2))
