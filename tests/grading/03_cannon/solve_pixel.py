"""Rivals of `solve_pixel`."""

# %% right: lstsq on rows divided by sigma
def solve_pixel(X, flux, error, s2):
    sigma = np.sqrt(error**2 + s2)
    return np.linalg.lstsq(X / sigma[:, None], flux / sigma, rcond=None)[0]

# %% right: QR decomposition, bad stars left out
def solve_pixel(X, flux, error, s2):
    ok = error < 1e9
    root = 1 / np.sqrt(error[ok] ** 2 + s2)
    q, r = np.linalg.qr(X[ok] * root[:, None])
    return np.linalg.solve(r, q.T @ (flux[ok] * root))

# %% right: curve_fit for a linear model
def solve_pixel(X, flux, error, s2):
    from scipy.optimize import curve_fit

    ok = error < 1e9
    sigma = np.sqrt(error[ok] ** 2 + s2)
    best, _ = curve_fit(lambda _, *t: X[ok] @ np.array(t), None, flux[ok], p0=np.zeros(X.shape[1]), sigma=sigma)
    return best

# %% right: scikit-learn's linear regression
def solve_pixel(X, flux, error, s2):
    from sklearn.linear_model import LinearRegression

    weight = 1 / (error**2 + s2)
    return LinearRegression(fit_intercept=False).fit(X, flux, sample_weight=weight).coef_

# %% right: single precision
def solve_pixel(X, flux, error, s2):
    root = (1 / np.sqrt(error**2 + s2)).astype(np.float32)
    X, flux = X.astype(np.float32), flux.astype(np.float32)
    return np.linalg.lstsq(X * root[:, None], flux * root, rcond=None)[0]

# %% wrong: unweighted | loses: test_solve_pixel test_solve_pixel_weights test_train_pixel test_train_pixel_boundary test_train
# 1 / (error.astype(float) ** 2 + s2) => np.ones(len(flux))

# %% wrong: s2 left out of the variance | loses: test_solve_pixel_weights test_train_pixel test_train
# + s2 =>

# %% wrong: s2 added to the error instead of the variance | loses: test_solve_pixel_weights test_train_pixel test_train
# (error.astype(float) ** 2 + s2) => (error.astype(float) + s2) ** 2

# %% wrong: weights applied twice | loses: test_solve_pixel_weights
# (error.astype(float) ** 2 + s2) => (error.astype(float) ** 2 + s2) ** 2

# %% wrong: square root of the right weights | loses: test_solve_pixel_weights test_train_pixel
# 1 / (error.astype(float) ** 2 + s2) => (error.astype(float) ** 2 + s2) ** -0.5

# %% wrong: bad stars left out, the others unweighted | loses: test_solve_pixel_weights test_train_pixel test_train_pixel_boundary
# 1 / (error.astype(float) ** 2 + s2) => (error < 1e9).astype(float)

# %% wrong: s taken for s squared | loses: test_solve_pixel_weights test_train_pixel test_train
# + s2 => + s2**2

# %% wrong: zeros | loses: test_solve_pixel test_solve_pixel_weights test_train_pixel test_train_pixel_boundary test_train_pixel_global test_train
def solve_pixel(X, flux, error, s2):
    return np.zeros(X.shape[1])
