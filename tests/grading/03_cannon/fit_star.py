"""Rivals of `fit_star`."""

# %% right: curve_fit in physical labels, its own derivatives, three starts
def fit_star(flux, error, coefficients, s2, mean, scale):
    k = len(mean)
    sigma = np.sqrt(error**2 + s2)
    best = None
    for h in (0, 1.5, -1.5):
        p0 = mean + scale * np.where(np.arange(k) < 2, h, 0.0)
        p, cov = curve_fit(
            lambda _, *l: predict(np.array([l]), coefficients, mean, scale)[0],
            None, flux, p0, sigma, absolute_sigma=True, method="trf", x_scale=scale,
        )
        c = np.sum(((flux - predict(p[None], coefficients, mean, scale)[0]) / sigma) ** 2)
        if best is None or c < best[0]:
            best = c, p, np.sqrt(np.diag(cov))
    return best[1], best[2]

# %% right: least_squares from many random starts
def fit_star(flux, error, coefficients, s2, mean, scale):
    from scipy.optimize import least_squares

    k = len(mean)
    w = 1 / np.sqrt(error**2 + s2)
    zero, one = np.zeros(k), np.ones(k)
    rng = np.random.default_rng(0)
    starts = [zero, *rng.normal(0, 1.5, (6, k))]
    fits = [
        least_squares(lambda x: w * (flux - predict(x[None], coefficients, zero, one)[0]), s) for s in starts
    ]
    fit = min(fits, key=lambda r: r.cost)
    return mean + scale * fit.x, scale * np.sqrt(np.diag(np.linalg.inv(fit.jac.T @ fit.jac)))

# %% right: the fast one
def fit_star(flux, error, coefficients, s2, mean, scale):
    found, errors, _ = fit_stars(flux[None], error[None], coefficients, s2, mean, scale)
    return found[0], errors[0]

# %% right: curve_fit with bounds for five labels, from the mean and two ends of the giant branch
def fit_star(flux, error, coefficients, s2, mean, scale):
    used = (error < 1e9) & (s2 < 1)
    low, high = np.array([[3000.0, -1, -3, -1, -1], [6500.0, 6, 1.5, 1.5, 1.5]])
    sigma = np.sqrt(error**2 + s2)[used]

    def model(_, *labels):
        return predict(np.array([labels]), coefficients[:, used], mean, scale)[0]

    fits = []
    for start in (mean, mean - scale, mean + scale):
        best, covariance = curve_fit(
            model, None, flux[used], p0=start, sigma=sigma, absolute_sigma=True,
            bounds=(low, high), x_scale=scale,
        )
        chi2 = np.sum(((flux[used] - model(None, *best)) / sigma) ** 2)
        fits.append((chi2, best.tolist(), np.sqrt(np.diag(covariance)).tolist()))
    return min(fits)[1:]

# %% wrong: labels not scaled back | loses: test_fit_star test_fit_star_errors test_fit_star_starts
# mean + scale * found, scale * errors => found, errors

# %% wrong: errors not scaled back | loses: test_fit_star, test_fit_star_errors
# scale * errors => errors

# %% wrong: s2 left out of the variance | loses: test_fit_star test_fit_star_errors
def fit_star(flux, error, coefficients, s2, mean, scale):
    found, errors, _ = fit_stars(flux[None], error[None], coefficients, 0 * s2, mean, scale)
    return found[0], errors[0]

# %% wrong: unweighted | loses: test_fit_star test_fit_star_errors
def fit_star(flux, error, coefficients, s2, mean, scale):
    same = np.full_like(error, 0.01)
    found, errors, _ = fit_stars(flux[None], same[None], coefficients, 0 * s2, mean, scale)
    return found[0], errors[0]

# %% wrong: absolute_sigma left at its default | loses: test_fit_star, test_fit_star_errors
# absolute_sigma=True, =>

# %% wrong: variances reported as errors | loses: test_fit_star, test_fit_star_errors
# scale * errors => (scale * errors) ** 2

# %% wrong: a single start at the mean labels | loses: test_fit_star_starts
# (0.0, -1.5, 1.5) => (0.0,)

# %% wrong: one linear step from the mean | loses: test_fit_star test_fit_star_starts
def fit_star(flux, error, coefficients, s2, mean, scale):
    w = 1 / (error**2 + s2)
    J = gradient(mean, coefficients, mean, scale)
    cov = np.linalg.inv((J * w) @ J.T)
    return mean + cov @ (J @ (w * (flux - coefficients[0]))), np.sqrt(np.diag(cov))

