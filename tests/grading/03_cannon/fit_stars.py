"""Rivals of `fit_stars`."""

# %% right: the plain loop with curve_fit
from scipy.optimize import curve_fit


def fit_star(flux, error, coefficients, s2, mean, scale):
    used = (error < BAD_LIMIT) & (s2 < 1)
    theta, f = coefficients[:, used], flux[used].astype(float)
    sigma = np.sqrt(error[used].astype(float) ** 2 + s2[used])
    k = len(mean)
    zero, one = np.zeros(k), np.ones(k)

    def model(_, *x):
        return predict(np.array([x]), theta, zero, one)[0]

    def slope(_, *x):
        return gradient(np.array(x), theta, zero, one).T

    best = np.inf
    for height in (0.0, -1.5, 1.5):
        # the first two labels lead along the giant branch
        start = np.where(np.arange(k) < 2, height, 0.0)
        x, covariance = curve_fit(
            model, None, f, p0=start, sigma=sigma, absolute_sigma=True, method="trf", jac=slope
        )
        chi2 = np.sum(((f - model(None, *x)) / sigma) ** 2)
        if chi2 < best:
            best, found, errors = chi2, x, np.sqrt(np.diag(covariance))
    return mean + scale * found, scale * errors


def fit_stars(flux, error, *model):
    labels, errors = (np.array(part) for part in zip(*(fit_star(f, e, *model) for f, e in zip(flux, error))))
    miss = flux - predict(labels, model[0], *model[2:])
    return labels, errors, np.sum(miss**2 / (np.asarray(error, float) ** 2 + model[1]), axis=1)

# %% right: curve_fit in physical labels, its own derivatives, three starts
from scipy.optimize import curve_fit


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


def fit_stars(flux, error, *model):
    labels, errors = (np.array(part) for part in zip(*(fit_star(f, e, *model) for f, e in zip(flux, error))))
    miss = flux - predict(labels, model[0], *model[2:])
    return labels, errors, np.sum(miss**2 / (np.asarray(error, float) ** 2 + model[1]), axis=1)

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


def fit_stars(flux, error, *model):
    labels, errors = (np.array(part) for part in zip(*(fit_star(f, e, *model) for f, e in zip(flux, error))))
    miss = flux - predict(labels, model[0], *model[2:])
    return labels, errors, np.sum(miss**2 / (np.asarray(error, float) ** 2 + model[1]), axis=1)

# %% right: curve_fit with bounds for five labels, from the mean and two ends of the giant branch
from scipy.optimize import curve_fit


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


def fit_stars(flux, error, *model):
    labels, errors = (np.array(part) for part in zip(*(fit_star(f, e, *model) for f, e in zip(flux, error))))
    miss = flux - predict(labels, model[0], *model[2:])
    return labels, errors, np.sum(miss**2 / (np.asarray(error, float) ** 2 + model[1]), axis=1)

# %% wrong: labels not scaled back | edits: the plain loop with curve_fit | loses: test_fit_stars_one test_fit_stars_errors test_fit_stars_starts
# mean + scale * found, scale * errors => found, errors

# %% wrong: errors not scaled back | edits: the plain loop with curve_fit | loses: test_fit_stars_one, test_fit_stars_errors
# scale * errors => errors

# %% wrong: s2 left out of the variance | edits: the plain loop with curve_fit | loses: test_fit_stars_one test_fit_stars_errors
# ** 2 + s2[used]) => ** 2)

# %% wrong: unweighted | edits: the plain loop with curve_fit | loses: test_fit_stars_one test_fit_stars_errors
# np.sqrt(error[used].astype(float) ** 2 + s2[used]) => np.full(used.sum(), 0.01)

# %% wrong: absolute_sigma left at its default | edits: the plain loop with curve_fit | loses: test_fit_stars_one, test_fit_stars_errors
# absolute_sigma=True, =>

# %% wrong: variances reported as errors | edits: the plain loop with curve_fit | loses: test_fit_stars_one, test_fit_stars_errors
# scale * errors => (scale * errors) ** 2

# %% wrong: a single start at the mean labels | edits: the plain loop with curve_fit | loses: test_fit_stars_starts
# (0.0, -1.5, 1.5) => (0.0,)

# %% wrong: bad pixels believed | edits: the plain loop with curve_fit | loses: test_fit_stars_one
# (error < BAD_LIMIT) & (s2 < 1) => np.full(len(flux), True)
# error[used].astype(float) ** 2 + s2[used] => np.where(error < BAD_LIMIT, error, 0.01) ** 2 + np.where(s2 < 1, s2, 0)

# %% wrong: each label's error with the others held | loses: test_fit_stars_errors
from scipy.optimize import curve_fit


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


def fit_stars(flux, error, *model):
    labels, errors = (np.array(part) for part in zip(*(fit_star(f, e, *model) for f, e in zip(flux, error))))
    miss = flux - predict(labels, model[0], *model[2:])
    return labels, errors, np.sum(miss**2 / (np.asarray(error, float) ** 2 + model[1]), axis=1)

# %% wrong: labels kept within two scales of the mean | loses: test_fit_stars_one
from scipy.optimize import curve_fit


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


