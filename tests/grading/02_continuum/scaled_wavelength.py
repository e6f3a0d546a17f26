"""Rivals of `scaled_wavelength`."""

# %% right: by interpolation
def scaled_wavelength(wavelength):
    return np.interp(wavelength, [np.min(wavelength), np.max(wavelength)], [-1.0, 1.0])

# %% right: first to the unit interval, pixel by pixel
def scaled_wavelength(wavelength):
    low = min(wavelength)
    span = max(wavelength) - low
    return np.array([2 * ((w - low) / span) - 1 for w in wavelength])

# %% right: numpy's own domain map
def scaled_wavelength(wavelength):
    domain = [wavelength.min(), wavelength.max()]
    return np.polynomial.polyutils.mapdomain(wavelength, domain, [-1, 1])

# %% right: scikit-learn's scaler, single precision
def scaled_wavelength(wavelength):
    from sklearn.preprocessing import MinMaxScaler

    return MinMaxScaler((-1, 1)).fit_transform(np.float32(wavelength)[:, None])[:, 0]

# %% right: from the first element and the last
def scaled_wavelength(wavelength):
    return 2 * (wavelength - wavelength[0]) / (wavelength[-1] - wavelength[0]) - 1

# %% wrong: to [0, 1] | loses: test_scaled_wavelength
# (2 * wavelength - shortest - longest) => (wavelength - shortest)

# %% wrong: standardised by mean and standard deviation | loses: test_scaled_wavelength
def scaled_wavelength(wavelength):
    return (wavelength - wavelength.mean()) / wavelength.std()

# %% wrong: by pixel number instead of wavelength | loses: test_scaled_wavelength
def scaled_wavelength(wavelength):
    return np.linspace(-1, 1, len(wavelength))

# %% wrong: centred on the mean instead of the middle | loses: test_scaled_wavelength
def scaled_wavelength(wavelength):
    off = wavelength - wavelength.mean()
    return off / np.abs(off).max()

# %% wrong: the limits of all three chips built in | loses: test_scaled_wavelength
# wavelength.min(), wavelength.max() => 15100.0, 17000.0

# %% wrong: linear in the logarithm of the wavelength | loses: test_scaled_wavelength
#   shortest, longest = wavelength.min(), wavelength.max()
# + wavelength, shortest, longest = np.log(wavelength), np.log(shortest), np.log(longest)

# %% wrong: zeros | loses: test_scaled_wavelength test_pseudo_continuum test_pseudo_continuum_chips test_pseudo_continuum_lines test_pseudo_continuum_bad
def scaled_wavelength(wavelength):
    return np.zeros(len(wavelength))
