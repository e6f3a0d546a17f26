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

# %% wrong: one shape for all wavelengths | loses: test_flat_field
def flat_field(x, y, ratio, sigma, new_x, new_y):
    def terms(x, y):
        return np.column_stack([np.ones_like(x), x, y, x**2, x * y, y**2])

    w = 1 / sigma**2
    mean = (w * ratio).sum(axis=1) / w.sum(axis=1)
    root = np.sqrt(w.sum(axis=1))
    c = np.linalg.lstsq(terms(x, y) * root[:, None], mean * root, rcond=None)[0]
    return np.tile((terms(new_x, new_y) @ c)[:, None], (1, ratio.shape[1]))
