"""Rivals of `log_posterior`."""

# %% right: torch finds the slopes
def ln_fluxes(parameters, ln_model, linear):
    import torch

    table, more = torch.tensor(ln_model), torch.tensor(linear)

    def value(p):
        x, y = torch.tanh(p[:2] / 2)
        px = torch.stack([x**k if k else torch.ones_like(x) for k in range(len(table))])
        py = torch.stack([y**k if k else torch.ones_like(y) for k in range(table.shape[1])])
        return torch.einsum("i,ijl,j->l", px, table, py) + p[2:] @ more

    p = torch.tensor(parameters, dtype=torch.float64)
    return value(p).numpy(), torch.autograd.functional.jacobian(value, p).numpy()


def log_posterior(parameters, root, rotated, ln_model, linear):
    ln_flux, slopes = ln_fluxes(parameters, ln_model, linear)
    off = root @ np.exp(ln_flux) - rotated
    s = 1 / (1 + np.exp(-parameters[:2]))
    value = -0.5 * np.sum(off**2) - 0.5 * np.sum(parameters[2:] ** 2) + np.log(s * (1 - s)).sum()
    slope = -(slopes * np.exp(ln_flux)[:, None]).T @ root.T @ off
    return value, slope + np.append(1 - 2 * s, -parameters[2:])

# %% right: loops and another constant
def ln_fluxes(parameters, ln_model, linear):
    from math import exp

    su, sv = (1 / (1 + exp(-v)) for v in parameters[:2])
    x, y = 2 * su - 1, 2 * sv - 1
    value, along_u, along_v = parameters[2:] @ linear, 0.0, 0.0
    for i in range(ln_model.shape[0]):
        for j in range(ln_model.shape[1]):
            value = value + ln_model[i, j] * x**i * y**j
            if i:
                along_u = along_u + ln_model[i, j] * i * x ** (i - 1) * y**j * 2 * su * (1 - su)
            if j:
                along_v = along_v + ln_model[i, j] * x**i * j * y ** (j - 1) * 2 * sv * (1 - sv)
    return [value, np.column_stack([along_u, along_v, linear.T])]


def log_posterior(parameters, root, rotated, ln_model, linear):
    ln_flux, slopes = ln_fluxes(parameters, ln_model, linear)
    off = root @ np.exp(ln_flux) - rotated
    share = 1 / (1 + np.exp(-parameters[:2]))
    value = 1e4 - 0.5 * off @ off - 0.5 * parameters[2:] @ parameters[2:]
    value += np.log(share).sum() + np.log(1 - share).sum()
    slope = [-(off @ root) @ (np.exp(ln_flux) * s) for s in slopes.T]
    return np.array(value), np.array(slope) + [*(1 - 2 * share), *-parameters[2:]]

# %% wrong: the other index first | loses: test_log_posterior test_log_posterior_slopes test_log_posterior_density
# ln_model.reshape(n_i, -1)).reshape(n_j, n_lines) => ln_model.transpose(1, 0, 2).reshape(n_i, -1)).reshape(n_j, n_lines)

# %% wrong: half of x | loses: test_log_posterior test_log_posterior_slopes test_log_posterior_density
# x, y = 2 * share - 1 => x, y = share - 0.5

# %% wrong: the slope along x instead of u | loses: test_log_posterior_slopes test_log_posterior_density
# slopes[:2] *= (2 * share * (1 - share))[:, None] => slopes[:2] *= 2

# %% wrong: what is linear forgotten | loses: test_log_posterior test_log_posterior_slopes test_log_posterior_density
# parameters[2:] @ linear, slopes.T => 0, slopes.T

# %% wrong: the power 0 has a slope | loses: test_log_posterior_slopes test_log_posterior_density
# (i * x ** np.maximum(i - 1, 0)) => (np.maximum(i, 1) * x ** np.maximum(i - 1, 0))

# %% wrong: slopes the other way round | loses: test_log_posterior test_log_posterior_slopes test_log_posterior_density
# parameters[2:] @ linear, slopes.T => parameters[2:] @ linear, slopes

# %% wrong: chi squared without its half | loses: test_log_posterior_density
# -0.5 * (residual @ residual + others @ others) => -1.0 * (residual @ residual + others @ others)

# %% wrong: no prior of temperature and density | loses: test_log_posterior_density
# others @ others) + prior => others @ others)

# %% wrong: no prior of the others | loses: test_log_posterior_density
# residual @ residual + others @ others => residual @ residual

# %% wrong: the slope of the likelihood alone | loses: test_log_posterior_density
# slope[2:] -= others => slope[2:] -= 0

# %% wrong: uphill is downhill | loses: test_log_posterior_density
# slope = -((residual @ root) * flux) @ slopes => slope = ((residual @ root) * flux) @ slopes

# %% wrong: the slope of the flux itself forgotten | loses: test_log_posterior_density
# ((residual @ root) * flux) => (residual @ root)
