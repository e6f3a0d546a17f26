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
def binned_offsets(observed, expected, fe_h, edges):
    d = observed - expected
    groups = [d[np.isfinite(d) & (fe_h >= a) & (fe_h < b)] for a, b in zip(edges[:-1], edges[1:])]
    offset = np.array([g.mean() if g.size else np.nan for g in groups])
    return offset, np.array([g.std() if g.size else np.nan for g in groups]), np.array([g.size for g in groups])

# %% wrong: isochrone minus star | loses: test_binned_offsets test_binned_offsets_empty
def binned_offsets(observed, expected, fe_h, edges):
    d = expected - observed
    groups = [d[np.isfinite(d) & (fe_h >= a) & (fe_h < b)] for a, b in zip(edges[:-1], edges[1:])]
    offset = np.array([np.median(g) if g.size else np.nan for g in groups])
    scatter = np.array([1.4826 * np.median(abs(g - np.median(g))) if g.size else np.nan for g in groups])
    return offset, scatter, np.array([g.size for g in groups])

# %% wrong: median absolute deviation without its factor | loses: test_binned_offsets_scatter
def binned_offsets(observed, expected, fe_h, edges):
    d = observed - expected
    groups = [d[np.isfinite(d) & (fe_h >= a) & (fe_h < b)] for a, b in zip(edges[:-1], edges[1:])]
    offset = np.array([np.median(g) if g.size else np.nan for g in groups])
    scatter = np.array([np.median(abs(g - np.median(g))) if g.size else np.nan for g in groups])
    return offset, scatter, np.array([g.size for g in groups])

# %% wrong: scatter about zero | loses: test_binned_offsets_scatter
def binned_offsets(observed, expected, fe_h, edges):
    d = observed - expected
    groups = [d[np.isfinite(d) & (fe_h >= a) & (fe_h < b)] for a, b in zip(edges[:-1], edges[1:])]
    offset = np.array([np.median(g) if g.size else np.nan for g in groups])
    scatter = np.array([1.4826 * np.median(abs(g)) if g.size else np.nan for g in groups])
    return offset, scatter, np.array([g.size for g in groups])

# %% wrong: NaN not taken out | loses: test_binned_offsets_empty
def binned_offsets(observed, expected, fe_h, edges):
    d = observed - expected
    groups = [d[(fe_h >= a) & (fe_h < b)] for a, b in zip(edges[:-1], edges[1:])]
    offset = np.array([np.median(g) if g.size else np.nan for g in groups])
    scatter = np.array([1.4826 * np.median(abs(g - np.median(g))) if g.size else np.nan for g in groups])
    return offset, scatter, np.array([g.size for g in groups])

# %% wrong: an empty bin has an offset of zero | loses: test_binned_offsets_empty
def binned_offsets(observed, expected, fe_h, edges):
    d = observed - expected
    groups = [d[np.isfinite(d) & (fe_h >= a) & (fe_h < b)] for a, b in zip(edges[:-1], edges[1:])]
    offset = np.array([np.median(g) if g.size else 0.0 for g in groups])
    scatter = np.array([1.4826 * np.median(abs(g - np.median(g))) if g.size else 0.0 for g in groups])
    return offset, scatter, np.array([g.size for g in groups])

# %% wrong: bins that reach to the end | loses: test_binned_offsets test_binned_offsets_empty
def binned_offsets(observed, expected, fe_h, edges):
    d = observed - expected
    groups = [d[np.isfinite(d) & (fe_h >= a)] for a in edges[:-1]]
    offset = np.array([np.median(g) if g.size else np.nan for g in groups])
    scatter = np.array([1.4826 * np.median(abs(g - np.median(g))) if g.size else np.nan for g in groups])
    return offset, scatter, np.array([g.size for g in groups])
