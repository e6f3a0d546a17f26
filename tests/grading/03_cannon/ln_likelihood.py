"""Rivals of `ln_likelihood`."""

# %% right: scipy's normal distribution
def ln_likelihood(X, theta, flux, error, s2):
    from scipy.stats import norm

    return norm.logpdf(flux, X @ theta, np.sqrt(error**2 + s2)).sum()

# %% right: inverse variances
def ln_likelihood(X, theta, flux, error, s2):
    ivar = 1 / (error**2 + s2)
    r = flux - np.einsum("ij,j", X, theta)
    return 0.5 * (np.log(ivar / (2 * np.pi)) - ivar * r**2).sum()

# %% wrong: plus the logarithm | loses: test_ln_likelihood_scatter test_train_pixel test_train_pixel_boundary
def ln_likelihood(X, theta, flux, error, s2):
    v = error**2 + s2
    return -0.5 * np.sum((flux - X @ theta) ** 2 / v) + 0.5 * np.sum(np.log(v))

# %% wrong: the logarithm without its half | loses: test_ln_likelihood_scatter test_train_pixel
def ln_likelihood(X, theta, flux, error, s2):
    v = error**2 + s2
    return -0.5 * np.sum((flux - X @ theta) ** 2 / v) - np.sum(np.log(v))

# %% wrong: chi-squared without the logarithm | loses: test_ln_likelihood_scatter test_train_pixel test_train_pixel_boundary
def ln_likelihood(X, theta, flux, error, s2):
    return -0.5 * np.sum((flux - X @ theta) ** 2 / (error**2 + s2))

# %% wrong: s2 left out of chi-squared | loses: test_ln_likelihood test_ln_likelihood_scatter test_train_pixel test_train_pixel_global
def ln_likelihood(X, theta, flux, error, s2):
    return -0.5 * np.sum((flux - X @ theta) ** 2 / error**2 + np.log(error**2 + s2))

# %% wrong: logarithm of s2 only | loses: test_ln_likelihood_scatter test_train_pixel test_train_pixel_global
def ln_likelihood(X, theta, flux, error, s2):
    v = error**2 + s2
    return -0.5 * np.sum((flux - X @ theta) ** 2 / v) - 0.5 * len(flux) * np.log(s2 + 1e-300)

# %% wrong: chi-squared without its half | loses: test_ln_likelihood test_ln_likelihood_scatter test_train_pixel
def ln_likelihood(X, theta, flux, error, s2):
    v = error**2 + s2
    return -np.sum((flux - X @ theta) ** 2 / v) - 0.5 * np.sum(np.log(v))

# %% wrong: minus ln L, as for a minimiser | loses: test_ln_likelihood test_ln_likelihood_scatter test_train_pixel test_train_pixel_boundary test_train_pixel_global
def ln_likelihood(X, theta, flux, error, s2):
    v = error**2 + s2
    return 0.5 * np.sum((flux - X @ theta) ** 2 / v + np.log(v))

# %% wrong: the decimal logarithm | loses: test_ln_likelihood_scatter test_train_pixel
def ln_likelihood(X, theta, flux, error, s2):
    v = error**2 + s2
    return -0.5 * np.sum((flux - X @ theta) ** 2 / v + np.log10(v))

# %% wrong: the mean instead of the sum | loses: test_ln_likelihood test_ln_likelihood_scatter
def ln_likelihood(X, theta, flux, error, s2):
    v = error**2 + s2
    return -0.5 * np.mean((flux - X @ theta) ** 2 / v + np.log(v))
