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

# %% right: Simpson's rule on half an angstrom, single precision, a list
def synthetic_magnitude(wavelength, sed, band_wavelength, throughput):
    from scipy.integrate import simpson

    x = np.arange(band_wavelength[0], band_wavelength[-1] + 0.5, 0.5)
    t = np.interp(x, band_wavelength, throughput)
    below = simpson(t / x, x=x) * 2.99792458e18
    seen = [simpson(np.interp(x, wavelength, s) * t * x, x=x) for s in sed]
    return [np.float32(-2.5 * np.log10(s / below) - 48.6) for s in seen]

# %% right: astropy's units
def synthetic_magnitude(wavelength, sed, band_wavelength, throughput):
    from astropy import constants
    from astropy import units as u

    x = np.arange(band_wavelength[0], band_wavelength[-1] + 1) * u.AA
    t = np.interp(x.value, band_wavelength, throughput)
    flux = np.array([np.interp(x.value, wavelength, s) for s in sed]) * u.Unit("erg / (s cm2 AA)")
    counts = np.trapezoid(flux * t * x, x)
    mean = counts / np.trapezoid(constants.c * t / x, x)
    return mean.to(u.ABmag).value

# %% wrong: always the same | loses: test_synthetic_magnitude
def synthetic_magnitude(wavelength, sed, band_wavelength, throughput):
    return np.zeros(len(sed))

# %% wrong: the throughput ignored | loses: test_synthetic_magnitude
# t = np.interp(fine, band_wavelength, throughput, left=0, right=0) => t = np.ones(fine.size)

# %% right: trapezia of 1 Å
def synthetic_magnitude(wavelength, sed, band_wavelength, throughput):
    x = np.arange(band_wavelength[0], band_wavelength[-1] + 0.5, 1.0)
    t = np.interp(x, band_wavelength, throughput, left=0, right=0)
    below = np.trapezoid(2.99792458e18 / x * t, x)
    above = [np.trapezoid(np.interp(x, wavelength, s) * t * x, x) for s in sed]
    return -2.5 * np.log10(np.array(above) / below) - 48.60

# %% wrong: steps of 50 Å | edits: trapezia of 1 Å | loses: test_synthetic_magnitude
# band_wavelength[-1] + 0.5, 1.0 => band_wavelength[-1] + 0.5, 50.0

# %% wrong: faint wings left out | edits: trapezia of 1 Å | loses: test_synthetic_magnitude
# np.trapezoid(2.99792458e18 / x * t, x) => np.trapezoid(2.99792458e18 / x * (t := np.where(t > 0.1 * t.max(), t, 0)), x)

# %% wrong: the SED's own grid | loses: test_synthetic_magnitude
def synthetic_magnitude(wavelength, sed, band_wavelength, throughput):
    t = np.interp(wavelength, band_wavelength, throughput, left=0, right=0)
    below = np.trapezoid(2.99792458e18 / wavelength * t, wavelength)
    above = np.trapezoid(sed * t * wavelength, wavelength, axis=1)
    return -2.5 * np.log10(above / below) - 48.60

# %% wrong: the throughput goes on beyond its ends | loses: test_synthetic_magnitude
def synthetic_magnitude(wavelength, sed, band_wavelength, throughput):
    x = np.arange(wavelength[0], wavelength[-1])
    t = np.interp(x, band_wavelength, throughput)
    below = np.trapezoid(2.99792458e18 / x * t, x)
    above = [np.trapezoid(np.interp(x, wavelength, s) * t * x, x) for s in sed]
    return -2.5 * np.log10(np.array(above) / below) - 48.60
