"""Rivals of `branch_temperature`."""

# %% right: reversed branch
def branch_temperature(logg, iso_logg, iso_teff, iso_phase):
    k = (iso_phase == 2) & (iso_logg < 3.5)
    g, t = iso_logg[k], iso_teff[k]
    s = np.argsort(g)
    out = np.interp(logg, g[s], t[s])
    return np.where((logg < g.min()) | (logg > g.max()), np.nan, out)

# %% right: scipy, in log Teff
def branch_temperature(logg, iso_logg, iso_teff, iso_phase):
    from scipy.interpolate import interp1d

    rows = [i for i in range(len(iso_phase)) if iso_phase[i] == 2 and iso_logg[i] < 3.5]
    f = interp1d(iso_logg[rows], np.log10(iso_teff[rows]), bounds_error=False, fill_value=np.nan)
    return 10 ** f(logg)

# %% right: segment by segment, the first that holds the gravity
def branch_temperature(logg, iso_logg, iso_teff, iso_phase):
    k = np.flatnonzero((iso_phase == 2) & (iso_logg < 3.5))
    out = np.full(len(logg), np.nan)
    for n, g in enumerate(logg):
        for i, j in zip(k[:-1], k[1:]):
            lo, hi = sorted((iso_logg[i], iso_logg[j]))
            if lo <= g <= hi and hi > lo:
                w = (g - iso_logg[i]) / (iso_logg[j] - iso_logg[i])
                out[n] = (1 - w) * iso_teff[i] + w * iso_teff[j]
                break
    return out

# %% wrong: gravity falls along the branch, and np.interp does not complain | loses: test_branch_temperature test_branch_temperature_phases test_branch_temperature_range
# np.argsort(iso_logg[branch]) => np.arange(branch.sum())

# %% wrong: all phases together | loses: test_branch_temperature_phases test_branch_temperature_range
# (iso_phase == GIANT) & (iso_logg < FOOT_OF_BRANCH) => np.ones(len(iso_logg), dtype=bool)

# %% wrong: clump and asymptotic branch kept, below log g 3.5 | loses: test_branch_temperature_phases
# iso_phase == GIANT => iso_phase >= GIANT

# %% wrong: ends repeated | loses: test_branch_temperature_range
# , left=np.nan, right=np.nan =>

# %% wrong: extrapolated | loses: test_branch_temperature_range
def branch_temperature(logg, iso_logg, iso_teff, iso_phase):
    k = (iso_phase == 2) & (iso_logg < 3.5)
    return np.polyval(np.polyfit(iso_logg[k], iso_teff[k], 2), logg)

# %% wrong: subgiants kept | loses: test_branch_temperature_range
# & (iso_logg < FOOT_OF_BRANCH) =>

# %% wrong: a straight line through the branch | loses: test_branch_temperature
def branch_temperature(logg, iso_logg, iso_teff, iso_phase):
    k = (iso_phase == 2) & (iso_logg < 3.5)
    line = np.polyval(np.polyfit(iso_logg[k], iso_teff[k], 1), logg)
    return np.where((logg >= iso_logg[k].min()) & (logg <= iso_logg[k].max()), line, np.nan)

# %% wrong: temperature of the nearest point | loses: test_branch_temperature test_branch_temperature_range
def branch_temperature(logg, iso_logg, iso_teff, iso_phase):
    k = (iso_phase == 2) & (iso_logg < 3.5)
    g, t = iso_logg[k], iso_teff[k]
    near = t[np.argmin(abs(logg[:, None] - g[None]), axis=1)]
    return np.where((logg >= g.min()) & (logg <= g.max()), near, np.nan)

# %% wrong: the logarithm of the temperature | loses: test_branch_temperature test_branch_temperature_phases test_branch_temperature_range
# iso_teff[branch][order] => np.log10(iso_teff[branch][order])

# %% right: pandas, as a list
def branch_temperature(logg, iso_logg, iso_teff, iso_phase):
    import pandas as pd

    iso = pd.DataFrame({"logg": iso_logg, "teff": iso_teff, "phase": iso_phase})
    iso = iso.query("phase == 2 and logg < 3.5").sort_values("logg")
    inside = (logg >= iso.logg.iloc[0]) & (logg <= iso.logg.iloc[-1])
    return [float(np.interp(g, iso.logg, iso.teff)) if k else float("nan") for g, k in zip(logg, inside)]

# %% right: in float32
#   def branch_temperature(logg, iso_logg, iso_teff, iso_phase):
# +     logg, iso_logg, iso_teff = np.float32(logg), np.float32(iso_logg), np.float32(iso_teff)

# %% wrong: knows where the branch is, and nothing else | loses: test_branch_temperature test_branch_temperature_phases test_branch_temperature_range
def branch_temperature(logg, iso_logg, iso_teff, iso_phase):
    k = iso_logg[(iso_phase == 2) & (iso_logg < 3.5)]
    return np.where((logg >= k.min()) & (logg <= k.max()), iso_teff.mean(), np.nan)

# %% wrong: phases up to 2 | loses: test_branch_temperature_range
def branch_temperature(logg, iso_logg, iso_teff, iso_phase):
    m = (iso_phase <= 2) & (iso_logg < 3.5)
    o = np.argsort(iso_logg[m])
    return np.interp(logg, iso_logg[m][o], iso_teff[m][o], left=np.nan, right=np.nan)

# %% wrong: NaN at the foot beyond 3.5 only | loses: test_branch_temperature_range
def branch_temperature(logg, iso_logg, iso_teff, iso_phase):
    m = (iso_phase == 2) & (iso_logg < 3.5)
    o = np.argsort(iso_logg[m])
    out = np.interp(logg, iso_logg[m][o], iso_teff[m][o], left=np.nan)
    out[logg >= 3.5] = np.nan
    return out
