"""Rivals of `binned_offsets`."""

# %% right: digitize
def binned_offsets(observed, expected, fe_h, edges):
    d = observed - expected
    ok = ~np.isnan(d)
    d, which = d[ok], np.digitize(fe_h[ok], edges) - 1
    groups = [d[which == i] for i in range(len(edges) - 1)]
    offset = np.array([np.median(g) if len(g) else np.nan for g in groups])
    scatter = np.array([1.4826 * np.median(abs(g - np.median(g))) if len(g) else np.nan for g in groups])
    return offset, scatter, np.array([len(g) for g in groups])

# %% right: half the distance of the 16th and 84th percentiles
def binned_offsets(observed, expected, fe_h, edges):
    out = []
    for lo, hi in zip(edges[:-1], edges[1:]):
        d = (observed - expected)[(fe_h >= lo) & (fe_h < hi)]
        d = d[np.isfinite(d)]
        if d.size == 0:
            out.append((np.nan, np.nan, 0))
        else:
            p = np.percentile(d, [25, 50, 75])
            out.append((p[1], (p[2] - p[0]) / 1.349, d.size))
    a, b, c = zip(*out)
    return np.array(a), np.array(b), np.array(c)

# %% wrong: mean and standard deviation | loses: test_binned_offsets test_binned_offsets_scatter
# np.median(inside) => np.mean(inside)
# 1.4826 * np.median(np.abs(inside - offset[i])) => np.std(inside)

# %% wrong: isochrone minus star | loses: test_binned_offsets test_binned_offsets_empty
# observed - expected => expected - observed

# %% wrong: median absolute deviation without its factor | loses: test_binned_offsets_scatter
# 1.4826 * =>

# %% wrong: scatter about zero | loses: test_binned_offsets_scatter
# inside - offset[i] => inside

# %% wrong: NaN not taken out | loses: test_binned_offsets_empty
# valid & (fe_h >= edges[i]) => (fe_h >= edges[i])

# %% wrong: an empty bin has an offset of zero | loses: test_binned_offsets_empty
# np.full(bins, np.nan), np.full(bins, np.nan), => np.zeros(bins), np.zeros(bins),

# %% wrong: bins that reach to the end | loses: test_binned_offsets test_binned_offsets_empty
# & (fe_h < edges[i + 1]) =>

# %% right: scipy's statistics by bin
def binned_offsets(observed, expected, fe_h, edges):
    from scipy.stats import binned_statistic, median_abs_deviation

    d = observed - expected
    ok = np.isfinite(d)

    def robust(sample):
        return median_abs_deviation(sample, scale="normal") if len(sample) else np.nan

    return tuple(
        binned_statistic(fe_h[ok], d[ok], statistic, bins=edges).statistic
        for statistic in ("median", robust, "count")
    )

# %% right: pandas and astropy
def binned_offsets(observed, expected, fe_h, edges):
    import pandas as pd
    from astropy.stats import mad_std

    stars = pd.DataFrame({"d": observed - expected, "bin": pd.cut(fe_h, edges, right=False)})
    bins = stars.dropna().groupby("bin", observed=False)["d"]
    return bins.median(), bins.apply(lambda d: mad_std(d) if len(d) else np.nan), bins.count()

# %% right: in float32, lists
# return offset, scatter, count => return np.float32(offset).tolist(), np.float32(scatter).tolist(), count.tolist()
# excess = observed - expected => excess = np.float32(observed) - np.float32(expected)

# %% wrong: bins closed at the upper end | loses: test_binned_offsets
# (fe_h >= edges[i]) & (fe_h < edges[i + 1]) => (fe_h > edges[i]) & (fe_h <= edges[i + 1])

# %% wrong: bins closed at both ends | loses: test_binned_offsets
# fe_h < edges[i + 1] => fe_h <= edges[i + 1]

# %% wrong: an empty bin has no scatter, that is zero | loses: test_binned_offsets_empty
# np.full(bins, np.nan), np.full(bins, np.nan), => np.full(bins, np.nan), np.zeros(bins),

# %% wrong: every bin alike | loses: test_binned_offsets test_binned_offsets_empty
# valid & (fe_h >= edges[i]) & (fe_h < edges[i + 1]) => valid

# %% wrong: zeros | loses: test_binned_offsets test_binned_offsets_scatter test_binned_offsets_empty
def binned_offsets(observed, expected, fe_h, edges):
    return np.zeros(len(edges) - 1), np.zeros(len(edges) - 1), np.zeros(len(edges) - 1, int)
