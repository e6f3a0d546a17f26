"""Rivals of `templates`."""

# %% right: torch's own functions
def templates(model, flux):
    import torch
    from torch.nn import functional

    w = {k: torch.as_tensor(np.asarray(v)).double() for k, v in model.items()}
    x = (torch.as_tensor(np.asarray(flux)).double() - w["scaler_mean"]) / w["scaler_scale"]

    def run(x, part):
        for k in (0, 3, 6):
            x = functional.linear(x, w[f"{part}.{k}.weight"], w[f"{part}.{k}.bias"])
            slope = w.get(f"{part}.{k + 1}.weight")
            x = functional.silu(x) if slope is None else functional.prelu(x, slope)
        return x

    z = functional.linear(run(x, "encoder"), w["hidden2mu.weight"], w["hidden2mu.bias"])
    y = functional.linear(run(z, "decoder"), w["decoder.9.weight"], w["decoder.9.bias"])
    return (y * w["scaler_scale"] + w["scaler_mean"]).numpy(), z.numpy()

# %% right: column vectors
def templates(model, flux):
    y = ((flux - model["scaler_mean"]) / model["scaler_scale"]).T
    names = ["encoder.0", "encoder.3", "encoder.6", "hidden2mu", "decoder.0", "decoder.3", "decoder.6", "decoder.9"]
    for name in names:
        y = model[name + ".weight"] @ y + model[name + ".bias"][:, None]
        if name == "hidden2mu":
            z = y.T.copy()
        elif name != "decoder.9":
            part, k = name.split(".")
            a = model.get(f"{part}.{int(k) + 1}.weight")
            y = y / (1 + np.exp(-y)) if a is None else np.maximum(y, 0) + a * np.minimum(y, 0)
    return y.T * model["scaler_scale"] + model["scaler_mean"], z

# %% wrong: sampling at inference | loses: test_templates test_templates_prelu
#   latent = linear(half(scaled, "encoder"), "hidden2mu")
# + width = np.exp(0.5 * linear(half(scaled, "encoder"), "hidden2log_var"))
# + drawn = latent + width * np.random.default_rng().standard_normal(latent.shape)
# half(latent, => half(drawn,

# %% wrong: left in scaled units | loses: test_templates test_templates_prelu test_train_vae test_train_vae_blind test_train_vae_stopped
# made * model["scaler_scale"] + model["scaler_mean"] => made

# %% wrong: input not scaled | loses: test_templates test_templates_prelu test_train_vae test_train_vae_blind test_train_vae_stopped
# (flux - model["scaler_mean"]) / model["scaler_scale"] => flux

# %% wrong: ReLU for PReLU | loses: test_templates_prelu
# np.where(x >= 0, x, model[f"{name}.weight"] * x) => np.maximum(x, 0)

# %% wrong: an activation after the last layer | loses: test_templates test_templates_prelu test_train_vae test_train_vae_blind test_train_vae_stopped test_train_vae_codes
# return made * => return bent(made, "none") *

# %% wrong: the log variance for the mean | loses: test_templates test_templates_prelu test_train_vae test_train_vae_blind test_train_vae_stopped
# "hidden2mu" => "hidden2log_var"

# %% right: loops and lists, single precision
def templates(model, flux):
    m = {name: np.asarray(value, dtype=np.float32) for name, value in model.items()}
    made, codes = [], []
    for row in np.asarray(flux, dtype=np.float32):
        x = (row - m["scaler_mean"]) / m["scaler_scale"]
        for part in ("encoder", "decoder"):
            for k in (0, 3, 6):
                x = m[f"{part}.{k}.weight"].dot(x) + m[f"{part}.{k}.bias"]
                a = m.get(f"{part}.{k + 1}.weight")
                x = x / (1 + np.exp(-x)) if a is None else np.where(x > 0, x, a * x)
            if part == "encoder":
                x = m["hidden2mu.weight"].dot(x) + m["hidden2mu.bias"]
                codes.append(x.tolist())
        x = m["decoder.9.weight"].dot(x) + m["decoder.9.bias"]
        made.append((x * m["scaler_scale"] + m["scaler_mean"]).tolist())
    return [made, codes]

# %% right: tensors of the type they come in
def templates(model, flux):
    import torch
    from torch.nn import functional

    w = {name: torch.from_numpy(value) for name, value in model.items()}

    def half(x, part):
        for k in (0, 3, 6):
            x = functional.linear(x, w[f"{part}.{k}.weight"], w[f"{part}.{k}.bias"])
            slope = w.get(f"{part}.{k + 1}.weight")
            x = functional.silu(x) if slope is None else functional.prelu(x, slope)
        return x

    x = (torch.from_numpy(flux).to(w["scaler_mean"].dtype) - w["scaler_mean"]) / w["scaler_scale"]
    z = functional.linear(half(x, "encoder"), w["hidden2mu.weight"], w["hidden2mu.bias"])
    x = functional.linear(half(z, "decoder"), w["decoder.9.weight"], w["decoder.9.bias"])
    return (x * w["scaler_scale"] + w["scaler_mean"]).numpy(), z.numpy()

# %% wrong: the spectra themselves | loses: test_templates test_templates_prelu test_train_vae test_train_vae_blind test_train_vae_stopped test_train_vae_codes
def templates(model, flux):
    return flux, np.zeros((len(flux), len(model["hidden2mu.bias"])))

# %% wrong: the mean spectrum | loses: test_templates test_templates_prelu test_train_vae test_train_vae_blind test_train_vae_stopped test_train_vae_codes
def templates(model, flux):
    return np.tile(model["scaler_mean"], (len(flux), 1)), np.zeros((len(flux), len(model["hidden2mu.bias"])))

# %% wrong: SiLU by a quotient of exponentials that overflow | loses: test_templates
def templates(model, flux):
    def layer(name, x):
        return x @ model[name + ".weight"].T + model[name + ".bias"]

    def bent(name, x):
        if name + ".weight" in model:
            return np.where(x > 0, x, model[name + ".weight"] * x)
        return x * np.exp(x) / (1 + np.exp(x))

    x = (flux - model["scaler_mean"]) / model["scaler_scale"]
    for k in (0, 3, 6):
        x = bent(f"encoder.{k + 1}", layer(f"encoder.{k}", x))
    x = latent = layer("hidden2mu", x)
    for k in (0, 3, 6):
        x = bent(f"decoder.{k + 1}", layer(f"decoder.{k}", x))
    return layer("decoder.9", x) * model["scaler_scale"] + model["scaler_mean"], latent
