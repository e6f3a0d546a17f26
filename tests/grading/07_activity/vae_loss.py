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

# %% wrong: the KL term with the wrong sign | loses: test_vae_loss_divergence test_train_vae test_train_vae_blind test_train_vae_stopped test_train_vae_codes
# misfit + beta => misfit - beta

# %% wrong: KL summed over the batch | loses: test_vae_loss_divergence
# log_variance).sum(axis=1) => log_variance).sum()

# %% wrong: averaged over wavelengths | loses: test_vae_loss
# ((target - output) ** 2).sum(axis=1) => ((target - output) ** 2).mean(axis=1)

# %% wrong: misfit summed over the batch | loses: test_vae_loss
# ((target - output) ** 2).sum(axis=1) => ((target - output) ** 2).sum()

# %% wrong: the half forgotten | loses: test_vae_loss_divergence
# 0.5 * =>

# %% wrong: log variance taken for log sigma | loses: test_vae_loss_divergence
# np.e**log_variance - 1 - log_variance => np.e ** (2 * log_variance) - 1 - 2 * log_variance

# %% wrong: beta on the wrong term | loses: test_vae_loss_divergence
# misfit + beta * divergence => beta * misfit + divergence

# %% wrong: absolute errors | loses: test_vae_loss
# ((target - output) ** 2).sum => (((target - output) ** 2) ** 0.5).sum

# %% right: torch throughout
def vae_loss(target, output, mean, log_variance, beta):
    import torch

    target, output, mean, log_variance = map(torch.as_tensor, (target, output, mean, log_variance))
    misfit = torch.nn.functional.mse_loss(output, target, reduction="sum")
    kl = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
    return (misfit + beta * kl) / len(target)

# %% right: either library, by what comes in
def vae_loss(target, output, mean, log_variance, beta):
    import torch

    library = torch if isinstance(mean, torch.Tensor) else np
    kl = 0.5 * (mean**2 + library.exp(log_variance) - log_variance - 1).sum(-1)
    return library.mean(((target - output) ** 2).sum(-1) + beta * kl)

# %% wrong: NumPy's exponential, which tensors in training refuse | loses: test_vae_loss test_train_vae test_train_vae_blind test_train_vae_stopped test_train_vae_codes
# np.e**log_variance => np.exp(log_variance)

# %% wrong: always the same | loses: test_vae_loss test_vae_loss_divergence test_train_vae test_train_vae_blind test_train_vae_stopped test_train_vae_codes
def vae_loss(target, output, mean, log_variance, beta):
    return beta

# %% wrong: no KL term for tensors | loses: test_vae_loss test_train_vae_codes
def vae_loss(target, output, mean, log_variance, beta):
    misfit = ((target - output) ** 2).sum(axis=1).mean()
    if torch.is_tensor(output):
        return misfit
    kl = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(axis=1)
    return misfit + beta * kl.mean()

# %% wrong: sigma in place of the variance | loses: test_vae_loss_divergence
def vae_loss(target, output, mean, log_variance, beta):
    misfit = ((target - output) ** 2).sum(axis=1)
    kl = 0.5 * (mean**2 + np.e ** (0.5 * log_variance) - 1 - log_variance).sum(axis=1)
    return (misfit + beta * kl).mean()
