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
    for epoch in range(epochs):
        lr = 2e-3 * 0.5 * (1 + np.cos(np.pi * epoch / epochs)) + 1e-5
        for group in adam.param_groups:
            group["lr"] = lr
        shown = clean if features is None else scaled(augment(train, **features, seed=epoch))
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
    out = {k: v.detach().numpy() for k, v in net.state_dict().items()}
    return {**out, "scaler_mean": np.asarray(mean), "scaler_scale": np.asarray(scale)}

# %% right: a constant rate, then a small one | edits: cosine schedule
# - lr = 2e-3 * 0.5 * (1 + np.cos(np.pi * epoch / epochs)) + 1e-5
# + lr = 1e-3 if epoch < 0.7 * epochs else 2e-4

# %% wrong: augmentation applied to the target too | edits: cosine schedule | loses: test_train_vae_blind
# y - clean => y - shown

# %% wrong: never spoilt | edits: cosine schedule | loses: test_train_vae_blind
# if features is None else scaled(augment(train, **features, seed=epoch)) =>

# %% wrong: not trained | edits: cosine schedule | loses: test_train_vae test_train_vae_blind
# (epochs) => (0)

# %% wrong: the KL term summed over the batch and unweighted | edits: cosine schedule | loses: test_train_vae test_train_vae_blind
# sum(1).mean() + beta * kl.mean => mean() + kl.sum

# %% wrong: one latent number whatever was asked | edits: cosine schedule | loses: test_train_vae
#   torch.manual_seed(seed)
# + latent = 1

# %% wrong: the scaler not handed on | edits: cosine schedule | loses: test_train_vae test_train_vae_blind
# - return {**out, "scaler_mean": np.asarray(mean), "scaler_scale": np.asarray(scale)}
# + return {**out, "scaler_mean": np.zeros(p), "scaler_scale": np.ones(p)}

# %% wrong: the training flux not scaled, the scaler handed on | edits: cosine schedule | loses: test_train_vae test_train_vae_blind
# (f - mean) / scale => f
