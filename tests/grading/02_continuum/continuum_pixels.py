"""Rivals of `continuum_pixels`."""

# %% right: the whole matrix of distances
def continuum_pixels(wavelength, trusted_wavelengths):
    distance = np.abs(np.asarray(trusted_wavelengths)[:, None] - wavelength[None, :])
    step = np.gradient(wavelength)
    mask = np.zeros(wavelength.shape, bool)
    for row in distance:
        k = row.argmin()
        if row[k] <= step[k]:
            mask[k] = True
    return mask

# %% right: by interpolation of the pixel number
def continuum_pixels(wavelength, trusted_wavelengths):
    n = len(wavelength)
    number = np.interp(trusted_wavelengths, wavelength, np.arange(n), left=-9, right=-9)
    # ends: keep what is within half a pixel outside
    number[np.abs(trusted_wavelengths - wavelength[0]) < 0.05] = 0
    number[np.abs(trusted_wavelengths - wavelength[-1]) < 0.05] = n - 1
    chosen = set(np.round(number[number >= 0]).astype(int).tolist())
    return np.array([i in chosen for i in range(n)])

# %% right: searchsorted, then the nearer neighbour
def continuum_pixels(wavelength, trusted_wavelengths):
    inside = trusted_wavelengths[
        (trusted_wavelengths >= wavelength[0]) & (trusted_wavelengths <= wavelength[-1])
    ]
    right = np.clip(np.searchsorted(wavelength, inside), 1, len(wavelength) - 1)
    left = right - 1
    nearer = np.where(inside - wavelength[left] < wavelength[right] - inside, left, right)
    return np.bincount(nearer, minlength=len(wavelength)) > 0

# %% right: pandas' index
def continuum_pixels(wavelength, trusted_wavelengths):
    import pandas as pd

    found = pd.Index(wavelength).get_indexer(trusted_wavelengths, method="nearest")
    near = np.abs(wavelength[found] - trusted_wavelengths) < np.gradient(wavelength)[found]
    return pd.Series(False, index=range(len(wavelength))).index.isin(found[near])

# %% right: a tree of neighbours
def continuum_pixels(wavelength, trusted_wavelengths):
    from scipy.spatial import cKDTree

    inside = (trusted_wavelengths > wavelength[0] - 0.1) & (trusted_wavelengths < wavelength[-1] + 0.1)
    _, found = cKDTree(wavelength[:, None]).query(trusted_wavelengths[inside, None])
    return np.isin(np.arange(len(wavelength)), found)

# %% wrong: wavelengths used as indices | loses: test_continuum_pixels test_continuum_pixels_outside
def continuum_pixels(wavelength, trusted_wavelengths):
    mask = np.zeros(len(wavelength), dtype=bool)
    mask[trusted_wavelengths.astype(int)] = True
    return mask

# %% wrong: equality of floats | loses: test_continuum_pixels test_continuum_pixels_outside
def continuum_pixels(wavelength, trusted_wavelengths):
    return np.isin(wavelength, trusted_wavelengths)

# %% wrong: searchsorted takes the pixel above | loses: test_continuum_pixels
# np.searchsorted(borders, => np.searchsorted(wavelength,
# wavelength[-1] + step_last => wavelength[-1]

# %% wrong: everything gets a pixel, wherever it is | loses: test_continuum_pixels_outside
# trusted_wavelengths[inside] => trusted_wavelengths

# %% wrong: indices instead of a mask | loses: test_continuum_pixels test_continuum_pixels_outside
def continuum_pixels(wavelength, trusted_wavelengths):
    return np.array([np.argmin(np.abs(wavelength - w)) for w in trusted_wavelengths])

# %% wrong: a tolerance of half an angstrom marks the neighbours too | loses: test_continuum_pixels test_continuum_pixels_outside
def continuum_pixels(wavelength, trusted_wavelengths):
    mask = np.zeros(len(wavelength), dtype=bool)
    for w in trusted_wavelengths:
        mask |= np.abs(wavelength - w) < 0.5
    return mask

# %% wrong: every pixel | loses: test_continuum_pixels test_continuum_pixels_outside
def continuum_pixels(wavelength, trusted_wavelengths):
    return np.ones(len(wavelength), dtype=bool)

# %% wrong: a grid of equal steps | loses: test_continuum_pixels test_continuum_pixels_outside
# - is_continuum[np.searchsorted(borders, trusted_wavelengths[inside])] = True
# + step = (wavelength[-1] - wavelength[0]) / (len(wavelength) - 1)
# + pixel = np.rint((trusted_wavelengths[inside] - wavelength[0]) / step)
# + is_continuum[pixel.astype(int).clip(0, len(wavelength) - 1)] = True

# %% wrong: the median step limits both | loses: test_continuum_pixels_outside
def continuum_pixels(wavelength, trusted_wavelengths):
    w = np.asarray(wavelength)
    step = np.median(np.diff(w))
    found = np.zeros(len(w), dtype=bool)
    for t in trusted_wavelengths:
        if w[0] - step <= t <= w[-1] + step:
            found[np.argmin(abs(w - t))] = True
    return found

# %% wrong: within half of the local step | loses: test_continuum_pixels
def continuum_pixels(wavelength, trusted_wavelengths):
    w, t = np.asarray(wavelength), np.asarray(trusted_wavelengths)
    half = np.gradient(w) / 2
    return (abs(w[:, None] - t[None, :]) <= half[:, None]).any(axis=1)

# %% wrong: within a tenth of an ångström | loses: test_continuum_pixels
def continuum_pixels(wavelength, trusted_wavelengths):
    w, t = np.asarray(wavelength), np.asarray(trusted_wavelengths)
    return (abs(w[:, None] - t[None, :]) < 0.11).any(axis=1)
