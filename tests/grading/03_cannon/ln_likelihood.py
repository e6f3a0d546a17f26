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
# + np.log(variance) => - np.log(variance)

# %% wrong: the logarithm without its half | loses: test_ln_likelihood_scatter test_train_pixel
# + np.log(variance) => + 2 * np.log(variance)

# %% wrong: chi-squared without the logarithm | loses: test_ln_likelihood_scatter test_train_pixel test_train_pixel_boundary
# + np.log(variance) =>

# %% wrong: s2 left out of chi-squared | loses: test_ln_likelihood test_ln_likelihood_scatter test_train_pixel test_train_pixel_global
# ** 2 / variance => ** 2 / error**2

# %% wrong: logarithm of s2 only | loses: test_ln_likelihood_scatter test_train_pixel test_train_pixel_global
# np.log(variance) => np.log(s2 + 1e-300)

# %% wrong: chi-squared without its half | loses: test_ln_likelihood test_ln_likelihood_scatter test_train_pixel
# np.sum((flux - X @ theta) => np.sum(2 * (flux - X @ theta)

# %% wrong: minus ln L, as for a minimiser | loses: test_ln_likelihood test_ln_likelihood_scatter test_train_pixel test_train_pixel_boundary test_train_pixel_global
# -0.5 => 0.5

# %% wrong: the decimal logarithm | loses: test_ln_likelihood_scatter test_train_pixel
# np.log => np.log10

# %% wrong: the mean instead of the sum | loses: test_ln_likelihood test_ln_likelihood_scatter
# np.sum => np.mean
