"""Rivals of `line_probabilities` and `train_network`."""

# %% right: a hidden layer
def compressed(f):
    import torch

    return torch.from_numpy(np.arcsinh(3 * f / np.quantile(f, 0.99, axis=1)[:, None]).astype("f4"))

def layers(pixels, lines):
    import torch

    hidden = [torch.nn.Linear(pixels, 96), torch.nn.ReLU(), torch.nn.Linear(96, lines)]
    return torch.nn.Sequential(*hidden)

def train_network(flux, error, present, seed=0, epochs=8):
    import torch

    torch.manual_seed(seed)
    x, y = compressed(flux), torch.from_numpy(present.astype("f4"))
    network = layers(x.shape[1], y.shape[1])
    adam = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(epochs):
        for chosen in torch.randperm(len(x)).split(50):
            p = torch.sigmoid(network(x[chosen]))
            loss = torch.nn.functional.binary_cross_entropy(p, y[chosen])
            adam.zero_grad()
            loss.backward()
            adam.step()
    return {k: v.detach().numpy() for k, v in network.named_parameters()}

def line_probabilities(weights, flux, error):
    hidden = np.maximum(compressed(flux).numpy() @ weights["0.weight"].T + weights["0.bias"], 0)
    return 1 / (1 + np.exp(-(hidden @ weights["2.weight"].T + weights["2.bias"])))

# %% right: logistic regression in numpy on smoothed flux at the pixels
def smoothed(f):
    f = f.astype(float)
    g = (f[:, :-2] + f[:, 1:-1] + f[:, 2:])[:, ::2]
    g = np.arcsinh(4 * g / np.quantile(g, 0.99, axis=1)[:, None])
    return np.column_stack([np.ones(len(g)), g - 0.3])

def train_network(flux, error, present, seed=0, epochs=8):
    x = smoothed(flux)
    w = np.zeros((x.shape[1], present.shape[1]))
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    for step in range(1, 60 * epochs + 1):
        p = 1 / (1 + np.exp(-x @ w))
        gradient = x.T @ (p - present) / len(x) + 1e-4 * w
        m = 0.9 * m + 0.1 * gradient
        v = 0.99 * v + 0.01 * gradient**2
        w -= 0.02 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.99**step)) + 1e-8)
    return {"w": w}

def line_probabilities(weights, flux, error):
    return 1 / (1 + np.exp(-smoothed(flux) @ weights["w"]))

# %% wrong: always the usual | loses: test_line_probabilities test_line_probabilities_honest
def train_network(flux, error, present, seed=0, epochs=8):
    return {"usual": present.mean(axis=0)}

def line_probabilities(weights, flux, error):
    return np.tile(weights["usual"], (len(flux), 1))

# %% wrong: softmax over lines | edits: a hidden layer | loses: test_line_probabilities test_line_probabilities_honest
# torch.sigmoid(network(x[chosen])) => torch.softmax(network(x[chosen]), dim=1)
# - return 1 / (1 + np.exp(-(hidden @ weights["2.weight"].T + weights["2.bias"])))
# + score = np.exp(hidden @ weights["2.weight"].T + weights["2.bias"])
# + return score / score.sum(axis=1, keepdims=True)

# %% wrong: scores, not probabilities | loses: test_line_probabilities test_line_probabilities_honest
def train_network(flux, error, present, seed=0, epochs=8):
    centre = flux.mean(axis=0)
    slope = (flux - centre).T @ (present - present.mean(axis=0)) / len(flux)
    return {"centre": centre, "slope": slope}

def line_probabilities(weights, flux, error):
    return (flux - weights["centre"]) @ weights["slope"]

# %% wrong: scaled by the batch it is shown with | edits: a hidden layer | loses: test_line_probabilities_honest
# - return torch.from_numpy(np.arcsinh(3 * f / np.quantile(f, 0.99, axis=1)[:, None]).astype("f4"))
# + f = np.arcsinh(3 * f / np.quantile(f, 0.99, axis=1)[:, None])
# + return torch.from_numpy(((f - f.mean(axis=0)) / (f.std(axis=0) + 0.1)).astype("f4"))

# %% wrong: brightness left in | edits: a hidden layer | loses: test_line_probabilities_honest
# np.arcsinh(3 * f / np.quantile(f, 0.99, axis=1)[:, None]) => np.arcsinh(f)

# %% right: scikit-learn's network
def seen(flux, error):
    top = np.quantile(flux, 0.99, axis=1, keepdims=True)
    return np.arcsinh(3 * flux[:, ::2] / top + 3 * flux[:, 1::2] / top)

def train_network(flux, error, present, seed=0, epochs=8):
    from sklearn.neural_network import MLPClassifier

    x = seen(flux, error)
    network = MLPClassifier((64,), batch_size=32, learning_rate_init=2e-3, random_state=seed)
    lines = np.arange(present.shape[1])
    for epoch in range(epochs):
        network.partial_fit(x, present.astype(int), classes=lines if epoch == 0 else None)
    return {"w0": network.coefs_[0], "b0": network.intercepts_[0], "w1": network.coefs_[1], "b1": network.intercepts_[1]}

def line_probabilities(weights, flux, error):
    hidden = np.maximum(seen(flux, error) @ weights["w0"] + weights["b0"], 0)
    return (1 / (1 + np.exp(-hidden @ weights["w1"] - weights["b1"]))).astype(np.float32).tolist()

# %% wrong: brightness at one pixel a line | loses: test_line_probabilities test_line_probabilities_honest
def train_network(flux, error, present, seed=0, epochs=8):
    return {"lines": np.arange(present.shape[1])}

def line_probabilities(weights, flux, error):
    return np.clip(flux[:, weights["lines"]] / flux.max(axis=1, keepdims=True), 0, 1)

# %% wrong: a coin for every line | loses: test_line_probabilities test_line_probabilities_honest
def train_network(flux, error, present, seed=0, epochs=8):
    return {"count": np.array(present.shape[1])}

def line_probabilities(weights, flux, error):
    return np.random.default_rng(0).random((len(flux), int(weights["count"])))

# %% wrong: used once whatever was asked | edits: a hidden layer | loses: test_line_probabilities test_line_probabilities_honest
# range(epochs) => range(1)

# %% wrong: another network at every call | edits: a hidden layer | loses: test_line_probabilities_honest
# - torch.manual_seed(seed)