# %% wrong: no fit at all | loses: test_fit_star test_fit_star_errors test_fit_star_starts
def fit_star(flux, error, coefficients, s2, mean, scale):
    return mean, scale

# %% wrong: bad pixels believed | loses: test_fit_star
# (error < BAD_LIMIT) & (s2 < 1) => np.full(len(flux), True)
# error[used].astype(float) ** 2 + s2[used] => np.where(error < BAD_LIMIT, error, 0.01) ** 2 + np.where(s2 < 1, s2, 0)

# %% wrong: each label's error with the others held | loses: test_fit_star_errors
def fit_star(flux, error, coefficients, s2, mean, scale):
    k = len(mean)
    i, j = np.triu_indices(k)
    sigma = np.sqrt(np.asarray(error, float) ** 2 + s2)

    def model(_, *x):
        x = np.array(x)
        return np.concatenate([[1.0], x, x[i] * x[j]]) @ coefficients

    best = None
    for start in [np.zeros(k)] + [s * v for v in np.eye(k) for s in (-1.5, 1.5)]:
        x, cov = curve_fit(model, np.arange(len(flux)), flux, p0=start, sigma=sigma, absolute_sigma=True, method="trf")
        chi2 = np.sum(((flux - model(0, *x)) / sigma) ** 2)
        if best is None or chi2 < best[0]:
            best = chi2, x, cov
    return mean + scale * best[1], scale / np.sqrt(np.diag(np.linalg.inv(best[2])))

# %% wrong: labels kept within two scales of the mean | loses: test_fit_star
def fit_star(flux, error, coefficients, s2, mean, scale):
    k = len(mean)
    i, j = np.triu_indices(k)
    sigma = np.sqrt(np.asarray(error, float) ** 2 + s2)

    def model(_, *x):
        x = np.array(x)
        return np.concatenate([[1.0], x, x[i] * x[j]]) @ coefficients

    best = None
    for start in [np.zeros(k)] + [s * v for v in np.eye(k) for s in (-1.5, 1.5)]:
        x, cov = curve_fit(model, np.arange(len(flux)), flux, p0=start, sigma=sigma, absolute_sigma=True, bounds=(-2, 2))
        chi2 = np.sum(((flux - model(0, *x)) / sigma) ** 2)
        if best is None or chi2 < best[0]:
            best = chi2, x, cov
    return mean + scale * best[1], scale * np.sqrt(np.diag(best[2]))

# %% wrong: errors of the first start | loses: test_fit_star
def fit_star(flux, error, coefficients, s2, mean, scale):
    k = len(mean)
    i, j = np.triu_indices(k)
    sigma = np.sqrt(np.asarray(error, float) ** 2 + s2)

    def model(_, *x):
        x = np.array(x)
        return np.concatenate([[1.0], x, x[i] * x[j]]) @ coefficients

    best, first = None, None
    for start in [np.zeros(k)] + [s * v for v in np.eye(k) for s in (-1.5, 1.5)]:
        x, cov = curve_fit(model, np.arange(len(flux)), flux, p0=start, sigma=sigma, absolute_sigma=True, method="trf")
        J = coefficients[1 : k + 1] / sigma
        first = np.linalg.inv(J @ J.T)
        chi2 = np.sum(((flux - model(0, *x)) / sigma) ** 2)
        if best is None or chi2 < best[0]:
            best = chi2, x, cov
    return mean + scale * best[1], scale * np.sqrt(np.diag(first))

# %% right: least_squares with its Jacobian, full second derivatives for the errors
def fit_star(flux, error, coefficients, s2, mean, scale):
    from scipy.optimize import least_squares

    k = len(mean)
    i, j = np.triu_indices(k)
    r = 1 / np.sqrt(np.asarray(error, float) ** 2 + s2)
    Q = np.zeros((k, k, coefficients.shape[1]))
    Q[i, j] = coefficients[1 + k :]
    Q = Q + Q.transpose(1, 0, 2)

    def f(x):
        return (np.concatenate([[1.0], x, x[i] * x[j]]) @ coefficients - flux) * r

    def jac(x):
        return ((coefficients[1 : k + 1] + np.einsum("ijp,j->ip", Q, x)) * r).T

    starts = [np.zeros(k)] + [s * v for v in np.eye(k) for s in (-1.5, 1.5)]
    best = min((least_squares(f, s, jac=jac, method="lm") for s in starts), key=lambda o: o.cost)
    H = best.jac.T @ best.jac + np.einsum("ijp,p->ij", Q, f(best.x) * r)
    return mean + scale * best.x, scale * np.sqrt(np.diag(np.linalg.inv(H)))
