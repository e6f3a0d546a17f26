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

# %% wrong: sigma not squared | loses: test_relative_loss test_relative_loss_bounded
# -2 * log_sigma => -log_sigma

# %% wrong: sigma unbounded | loses: test_relative_loss_bounded
# - log_sigma = np.clip(log_sigma, np.log(SMALLEST_SIGMA), np.log(LARGEST_SIGMA))

# %% wrong: the network's output taken for sigma, which may be negative | loses: test_relative_loss test_relative_loss_bounded
def relative_loss(predicted, log_sigma, true):
    r = predicted / true - 1
    return float(np.mean(r**2 / (2 * log_sigma**2) + np.log(np.abs(log_sigma))))

# %% wrong: the logarithm of sigma forgotten | loses: test_relative_loss test_relative_loss_bounded
# + log_sigma =>

# %% wrong: bounded from below only | loses: test_relative_loss_bounded
# np.log(LARGEST_SIGMA) => np.inf

# %% wrong: relative to the prediction | loses: test_relative_loss test_relative_loss_bounded
# predicted / true => true / predicted

# %% wrong: the half forgotten | loses: test_relative_loss
# 0.5 * =>

# %% right: torch's own loss
def relative_loss(predicted, log_sigma, true):
    import torch

    r = torch.tensor(predicted / true - 1, dtype=torch.float32)
    s = torch.tensor(log_sigma, dtype=torch.float32).clamp(np.log(1e-4), 0)
    return torch.nn.functional.gaussian_nll_loss(r, 0 * r, (2 * s).exp(), eps=1e-9).item()

# %% right: pixel by pixel
def relative_loss(predicted, log_sigma, true):
    from statistics import fmean

    terms = []
    for p, s, t in zip(np.ravel(predicted), np.ravel(log_sigma), np.ravel(true)):
        sigma = np.exp(min(max(s, np.log(1e-4)), 0.0))
        terms.append(((p - t) / t / sigma) ** 2 / 2 + np.log(sigma))
    return fmean(terms)

# %% wrong: always the same | loses: test_relative_loss test_relative_loss_bounded
def relative_loss(predicted, log_sigma, true):
    return 0.0

# %% wrong: ln sigma taken for ln sigma squared | loses: test_relative_loss test_relative_loss_bounded
# np.exp(-2 * log_sigma) + log_sigma => np.exp(-log_sigma) + 0.5 * log_sigma

# %% wrong: bounded at a hundredth | loses: test_relative_loss_bounded
# np.log(SMALLEST_SIGMA) => np.log(0.01)

# %% wrong: bounded at ten | loses: test_relative_loss_bounded
# np.log(LARGEST_SIGMA) => np.log(10.0)
