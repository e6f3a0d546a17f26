"""Rivals of `log_likelihood`."""

# %% right: with all the constants
def log_likelihood(labels, flux, error, s2, coefficients, mean, scale):
    k = error < 1e9
    m, J = predict(labels, coefficients[:, k], mean, scale)
    v = error[k] ** 2 + s2[k]
    r = flux[k] - m
    return -0.5 * np.sum(r**2 / v + np.log(2 * np.pi * v)), J.T @ (r / v)

# %% right: through a Gaussian of scipy, and a loop over labels
def log_likelihood(labels, flux, error, s2, coefficients, mean, scale):
    from scipy.stats import norm

    k = np.flatnonzero(error < 1e9)
    m, J = predict(labels, coefficients, mean, scale)
    sigma = np.hypot(error, np.sqrt(s2))
    value = norm.logpdf(flux[k], m[k], sigma[k]).sum()
    slope = [float(np.sum((flux[k] - m[k]) * J[k, i] / sigma[k] ** 2)) for i in range(5)]
    return float(value), slope

# %% wrong: chi-squared without s2 | loses: test_log_likelihood test_log_likelihood_gradient
def log_likelihood(labels, flux, error, s2, coefficients, mean, scale):
    m, J = predict(labels, coefficients, mean, scale)
    r = np.where(error < 1e9, flux - m, 0)
    return -0.5 * np.sum(r**2 / error**2), J.T @ (r / error**2)

# %% wrong: the half is forgotten | loses: test_log_likelihood test_log_likelihood_gradient
def log_likelihood(labels, flux, error, s2, coefficients, mean, scale):
    m, J = predict(labels, coefficients, mean, scale)
    r = np.where(error < 1e9, flux - m, 0)
    v = error**2 + s2
    return -np.sum(r**2 / v), 2 * J.T @ (r / v)

# %% wrong: the sign | loses: test_log_likelihood test_log_likelihood_gradient
def log_likelihood(labels, flux, error, s2, coefficients, mean, scale):
    m, J = predict(labels, coefficients, mean, scale)
    r = np.where(error < 1e9, flux - m, 0)
    v = error**2 + s2
    return 0.5 * np.sum(r**2 / v), -J.T @ (r / v)

# %% wrong: s2 taken for a standard deviation | loses: test_log_likelihood test_log_likelihood_gradient
def log_likelihood(labels, flux, error, s2, coefficients, mean, scale):
    m, J = predict(labels, coefficients, mean, scale)
    r = np.where(error < 1e9, flux - m, 0)
    v = error**2 + s2**2
    return -0.5 * np.sum(r**2 / v), J.T @ (r / v)

# %% wrong: NaN of a bad pixel | loses: test_log_likelihood_bad
def log_likelihood(labels, flux, error, s2, coefficients, mean, scale):
    m, J = predict(labels, coefficients, mean, scale)
    v = error**2 + s2
    r = flux - m
    return -0.5 * np.sum(r**2 / v), J.T @ (r / v)

# %% wrong: the gradient of minus the value | loses: test_log_likelihood_gradient
def log_likelihood(labels, flux, error, s2, coefficients, mean, scale):
    m, J = predict(labels, coefficients, mean, scale)
    r = np.where(error < 1e9, flux - m, 0)
    v = error**2 + s2
    return -0.5 * np.sum(r**2 / v), -J.T @ (r / v)

# %% wrong: an unweighted gradient | loses: test_log_likelihood_gradient
def log_likelihood(labels, flux, error, s2, coefficients, mean, scale):
    m, J = predict(labels, coefficients, mean, scale)
    r = np.where(error < 1e9, flux - m, 0)
    v = error**2 + s2
    return -0.5 * np.sum(r**2 / v), J.T @ r
