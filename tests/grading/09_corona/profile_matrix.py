"""Rivals of `profile_matrix`."""

# %% right: scipy
def profile_matrix(wavelength, centres, fwhm):
    from scipy.stats import norm

    return norm.pdf(wavelength[:, None], centres[None], fwhm / 2.354820045)

# %% right: powers of two, column by column
def profile_matrix(wavelength, centres, fwhm):
    area = fwhm * np.sqrt(np.pi / np.log(2)) / 2
    columns = [2.0 ** (-((2 * (wavelength - c) / fwhm) ** 2)) / area for c in centres]
    return np.array(columns).T

# %% wrong: the width at half maximum taken for sigma | loses: test_profile_matrix
# fwhm / np.sqrt(8 * np.log(2)) => fwhm

# %% wrong: peak one instead of area one | loses: test_profile_matrix_area
# / (np.sqrt(2 * np.pi) * sigma) =>

# %% wrong: sigma for variance | loses: test_profile_matrix test_profile_matrix_area
# z**2 => z**2 * sigma

# %% wrong: the half forgotten | loses: test_profile_matrix test_profile_matrix_area
# -0.5 * z**2 => -(z**2)

# %% wrong: lines along rows | loses: test_profile_matrix test_profile_matrix_area
# wavelength[:, None] - centres => wavelength - centres[:, None]

# %% right: astropy's Gaussian, single precision
def profile_matrix(wavelength, centres, fwhm):
    from astropy.modeling.models import Gaussian1D
    from astropy.stats import gaussian_fwhm_to_sigma

    sigma = fwhm * gaussian_fwhm_to_sigma
    peak = 1 / (np.sqrt(2 * np.pi) * sigma)
    columns = [Gaussian1D(peak, centre, sigma)(wavelength) for centre in centres]
    return np.array(columns, dtype=np.float32).T

# %% right: the mean over each pixel
def profile_matrix(wavelength, centres, fwhm):
    from scipy.stats import norm

    step = wavelength[1] - wavelength[0]
    edges = np.append(wavelength - step / 2, wavelength[-1] + step / 2)[:, None]
    return np.diff(norm.cdf(edges, centres, fwhm / np.sqrt(8 * np.log(2))), axis=0) / step

# %% wrong: a level of the right area | loses: test_profile_matrix test_profile_matrix_area
def profile_matrix(wavelength, centres, fwhm):
    return np.full((len(wavelength), len(centres)), 1 / np.ptp(wavelength))

# %% wrong: one width for all instruments | loses: test_profile_matrix
# fwhm / np.sqrt(8 * np.log(2)) => FWHM / np.sqrt(8 * np.log(2))

# %% right: analytic
def profile_matrix(wavelength, centres, fwhm):
    sigma = fwhm / np.sqrt(8 * np.log(2))
    away = wavelength[:, None] - centres
    return np.exp(-0.5 * (away / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))

# %% right: columns summed to one
def profile_matrix(wavelength, centres, fwhm):
    columns = np.exp(-4 * np.log(2) * ((wavelength[:, None] - centres) / fwhm) ** 2)
    return columns / (columns * np.gradient(wavelength)[:, None]).sum(axis=0)

# %% wrong: lines sorted | edits: analytic | loses: test_profile_matrix
# wavelength[:, None] - centres => wavelength[:, None] - np.sort(centres)

# %% wrong: lines moved to the nearest pixel | edits: analytic | loses: test_profile_matrix
# wavelength[:, None] - centres => wavelength[:, None] - wavelength[np.abs(wavelength[:, None] - centres).argmin(axis=0)]

# %% wrong: cut at two sigma | edits: analytic | loses: test_profile_matrix
# / (sigma * np.sqrt(2 * np.pi)) => / (sigma * np.sqrt(2 * np.pi)) * (np.abs(away) < 2 * sigma) / 0.9545

# %% wrong: triangles | loses: test_profile_matrix
def profile_matrix(wavelength, centres, fwhm):
    return np.maximum(1 - np.abs(wavelength[:, None] - centres) / fwhm, 0) / fwhm
