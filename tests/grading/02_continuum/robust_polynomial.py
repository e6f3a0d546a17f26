"""Rivals of `robust_polynomial`."""

# %% right: iterated clipping with the median absolute deviation
def robust_polynomial(x, flux, error, degree, x_new):
    keep = np.ones(len(x), dtype=bool)
    for _ in range(20):
        p = np.polynomial.Chebyshev.fit(x[keep], flux[keep], degree, w=1 / error[keep])
        z = (flux - p(x)) / error
        mad = 1.4826 * np.median(np.abs(z - np.median(z)))
        new = np.abs(z) < 4 * max(mad, 0.5)
        if (new == keep).all():
            break
        keep = new
    return p(x_new)

# %% right: scipy's soft loss
def robust_polynomial(x, flux, error, degree, x_new):
    from scipy.optimize import least_squares

    A = np.vander(x, degree + 1) / error[:, None]
    start = np.zeros(degree + 1)
    start[-1] = np.median(flux)
    best = least_squares(lambda t: A @ t - flux / error, start, loss="soft_l1", x_scale="jac")
    return np.vander(x_new, degree + 1) @ best.x

# %% right: Tukey weights from a running start
def robust_polynomial(x, flux, error, degree, x_new):
    weight = np.ones(len(x))
    limit = 1e6
    while True:
        coef = np.polyfit(x, flux, degree, w=np.sqrt(weight) / error)
        z = np.abs(flux - np.polyval(coef, x)) / error
        if limit < 6:
            return np.polyval(coef, x_new)
        limit = max(limit / 2, 5.0)
        weight = np.where(z < limit, (1 - (z / limit) ** 2) ** 2, 0)

# %% right: clipping at three standard deviations until it settles
def robust_polynomial(x, flux, error, degree, x_new):
    keep = np.ones(len(x), dtype=bool)
    while True:
        coef = np.polyfit(x[keep], flux[keep], degree, w=1 / error[keep])
        r = flux - np.polyval(coef, x)
        new = keep & (np.abs(r) <= 3 * r[keep].std() + 1e-6)
        if new.sum() == keep.sum():
            return np.polyval(coef, x_new)
        keep = new

# %% right: astropy's fit with outliers removed
def robust_polynomial(x, flux, error, degree, x_new):
    from astropy.modeling import fitting, models
    from astropy.stats import mad_std, sigma_clip

    def clip(residual, **_):
        return sigma_clip(residual, sigma=5, stdfunc=lambda r, axis=None: max(mad_std(r), 1e-6))

    fitter = fitting.FittingWithOutlierRemoval(fitting.LinearLSQFitter(), clip, niter=10)
    return fitter(models.Polynomial1D(degree), x, flux, weights=1 / error)[0](x_new)

# %% right: scikit-learn's Huber regression
def robust_polynomial(x, flux, error, degree, x_new):
    from sklearn.linear_model import HuberRegressor

    # in units of the error: rows and values divided by it, no constant added
    rows = np.vander(x, degree + 1) / error[:, None]
    middle = np.median(flux)
    model = HuberRegressor(epsilon=1.5, alpha=0, fit_intercept=False, max_iter=2000, tol=1e-9)
    model.fit(rows, (flux - middle) / error)
    return middle + np.vander(x_new, degree + 1) @ model.coef_

# %% right: Cauchy's loss, from a soft start
def robust_polynomial(x, flux, error, degree, x_new):
    from scipy.optimize import least_squares

    A = np.polynomial.chebyshev.chebvander(x, degree) / error[:, None]
    start = np.r_[np.median(flux), np.zeros(degree)]
    best = least_squares(lambda t: A @ t - flux / error, start, loss="soft_l1", x_scale="jac").x
    best = least_squares(lambda t: A @ t - flux / error, best, loss="cauchy", x_scale="jac").x
    return np.polynomial.chebyshev.chebval(x_new, best)

# %% wrong: no clipping at all | loses: test_robust_polynomial_outliers
def robust_polynomial(x, flux, error, degree, x_new):
    return np.polyval(np.polyfit(x, flux, degree, w=1 / error), x_new)

# %% wrong: a single pass with the standard deviation | loses: test_robust_polynomial_outliers
def robust_polynomial(x, flux, error, degree, x_new):
    r = flux - np.polyval(np.polyfit(x, flux, degree, w=1 / error), x)
    keep = np.abs(r) <= 3 * r.std() + 1e-9
    return np.polyval(np.polyfit(x[keep], flux[keep], degree, w=1 / error[keep]), x_new)

