"""Rivals of `degrade`."""

# %% right: a kernel of our own on padded rows
def degrade(flux, step, fwhm_now, fwhm_wanted):
    s = np.sqrt((fwhm_wanted**2 - fwhm_now**2) / (8 * np.log(2))) / step
    half = int(5 * s) + 1
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / s) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(np.asarray(flux, float), ((0, 0), (half, half)), mode="edge")
    return np.array([np.convolve(row, kernel, mode="valid") for row in padded])

# %% right: a matrix whose rows add up to one
def degrade(flux, step, fwhm_now, fwhm_wanted):
    x = np.arange(flux.shape[1]) * step
    s = (fwhm_wanted**2 - fwhm_now**2) ** 0.5 / 2.3548
    m = np.exp(-0.5 * ((x[:, None] - x) / s) ** 2)
    return flux @ (m / m.sum(axis=1, keepdims=True)).T

# %% wrong: the whole width added | loses: test_degrade
# fwhm_wanted**2 - fwhm_now**2 => fwhm_wanted**2

# %% wrong: widths subtracted, not squares | loses: test_degrade
# np.sqrt(fwhm_wanted**2 - fwhm_now**2) => (fwhm_wanted - fwhm_now)

# %% wrong: FWHM for sigma | loses: test_degrade
# / np.sqrt(8 * np.log(2)) =>

# %% wrong: Angstrom for pixels | loses: test_degrade
# / step =>

# %% wrong: zeros beyond the ends | loses: test_degrade_ends
# "nearest" => "constant"

# %% wrong: blurred across the rows too | loses: test_degrade test_degrade_ends
def degrade(flux, step, fwhm_now, fwhm_wanted):
    from scipy.ndimage import gaussian_filter

    s = np.sqrt(fwhm_wanted**2 - fwhm_now**2) / 2.3548 / step
    return gaussian_filter(flux, s, mode="nearest")

# %% right: astropy's kernel, the ends extended
def degrade(flux, step, fwhm_now, fwhm_wanted):
    from astropy.convolution import Gaussian1DKernel, convolve
    from astropy.stats import gaussian_fwhm_to_sigma

    sigma = np.sqrt(fwhm_wanted**2 - fwhm_now**2) * gaussian_fwhm_to_sigma / step
    return [convolve(row, Gaussian1DKernel(sigma), boundary="extend") for row in flux]

# %% right: Fourier, with the ends mirrored
def degrade(flux, step, fwhm_now, fwhm_wanted):
    flux = np.asarray(flux, dtype=np.float32)
    twice = np.hstack([flux, flux[:, ::-1]])
    k = np.fft.rfftfreq(twice.shape[1], step)
    s2 = (fwhm_wanted**2 - fwhm_now**2) / (8 * np.log(2))
    smooth = np.fft.irfft(np.fft.rfft(twice) * np.exp(-2 * np.pi**2 * k**2 * s2), twice.shape[1])
    return smooth[:, : flux.shape[1]].astype(np.float32)

# %% wrong: one end runs into the other | loses: test_degrade_ends
# "nearest" => "wrap"

# %% wrong: left as it is | loses: test_degrade test_degrade_ends
def degrade(flux, step, fwhm_now, fwhm_wanted):
    return np.array(flux)

# %% wrong: the old width ignored, the pixel too | loses: test_degrade
# np.sqrt(fwhm_wanted**2 - fwhm_now**2) / np.sqrt(8 * np.log(2)) / step => fwhm_wanted / np.sqrt(8 * np.log(2))
