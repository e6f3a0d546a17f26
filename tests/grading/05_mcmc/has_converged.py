"""Rivals of `has_converged`."""

# %% right: the three measures of `az.summary`
def has_converged(draws, energy, diverging):
    if not np.all(np.isfinite(draws)) or np.any(diverging) or min(az.bfmi(energy)) < 0.3:
        return False
    table = az.summary(az.convert_to_inference_data(draws), kind="diagnostics", round_to="none")
    good = (table["r_hat"] <= 1.01) & (table["ess_bulk"] >= 400) & (table["ess_tail"] >= 400)
    return bool(good.all())

# %% right: label by label
def has_converged(draws, energy, diverging):
    moved = np.sum(np.diff(energy) ** 2, axis=1)
    spread = np.sum((energy - energy.mean(axis=1, keepdims=True)) ** 2, axis=1)
    if diverging.sum() > 0 or (moved / spread < 0.3).any():
        return False
    for i in range(draws.shape[2]):
        one = np.ascontiguousarray(draws[:, :, i])
        if np.isnan(one).any() or not az.rhat(one) <= 1.01:
            return False
        if min(az.ess(one, method="bulk"), az.ess(one, method="tail")) < 400:
            return False
    return True

# %% wrong: R-hat only | loses: test_has_converged_size
# (rhat <= 1.01).all() and (np.min(sizes, axis=0) >= 400).all() => (rhat <= 1.01).all()

# %% wrong: the number of draws instead of their effective number | loses: test_has_converged test_has_converged_size
# 1.01 => 1.1
# (np.min(sizes, axis=0) >= 400).all() => draws[..., 0].size >= 400

# %% wrong: effective size only, of all chains in one | loses: test_has_converged test_has_converged_size test_has_converged_sampler
def has_converged(draws, energy, diverging):
    sizes = [az.ess(draws[:1, :, i]) for i in range(draws.shape[2])]
    flat = draws.reshape(-1, draws.shape[2])
    return bool(np.isfinite(flat).all() and (flat.std(axis=0) > 0).all() and min(sizes) >= 150)

# %% wrong: any label will do | loses: test_has_converged test_has_converged_size
# (rhat <= 1.01).all() and (np.min(sizes, axis=0) >= 400).all() => ((rhat <= 1.01) & (np.min(sizes, axis=0) >= 400)).any()

# %% wrong: the means of the chains agree within a sigma | loses: test_has_converged test_has_converged_size test_has_converged_sampler
def has_converged(draws, energy, diverging):
    means = draws.mean(axis=1)
    return bool((np.ptp(means, axis=0) <= draws.std(axis=(0, 1))).all())

# %% wrong: a limit of R-hat of 1.5 | loses: test_has_converged test_has_converged_size test_has_converged_sampler
def has_converged(draws, energy, diverging):
    data = az.convert_to_dataset(draws)
    r = az.rhat(data)["x"].values
    n = [az.ess(data[["x"]].isel(chain=[0]))["x"].values.min()]
    return bool(np.isfinite(draws).all() and (r <= 1.5).all() and min(n) >= 100)

# %% wrong: always | loses: test_has_converged test_has_converged_size test_has_converged_sampler
def has_converged(draws, energy, diverging):
    return True

# %% right: R-hat of label after label, compared the other way round
def has_converged(draws, energy, diverging):
    if not np.isfinite(draws).all() or (np.std(draws, axis=(0, 1)) == 0).any():
        return False
    if diverging.any() or any(az.bfmi(chain) < 0.3 for chain in energy):
        return False
    for one in np.moveaxis(draws, -1, 0):
        if az.rhat(one) > 1.01 or az.ess(one, method="bulk") < 400 or az.ess(one, method="tail") < 400:
            return False
    return True

# %% right: in float32, with numpy's booleans
#   def has_converged(draws, energy, diverging):
# +     draws = np.float32(draws)

# (rhat <= 1.01).all() and (np.min(sizes, axis=0) >= 400).all() => np.all(rhat <= 1.01) & np.all(np.min(sizes, axis=0) >= 400)

# %% wrong: without the tails | loses: test_has_converged_size
# ("bulk", "tail") => ("bulk",)