def fit_stars(flux, error, *model):
    labels, errors = (np.array(part) for part in zip(*(fit_star(f, e, *model) for f, e in zip(flux, error))))
    miss = flux - predict(labels, model[0], *model[2:])
    return labels, errors, np.sum(miss**2 / (np.asarray(error, float) ** 2 + model[1]), axis=1)

# %% wrong: errors of the first start | loses: test_fit_stars_one
from scipy.optimize import curve_fit


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


def fit_stars(flux, error, *model):
    labels, errors = (np.array(part) for part in zip(*(fit_star(f, e, *model) for f, e in zip(flux, error))))
    miss = flux - predict(labels, model[0], *model[2:])
    return labels, errors, np.sum(miss**2 / (np.asarray(error, float) ** 2 + model[1]), axis=1)

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


def fit_stars(flux, error, *model):
    labels, errors = (np.array(part) for part in zip(*(fit_star(f, e, *model) for f, e in zip(flux, error))))
    miss = flux - predict(labels, model[0], *model[2:])
    return labels, errors, np.sum(miss**2 / (np.asarray(error, float) ** 2 + model[1]), axis=1)

# %% right: a generic optimiser, curvature by the gradient spectra
def fit_stars(flux, error, coefficients, s2, mean, scale):
    from scipy.optimize import least_squares

    out = []
    for f, e in zip(flux, error):
        sigma = np.sqrt(e**2 + s2)
        fit = least_squares(
            lambda x: (f - predict((mean + scale * x)[None], coefficients, mean, scale)[0]) / sigma,
            0 * mean, method="lm",
        )
        found = mean + scale * fit.x
        J = gradient(found, coefficients, mean, scale) / sigma
        out.append((found, np.sqrt(np.diag(np.linalg.inv(J @ J.T))), 2 * fit.cost))
    return tuple(np.array(part) for part in zip(*out))

# %% right: one fit of all stars at once, Gauss-Newton steps in single precision
def fit_stars(flux, error, coefficients, s2, mean, scale):
    x = np.zeros((len(flux), len(mean)))
    w = (1 / (error**2 + s2)).astype("f4")
    for _ in range(12):
        found = mean + scale * x
        miss = flux - predict(found, coefficients, mean, scale)
        J = np.array([gradient(row, coefficients, mean, scale) for row in found]) * scale[:, None]
        curvature = np.einsum("nkp,np,nlp->nkl", J, w, J)
        x = x + np.linalg.solve(curvature, np.einsum("nkp,np->nk", J, w * miss)[..., None])[..., 0]
    errors = scale * np.sqrt(np.diagonal(np.linalg.inv(curvature), axis1=1, axis2=2))
    miss = flux - predict(mean + scale * x, coefficients, mean, scale)
    return mean + scale * x, errors, np.sum(w * miss**2, axis=1)

# %% wrong: chi-squared without s2 | edits: the plain loop with curve_fit | loses: test_fit_stars_chi2
# (np.asarray(error, float) ** 2 + model[1]) => np.asarray(error, float) ** 2

# %% wrong: half of chi-squared, as least_squares gives it | loses: test_fit_stars_chi2
# scale * errors, chi2 => scale * errors, 0.5 * chi2

# %% wrong: reduced chi-squared | loses: test_fit_stars_chi2
# scale * errors, chi2 => scale * errors, chi2 / flux.shape[1]

# %% wrong: one linear step from the mean for all stars | loses: test_fit_stars
def fit_stars(flux, error, coefficients, s2, mean, scale):
    J = gradient(mean, coefficients, mean, scale)
    labels, errors = [], []
    for f, e in zip(flux, error):
        w = 1 / (e**2 + s2)
        cov = np.linalg.inv((J * w) @ J.T)
        labels.append(mean + cov @ (J @ (w * (f - coefficients[0]))))
        errors.append(np.sqrt(np.diag(cov)))
    labels = np.array(labels)
    miss = flux - predict(labels, coefficients, mean, scale)
    return labels, np.array(errors), np.sum(miss**2 / (error**2 + s2), axis=1)

# %% wrong: every star with the errors of the first | edits: the plain loop with curve_fit | loses: test_fit_stars test_fit_stars_chi2
# fit_star(f, e, *model) => fit_star(f, error[0], *model)

# %% wrong: labels in units of the scale | loses: test_fit_stars test_fit_stars_chi2
# mean + scale * x, scale * errors => x, errors

# %% wrong: labels and errors, no chi-squared | loses: test_fit_stars test_fit_stars_chi2
# scale * errors, chi2 => scale * errors

# %% wrong: no fit, but its chi-squared | loses: test_fit_stars test_fit_stars_chi2
def fit_stars(flux, error, coefficients, s2, mean, scale):
    labels = np.tile(mean, (len(flux), 1))
    miss = flux - predict(labels, coefficients, mean, scale)
    return labels, np.tile(scale, (len(flux), 1)), np.sum(miss**2 / (error**2 + s2), axis=1)

# %% wrong: the number of pixels for chi-squared | loses: test_fit_stars_chi2
# scale * errors, chi2 => scale * errors, np.full(len(flux), flux.shape[1])
