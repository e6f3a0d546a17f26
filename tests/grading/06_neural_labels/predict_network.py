"""Rivals of `predict_network`."""

# %% right: all at once
def predict_network(design, state, inputs, n_labels):
    net = build_network(design, inputs.shape[1], n_labels, seed=0)
    net.load_state_dict({k: torch.tensor(np.asarray(v)) for k, v in state.items()})
    net.eval()
    with torch.no_grad():
        out = net(torch.tensor(np.float32(inputs)))
    mean, log_sigma = out.split(n_labels, dim=1)
    return mean.numpy(), log_sigma.numpy()

# %% right: in double precision, as lists | edits: all at once
# net.eval() => net.double().eval()
# np.float32(inputs) => np.float64(inputs)
# return mean.numpy(), log_sigma.numpy() => return mean.tolist(), log_sigma.tolist()

# %% wrong: dropout is on | edits: all at once | loses: test_predict_network
# - net.eval()

# %% wrong: an untrained network | edits: all at once | loses: test_predict_network
# - net.load_state_dict({k: torch.tensor(np.asarray(v)) for k, v in state.items()})

# %% wrong: mean and log sigma exchanged | edits: all at once | loses: test_predict_network
# mean, log_sigma = out => log_sigma, mean = out

# %% wrong: sigma, not its logarithm | edits: all at once | loses: test_predict_network
# log_sigma.numpy() => np.exp(log_sigma.numpy())

# %% wrong: the means only | edits: all at once | loses: test_predict_network
# return mean.numpy(), log_sigma.numpy() => return mean.numpy()

# %% wrong: the last batch is left out | edits: all at once | loses: test_predict_network
# np.float32(inputs) => np.float32(inputs[: len(inputs) // 128 * 128])

# %% wrong: always the dense network | edits: all at once | loses: test_predict_network
# build_network(design, => build_network({**design, "filters": 0},

# %% wrong: mean and log sigma alternate | edits: all at once | loses: test_predict_network
# mean, log_sigma = out.split(n_labels, dim=1) => mean, log_sigma = out[:, ::2], out[:, 1::2]
