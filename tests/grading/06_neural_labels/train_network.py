"""Rivals of `train_network`."""

# %% right: the loss written out
def train_network(
    kind, inputs, input_error, targets, is_training, is_validation, *, epochs, patience, seed,
    lost=0.03, batch=32,
):
    rng = np.random.default_rng(seed)
    k = targets.shape[1]
    net = build_network(kind, inputs.shape[1], k, seed)
    X, Y = torch.tensor(np.float32(inputs)), torch.tensor(np.float32(targets))
    train, val = np.flatnonzero(is_training), np.flatnonzero(is_validation)
    opt = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE[kind], weight_decay=0.01)
    sched = torch.optim.lr_scheduler.OneCycleLR(
        opt, LEARNING_RATE[kind], total_steps=epochs * int(np.ceil(len(train) / batch))
    )

    def nll(out, y):
        mu, ls = out[:, :k], out[:, k:]
        return (0.5 * np.log(2 * np.pi) + ls + 0.5 * ((y - mu) / torch.exp(ls)) ** 2).mean()

    t_loss, v_loss = [], []
    best, low, kept = 0, np.inf, None
    for epoch in range(epochs):
        net.train()
        order = rng.permutation(train)
        losses = []
        for i in range(0, len(order), batch):
            rows = order[i : i + batch]
            x = torch.tensor(np.float32(augment(inputs[rows], input_error[rows], lost, rng)))
            loss = nll(net(x), Y[rows])
            opt.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            sched.step()
            losses.append(loss.item())
        t_loss.append(float(np.mean(losses)))
        net.eval()
        with torch.no_grad():
            v_loss.append(nll(net(X[val]), Y[val]).item())
        if v_loss[-1] < low:
            best, low = epoch, v_loss[-1]
            kept = {n: p.detach().clone() for n, p in net.state_dict().items()}
        if epoch - best >= patience:
            break
    net.load_state_dict(kept)
    net.eval()
    x = X[val].clone().requires_grad_(True)
    out = net(x)
    grad = [torch.autograd.grad(out[:, j].sum(), x, retain_graph=True)[0].mean(0).numpy() for j in range(k)]
    with torch.no_grad():
        out = net(X).numpy()
    return {
        "mean": out[:, :k], "log_sigma": out[:, k:], "gradient": np.array(grad),
        "training_loss": t_loss, "validation_loss": v_loss, "best": best,
    }

# %% right: plain Adam, no schedule, data loader | edits: the loss written out
# - opt = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE[kind], weight_decay=0.01)
# - sched = torch.optim.lr_scheduler.OneCycleLR(
# -     opt, LEARNING_RATE[kind], total_steps=epochs * int(np.ceil(len(train) / batch))
# - )
# + opt = torch.optim.Adam(net.parameters(), lr=2 * LEARNING_RATE[kind])
# - order = rng.permutation(train)
# + loader = torch.utils.data.DataLoader(train, batch_size=batch, shuffle=True)
# i in range(0, len(order), batch) => rows in loader
# order[i : i + batch] => rows.numpy()
# - sched.step()

# %% wrong: trained on every row | edits: the loss written out | loses: test_train_network test_train_network_learns test_train_network_honest test_train_network_gradient
# flatnonzero(is_training) => arange(len(inputs))
# - net.load_state_dict(kept)
# + if kept is not None:
# +     net.load_state_dict(kept)

# %% wrong: validation stars leak into the training | edits: the loss written out | loses: test_train_network_honest
# (is_training) => (is_training | is_validation)

# %% wrong: no eval before predicting | edits: the loss written out | loses: test_train_network_honest test_train_network_gradient
#   t_loss.append(float(np.mean(losses)))
# - net.eval()

#   net.load_state_dict(kept)
# - net.eval()

# %% wrong: shuffled labels | edits: the loss written out | loses: test_train_network_learns test_train_network_honest test_train_network_gradient
# Y[rows] => Y[rng.permutation(rows)]

# %% wrong: stops by the training loss | edits: the loss written out | loses: test_train_network_honest test_train_network_best
# if v_loss => if t_loss
# epoch, v_loss => epoch, t_loss

# %% wrong: the last weights are used | edits: the loss written out | loses: test_train_network_best
# - net.load_state_dict(kept)

# %% wrong: no step is taken | edits: the loss written out | loses: test_train_network test_train_network_learns test_train_network_honest test_train_network_best test_train_network_gradient
# - opt.step()

