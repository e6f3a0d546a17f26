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
def templates(model, flux):
    def lin(x, n):
        return x @ model[n + ".weight"].T + model[n + ".bias"]

    def act(x, n):
        return np.where(x >= 0, x, model[n + ".weight"] * x) if n + ".weight" in model else x / (1 + np.exp(-x))

    x = (flux - model["scaler_mean"]) / model["scaler_scale"]
    for k in (0, 3, 6):
        x = act(lin(x, f"encoder.{k}"), f"encoder.{k + 1}")
    mu, lv = lin(x, "hidden2mu"), lin(x, "hidden2log_var")
    x = mu + np.exp(0.5 * lv) * np.random.default_rng().standard_normal(mu.shape)
    for k in (0, 3, 6):
        x = act(lin(x, f"decoder.{k}"), f"decoder.{k + 1}")
    return lin(x, "decoder.9") * model["scaler_scale"] + model["scaler_mean"], mu

# %% wrong: left in scaled units | loses: test_templates test_templates_prelu test_train_vae test_train_vae_blind
def templates(model, flux):
    def lin(x, n):
        return x @ model[n + ".weight"].T + model[n + ".bias"]

    def act(x, n):
        return np.where(x >= 0, x, model[n + ".weight"] * x) if n + ".weight" in model else x / (1 + np.exp(-x))

    x = (flux - model["scaler_mean"]) / model["scaler_scale"]
    for k in (0, 3, 6):
        x = act(lin(x, f"encoder.{k}"), f"encoder.{k + 1}")
    mu = x = lin(x, "hidden2mu")
    for k in (0, 3, 6):
        x = act(lin(x, f"decoder.{k}"), f"decoder.{k + 1}")
    return lin(x, "decoder.9"), mu

# %% wrong: input not scaled | loses: test_templates test_templates_prelu test_train_vae test_train_vae_blind
def templates(model, flux):
    def lin(x, n):
        return x @ model[n + ".weight"].T + model[n + ".bias"]

    def act(x, n):
        return np.where(x >= 0, x, model[n + ".weight"] * x) if n + ".weight" in model else x / (1 + np.exp(-x))

    x = flux
    for k in (0, 3, 6):
        x = act(lin(x, f"encoder.{k}"), f"encoder.{k + 1}")
    mu = x = lin(x, "hidden2mu")
    for k in (0, 3, 6):
        x = act(lin(x, f"decoder.{k}"), f"decoder.{k + 1}")
    return lin(x, "decoder.9") * model["scaler_scale"] + model["scaler_mean"], mu

# %% wrong: ReLU for PReLU | loses: test_templates_prelu
def templates(model, flux):
    def lin(x, n):
        return x @ model[n + ".weight"].T + model[n + ".bias"]

    def act(x, n):
        return np.maximum(x, 0) if n + ".weight" in model else x / (1 + np.exp(-x))

    x = (flux - model["scaler_mean"]) / model["scaler_scale"]
    for k in (0, 3, 6):
        x = act(lin(x, f"encoder.{k}"), f"encoder.{k + 1}")
    mu = x = lin(x, "hidden2mu")
    for k in (0, 3, 6):
        x = act(lin(x, f"decoder.{k}"), f"decoder.{k + 1}")
    return lin(x, "decoder.9") * model["scaler_scale"] + model["scaler_mean"], mu

# %% wrong: an activation after the last layer | loses: test_templates test_templates_prelu test_train_vae test_train_vae_blind
def templates(model, flux):
    def lin(x, n):
        return x @ model[n + ".weight"].T + model[n + ".bias"]

    def act(x, n):
        return np.where(x >= 0, x, model[n + ".weight"] * x) if n + ".weight" in model else x / (1 + np.exp(-x))

    x = (flux - model["scaler_mean"]) / model["scaler_scale"]
    for k in (0, 3, 6):
        x = act(lin(x, f"encoder.{k}"), f"encoder.{k + 1}")
    mu = x = lin(x, "hidden2mu")
    for k in (0, 3, 6):
        x = act(lin(x, f"decoder.{k}"), f"decoder.{k + 1}")
    x = lin(x, "decoder.9")
    return x / (1 + np.exp(-x)) * model["scaler_scale"] + model["scaler_mean"], mu

# %% wrong: the log variance for the mean | loses: test_templates test_templates_prelu test_train_vae test_train_vae_blind
def templates(model, flux):
    def lin(x, n):
        return x @ model[n + ".weight"].T + model[n + ".bias"]

    def act(x, n):
        return np.where(x >= 0, x, model[n + ".weight"] * x) if n + ".weight" in model else x / (1 + np.exp(-x))

    x = (flux - model["scaler_mean"]) / model["scaler_scale"]
    for k in (0, 3, 6):
        x = act(lin(x, f"encoder.{k}"), f"encoder.{k + 1}")
    mu = x = lin(x, "hidden2log_var")
    for k in (0, 3, 6):
        x = act(lin(x, f"decoder.{k}"), f"decoder.{k + 1}")
    return lin(x, "decoder.9") * model["scaler_scale"] + model["scaler_mean"], mu
