"""Rivals of `train_vae`."""

# %% right: cosine schedule
def train_vae(train, valid, mean, scale, features=None, seed=0, epochs=40, latent=4, beta=0.1,
              dropout=0.0, activation="silu", batch=256):
    import torch
    from torch import nn

    torch.manual_seed(seed)
    bend = nn.SiLU if activation == "silu" else nn.PReLU
    def stack(*sizes):
        return [m for a, b in zip(sizes, sizes[1:]) for m in (nn.Linear(a, b), bend(), nn.Dropout(dropout))]
    p = train.shape[1]
    net = nn.Module()
    net.encoder = nn.Sequential(*stack(p, 512, 256, 128))
    net.hidden2mu, net.hidden2log_var = nn.Linear(128, latent), nn.Linear(128, latent)
    net.decoder = nn.Sequential(*stack(latent, 128, 256, 512), nn.Linear(512, p))
    def scaled(f):
        return torch.as_tensor((f - mean) / scale, dtype=torch.float32)
    clean = scaled(train)
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    test = scaled(valid)
    seen = test if features is None else scaled(augment(valid, **features, seed=99999 + seed))
    best, out = np.inf, None
    for epoch in range(epochs):
        net.train()
        lr = 2e-3 * 0.5 * (1 + np.cos(np.pi * epoch / epochs)) + 1e-5
        for group in adam.param_groups:
            group["lr"] = lr
        shown = clean if features is None else scaled(augment(train, **features, seed=1000 * seed + epoch))
        for rows in torch.randperm(len(train)).split(batch):
            h = net.encoder(shown[rows])
            mu, lv = net.hidden2mu(h), net.hidden2log_var(h).clamp(-12, 6)
            z = mu + torch.exp(0.5 * lv) * torch.randn_like(mu)
            y = net.decoder(z)
            kl = 0.5 * (mu**2 + lv.exp() - 1 - lv).sum(1)
            loss = ((y - clean[rows]) ** 2).sum(1).mean() + beta * kl.mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
        net.eval()
        with torch.no_grad():
            score = ((net.decoder(net.hidden2mu(net.encoder(seen))) - test) ** 2).sum(1).mean().item()
        if score < best:
            best, out = score, {k: v.numpy().copy() for k, v in net.state_dict().items()}
    return {**out, "scaler_mean": np.asarray(mean), "scaler_scale": np.asarray(scale)}

# %% right: a constant rate, then a small one | edits: cosine schedule
# - lr = 2e-3 * 0.5 * (1 + np.cos(np.pi * epoch / epochs)) + 1e-5
# + lr = 1e-3 if epoch < 0.7 * epochs else 2e-4

# %% wrong: augmentation applied to the target too | edits: cosine schedule | loses: test_train_vae_blind
# y - clean => y - shown

# %% wrong: never spoilt | edits: cosine schedule | loses: test_train_vae_blind
# shown = clean if features is None else scaled(augment(train, **features, seed=1000 * seed + epoch)) => shown = clean

# %% wrong: the last epoch's weights | edits: cosine schedule | loses: test_train_vae_stopped
# if score < best: => if True:

# %% wrong: stopped after the first epoch | edits: cosine schedule | loses: test_train_vae test_train_vae_blind test_train_vae_stopped
# if score < best: => if epoch == 0:

# %% wrong: the codes are not drawn | edits: cosine schedule | loses: test_train_vae_codes
# mu + torch.exp(0.5 * lv) * torch.randn_like(mu) => mu

# %% wrong: drawn as widely as the variance | edits: cosine schedule | loses: test_train_vae_codes
# torch.exp(0.5 * lv) => torch.exp(lv)

# %% wrong: dropout ignored | edits: cosine schedule | loses: test_train_vae
# nn.Dropout(dropout) => nn.Dropout(0.0)

# %% wrong: no KL term | edits: cosine schedule | loses: test_train_vae_codes
# + beta * kl.mean() =>

# %% wrong: beta ignored | edits: cosine schedule | loses: test_train_vae_codes
# beta * kl => 0.1 * kl

# %% wrong: not trained | edits: cosine schedule | loses: test_train_vae test_train_vae_blind test_train_vae_stopped test_train_vae_codes
# - adam.step()

# %% wrong: the KL term summed over the batch and unweighted | edits: cosine schedule | loses: test_train_vae test_train_vae_blind test_train_vae_stopped test_train_vae_codes
# sum(1).mean() + beta * kl.mean => mean() + kl.sum

# %% wrong: one latent number whatever was asked | edits: cosine schedule | loses: test_train_vae
#   torch.manual_seed(seed)
# + latent = 1

# %% wrong: the seed ignored | edits: cosine schedule | loses: test_train_vae
# torch.manual_seed(seed) => torch.manual_seed(0)

# %% wrong: another network at every call | edits: cosine schedule | loses: test_train_vae
# - torch.manual_seed(seed)

# %% wrong: forty epochs whatever was asked | edits: cosine schedule | loses: test_train_vae
#   torch.manual_seed(seed)
# + epochs = 40

# %% wrong: batches of 64 whatever was asked | edits: cosine schedule | loses: test_train_vae
# .split(batch) => .split(64)

# %% wrong: always SiLU | edits: cosine schedule | loses: test_train_vae
# nn.SiLU if activation == "silu" else nn.PReLU => nn.SiLU

# %% wrong: the scaler not handed on | edits: cosine schedule | loses: test_train_vae test_train_vae_blind test_train_vae_stopped test_train_vae_codes
# - return {**out, "scaler_mean": np.asarray(mean), "scaler_scale": np.asarray(scale)}
# + return {**out, "scaler_mean": np.zeros(p), "scaler_scale": np.ones(p)}

# %% wrong: the training flux not scaled, the scaler handed on | edits: cosine schedule | loses: test_train_vae test_train_vae_blind test_train_vae_stopped test_train_vae_codes
# (f - mean) / scale => f

# %% wrong: the scaler alone | loses: test_train_vae test_train_vae_blind test_train_vae_stopped test_train_vae_codes
def train_vae(train, valid, mean, scale, features=None, seed=0, epochs=40, latent=4, beta=0.1,
              dropout=0.0, activation="silu", batch=256):
    return {"scaler_mean": mean, "scaler_scale": scale}
