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

# %% right: star by star
def ln_likelihood(X, theta, flux, error, s2):
    import math

    total = 0.0
    for row, f, e in zip(X.tolist(), flux.tolist(), error.tolist()):
        miss = f - sum(a * b for a, b in zip(row, theta))
        total -= 0.5 * miss**2 / (e**2 + s2) + math.log(math.hypot(e, math.sqrt(s2)))
    return total

# %% right: torch, single precision
def ln_likelihood(X, theta, flux, error, s2):
    import torch

    t = [torch.tensor(np.asarray(a), dtype=torch.float32) for a in (X @ theta, error**2 + s2, flux)]
    return -torch.nn.functional.gaussian_nll_loss(t[2], t[0], t[1], reduction="sum", eps=1e-12).item()

# %% wrong: plus the logarithm | loses: test_ln_likelihood_scatter test_train_pixel test_train_pixel_boundary test_train_pixel_global test_train
# + np.log(variance) => - np.log(variance)

# %% wrong: the logarithm without its half | loses: test_ln_likelihood_scatter test_train_pixel test_train_pixel_boundary test_train
# + np.log(variance) => + 2 * np.log(variance)

# %% wrong: chi-squared without the logarithm | loses: test_ln_likelihood_scatter test_train_pixel test_train_pixel_boundary test_train_pixel_global test_train
# + np.log(variance) =>

# %% wrong: s2 left out of chi-squared | loses: test_ln_likelihood test_ln_likelihood_scatter test_train_pixel test_train_pixel_boundary test_train_pixel_global test_train
# ** 2 / variance => ** 2 / error**2

# %% wrong: logarithm of s2 only | loses: test_ln_likelihood_scatter test_train_pixel test_train_pixel_boundary test_train_pixel_global test_train
# np.log(variance) => np.log(s2 + 1e-300)

# %% wrong: chi-squared without its half | loses: test_ln_likelihood test_ln_likelihood_scatter test_train_pixel test_train
# np.sum((flux - X @ theta) => np.sum(2 * (flux - X @ theta)

# %% wrong: minus ln L, as for a minimiser | loses: test_ln_likelihood test_ln_likelihood_scatter test_train_pixel test_train_pixel_boundary test_train_pixel_global test_train
# -0.5 => 0.5

# %% wrong: the decimal logarithm | loses: test_ln_likelihood_scatter test_train_pixel test_train
# np.log => np.log10

# %% wrong: the mean instead of the sum | loses: test_ln_likelihood test_ln_likelihood_scatter
# np.sum => np.mean

# %% wrong: the sum of the coefficients | loses: test_ln_likelihood test_ln_likelihood_scatter test_train_pixel test_train_pixel_boundary test_train_pixel_global test_train
def ln_likelihood(X, theta, flux, error, s2):
    return float(np.sum(theta))

# %% wrong: the constant depends on theta | loses: test_ln_likelihood
def ln_likelihood(X, theta, flux, error, s2):
    var = error**2 + s2
    return -0.5 * np.sum((flux - X @ theta) ** 2 / var + np.log(var)) - 0.5 * np.sum(np.square(theta))
