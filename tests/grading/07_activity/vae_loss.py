"""Rivals of `vae_loss`."""

# %% right: term by term
def vae_loss(target, output, mean, log_variance, beta):
    variance = np.e**log_variance
    kl = -0.5 * (1 + log_variance - mean**2 - variance).sum(axis=1)
    return ((output - target) ** 2).sum(axis=1).mean() + beta * kl.mean()

# %% right: sums over everything, divided by the batch
def vae_loss(target, output, mean, log_variance, beta):
    n = target.shape[0]
    spread = np.e ** (0.5 * log_variance)
    kl = (mean * mean + spread * spread - 1).sum() - log_variance.sum()
    return (((target - output) ** 2).sum() + 0.5 * beta * kl) / n

# %% wrong: the KL term with the wrong sign | loses: test_vae_loss_divergence test_train_vae test_train_vae_blind
def vae_loss(target, output, mean, log_variance, beta):
    kl = 0.5 * (1 + log_variance - mean**2 - np.e**log_variance).sum(axis=1)
    return (((target - output) ** 2).sum(axis=1) + beta * kl).mean()

# %% wrong: KL summed over the batch | loses: test_vae_loss_divergence
def vae_loss(target, output, mean, log_variance, beta):
    kl = 0.5 * (mean**2 + np.e**log_variance - 1 - log_variance).sum()
    return ((target - output) ** 2).sum(axis=1).mean() + beta * kl

# %% wrong: averaged over wavelengths | loses: test_vae_loss
def vae_loss(target, output, mean, log_variance, beta):
    kl = 0.5 * (mean**2 + np.e**log_variance - 1 - log_variance).sum(axis=1)
    return ((target - output) ** 2).mean() + beta * kl.mean()

# %% wrong: misfit summed over the batch | loses: test_vae_loss
def vae_loss(target, output, mean, log_variance, beta):
    kl = 0.5 * (mean**2 + np.e**log_variance - 1 - log_variance).sum(axis=1)
    return ((target - output) ** 2).sum() + beta * kl.mean()

# %% wrong: the half forgotten | loses: test_vae_loss_divergence
def vae_loss(target, output, mean, log_variance, beta):
    kl = (mean**2 + np.e**log_variance - 1 - log_variance).sum(axis=1)
    return (((target - output) ** 2).sum(axis=1) + beta * kl).mean()

# %% wrong: log variance taken for log sigma | loses: test_vae_loss_divergence
def vae_loss(target, output, mean, log_variance, beta):
    kl = 0.5 * (mean**2 + np.e ** (2 * log_variance) - 1 - 2 * log_variance).sum(axis=1)
    return (((target - output) ** 2).sum(axis=1) + beta * kl).mean()

# %% wrong: beta on the wrong term | loses: test_vae_loss_divergence
def vae_loss(target, output, mean, log_variance, beta):
    kl = 0.5 * (mean**2 + np.e**log_variance - 1 - log_variance).sum(axis=1)
    return (beta * ((target - output) ** 2).sum(axis=1) + kl).mean()

# %% wrong: absolute errors | loses: test_vae_loss test_train_vae
def vae_loss(target, output, mean, log_variance, beta):
    kl = 0.5 * (mean**2 + np.e**log_variance - 1 - log_variance).sum(axis=1)
    return (((target - output) ** 2) ** 0.5).sum(axis=1).mean() + beta * kl.mean()
