"""Rivals of `metallicity_slope`."""

# %% right: scipy's robust loss
def metallicity_slope(teff, logg, fe_h):
    from scipy.optimize import least_squares

    def residual(p):
        return (teff - p[0] - p[1] * (logg - 2) - p[2] * fe_h) / 25

    return float(least_squares(residual, [4300, 450, 0], loss="cauchy").x[2])

# %% right: least absolute deviations, reweighted
def metallicity_slope(teff, logg, fe_h):
    A = np.stack([logg**0, logg - 2, fe_h], 1)
    w = np.ones(len(teff))
    for _ in range(100):
        p = np.linalg.lstsq(A * w[:, None], teff * w, rcond=None)[0]
        w = 1 / np.sqrt(np.maximum(abs(teff - A @ p), 1.0))
    return p[2]

# %% wrong: no gravity in the fit | loses: test_metallicity_slope test_metallicity_slope_outliers
def metallicity_slope(teff, logg, fe_h):
    return float(np.polyfit(fe_h, teff, 1)[0])

# %% wrong: outliers keep their say | loses: test_metallicity_slope_outliers
# range(20) => range(1)

# %% wrong: the coefficient of gravity | loses: test_metallicity_slope test_metallicity_slope_outliers
# solution[2] => solution[1]

# %% wrong: the sign turned round | loses: test_metallicity_slope test_metallicity_slope_outliers
# solution[2] => -solution[2]

# %% wrong: metallicity fitted to temperature, and inverted | loses: test_metallicity_slope test_metallicity_slope_outliers
def metallicity_slope(teff, logg, fe_h):
    A = np.column_stack([np.ones(len(teff)), logg - 2, teff])
    return float(1 / np.linalg.lstsq(A, fe_h, rcond=None)[0][2])

# %% wrong: the line through the origin | loses: test_metallicity_slope test_metallicity_slope_outliers
# np.ones_like(logg), logg - 2 => logg - 2
# solution[2] => solution[1]

# %% wrong: clipped once, at five sigma of the outliers' own | loses: test_metallicity_slope_outliers
# range(20) => range(2)
# 1.4826 * np.median(np.abs(residual[good] - centre)) => np.std(residual)
# 3 * max => 5 * max

# %% right: scikit-learn's random consensus
def metallicity_slope(teff, logg, fe_h):
    from sklearn.linear_model import RANSACRegressor

    fit = RANSACRegressor(random_state=0).fit(np.column_stack([logg, fe_h]), teff)
    return fit.estimator_.coef_[1]

# %% right: Huber's loss
def metallicity_slope(teff, logg, fe_h):
    from sklearn.linear_model import HuberRegressor
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(np.column_stack([logg, fe_h]))
    fit = HuberRegressor(max_iter=1000).fit(scaler.transform(np.column_stack([logg, fe_h])), teff)
    return fit.coef_[1] / scaler.scale_[1]

# %% right: astropy clips and fits
def metallicity_slope(teff, logg, fe_h):
    from astropy.modeling import fitting, models
    from astropy.stats import sigma_clip

    fit = fitting.FittingWithOutlierRemoval(fitting.LinearLSQFitter(), sigma_clip, niter=20, sigma=3.0)
    plane, _ = fit(models.Polynomial2D(1), logg - 2, fe_h, teff)
    return plane.c0_1.value

# %% right: in float32
#   def metallicity_slope(teff, logg, fe_h):
# +     teff, logg, fe_h = np.float32(teff), np.float32(logg), np.float32(fe_h)

# %% wrong: what one expects | loses: test_metallicity_slope test_metallicity_slope_outliers
def metallicity_slope(teff, logg, fe_h):
    return -430.0

# %% wrong: only hot outliers are rejected | loses: test_metallicity_slope_outliers
# np.abs(residual - centre) => (residual - centre)

# %% wrong: the middle of the stars goes, and the outliers stay | loses: test_metallicity_slope_outliers
# np.abs(residual - centre) < 3 * => np.abs(residual - centre) > 0.1 *
