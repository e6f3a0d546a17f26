"""Rivals of `input_gradient`."""

# %% right: backward, label by label
def input_gradient(design, state, inputs, n_labels):
    net = build_network(design, inputs.shape[1], n_labels, 0)
    net.load_state_dict({k: torch.tensor(np.asarray(v)) for k, v in state.items()})
    net.eval()
    rows = []
    for j in range(n_labels):
        x = torch.tensor(np.float32(inputs), requires_grad=True)
        net(x)[:, j].mean().backward()
        rows.append(x.grad.sum(dim=0).numpy())
    return np.array(rows)

# %% right: torch.func
def input_gradient(design, state, inputs, n_labels):
    net = build_network(design, inputs.shape[1], n_labels, 0)
    net.load_state_dict({k: torch.tensor(np.asarray(v)) for k, v in state.items()})
    net.eval()
    x = torch.tensor(np.float32(inputs))
    one = torch.func.jacrev(lambda row: net(row[None])[0, :n_labels])
    return torch.stack([one(row) for row in x]).mean(dim=0).detach().numpy()

# %% wrong: summed over the spectra | edits: backward, label by label | loses: test_input_gradient
# [:, j].mean() => [:, j].sum()

# %% wrong: averaged twice | edits: backward, label by label | loses: test_input_gradient
# x.grad.sum(dim=0) => x.grad.mean(dim=0)

# %% wrong: dropout is on | edits: backward, label by label | loses: test_input_gradient
# - net.eval()

# %% wrong: an untrained network | edits: backward, label by label | loses: test_input_gradient
# - net.load_state_dict({k: torch.tensor(np.asarray(v)) for k, v in state.items()})

# %% wrong: of the logarithms of sigma | edits: backward, label by label | loses: test_input_gradient
# [:, j] => [:, n_labels + j]

# %% wrong: the absolute values | edits: backward, label by label | loses: test_input_gradient
# x.grad.sum(dim=0) => x.grad.abs().sum(dim=0)

# %% wrong: of all labels together | edits: backward, label by label | loses: test_input_gradient
# [:, j] => [:, :n_labels]

# %% wrong: at the mean spectrum | edits: backward, label by label | loses: test_input_gradient
# np.float32(inputs) => np.float32(inputs.mean(axis=0, keepdims=True))
