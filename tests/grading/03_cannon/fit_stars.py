"""Rivals of `fit_stars`."""

# %% right: the plain loop
def fit_stars(flux, error, coefficients, s2, mean, scale):
    labels, errors, chi2 = [], [], []
    for f, e in zip(tqdm(flux), error):
        l, d = fit_star(f, e, coefficients, s2, mean, scale)
        labels.append(l)
        errors.append(d)
        miss = f - predict(l[None], coefficients, mean, scale)[0]
        chi2.append(np.sum(miss**2 / (e**2 + s2)))
    return np.array(labels), np.array(errors), np.array(chi2)

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

# %% wrong: chi-squared without s2 | loses: test_fit_stars_chi2
def fit_stars(flux, error, coefficients, s2, mean, scale):
    both = [fit_star(f, e, coefficients, s2, mean, scale) for f, e in zip(flux, error)]
    labels, errors = (np.array(part) for part in zip(*both))
    miss = flux - predict(labels, coefficients, mean, scale)
    return labels, errors, np.sum(miss**2 / error**2, axis=1)

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

# %% wrong: every star with the errors of the first | loses: test_fit_stars test_fit_stars_chi2
def fit_stars(flux, error, coefficients, s2, mean, scale):
    both = [fit_star(f, error[0], coefficients, s2, mean, scale) for f in flux]
    labels, errors = (np.array(part) for part in zip(*both))
    miss = flux - predict(labels, coefficients, mean, scale)
    return labels, errors, np.sum(miss**2 / (error**2 + s2), axis=1)

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
