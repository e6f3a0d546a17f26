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

# %% right: the largest likelihood without the outliers
def extra_scatter(residuals, errors):
    from scipy.optimize import minimize_scalar
    from scipy.stats import median_abs_deviation

    found = []
    for r, e in zip(residuals.T, errors.T):
        width = median_abs_deviation(r, scale="normal")
        r, e = r[np.abs(r) < 4 * width], e[np.abs(r) < 4 * width]

        def cost(t):
            v = e**2 + t**2
            return np.sum(np.log(v) + r**2 / v)

        best = minimize_scalar(cost, bounds=(0, 3 * width), method="bounded", options={"xatol": 1e-8 * width})
        found.append(best.x if cost(best.x) < cost(0.0) else 0.0)
    return np.array(found)

# %% right: in float32
# residuals**2 - errors**2 => np.float32(residuals) ** 2 - np.float32(errors) ** 2

# %% wrong: nothing more is needed | loses: test_extra_scatter
def extra_scatter(residuals, errors):
    return np.zeros(residuals.shape[1])

# %% wrong: the formal errors themselves | loses: test_extra_scatter
def extra_scatter(residuals, errors):
    return np.median(errors, axis=0)

# %% wrong: half of the stars | loses: test_extra_scatter
# 0.6827 => 0.5

# %% wrong: one number for all labels | loses: test_extra_scatter
# return np.sqrt(np.maximum(excess, 0.0)) => return np.full(5, np.sqrt(np.maximum(excess, 0.0)).mean())[: len(excess)]

# %% wrong: robust scatter about the median less the median error | loses: test_extra_scatter
def extra_scatter(residuals, errors):
    s = 1.4826 * np.median(np.abs(residuals - np.median(residuals, axis=0)), axis=0)
    return np.sqrt(np.clip(s**2 - np.median(errors, axis=0) ** 2, 0, None))

# %% wrong: median residual taken off first | loses: test_extra_scatter
def extra_scatter(residuals, errors):
    r = residuals - np.median(residuals, axis=0)
    return np.sqrt(np.clip(np.quantile(r**2 - errors**2, 0.683, axis=0), 0, None))

# %% wrong: quantile of the residuals less the median error | loses: test_extra_scatter
def extra_scatter(residuals, errors):
    s = np.quantile(np.abs(residuals), 0.683, axis=0)
    return np.sqrt(np.clip(s**2 - np.median(errors, axis=0) ** 2, 0, None))
