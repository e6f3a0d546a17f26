"""Rivals of `synthetic_magnitude`."""

# %% right: flux per frequency
def synthetic_magnitude(wavelength, sed, band_wavelength, throughput):
    x = np.arange(band_wavelength[0], band_wavelength[-1], 0.5)
    t = np.interp(x, band_wavelength, throughput)
    answer = []
    for s in sed:
        per_hz = np.interp(x, wavelength, s) * x**2 / 2.99792458e18
        answer.append(np.sum(per_hz * t / x) / np.sum(t / x))
    return -2.5 * np.log10(np.array(answer) / 3631e-23) + 2.5 * np.log10(10 ** (0.4 * 48.60) * 3631e-23) - 0.0

# %% right: pivot wavelength
def synthetic_magnitude(wavelength, sed, band_wavelength, throughput):
    from scipy.integrate import simpson

    x = np.linspace(band_wavelength[0], band_wavelength[-1], 8001)
    t = np.interp(x, band_wavelength, throughput)
    pivot2 = simpson(t * x, x=x) / simpson(t / x, x=x)
    mean = [simpson(np.interp(x, wavelength, s) * t * x, x=x) / simpson(t * x, x=x) for s in sed]
    return -2.5 * np.log10(np.array(mean) * pivot2 / 2.99792458e18) - 48.60

# %% wrong: energy counted, not photons | loses: test_synthetic_magnitude
# np.interp(fine, wavelength, s) * t * fine => np.interp(fine, wavelength, s) * t
# light_speed * t / fine => light_speed * t / fine**2

# %% wrong: plus 48.6 | loses: test_synthetic_magnitude
# - 48.60 => + 48.60

# %% wrong: natural logarithm | loses: test_synthetic_magnitude
# np.log10 => np.log

# %% wrong: speed of light in km/s | loses: test_synthetic_magnitude
# 2.99792458e18 => 299792.458

# %% wrong: brighter is larger | loses: test_synthetic_magnitude
# -2.5 => 2.5

# %% wrong: the throughput's few nodes for a grid | loses: test_synthetic_magnitude
# np.arange(band_wavelength[0], band_wavelength[-1] + 1, 1.0) => band_wavelength
