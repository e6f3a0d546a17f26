"""Rivals of `relative_loss`."""

# %% right: with the variance
def relative_loss(predicted, log_sigma, true):
    sigma = np.exp(np.minimum(np.maximum(log_sigma, np.log(1e-4)), 0.0))
    r = (predicted - true) / true
    return np.mean(r**2 / (2 * sigma**2) + np.log(sigma))

# %% right: scipy's normal density, constant and all
def relative_loss(predicted, log_sigma, true):
    from scipy.stats import norm

    sigma = np.clip(np.exp(np.clip(log_sigma, -50, 50)), 1e-4, 1)
    return float(-np.mean(norm.logpdf(predicted / true - 1, 0, sigma)))

# %% wrong: residuals not relative | loses: test_relative_loss
# predicted / true - 1 => predicted - true

# %% wrong: sigma not squared | loses: test_relative_loss
# -2 * log_sigma => -log_sigma

# %% wrong: sigma unbounded | loses: test_relative_loss_bounded
# - log_sigma = np.clip(log_sigma, np.log(SMALLEST_SIGMA), np.log(LARGEST_SIGMA))

# %% wrong: the network's output taken for sigma, which may be negative | loses: test_relative_loss test_relative_loss_bounded
def relative_loss(predicted, log_sigma, true):
    r = predicted / true - 1
    return float(np.mean(r**2 / (2 * log_sigma**2) + np.log(np.abs(log_sigma))))

# %% wrong: the logarithm of sigma forgotten | loses: test_relative_loss
# + log_sigma =>

# %% wrong: bounded from below only | loses: test_relative_loss_bounded
# np.log(LARGEST_SIGMA) => np.inf

# %% wrong: relative to the prediction | loses: test_relative_loss
# predicted / true => true / predicted

# %% wrong: the half forgotten | loses: test_relative_loss
# 0.5 * =>
