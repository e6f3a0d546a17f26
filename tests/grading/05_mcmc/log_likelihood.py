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
# (error**2 + s2) => error**2

# %% wrong: the half is forgotten | loses: test_log_likelihood test_log_likelihood_gradient
# -0.5 * float => -float
# weighted @ jacobian => 2 * weighted @ jacobian

# %% wrong: the sign | loses: test_log_likelihood test_log_likelihood_gradient
# -0.5 * float => 0.5 * float
# weighted @ jacobian => -weighted @ jacobian

# %% wrong: s2 taken for a standard deviation | loses: test_log_likelihood test_log_likelihood_gradient
# error**2 + s2 => error**2 + s2**2

# %% wrong: NaN of a bad pixel | loses: test_log_likelihood_bad
# np.where(good, flux - model, 0.0) => flux - model

# %% wrong: the gradient of minus the value | loses: test_log_likelihood_gradient
# weighted @ jacobian => -weighted @ jacobian

# %% wrong: an unweighted gradient | loses: test_log_likelihood_gradient
# weighted @ jacobian => residual @ jacobian
