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

# %% right: scikit-learn's KFold, which cuts the chip into pieces
def held_out_score(x, flux, error, degree):
    from sklearn.model_selection import KFold

    z = np.zeros(len(x))
    for fit, out in KFold(5).split(x):
        p = weighted_polynomial(x[fit], flux[fit], error[fit], degree, x[out])
        z[out] = (flux[out] - p) / error[out]
    return np.mean(z**2)

# %% right: pieces by array_split, a pipeline of scikit-learn
def held_out_score(x, flux, error, degree):
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    total = 0.0
    for out in np.array_split(np.arange(len(x)), 5):
        fit = np.setdiff1d(np.arange(len(x)), out)
        model = make_pipeline(PolynomialFeatures(degree), LinearRegression())
        weight = error[fit] ** -2.0
        model.fit(x[fit, None], flux[fit], linearregression__sample_weight=weight)
        total += np.sum(((flux[out] - model.predict(x[out, None])) / error[out]) ** 2)
    return total / len(x)

# %% right: a die for each point, single precision
# np.arange(len(x)) % 5 => np.random.default_rng(1).integers(0, 5, len(x))
# np.mean(z**2) => np.mean(np.float32(z) ** 2)

# %% wrong: fitted and judged on the same points | loses: test_held_out_score test_held_out_score_overfit
def held_out_score(x, flux, error, degree):
    return float(np.mean(((flux - weighted_polynomial(x, flux, error, degree, x)) / error) ** 2))

# %% wrong: residuals not divided by the errors | loses: test_held_out_score
# (flux[held] - prediction) / error[held] => flux[held] - prediction

# %% wrong: the sum instead of the mean | loses: test_held_out_score
# np.mean => np.sum

# %% wrong: judged on the points that were fitted, group by group | loses: test_held_out_score test_held_out_score_overfit
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

# %% wrong: the degree comes back | loses: test_held_out_score test_held_out_score_overfit
def held_out_score(x, flux, error, degree):
    return degree

# %% wrong: always one | loses: test_held_out_score test_held_out_score_overfit
def held_out_score(x, flux, error, degree):
    return 1.0

# %% wrong: the fits unweighted | loses: test_held_out_score
# error[~held] => np.ones(len(x))[~held]

# %% wrong: ten groups | loses: test_held_out_score
# np.arange(len(x)) % 5 => np.arange(len(x)) % 10
# range(5) => range(10)

# %% wrong: two groups | loses: test_held_out_score
# np.arange(len(x)) % 5 => np.arange(len(x)) % 2
# range(5) => range(2)

# %% wrong: each point left out alone | loses: test_held_out_score
def held_out_score(x, flux, error, degree):
    A = np.vander(x, degree + 1) / error[:, None]
    Q, _ = np.linalg.qr(A)
    y = flux / error
    return float(np.mean(((y - Q @ (Q.T @ y)) / (1 - np.sum(Q**2, axis=1))) ** 2))

# %% wrong: only the first group is judged | loses: test_held_out_score test_held_out_score_overfit
# range(5) => range(1)
# np.empty(len(x)) => np.zeros(len(x))

# %% wrong: the variance of z | loses: test_held_out_score
def held_out_score(x, flux, error, degree):
    z = np.empty(len(x))
    group = np.arange(len(x)) % 5
    for k in range(5):
        out = group == k
        z[out] = (flux[out] - weighted_polynomial(x[~out], flux[~out], error[~out], degree, x[out])) / error[out]
    return np.var(z)
