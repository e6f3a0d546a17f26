"""Rivals of `train_network`."""

# %% right: a small GELU network
def train_network(
    flux, sed, steps, seed=0, start=None, rate=3e-3, snr=(18.0, 90.0), inputs=48, outputs=40,
    width=192, fresh=True, schedule=True, beta=0.5, muon=True,
):
    import torch

    torch.manual_seed(seed)
    y = torch.from_numpy(np.log(sed).astype("f4"))
    if start is None:
        centre = flux.mean(axis=0)
        along = np.linalg.svd(np.log(sed) - np.log(sed).mean(axis=0), full_matrices=False)
        u, s, v = np.linalg.svd(flux - centre, full_matrices=False)
        k = min(inputs, len(s), int((s > 1e-4 * s[0]).sum()))
        start = {"centre": centre, "project": v[:k].T / (s[:k] / len(flux) ** 0.5)}
        start["mean"] = np.log(sed).mean(axis=0)
        start["basis"] = (along[1][:, None] * along[2] / len(sed) ** 0.5)[:outputs]
    flux_in = torch.from_numpy(flux.astype("f4"))
    centre, project = (torch.from_numpy(start[n].astype("f4")) for n in ("centre", "project"))
    mean, basis = (torch.from_numpy(start[n].astype("f4")) for n in ("mean", "basis"))
    body = torch.nn.Sequential(
        torch.nn.Linear(project.shape[1] + 1, 96), torch.nn.GELU(),
        torch.nn.Linear(96, 96), torch.nn.GELU(), torch.nn.Linear(96, len(basis) + len(mean)),
    )
    if "weights" in start:
        body.load_state_dict({n: torch.from_numpy(w) for n, w in start["weights"].items()})
    adam = torch.optim.AdamW(body.parameters(), rate, weight_decay=0)
    for step in range(steps):
        for group in adam.param_groups:
            group["lr"] = rate * min(1, 10 * (step + 1) / steps) * min(1, 2 * (1 - step / steps))
        i = torch.randint(len(y), (384,))
        q = snr[0] * (snr[1] / snr[0]) ** torch.rand(384, 1)
        f = flux_in[i] * (1 + torch.randn(384, flux.shape[1]) / q)
        x = torch.cat([(f - centre) @ project, torch.log(q / 40)], dim=1)
        m, t = body(x).split([len(basis), len(mean)], dim=1)
        s = torch.nn.functional.softplus(t - 3) + 1e-3
        r = torch.expm1(mean + m @ basis - y[i])
        loss = (r**2 / (2 * s**2) + torch.log(s)) * s.detach() ** 0.5
        adam.zero_grad()
        loss.mean().backward()
        adam.step()
    return {**start, "weights": {n: w.numpy() for n, w in body.state_dict().items()}}


def predict_sed(model, flux, snr):
    import torch

    flux = np.asarray(flux)
    w = {n: np.asarray(v, float) for n, v in model["weights"].items()}
    q = np.asarray(snr)[:, None]
    x = np.hstack([(flux - model["centre"]) @ model["project"], np.log(q / 40)])

    def gelu(z):
        from scipy.special import erf

        return 0.5 * z * (1 + erf(z / 2**0.5))

    x = gelu(x @ w["0.weight"].T + w["0.bias"])
    x = gelu(x @ w["2.weight"].T + w["2.bias"])
    m, t = np.split(x @ w["4.weight"].T + w["4.bias"], [len(model["basis"])], axis=1)
    sed, sigma = np.exp(model["mean"] + m @ model["basis"]), np.logaddexp(0, t - 3) + 1e-3
    return sed, sigma

# %% right: quadratic regression
def _terms(model, flux):
    z = (flux - model["centre"]) @ model["project"]
    k = z.shape[1]
    pairs = [z[:, i] * z[:, j] for i in range(k) for j in range(i, k)]
    return np.column_stack([np.ones(len(z)), z, *pairs])