# %% wrong: without the bulk | loses: test_has_converged_size
# ("bulk", "tail") => ("tail",)

# %% wrong: no chains ever | loses: test_has_converged test_has_converged_size test_has_converged_sampler
def has_converged(draws, energy, diverging):
    return False

# %% wrong: rounded summary | loses: test_has_converged test_has_converged_sampler
def has_converged(draws, energy, diverging):
    if not np.isfinite(draws).all():
        return False
    table = az.summary(az.from_dict({"x": draws}), kind="diagnostics")
    ok = (table["r_hat"] <= 1.01) & (table["ess_bulk"] >= 400) & (table["ess_tail"] >= 400)
    return bool(ok.all())

# %% wrong: a mean over parameters | loses: test_has_converged test_has_converged_sampler
def has_converged(draws, energy, diverging):
    if not np.isfinite(draws).all():
        return False
    data = az.convert_to_dataset({"x": draws})
    r = az.rhat(data)["x"].values
    bulk, tail = (az.ess(data, method=m)["x"].values for m in ("bulk", "tail"))
    return bool(np.mean(r) <= 1.01 and np.mean(bulk) >= 400 and np.mean(tail) >= 400)

# %% wrong: plain R-hat, not of ranks | loses: test_has_converged test_has_converged_sampler
def has_converged(draws, energy, diverging):
    if not np.isfinite(draws).all():
        return False
    data = az.convert_to_dataset({"x": draws})
    r = az.rhat(data, method="identity")["x"].values
    bulk, tail = (az.ess(data, method=m)["x"].values for m in ("bulk", "tail"))
    return bool((r <= 1.01).all() and (bulk >= 400).all() and (tail >= 400).all())

# %% wrong: R-hat of Gelman and Rubin, chains not split | loses: test_has_converged test_has_converged_sampler
def has_converged(draws, energy, diverging):
    draws = np.asarray(draws, float)
    if not np.isfinite(draws).all():
        return False
    n = draws.shape[1]
    w = draws.var(axis=1, ddof=1).mean(axis=0)
    b = n * draws.mean(axis=1).var(axis=0, ddof=1)
    with np.errstate(all="ignore"):
        r = np.sqrt(((n - 1) / n * w + b / n) / w)
    data = az.convert_to_dataset({"x": draws})
    bulk, tail = (az.ess(data, method=m)["x"].values for m in ("bulk", "tail"))
    return bool((r <= 1.01).all() and (bulk >= 400).all() and (tail >= 400).all())

# %% wrong: R-hat up to 1.05 | loses: test_has_converged test_has_converged_sampler
def has_converged(draws, energy, diverging):
    if not np.isfinite(draws).all():
        return False
    data = az.convert_to_dataset({"x": draws})
    r = az.rhat(data)["x"].values
    bulk, tail = (az.ess(data, method=m)["x"].values for m in ("bulk", "tail"))
    return bool((r <= 1.05).all() and (bulk >= 400).all() and (tail >= 400).all())

# %% wrong: 100 effective draws a chain | loses: test_has_converged_size test_has_converged_sampler
def has_converged(draws, energy, diverging):
    if not np.isfinite(draws).all():
        return False
    data = az.convert_to_dataset({"x": draws})
    r = az.rhat(data)["x"].values
    need = 100 * draws.shape[0]
    bulk, tail = (az.ess(data, method=m)["x"].values for m in ("bulk", "tail"))
    return bool((r <= 1.01).all() and (bulk >= need).all() and (tail >= need).all())

# %% wrong: divergences do not matter | loses: test_has_converged_sampler
# and not diverging.any() => and True

# %% wrong: divergences up to one in a hundred | loses: test_has_converged_sampler
# not diverging.any() => diverging.mean() < 0.01

# %% wrong: the energy does not matter | loses: test_has_converged_sampler
# (az.bfmi(energy) >= 0.3).all() => True

# %% wrong: the mean BFMI of the chains | loses: test_has_converged_sampler
# (az.bfmi(energy) >= 0.3).all() => np.mean(az.bfmi(energy)) >= 0.3

# %% wrong: a BFMI of one | loses: test_has_converged test_has_converged_size test_has_converged_sampler
# (az.bfmi(energy) >= 0.3).all() => (az.bfmi(energy) >= 2.0).all()
