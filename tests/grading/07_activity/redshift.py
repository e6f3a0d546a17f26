"""Rivals of `redshift`."""

# %% right: numpy's own correlation and polyfit
def redshift(wavelength, flux, error, template, grid, trials):
    found = []
    for z in trials:
        row = at_rest(wavelength, flux, error, z, grid)
        found.append(np.corrcoef(row, template)[0, 1])
    k = int(np.argmax(found))
    if k == 0 or k == len(trials) - 1:
        return trials[k]
    a, b, _ = np.polyfit(trials[k - 1 : k + 2] - trials[k], found[k - 1 : k + 2], 2)
    return trials[k] - b / (2 * a)

# %% right: single precision
def redshift(wavelength, flux, error, template, grid, trials):
    from scipy.stats import pearsonr

    rows = np.array([at_rest(wavelength, flux, error, z, grid) for z in trials], dtype=np.float32)
    match = [pearsonr(row, template)[0] for row in rows]
    k = int(np.argmax(match))
    if k in (0, len(match) - 1):
        return np.float32(trials[k])
    l, t, r = match[k - 1 : k + 2]
    return np.float32(trials[k] + (l - r) / (2 * (l - 2 * t + r)) * (trials[1] - trials[0]))

# %% wrong: the sign turned | loses: test_redshift test_redshift_flagged
# return float(trials[best] + shift * (trials[1] - trials[0])) => return -float(trials[best])

# %% wrong: the best trial itself | loses: test_redshift
# shift * (trials[1] - trials[0]) => 0.0

# %% wrong: the parabola to the wrong side | loses: test_redshift
# (left - right) / => (right - left) /

# %% wrong: flagged pixels used | loses: test_redshift_flagged
# at_rest(wavelength, flux, error, z, grid) => at_rest(wavelength, flux, np.ones_like(flux), z, grid)

# %% wrong: neither mean nor length taken out | loses: test_redshift
# rows = rows - rows.mean(axis=1, keepdims=True) => rows = rows * 1.0
# rows @ (template - template.mean()) / np.linalg.norm(rows, axis=1) => rows @ template

# %% wrong: the worst match | loses: test_redshift test_redshift_flagged
# correlation.argmax() => correlation.argmin()

# %% wrong: always the trials at 30 km/s | loses: test_redshift
def redshift(wavelength, flux, error, template, grid, trials):
    trials = np.arange(-20, 21) * 1e-4
    found = []
    for z in trials:
        row = at_rest(wavelength, flux, error, z, grid)
        found.append(np.corrcoef(row, template)[0, 1])
    k = int(np.clip(np.argmax(found), 1, 39))
    l, t, r = found[k - 1 : k + 2]
    return trials[k] + (l - r) / (2 * (l - 2 * t + r)) * 1e-4

# %% wrong: the spectra not divided by their lengths | loses: test_redshift
# / np.linalg.norm(rows, axis=1) =>
