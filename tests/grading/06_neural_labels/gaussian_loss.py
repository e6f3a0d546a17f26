"""Rivals of `gaussian_loss`."""

# %% right: scipy
def gaussian_loss(mean, log_sigma, target):
    from scipy.stats import norm

    return -norm.logpdf(target, mean, np.exp(log_sigma)).mean()

# %% right: PyTorch
def gaussian_loss(mean, log_sigma, target):
    m, s, t = (torch.as_tensor(np.asarray(a, float)) for a in (mean, log_sigma, target))
    return torch.nn.functional.gaussian_nll_loss(m, t, torch.exp(2 * s), full=True, eps=1e-12).item()

# %% wrong: plus for minus | loses: test_gaussian_loss test_gaussian_loss_best
# np.mean => -np.mean

# %% wrong: no ln sigma | loses: test_gaussian_loss test_gaussian_loss_best
# + log_sigma =>

# %% wrong: sigma not squared | loses: test_gaussian_loss test_gaussian_loss_best
# np.exp(log_sigma) => np.exp(0.5 * log_sigma)

# %% wrong: factor 1/2 missing | loses: test_gaussian_loss test_gaussian_loss_best
# 0.5 * z => z

# %% wrong: sum for mean | loses: test_gaussian_loss
# np.mean => np.sum

# %% wrong: log sigma taken for sigma | loses: test_gaussian_loss test_gaussian_loss_best
def gaussian_loss(mean, log_sigma, target):
    sigma = np.abs(log_sigma) + 1e-6
    z = (target - mean) / sigma
    return float(np.mean(0.5 * np.log(2 * np.pi) + np.log(sigma) + 0.5 * z**2))

# %% wrong: log base ten | loses: test_gaussian_loss test_gaussian_loss_best
# np.exp(log_sigma) => 10**log_sigma

# %% wrong: squared error only | loses: test_gaussian_loss test_gaussian_loss_best
def gaussian_loss(mean, log_sigma, target):
    return float(np.mean((target - mean) ** 2))

# %% right: in float32
#   def gaussian_loss(mean, log_sigma, target):
# +     mean, log_sigma, target = np.float32(mean), np.float32(log_sigma), np.float32(target)

# %% right: torch's distributions
def gaussian_loss(mean, log_sigma, target):
    m, s, t = (torch.as_tensor(np.asarray(a, float)) for a in (mean, log_sigma, target))
    return -torch.distributions.Normal(m, s.exp()).log_prob(t).mean()

# %% wrong: what an exact prediction costs | loses: test_gaussian_loss test_gaussian_loss_best
def gaussian_loss(mean, log_sigma, target):
    return 0.5 * np.log(2 * np.pi)

# %% wrong: the logarithm of the variance is taken for that of sigma | loses: test_gaussian_loss test_gaussian_loss_best
# + log_sigma => + 0.5 * log_sigma
# np.exp(log_sigma) => np.exp(0.5 * log_sigma)
