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
