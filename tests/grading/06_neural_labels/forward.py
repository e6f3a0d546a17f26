"""Rivals of `forward`."""

# %% right: star by star
def forward(inputs, weights, biases):
    out = []
    for x in inputs:
        for w, b in zip(weights[:-1], biases[:-1]):
            x = np.where(w @ x + b > 0, w @ x + b, 0)
        out.append(weights[-1] @ x + biases[-1])
    return np.array(out)

# %% right: PyTorch
def forward(inputs, weights, biases):
    h = torch.as_tensor(np.asarray(inputs, float))
    for i, (w, b) in enumerate(zip(weights, biases)):
        h = torch.nn.functional.linear(
            h, torch.as_tensor(np.asarray(w, float)), torch.as_tensor(np.asarray(b, float))
        )
        if i + 1 < len(weights):
            h = h.clamp(min=0)
    return h.numpy()

# %% wrong: rectifier at the end too | loses: test_forward
def forward(inputs, weights, biases):
    h = inputs
    for w, b in zip(weights, biases):
        h = np.maximum(h @ w.T + b, 0)
    return h

# %% wrong: no rectifier | loses: test_forward
def forward(inputs, weights, biases):
    h = inputs
    for w, b in zip(weights, biases):
        h = h @ w.T + b
    return h

# %% wrong: bias after the rectifier | loses: test_forward
def forward(inputs, weights, biases):
    h = inputs
    for i, (w, b) in enumerate(zip(weights, biases)):
        h = h @ w.T
        h = np.maximum(h, 0) + b if i < len(weights) - 1 else h + b
    return h

# %% wrong: biases forgotten | loses: test_forward
def forward(inputs, weights, biases):
    h = inputs
    for i, w in enumerate(weights):
        h = h @ w.T
        h = np.maximum(h, 0) if i < len(weights) - 1 else h
    return h

# %% wrong: matrix not transposed | loses: test_forward
def forward(inputs, weights, biases):
    h = inputs
    for i, (w, b) in enumerate(zip(weights, biases)):
        h = h @ w + b
        h = np.maximum(h, 0) if i < len(weights) - 1 else h
    return h

# %% wrong: absolute value | loses: test_forward
def forward(inputs, weights, biases):
    h = inputs
    for i, (w, b) in enumerate(zip(weights, biases)):
        h = h @ w.T + b
        h = np.abs(h) if i < len(weights) - 1 else h
    return h

# %% wrong: two layers whatever is given | loses: test_forward
def forward(inputs, weights, biases):
    h = np.maximum(inputs @ weights[0].T + biases[0], 0)
    return h @ weights[-1].T + biases[-1]
