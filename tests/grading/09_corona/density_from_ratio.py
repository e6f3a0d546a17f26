"""Rivals of `density_from_ratio`."""

# %% right: turned round where it falls
def density_from_ratio(ratio, log_density, curve):
    if curve[0] > curve[-1]:
        curve, log_density = curve[::-1], log_density[::-1]
    found = np.interp(ratio, curve, log_density)
    found[(ratio < curve[0]) | (ratio > curve[-1])] = np.nan
    return found

# %% right: scipy
def density_from_ratio(ratio, log_density, curve):
    from scipy.interpolate import interp1d

    return interp1d(curve, log_density, bounds_error=False, fill_value=np.nan)(ratio)

# %% wrong: the ends stand for what lies outside | loses: test_density_from_ratio_outside
# , left=np.nan, right=np.nan =>

# %% wrong: rising curves only | loses: test_density_from_ratio
# np.argsort(curve) => np.arange(len(curve))

# %% wrong: the nearest point of the table | loses: test_density_from_ratio test_density_from_ratio_outside
def density_from_ratio(ratio, log_density, curve):
    return log_density[np.abs(curve[None] - np.asarray(ratio)[:, None]).argmin(axis=1)]

# %% wrong: curve and density exchanged | loses: test_density_from_ratio test_density_from_ratio_outside
# curve[order], log_density[order] => log_density, curve

# %% wrong: density instead of its logarithm | loses: test_density_from_ratio
# log_density[order] => 10 ** log_density[order]
