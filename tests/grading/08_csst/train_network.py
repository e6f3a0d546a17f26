"""Rivals of `train_network`."""

# %% right: plain Adam on whole noisy spectra
def train_network(flux, sed, start, steps, rate=3e-3, snr=(18.0, 90.0), seed=0, without=()):
    import torch

    torch.manual_seed(seed)
    y, f = torch.from_numpy(np.log(sed)), torch.from_numpy(flux)
    fixed = ("flux_mean", "project", "log_mean", "basis")
    centre, project, mean, basis = (torch.from_numpy(np.asarray(start[n])).double() for n in fixed)
    layers = [[torch.tensor(part).double().requires_grad_() for part in q] for q in start["layers"]]
    adam = torch.optim.Adam([part for q in layers for part in q], rate)
    for step in range(steps):
        adam.param_groups[0]["lr"] = rate * min(1, step / 50, 2 * (1 - step / steps))
        i = torch.randint(len(y), (512,))
        q = snr[0] * (snr[1] / snr[0]) ** torch.rand(512, 1).double()
        x = (f[i] * (1 + torch.randn(512, f.shape[1]) / q) - centre) @ project
        x = torch.cat([x, torch.log(q / 40)], dim=1)
        for w, b in layers[:-2]:
            x = torch.nn.functional.silu(x @ w.T + b)
        (w, b), (v, c) = layers[-2:]
        r = torch.expm1(mean + (x @ w.T + b) @ basis - y[i])
        s = np.log(1e-4) * torch.sigmoid(-(x @ v.T + c))
        adam.zero_grad()
        loss = 0.5 * r**2 * torch.exp(-2 * s) + s
        (loss * torch.exp(s).detach() ** 0.5).mean().backward()
        torch.nn.utils.clip_grad_norm_([part for q in layers for part in q], 1.0)
        adam.step()
    return {**start, "layers": [[part.detach().numpy() for part in q] for q in layers]}

# %% right: another optimiser | edits: plain Adam on whole noisy spectra
# torch.optim.Adam([ => torch.optim.NAdam([

# %% wrong: nothing is trained | loses: test_train_network test_train_network_errors test_train_network_start
def train_network(flux, sed, start, steps, rate=3e-3, snr=(18.0, 90.0), seed=0, without=()):
    return start

# %% wrong: absolute errors for relative ones | edits: plain Adam on whole noisy spectra | loses: test_train_network_errors
# r = torch.expm1(mean + (x @ w.T + b) @ basis - y[i]) => r = torch.exp(mean + (x @ w.T + b) @ basis) - torch.exp(y[i])

# %% wrong: the variance for the error | edits: plain Adam on whole noisy spectra | loses: test_train_network_errors
# torch.exp(-2 * s) + s => torch.exp(-s) + s

# %% wrong: trained without noise | edits: plain Adam on whole noisy spectra | loses: test_train_network_errors
# torch.randn(512, f.shape[1]) / q => 0 / q

# %% wrong: noise with the variance of Eq. 1 for its width | edits: plain Adam on whole noisy spectra | loses: test_train_network_errors
# torch.randn(512, f.shape[1]) / q => torch.randn(512, f.shape[1]) / q**2

# %% wrong: starts from nothing each time | edits: plain Adam on whole noisy spectra | loses: test_train_network_start
# torch.tensor(part).double().requires_grad_() => (torch.randn(part.shape).double() / 10).requires_grad_()

# %% wrong: the seed ignored | edits: plain Adam on whole noisy spectra | loses: test_train_network
# torch.manual_seed(seed) => torch.manual_seed(0)

# %% wrong: other numbers at every call | edits: plain Adam on whole noisy spectra | loses: test_train_network
# torch.manual_seed(seed) => torch.seed()

# %% wrong: the model that it goes on from is changed | edits: plain Adam on whole noisy spectra | loses: test_train_network_start
# - return {**start, "layers": [[part.detach().numpy() for part in q] for q in layers]}
# + for q, old in zip(layers, start["layers"]):
# +     for part, was in zip(q, old):
# +         was[:] = part.detach().numpy()
# + return start

# %% wrong: the rate ignored | edits: plain Adam on whole noisy spectra | loses: test_train_network_start
# ["lr"] = rate * => ["lr"] = 3e-3 *

# %% wrong: the number of steps ignored | edits: plain Adam on whole noisy spectra | loses: test_train_network
# for step in range(steps): => for step in range(400):

# %% wrong: the range of S/N ignored | edits: plain Adam on whole noisy spectra | loses: test_train_network_errors
# q = snr[0] * (snr[1] / snr[0]) ** => q = 18 * 5 **
