"""Rivals of `train_pixel`."""

# %% right: one long fine grid
def train_pixel(X, flux, error):
    grid = np.r_[0, np.logspace(-10, 0, 400)]
    fits = [solve_pixel(X, flux, error, s2) for s2 in grid]
    lnl = [ln_likelihood(X, t, flux, error, s2) for t, s2 in zip(fits, grid)]
    k = np.argmax(lnl)
    return fits[k], grid[k]

# %% right: coarse grid, then Brent's method in ln s2
def train_pixel(X, flux, error):
    from scipy.optimize import minimize_scalar

    def loss(u):
        s2 = np.exp(u)
        return -ln_likelihood(X, solve_pixel(X, flux, error, s2), flux, error, s2)

    us = np.linspace(-25, 0, 51)
    k = int(np.argmin([loss(u) for u in us]))
    best = minimize_scalar(loss, bounds=(us[max(k - 1, 0)], us[min(k + 1, 50)]), method="bounded")
    s2 = float(np.exp(best.x))
    zero = solve_pixel(X, flux, error, 0.0)
    if ln_likelihood(X, zero, flux, error, 0.0) >= -best.fun:
        return zero, 0.0
    return solve_pixel(X, flux, error, s2), s2

# %% right: scipy's brute force in the scatter's logarithm, coefficients by scikit-learn
def train_pixel(X, flux, error):
    from scipy.optimize import brute
    from sklearn.linear_model import LinearRegression

    def best(s2):
        line = LinearRegression(fit_intercept=False)
        return line.fit(X, flux, sample_weight=1 / (error**2 + s2)).coef_

    def loss(u):
        variance = error**2 + np.exp(u[0])
        return np.sum((flux - X @ best(np.exp(u[0]))) ** 2 / variance + np.log(variance))

    u = brute(loss, [(-27, 0)], Ns=60)
    return best(np.exp(u[0])), float(np.exp(u[0]))

# %% wrong: a grid of nine points | edits: one long fine grid | loses: test_train_pixel test_train
# np.logspace(-10, 0, 400) => np.logspace(-8, 0, 9)

# %% wrong: a grid that ends too early | loses: test_train_pixel test_train_pixel_global test_train
# np.logspace(-10, 0, 41) => np.logspace(-8, -3.5, 41)

# %% wrong: a grid that starts too late | loses: test_train_pixel test_train_pixel_boundary test_train_pixel_global
# np.concatenate([[0.0], np.logspace(-10, 0, 41)]) => np.logspace(-4, 0, 41)

# %% wrong: smallest chi-squared, no logarithm | loses: test_train_pixel test_train_pixel_boundary test_train_pixel_global test_train
# ln_likelihood(X, theta, flux, error, s2) => -np.sum((flux - X @ theta) ** 2 / (error**2 + s2))

# %% wrong: the sign of the logarithm | loses: test_train_pixel test_train_pixel_boundary test_train_pixel_global test_train
# - ln_likelihood(X, theta, flux, error, s2) for theta, s2 in zip(thetas, grid, strict=True)
# + np.sum(np.log(error**2 + s2) - (flux - X @ theta) ** 2 / (error**2 + s2))
# + for theta, s2 in zip(thetas, grid, strict=True)

# %% wrong: variance of the residuals, errors not taken off | loses: test_train_pixel test_train_pixel_boundary test_train
def train_pixel(X, flux, error):
    theta = solve_pixel(X, flux, error, 0.0)
    s2 = np.var((flux - X @ theta)[error < 1e9])
    return solve_pixel(X, flux, error, s2), s2

# %% wrong: climbs from zero to the first maximum | loses: test_train_pixel_global test_train
def train_pixel(X, flux, error):
    grid = np.r_[0, np.logspace(-10, 0, 400)]
    best = None
    for s2 in grid:
        theta = solve_pixel(X, flux, error, s2)
        value = ln_likelihood(X, theta, flux, error, s2)
        if best is not None and value < best[0]:
            break
        best = value, theta, s2
    return best[1], best[2]

# %% wrong: s instead of s squared | loses: test_train_pixel test_train_pixel_global test_train
# return theta, s2 => return theta, np.sqrt(s2)

# %% wrong: coefficients of zero scatter | loses: test_train_pixel test_train
# return theta, s2 => return solve_pixel(X, flux, error, 0.0), s2

# %% wrong: never any scatter | loses: test_train_pixel test_train_pixel_boundary test_train_pixel_global test_train
def train_pixel(X, flux, error):
    return solve_pixel(X, flux, error, 0.0), 0.0

# %% wrong: always the same | loses: test_train_pixel test_train_pixel_boundary test_train_pixel_global test_train
def train_pixel(X, flux, error):
    return np.zeros(X.shape[1]), 1e-3