# %% wrong: only spikes upwards are clipped and hard at that | loses: test_pseudo_continuum, test_robust_polynomial_outliers, test_robust_polynomial_unbiased
def robust_polynomial(x, flux, error, degree, x_new):
    keep = np.ones(len(x), dtype=bool)
    for _ in range(10):
        r = (flux - np.polyval(np.polyfit(x[keep], flux[keep], degree), x)) / error
        keep = r < 1
    return np.polyval(np.polyfit(x[keep], flux[keep], degree), x_new)

# %% wrong: the upper envelope, because absorption only goes down | loses: test_pseudo_continuum, test_robust_polynomial_outliers, test_robust_polynomial_unbiased
def robust_polynomial(x, flux, error, degree, x_new):
    keep = np.ones(len(x), dtype=bool)
    for _ in range(20):
        r = (flux - np.polyval(np.polyfit(x[keep], flux[keep], degree), x)) / error
        mad = 1.4826 * np.median(np.abs(r - np.median(r)))
        keep = (r > -1.0 * max(mad, 0.3)) & (r < 4 * max(mad, 1))
    return np.polyval(np.polyfit(x[keep], flux[keep], degree), x_new)

# %% wrong: the comparison turned round removes everything | loses: test_robust_polynomial test_robust_polynomial_outliers test_robust_polynomial_unbiased test_pseudo_continuum test_pseudo_continuum_chips test_pseudo_continuum_lines test_pseudo_continuum_bad
# np.abs(z) <= 4 => np.abs(z) > 4

# %% wrong: an absolute threshold that no noisy spectrum meets | loses: test_robust_polynomial test_robust_polynomial_outliers test_robust_polynomial_unbiased test_pseudo_continuum test_pseudo_continuum_lines test_pseudo_continuum_bad
def robust_polynomial(x, flux, error, degree, x_new):
    r = flux - np.polyval(np.polyfit(x, flux, degree, w=1 / error), x)
    keep = np.abs(r) < 0.2
    return np.polyval(np.polyfit(x[keep], flux[keep], degree, w=1 / error[keep]), x_new)

# %% wrong: a robust fit to every tenth point | loses: test_robust_polynomial test_robust_polynomial_outliers test_robust_polynomial_unbiased
def robust_polynomial(x, flux, error, degree, x_new):
    x, y, e = x[::10], flux[::10], error[::10]
    keep = np.ones(len(x), dtype=bool)
    for _ in range(20):
        coef = np.polyfit(x[keep], y[keep], degree, w=1 / e[keep])
        z = (y - np.polyval(coef, x)) / e
        keep = np.abs(z) < 4 * max(1.4826 * np.median(np.abs(z)), 0.5)
    return np.polyval(coef, x_new)

# %% wrong: a running median instead of a polynomial | loses: test_robust_polynomial test_robust_polynomial_outliers test_robust_polynomial_unbiased test_pseudo_continuum test_pseudo_continuum_chips test_pseudo_continuum_lines test_pseudo_continuum_bad
def robust_polynomial(x, flux, error, degree, x_new):
    return np.array([np.median(flux[np.abs(x - here) < 0.15]) for here in x_new])

# %% wrong: all errors taken as equal | loses: test_robust_polynomial_unbiased
#   z = np.zeros(len(x))
# + error = np.full(len(x), np.median(error))

# %% wrong: a parabola whatever the degree | loses: test_robust_polynomial test_pseudo_continuum
#   z = np.zeros(len(x))
# + degree = 2

# %% wrong: looks for wild points only once, from the plain fit | loses: test_robust_polynomial_outliers
# error * np.sqrt(np.maximum(np.abs(z), 1.0)) => error

# %% wrong: everything beyond one sigma left out | loses: test_robust_polynomial_unbiased
# 4 * max(scatter, 1.0) => max(scatter, 1.0)

# %% wrong: the median | loses: test_robust_polynomial test_robust_polynomial_outliers test_robust_polynomial_unbiased test_pseudo_continuum test_pseudo_continuum_chips test_pseudo_continuum_lines test_pseudo_continuum_bad
def robust_polynomial(x, flux, error, degree, x_new):
    return np.full(len(x_new), np.median(flux))

# %% wrong: at x instead of at x_new | loses: test_robust_polynomial test_pseudo_continuum test_pseudo_continuum_chips test_pseudo_continuum_lines test_pseudo_continuum_bad
# error[keep], degree, x_new => error[keep], degree, x
