"""Rivals of `held_out_score`."""

# %% right: five contiguous-free groups at random
def held_out_score(x, flux, error, degree):
    order = np.random.default_rng(0).permutation(len(x))
    total = 0.0
    for k in range(5):
        out = order[k::5]
        fit = np.setdiff1d(order, out)
        p = np.polynomial.Chebyshev.fit(x[fit], flux[fit], degree, w=1 / error[fit])
        total += np.sum(((flux[out] - p(x[out])) / error[out]) ** 2)
    return total / len(x)

# %% right: masks and polyfit
def held_out_score(x, flux, error, degree):
    z2 = []
    for k in range(5):
        mask = np.ones(len(x), bool)
        mask[k::5] = False
        c = np.polyfit(x[mask], flux[mask], degree, w=1 / error[mask])
        z2 += list(((flux - np.polyval(c, x)) / error)[~mask] ** 2)
    return np.mean(z2)

# %% wrong: fitted and judged on the same points | loses: test_held_out_score_overfit
def held_out_score(x, flux, error, degree):
    return float(np.mean(((flux - weighted_polynomial(x, flux, error, degree, x)) / error) ** 2))

# %% wrong: residuals not divided by the errors | loses: test_held_out_score
# (flux[held] - prediction) / error[held] => flux[held] - prediction

# %% wrong: the sum instead of the mean | loses: test_held_out_score
# np.mean => np.sum

# %% wrong: judged on the points that were fitted, group by group | loses: test_held_out_score_overfit
def held_out_score(x, flux, error, degree):
    group = np.arange(len(x)) % 5
    total = []
    for k in range(5):
        fit = group != k
        r = flux[fit] - weighted_polynomial(x[fit], flux[fit], error[fit], degree, x[fit])
        total.append(np.mean((r / error[fit]) ** 2))
    return float(np.mean(total))

# %% wrong: the mean residual, squared | loses: test_held_out_score test_held_out_score_overfit
# np.mean(z**2) => np.mean(z) ** 2

# %% wrong: the last fifth of the chip is held out and extrapolated | loses: test_held_out_score
# np.arange(len(x)) % 5 => np.arange(len(x)) * 5 // len(x)
# degree, x[held] => degree + 3, x[held]
