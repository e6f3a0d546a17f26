"""Rivals of `weighted_polynomial`."""

# %% right: polyfit with w = 1/error
def weighted_polynomial(x, flux, error, degree, x_new):
    ok = np.isfinite(flux) & (error < 1e9)
    return np.polyval(np.polyfit(x[ok], flux[ok], degree, w=1 / error[ok]), x_new)

# %% right: normal equations written out
def weighted_polynomial(x, flux, error, degree, x_new):
    ivar = np.where(np.isfinite(flux) & (error < 1e9), 1 / error**2, 0)
    y = np.where(np.isfinite(flux), flux, 0)
    A = np.vander(x, degree + 1, increasing=True)
    theta = np.linalg.solve(A.T @ (ivar[:, None] * A), A.T @ (ivar * y))
    return np.vander(x_new, degree + 1, increasing=True) @ theta

# %% right: numpy's Legendre class
def weighted_polynomial(x, flux, error, degree, x_new):
    keep = np.isfinite(flux) & np.isfinite(error)
    keep[keep] = error[keep] < 1e9
    return np.polynomial.Legendre.fit(x[keep], flux[keep], degree, w=1 / error[keep])(x_new)

# %% right: a generic optimiser for curves
def weighted_polynomial(x, flux, error, degree, x_new):
    from scipy.optimize import curve_fit

    ok = np.isfinite(flux) & (error < 1e9)
    start = np.zeros(degree + 1)
    start[-1] = np.median(flux[ok])
    best, _ = curve_fit(lambda t, *c: np.polyval(c, t) + 0 * t, x[ok], flux[ok], p0=start, sigma=error[ok])
    return np.polyval(best, x_new)

# %% right: astropy's linear fit
def weighted_polynomial(x, flux, error, degree, x_new):
    from astropy.modeling import fitting, models

    ok = np.isfinite(flux) & (error < 1e9)
    fit = fitting.LinearLSQFitter()
    return fit(models.Legendre1D(degree), x[ok], flux[ok], weights=1 / error[ok])(x_new)

# %% right: scikit-learn, weights of 1/error**2
def weighted_polynomial(x, flux, error, degree, x_new):
    from sklearn.linear_model import LinearRegression
    from sklearn.preprocessing import PolynomialFeatures

    ok = np.isfinite(flux + error) & (error < 1e9)
    columns = PolynomialFeatures(degree)
    line = LinearRegression().fit(
        columns.fit_transform(x[ok, None]), flux[ok], sample_weight=error[ok] ** -2.0
    )
    return line.predict(columns.transform(np.asarray(x_new)[:, None]))

# %% right: single precision
def weighted_polynomial(x, flux, error, degree, x_new):
    x, flux, error, x_new = (np.asarray(a, dtype=np.float32) for a in (x, flux, error, x_new))
    ok = np.isfinite(flux) & (error < 1e9)
    return np.polyval(np.polyfit(x[ok], flux[ok], degree, w=1 / error[ok]), x_new)

# %% wrong: w = 1/error**2 in polyfit | loses: test_weighted_polynomial_weights
# 1 / error[useful] => 1 / error[useful] ** 2

# %% wrong: unweighted | loses: test_weighted_polynomial_weights test_robust_polynomial_outliers test_robust_polynomial_unbiased test_held_out_score
# , w=1 / error[useful] =>

# %% wrong: the square root of the right weights | loses: test_held_out_score, test_weighted_polynomial_weights
# 1 / error[useful] => error[useful] ** -0.5

# %% wrong: NaN fluxes go into the fit | loses: test_weighted_polynomial_bad
# np.isfinite(flux) & np.isfinite(error) & (error < BAD_LIMIT) => np.ones(len(x), dtype=bool)

# %% wrong: NaN set to zero but bad pixels keep a small error | loses: test_weighted_polynomial_bad
def weighted_polynomial(x, flux, error, degree, x_new):
    error = np.where(error < 1e9, error, np.median(error))
    return np.polyval(np.polyfit(x, np.nan_to_num(flux), degree, w=1 / error), x_new)

# %% wrong: degree taken for the number of terms | loses: test_weighted_polynomial test_weighted_polynomial_weights test_weighted_polynomial_bad test_robust_polynomial test_robust_polynomial_outliers test_pseudo_continuum test_pseudo_continuum_chips test_held_out_score
# flux[useful], degree => flux[useful], max(degree - 1, 0)

# %% wrong: only the flux is asked whether it is finite, and infinity is let through | loses: test_weighted_polynomial_bad
# np.isfinite(flux) & np.isfinite(error) & => ~np.isnan(flux) &

# %% wrong: a parabola whatever the degree | loses: test_weighted_polynomial test_weighted_polynomial_weights test_robust_polynomial test_pseudo_continuum test_held_out_score test_held_out_score_overfit
# flux[useful], degree => flux[useful], 2

# %% wrong: zeros | loses: test_weighted_polynomial test_weighted_polynomial_weights test_weighted_polynomial_bad test_robust_polynomial test_robust_polynomial_outliers test_robust_polynomial_unbiased test_pseudo_continuum test_pseudo_continuum_chips test_pseudo_continuum_lines test_pseudo_continuum_bad test_held_out_score test_held_out_score_overfit
def weighted_polynomial(x, flux, error, degree, x_new):
    return np.zeros(len(x_new))