# %% wrong: loss with the wrong sign | edits: the loss written out | loses: test_train_network_learns test_train_network_honest test_train_network_best test_train_network_gradient
# loss.backward => (-loss).backward

# %% wrong: prediction with fresh noise | edits: the loss written out | loses: test_train_network test_train_network_honest test_train_network_gradient
# net(X) => net(torch.tensor(np.float32(augment(inputs, input_error, lost, rng))))

# %% wrong: sigma, not its logarithm | edits: the loss written out | loses: test_train_network_honest test_train_network_best
# out[:, k:], => np.exp(out[:, k:]),

# %% wrong: gradient of the loss | edits: the loss written out | loses: test_train_network_gradient
# out[:, j] => ((out[:, j] - Y[val, j]) ** 2)

# %% right: stochastic weights by hand, lists | edits: the loss written out
# lr=LEARNING_RATE[kind], weight_decay=0.01) => lr=LEARNING_RATE[kind], weight_decay=0.0, amsgrad=True)
# "mean": out[:, :k], "log_sigma": out[:, k:], "gradient": np.array(grad), => "mean": out[:, :k].tolist(), "log_sigma": out[:, k:].tolist(), "gradient": grad,

# %% wrong: without augmentation | edits: the loss written out | loses: test_train_network_honest
# augment(inputs[rows], input_error[rows], lost, rng) => inputs[rows]

# %% wrong: augmented once, before the training | edits: the loss written out | loses: test_train_network_honest
#   k = targets.shape[1]
# + once = augment(inputs, input_error, lost, rng)

# augment(inputs[rows], input_error[rows], lost, rng) => once[rows]

# %% wrong: noise, and no holes | edits: the loss written out | loses: test_train_network_honest
# input_error[rows], lost, => input_error[rows], 0.0,

# %% wrong: holes, and no noise | edits: the loss written out | loses: test_train_network_honest
# input_error[rows], lost, => 0 * input_error[rows], lost,

# %% wrong: the validation stars are augmented, too | edits: the loss written out | loses: test_train_network_honest
# v_loss.append(nll(net(X[val]), => v_loss.append(nll(net(torch.tensor(np.float32(augment(inputs[val], input_error[val], lost, rng)))),

# %% wrong: dropout in the validation | edits: the loss written out | loses: test_train_network_honest
#   t_loss.append(float(np.mean(losses)))
# - net.eval()

# %% wrong: without early stopping | edits: the loss written out | loses: test_train_network_best
# - if epoch - best >= patience:
# -     break

# %% wrong: stops at the first rise | edits: the loss written out | loses: test_train_network_honest test_train_network_best
# epoch - best >= patience => epoch > best

# %% wrong: the seed is ignored | edits: the loss written out | loses: test_train_network
# np.random.default_rng(seed) => np.random.default_rng(0)
# inputs.shape[1], k, seed) => inputs.shape[1], k, 0)

# %% wrong: the weights start by the seed, the order of the stars by chance | edits: the loss written out | loses: test_train_network
# np.random.default_rng(seed) => np.random.default_rng()

# %% wrong: the size of the batches is ignored | edits: the loss written out | loses: test_train_network test_train_network_learns
#   rng = np.random.default_rng(seed)
# + batch = 32

# %% wrong: always the dense network | edits: the loss written out | loses: test_train_network
# build_network(kind, => build_network("dense",

# %% wrong: gradients summed over the stars | edits: the loss written out | loses: test_train_network_gradient
# [0].mean(0).numpy() => [0].sum(0).numpy()

# %% wrong: the gradient of the logarithm of sigma | edits: the loss written out | loses: test_train_network_gradient
# out[:, j].sum() => out[:, k + j].sum()

# %% wrong: an untrained network | edits: the loss written out | loses: test_train_network test_train_network_learns test_train_network_honest test_train_network_best test_train_network_gradient
# - opt.step()

# inputs.shape[1], k, seed) => inputs.shape[1], k, 0)

# %% wrong: zeros | loses: test_train_network test_train_network_learns test_train_network_honest test_train_network_best test_train_network_gradient
def train_network(
    kind, inputs, input_error, targets, is_training, is_validation, *, epochs, patience, seed,
    lost=0.03, batch=32,
):
    n, p = inputs.shape
    k = targets.shape[1]
    return {
        "mean": np.zeros((n, k)), "log_sigma": np.zeros((n, k)), "gradient": np.zeros((k, p)),
        "training_loss": [1.0] * epochs, "validation_loss": [1.0] * epochs, "best": 0,
    }
