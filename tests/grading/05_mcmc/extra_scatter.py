"""Rivals of `extra_scatter`."""

# %% right: a search for the scatter that keeps the promise
def extra_scatter(residuals, errors):
    from scipy.optimize import brentq

    found = []
    for r, e in zip(residuals.T, errors.T):
        def short(t):
            return np.mean(np.abs(r) <= np.hypot(e, t)) - 0.6827

        found.append(0.0 if short(0.0) >= 0 else brentq(short, 0, 100 * np.std(r)))
    return np.array(found)

# %% right: from the median, robust as well
def extra_scatter(residuals, errors):
    found = []
    for r, e in zip(residuals.T, errors.T):
        grid = np.r_[0, np.geomspace(1e-3, 20, 4000)] * np.median(np.abs(r))
        width = [np.median(np.abs(r) / np.hypot(e, t)) for t in grid]
        k = np.flatnonzero(np.array(width) <= 0.6745)
        found.append(grid[k[0]])
    return np.array(found)

# %% wrong: the standard deviation, outliers and all | loses: test_extra_scatter
def extra_scatter(residuals, errors):
    return np.sqrt(np.maximum(residuals.var(axis=0) - np.mean(errors**2, axis=0), 0))

# %% wrong: the whole scatter, formal errors counted twice | loses: test_extra_scatter
def extra_scatter(residuals, errors):
    return 1.4826 * np.median(np.abs(residuals), axis=0)

# %% wrong: the variance is returned | loses: test_extra_scatter
# np.sqrt(np.maximum(excess, 0.0)) => np.maximum(excess, 0.0)

# %% wrong: subtracted linearly | loses: test_extra_scatter
def extra_scatter(residuals, errors):
    return np.maximum(np.quantile(np.abs(residuals) - errors, 0.6827, axis=0), 0)

# %% wrong: a factor instead of a scatter | loses: test_extra_scatter
def extra_scatter(residuals, errors):
    return np.quantile(np.abs(residuals) / errors, 0.6827, axis=0)

# %% wrong: the root of a negative number | loses: test_extra_scatter
# np.maximum(excess, 0.0) => excess
