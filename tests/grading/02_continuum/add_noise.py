"""Rivals of `add_noise`."""

# %% right: the old random generator
def add_noise(flux, error, noise, seed):
    random = np.random.RandomState(seed)
    return flux + noise * random.randn(flux.size), (error**2 + noise**2) ** 0.5

# %% right: scipy's normal distribution, bad pixels handled apart
def add_noise(flux, error, noise, seed):
    from scipy.stats import norm

    more = norm.rvs(scale=noise, size=len(flux), random_state=seed)
    return [flux + more, np.where(error >= 1e9, 1e10, np.sqrt(error**2 + noise**2))]

# %% right: torch's generator, single precision
def add_noise(flux, error, noise, seed):
    import torch

    more = torch.randn(len(flux), generator=torch.Generator().manual_seed(seed)) * noise
    return np.float32(flux) + more.numpy(), np.hypot(np.float32(error), np.float32(noise))

# %% wrong: the error is not updated | loses: test_add_noise
# np.hypot(error, noise) => error

# %% wrong: errors added linearly | loses: test_add_noise
# np.hypot(error, noise) => error + noise

# %% wrong: variance given for standard deviation | loses: test_add_noise_noise
# rng.normal(0, noise, => rng.normal(0, noise**2,

# %% wrong: one number for all pixels | loses: test_add_noise_noise
# rng.normal(0, noise, len(flux)) => rng.normal(0, noise)

# %% wrong: uniform noise | loses: test_add_noise_noise
# rng.normal(0, noise, => rng.uniform(-noise, noise,

# %% wrong: the seed is not used | loses: test_add_noise_noise
# rng.normal => np.random.normal

# %% wrong: noise only upwards | loses: test_add_noise_noise
# rng.normal(0, noise, len(flux)) => np.abs(rng.normal(0, noise, len(flux)))

# %% wrong: what came in | loses: test_add_noise test_add_noise_noise
def add_noise(flux, error, noise, seed):
    return flux, error

# %% wrong: the seed itself added | loses: test_add_noise_noise
# rng.normal(0, noise, len(flux)) => seed

# %% wrong: noise as large as the error that was there | loses: test_add_noise_noise
# rng.normal(0, noise, => rng.normal(0, error,

# %% wrong: the drawn noise has the total error | loses: test_add_noise_noise
def add_noise(flux, error, noise, seed):
    rng = np.random.default_rng(seed)
    total = np.hypot(error, noise)
    return rng.normal(flux, np.where(error < 1e9, total, noise)), total

# %% wrong: negative flux is cut | loses: test_add_noise_noise
def add_noise(flux, error, noise, seed):
    n = np.random.default_rng(seed).normal(0, noise, len(flux))
    return np.clip(flux + n, 0, None), np.hypot(error, noise)
