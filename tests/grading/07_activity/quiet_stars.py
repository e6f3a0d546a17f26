"""Rivals of `quiet_stars`."""

# %% right: dictionaries and loops
def quiet_stars(teff, width, hot=99.0, cool=60.0):
    centres = list(range(3250, 8500, 500))
    low, high = {}, {}
    for c in centres:
        box = width[np.abs(teff - c + 1e-6) <= 250]
        if box.size >= 5:
            low[c] = np.quantile(box, 0.01)
            high[c] = np.quantile(box, (cool if c < 4000 else hot) / 100)
    a = np.interp(teff, list(low), list(low.values()))
    b = np.interp(teff, list(high), list(high.values()))
    return np.logical_and(a <= width, width <= b)

# %% right: digitize
def quiet_stars(teff, width, hot=99.0, cool=60.0):
    box = np.clip(np.digitize(teff, np.arange(3000, 8501, 500)) - 1, 0, 10)
    x, lo, hi = [], [], []
    for k in np.unique(box):
        v = np.sort(width[box == k])
        if len(v) < 5:
            continue
        x.append(3250 + 500 * k)
        lo.append(np.percentile(v, 1))
        hi.append(np.percentile(v, cool if k < 2 else hot))
    return (width > np.interp(teff, x, lo)) & (width < np.interp(teff, x, hi))

# %% wrong: one percentile for hot and cool | loses: test_quiet_stars
# cool if high <= 4000 else hot => hot

# %% wrong: one limit for all temperatures | loses: test_quiet_stars test_quiet_stars_interpolated
def quiet_stars(teff, width, hot=99.0, cool=60.0):
    lo, hi, cold = np.percentile(width, [1, hot, cool])
    return (width > lo) & (width < np.where(teff < 4000, cold, hi))

# %% wrong: steps from bin to bin | loses: test_quiet_stars_interpolated
def quiet_stars(teff, width, hot=99.0, cool=60.0):
    kept = np.zeros(len(teff), dtype=bool)
    for c in np.arange(3250, 8500, 500):
        box = (teff >= c - 250) & (teff < c + 250)
        if box.sum() < 5:
            continue
        lo, hi = np.percentile(width[box], [1, cool if c < 4000 else hot])
        kept[box] = (width[box] >= lo) & (width[box] <= hi)
    return kept

# %% wrong: emission taken for negative | loses: test_quiet_stars
# [1, upper] => [100 - upper, 99]

# %% wrong: three sigma | loses: test_quiet_stars
def quiet_stars(teff, width, hot=99.0, cool=60.0):
    x = np.arange(3250, 8500, 500)
    mean = np.array([np.median(width[np.abs(teff - c) <= 250]) for c in x])
    sd = np.array([width[np.abs(teff - c) <= 250].std() for c in x])
    return np.abs(width - np.interp(teff, x, mean)) < 2 * np.interp(teff, x, sd)

# %% wrong: the active ones kept | loses: test_quiet_stars test_quiet_stars_interpolated
# - return (width >= np.interp(teff, middle, lower)) & (width <= np.interp(teff, middle, upper))
# + return width > np.interp(teff, middle, upper)

# %% wrong: the given percentiles ignored | loses: test_quiet_stars
# cool if high <= 4000 else hot => 60 if high <= 4000 else 99

# %% right: pandas
def quiet_stars(teff, width, hot=99.0, cool=60.0):
    import pandas as pd

    stars = pd.DataFrame({"box": (np.asarray(teff) - 3000) // 500, "width": width})
    boxes = stars[stars.box.between(0, 10)].groupby("box").width
    boxes = boxes.filter(lambda values: len(values) > 4).groupby(stars.box)
    low, hi, cold = (boxes.quantile(q) for q in (0.01, hot / 100, cool / 100))
    centre = 3250 + 500 * low.index.to_numpy()
    top = np.where(low.index < 2, cold, hi)
    return pd.Series(width).between(np.interp(teff, centre, low), np.interp(teff, centre, top))

# %% wrong: nobody | loses: test_quiet_stars test_quiet_stars_interpolated
def quiet_stars(teff, width, hot=99.0, cool=60.0):
    return np.zeros(len(teff), dtype=bool)

# %% wrong: everybody | loses: test_quiet_stars test_quiet_stars_interpolated
def quiet_stars(teff, width, hot=99.0, cool=60.0):
    return np.ones(len(teff), dtype=bool)

# %% wrong: a few stars set limits, too | loses: test_quiet_stars
# len(here) >= 5 => len(here) > 0

# %% wrong: no lower limit | loses: test_quiet_stars
# [1, upper] => [0, upper]

# %% right: scipy's binned percentiles
def quiet_stars(teff, width, hot=99.0, cool=60.0):
    from scipy.stats import binned_statistic

    edges = np.arange(3000.0, 8501.0, 500.0)
    middle = edges[:-1] + 250

    def percentile(q):
        return binned_statistic(
            teff, width, lambda own: np.percentile(own, q) if len(own) else np.nan, edges
        )[0]

    enough = binned_statistic(teff, width, "count", edges)[0] >= 5
    low, high = percentile(1), np.where(middle < 4000, percentile(cool), percentile(hot))
    low, high = (np.interp(teff, middle[enough], limit[enough]) for limit in (low, high))
    return (width > low) & (width < high)

# %% wrong: stars beyond the bins dropped | edits: scipy's binned percentiles | loses: test_quiet_stars_interpolated
# (width < high) => (width < high) & (teff > 3000) & (teff < 8500)
