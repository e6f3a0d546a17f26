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

# %% wrong: rising curves only | loses: test_density_from_ratio test_density_from_ratio_outside
# np.argsort(curve) => np.arange(len(curve))

# %% wrong: the nearest point of the table | loses: test_density_from_ratio test_density_from_ratio_outside
def density_from_ratio(ratio, log_density, curve):
    return log_density[np.abs(curve[None] - np.asarray(ratio)[:, None]).argmin(axis=1)]

# %% wrong: curve and density exchanged | loses: test_density_from_ratio test_density_from_ratio_outside
# curve[order], log_density[order] => log_density, curve

# %% wrong: density instead of its logarithm | loses: test_density_from_ratio test_density_from_ratio_outside
# log_density[order] => 10 ** log_density[order]

# %% right: pandas, single precision
def density_from_ratio(ratio, log_density, curve):
    import pandas as pd

    table = pd.Series(log_density, index=np.asarray(curve)).sort_index()
    x, y = table.index.to_numpy(), table.to_numpy()
    read = []
    for r in ratio:
        k = int(np.searchsorted(x, r))
        if k in (0, len(x)):
            read.append(np.nan)
            continue
        share = (r - x[k - 1]) / (x[k] - x[k - 1])
        read.append(np.float32(y[k - 1] + share * (y[k] - y[k - 1])))
    return read

# %% wrong: NaN for what lies outside of a rising curve only | loses: test_density_from_ratio_outside
# , left=np.nan, right=np.nan => , left=np.nan if curve[0] < curve[-1] else log_density[-1], right=np.nan if curve[0] < curve[-1] else log_density[0]

# %% wrong: NaN for all | loses: test_density_from_ratio test_density_from_ratio_outside
def density_from_ratio(ratio, log_density, curve):
    return np.full(len(ratio), np.nan)

# %% wrong: the middle of the table for all ratios on the curve | loses: test_density_from_ratio
def density_from_ratio(ratio, log_density, curve):
    on = (ratio >= np.min(curve)) & (ratio <= np.max(curve))
    return np.where(on, np.mean(log_density), np.nan)
