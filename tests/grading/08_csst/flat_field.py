"""Rivals of `flat_field`."""

# %% right: wavelength by wavelength
def flat_field(x, y, ratio, sigma, new_x, new_y):
    old = np.column_stack([x**i * y**j for i in range(3) for j in range(3 - i)])
    new = np.column_stack([new_x**i * new_y**j for i in range(3) for j in range(3 - i)])
    answer = np.empty((len(new_x), ratio.shape[1]))
    for k in range(ratio.shape[1]):
        w = 1 / sigma[:, k]
        c = np.linalg.lstsq(old * w[:, None], ratio[:, k] * w, rcond=None)[0]
        answer[:, k] = new @ c
    return answer

# %% right: scikit-learn
def flat_field(x, y, ratio, sigma, new_x, new_y):
    from sklearn.linear_model import LinearRegression

    powers = PolynomialFeatures(2)
    old = powers.fit_transform(np.column_stack([x, y]))
    new = powers.transform(np.column_stack([new_x, new_y]))
    fits = [
        LinearRegression(fit_intercept=False).fit(old, ratio[:, k], 1 / sigma[:, k] ** 2)
        for k in range(ratio.shape[1])
    ]
    return np.column_stack([f.predict(new) for f in fits])

# %% wrong: no cross term | loses: test_flat_field test_flat_field_weights
# x * y, y**2 => y**2
# (-1, 6, 6) => (-1, 5, 5)

# %% wrong: every star counts the same | loses: test_flat_field_weights
# 1 / sigma.astype(float) ** 2 => np.ones(sigma.shape)

# %% wrong: a plane | loses: test_flat_field test_flat_field_weights
# x, y, x**2, x * y, y**2 => x, y
# (-1, 6, 6) => (-1, 3, 3)

# %% wrong: one number for the whole detector | loses: test_flat_field test_flat_field_weights
def flat_field(x, y, ratio, sigma, new_x, new_y):
    w = 1 / sigma**2
    return np.tile((w * ratio).sum(axis=0) / w.sum(axis=0), (len(new_x), 1))

# %% wrong: weighted by the error | loses: test_flat_field_weights
# 1 / sigma.astype(float) ** 2 => sigma.astype(float) ** 2

# %% wrong: evaluated at the stars | loses: test_flat_field test_flat_field_weights
# terms(new_x, new_y) => terms(x, y)

# %% wrong: one shape for all wavelengths | loses: test_flat_field test_flat_field_weights
def flat_field(x, y, ratio, sigma, new_x, new_y):
    def terms(x, y):
        return np.column_stack([np.ones_like(x), x, y, x**2, x * y, y**2])

    w = 1 / sigma**2
    mean = (w * ratio).sum(axis=1) / w.sum(axis=1)
    root = np.sqrt(w.sum(axis=1))
    c = np.linalg.lstsq(terms(x, y) * root[:, None], mean * root, rcond=None)[0]
    return np.tile((terms(new_x, new_y) @ c)[:, None], (1, ratio.shape[1]))

# %% right: astropy's polynomial of two dimensions
def flat_field(x, y, ratio, sigma, new_x, new_y):
    from astropy.modeling.fitting import LinearLSQFitter
    from astropy.modeling.models import Polynomial2D

    fitter, cube = LinearLSQFitter(), []
    for seen, error in zip(np.asarray(ratio).T, np.asarray(sigma).T):
        fit = fitter(Polynomial2D(2), x, y, seen, weights=1 / error)
        cube.append(fit(new_x, new_y))
    return np.array(cube, dtype=np.float32).T

# %% right: scipy's curve_fit
def flat_field(x, y, ratio, sigma, new_x, new_y):
    from scipy.optimize import curve_fit

    def surface(at, *c):
        return c[0] + c[1] * at[0] + c[2] * at[1] + c[3] * at[0] ** 2 + c[4] * at[0] * at[1] + c[5] * at[1] ** 2

    start = [1, 0, 0, 0, 0, 0]
    fits = [curve_fit(surface, (x, y), r, start, sigma=s)[0] for r, s in zip(ratio.T, sigma.T)]
    return np.transpose([surface((new_x, new_y), *c) for c in fits]).tolist()

# %% wrong: weighted by one over the error | loses: test_flat_field_weights
# 1 / sigma.astype(float) ** 2 => 1 / sigma.astype(float)

# %% wrong: weighted twice | loses: test_flat_field_weights
# 1 / sigma.astype(float) ** 2 => 1 / sigma.astype(float) ** 4

# %% wrong: one error for each star, at all wavelengths | loses: test_flat_field_weights
# 1 / sigma.astype(float) ** 2 => 1 / np.median(sigma, axis=1, keepdims=True) ** 2 * np.ones(sigma.shape)

# %% wrong: one everywhere | loses: test_flat_field test_flat_field_weights
def flat_field(x, y, ratio, sigma, new_x, new_y):
    return np.ones((len(new_x), ratio.shape[1]))
