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

# %% right: bad pixels replaced by the model, whose weight is small anyway
def log_likelihood(labels, flux, error, s2, coefficients, mean, scale):
    model, jacobian = predict(labels, coefficients, mean, scale)
    clean = np.where(np.isfinite(flux), flux, model)
    sigma2 = error**2 + s2
    return -0.5 * (((clean - model) ** 2) / sigma2).sum(), jacobian.T @ ((clean - model) / sigma2)

# %% right: in float32
# return -0.5 * float(residual @ weighted), weighted @ jacobian => return -0.5 * float(np.float32(residual) @ np.float32(weighted)), np.float32(weighted) @ np.float32(jacobian)

# %% right: the slope by differences
#   def log_likelihood(labels, flux, error, s2, coefficients, mean, scale):
# +     def value(x):
# +         good = error < BAD_LIMIT
# +         model = predict(mean + x * scale, coefficients, mean, scale)[0]
# +         return -0.5 * np.sum((flux - model)[good] ** 2 / (error**2 + s2)[good])
# +     x = (labels - mean) / scale
# +     slope = [(value(x + h) - value(x - h)) / 2e-4 for h in 1e-4 * np.eye(5)]
# +     return value(x), np.array(slope) / scale

# %% wrong: nothing at all | loses: test_log_likelihood test_log_likelihood_bad test_log_likelihood_gradient
def log_likelihood(labels, flux, error, s2, coefficients, mean, scale):
    return 0.0, np.zeros(5)

# %% wrong: the limit itself is taken for good | loses: test_log_likelihood_bad
# error < BAD_LIMIT => error <= BAD_LIMIT

# %% wrong: a bad pixel takes all others with it | loses: test_log_likelihood_bad test_log_likelihood_gradient
#   good = error < BAD_LIMIT
# + good = good & good.all()

# %% wrong: bad pixels cleaned in place | loses: test_log_likelihood_bad test_log_likelihood_gradient
#   good = error < BAD_LIMIT
# + flux[~good] = 0.0

# %% wrong: weighted by one over sigma | loses: test_log_likelihood test_log_likelihood_gradient
# (error**2 + s2) => np.sqrt(error**2 + s2)
