"""Rivals of `train_network`."""

# %% right: the loss written out
def train_network(design, training, validation, *, epochs, patience, seed, lost=0.03, batch=32):
    inputs, input_error, targets = training
    rng = np.random.default_rng(seed)
    k = targets.shape[1]
    net = build_network(design, inputs.shape[1], k, seed)
    Y, X_val, Y_val = (torch.tensor(np.float32(a)) for a in (targets, *validation))
    opt = torch.optim.AdamW(net.parameters(), lr=design["learning_rate"], weight_decay=0.01)
    sched = torch.optim.lr_scheduler.OneCycleLR(
        opt, design["learning_rate"], total_steps=epochs * int(np.ceil(len(inputs) / batch))
    )

    def nll(out, y):
        mu, ls = out[:, :k], out[:, k:]
        return (0.5 * np.log(2 * np.pi) + ls + 0.5 * ((y - mu) / torch.exp(ls)) ** 2).mean()

    t_loss, v_loss = [], []
    best, low, kept = 0, np.inf, None
    for epoch in range(epochs):
        net.train()
        order = rng.permutation(len(inputs))
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
            v_loss.append(nll(net(X_val), Y_val).item())
        if v_loss[-1] < low:
            best, low = epoch, v_loss[-1]
            kept = {n: p.detach().clone().numpy() for n, p in net.state_dict().items()}
        if epoch - best >= patience:
            break
    return {"state": kept, "training_loss": t_loss, "validation_loss": v_loss, "best": best}

# %% right: plain Adam, no schedule, data loader | edits: the loss written out
# - opt = torch.optim.AdamW(net.parameters(), lr=design["learning_rate"], weight_decay=0.01)
# - sched = torch.optim.lr_scheduler.OneCycleLR(
# -     opt, design["learning_rate"], total_steps=epochs * int(np.ceil(len(inputs) / batch))
# - )
# + opt = torch.optim.Adam(net.parameters(), lr=2 * design["learning_rate"])
# - order = rng.permutation(len(inputs))
# + loader = torch.utils.data.DataLoader(range(len(inputs)), batch_size=batch, shuffle=True)
# i in range(0, len(order), batch) => rows in loader
# order[i : i + batch] => rows.numpy()
# - sched.step()

# %% right: no decay of the weights, tensors for arrays | edits: the loss written out
# weight_decay=0.01) => weight_decay=0.0, amsgrad=True)
# p.detach().clone().numpy() => p.detach().clone()

# %% wrong: the targets of other stars | edits: the loss written out | loses: test_train_network_learns test_train_network_honest
# Y[rows] => Y[rng.permutation(rows)]

# %% wrong: trained on the validation stars | edits: the loss written out | loses: test_train_network_honest
#   inputs, input_error, targets = training
# + inputs = np.concatenate([inputs, validation[0]])
# + input_error = np.concatenate([input_error, input_error[: len(validation[0])]])
# + targets = np.concatenate([targets, validation[1]])[: len(input_error)]
# + inputs = inputs[: len(input_error)]

# %% wrong: stops by the training loss | edits: the loss written out | loses: test_train_network_honest test_train_network_best
# if v_loss => if t_loss
# epoch, v_loss => epoch, t_loss

# %% wrong: the last weights are kept | edits: the loss written out | loses: test_train_network_best
# "state": kept => "state": {n: p.detach().numpy() for n, p in net.state_dict().items()}

# %% wrong: a copy that the next step changes | edits: the loss written out | loses: test_train_network_best
# p.detach().clone().numpy() => p.detach().numpy()

# %% wrong: no step is taken | edits: the loss written out | loses: test_train_network test_train_network_learns test_train_network_honest test_train_network_best
# - opt.step()

# %% wrong: loss with the wrong sign | edits: the loss written out | loses: test_train_network_learns test_train_network_honest test_train_network_best
# loss.backward => (-loss).backward

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

# %% wrong: the validation stars are augmented, too | edits: the loss written out | loses: test_train_network_learns test_train_network_honest
# net(X_val) => net(torch.tensor(np.float32(augment(validation[0], 0 * validation[0] + 0.5, lost, rng))))

# %% wrong: dropout in the validation | edits: the loss written out | loses: test_train_network_honest
#   t_loss.append(float(np.mean(losses)))
# - net.eval()

# %% wrong: without early stopping | edits: the loss written out | loses: test_train_network_best
# - if epoch - best >= patience:
# -     break

# %% wrong: stops at the first rise | edits: the loss written out | loses: test_train_network_learns test_train_network_honest test_train_network_best
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
# build_network(design, => build_network({**design, "filters": 0},

# %% wrong: always 64 units | edits: the loss written out | loses: test_train_network
# build_network(design, => build_network({**design, "units": 64},

# %% wrong: the network itself | edits: the loss written out | loses: test_train_network test_train_network_learns test_train_network_honest test_train_network_best
# "state": kept => "state": net