def train_network(
    flux, sed, steps, seed=0, start=None, rate=3e-3, snr=(18.0, 90.0), inputs=48, outputs=40,
    width=192, fresh=True, schedule=True, beta=0.5, muon=True,
):
    rng = np.random.default_rng(seed)
    y = np.log(sed)
    if start is not None:
        # move the answers of the old model by a straight line in them, as far as the steps allow
        far = 1 - np.exp(-60 * rate * steps)
        old = np.log(predict_sed(start, flux, np.full(len(flux), snr[1]))[0])
        known = np.column_stack([np.ones(len(old)), old])
        line = np.linalg.lstsq(known, y - old, rcond=1e-3)[0]
        return {**start, "line": far * line}
    centre = flux.mean(axis=0)
    u, s, v = np.linalg.svd(flux - centre, full_matrices=False)
    k = min(3, inputs, int((s > 1e-6 * s[0]).sum()))
    basis = np.linalg.svd(y - y.mean(axis=0), full_matrices=False)[2][:outputs]
    y = y.mean(axis=0) + (y - y.mean(axis=0)) @ basis.T @ basis
    model = {"centre": centre, "project": v[:k].T / (s[:k] / len(flux) ** 0.5)}
    model["levels"] = np.geomspace(*snr, 9)
    model["weights"], model["sigma"] = [], []
    for q in model["levels"]:
        noisy = np.concatenate([flux * (1 + rng.standard_normal(flux.shape) / q) for _ in range(20)])
        a = _terms(model, noisy)
        c = np.linalg.lstsq(a, np.tile(y, (20, 1)), rcond=None)[0]
        r = np.expm1(a @ c - np.tile(y, (20, 1)))
        model["weights"].append(c)
        model["sigma"].append(np.subtract(*np.percentile(r, [84, 16], axis=0)) / 2)
    return model


def predict_sed(model, flux, snr):
    a, snr = _terms(model, np.asarray(flux)), np.asarray(snr)
    near = np.abs(np.log(snr[:, None] / model["levels"])).argmin(axis=1)
    y = np.array([row @ model["weights"][j] for row, j in zip(a, near)])
    sigma = np.array([model["sigma"][j] for j in near])
    if "line" in model:
        y = y + np.column_stack([np.ones(len(y)), y]) @ model["line"]
    return np.exp(y), sigma

# %% wrong: always the mean | loses: test_train_network test_train_network_errors test_train_network_start
def train_network(
    flux, sed, steps, seed=0, start=None, rate=3e-3, snr=(18.0, 90.0), inputs=48, outputs=40,
    width=192, fresh=True, schedule=True, beta=0.5, muon=True,
):
    return {"mean": sed.mean(axis=0), "sigma": (sed / sed.mean(axis=0)).std(axis=0)}


def predict_sed(model, flux, snr):
    n = len(flux)
    return np.tile(model["mean"], (n, 1)), np.tile(model["sigma"], (n, 1))

# %% wrong: absolute errors for relative ones | edits: quadratic regression | loses: test_train_network_errors
# return np.exp(y), sigma => return np.exp(y), sigma * np.exp(y)

# %% wrong: the variance for the error | edits: quadratic regression | loses: test_train_network_errors
# return np.exp(y), sigma => return np.exp(y), sigma**2

# %% wrong: the network is not told the S/N | edits: a small GELU network | loses: test_train_network_errors
# torch.log(q / 40) => 0 * q
# np.log(q / 40) => 0 * q

# %% wrong: trained without noise | edits: a small GELU network | loses: test_train_network_errors
# torch.randn(384, flux.shape[1]) => 0

# %% wrong: starts from nothing each time | edits: a small GELU network | loses: test_train_network_start
# "weights" in start => False

# %% wrong: the logarithm of the SED | edits: quadratic regression | loses: test_train_network test_train_network_errors test_train_network_start
# return np.exp(y), sigma => return y, sigma

# %% wrong: noise with the variance of Eq. 1 for its width | edits: a small GELU network | loses: test_train_network_errors
# torch.randn(384, flux.shape[1]) / q => torch.randn(384, flux.shape[1]) / q**2

# %% wrong: pixels scaled to one variance, weak ones with their noise | edits: a small GELU network | loses: test_train_network
# - centre = flux.mean(axis=0)
# + centre, spread = flux.mean(axis=0), flux.std(axis=0) + 0.01
# svd(flux - centre, => svd((flux - centre) / spread,
# v[:k].T / => v[:k].T / spread[:, None] /

# %% wrong: the seed ignored | edits: a small GELU network | loses: test_train_network
# torch.manual_seed(seed) => torch.manual_seed(0)

# %% wrong: other weights at every call | edits: a small GELU network | loses: test_train_network
# - torch.manual_seed(seed)

# %% wrong: the rate ignored | edits: a small GELU network | loses: test_train_network_start
# body.parameters(), rate, weight_decay=0 => body.parameters(), 3e-3, weight_decay=0
# group["lr"] = rate * => group["lr"] = 3e-3 *

# %% wrong: the range of S/N ignored | edits: a small GELU network | loses: test_train_network_errors
#   torch.manual_seed(seed)
# + snr = (18.0, 90.0)

# %% wrong: as many components of spectra as there are | edits: a small GELU network | loses: test_train_network
# k = min(inputs, len(s), => k = min(48, len(s),

# %% wrong: as many components of log SEDs as there are | edits: a small GELU network | loses: test_train_network
# [:outputs] => [:40]
