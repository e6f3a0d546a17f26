# %% right: the relativistic formula
def observed_wavelength(wavelength, star_velocity, barycentric_correction):
    beta = (star_velocity - barycentric_correction) / 299792.458
    return wavelength * np.sqrt((1 + beta) / (1 - beta))

# %% right: one Doppler factor for the star, one for the Earth
def observed_wavelength(wavelength, star_velocity, barycentric_correction):
    return wavelength * (1 + star_velocity / 2.998e5) / (1 + barycentric_correction / 2.998e5)

# %% right: a shift added, in metres per second
def observed_wavelength(wavelength, star_velocity, barycentric_correction):
    v = 1000 * (star_velocity - barycentric_correction)
    shift = np.asarray(wavelength) * v / 299792458
    return np.asarray(wavelength) + shift

# %% right: a factor of exponential form
def observed_wavelength(wavelength, star_velocity, barycentric_correction):
    return wavelength * np.exp((star_velocity - barycentric_correction) / 299792.458)

# %% right: astropy's Doppler equivalence, single precision
def observed_wavelength(wavelength, star_velocity, barycentric_correction):
    from astropy import units as u

    v = (star_velocity - barycentric_correction) * u.km / u.s
    rest = wavelength * u.AA
    factor = v.to(u.AA, u.doppler_optical(1 * u.AA)).value
    return (rest * factor).value.astype(np.float32)

# %% wrong: the star moves the other way | loses: test_observed_wavelength test_observed_wavelength_earth
# 1 + measured_velocity => 1 - measured_velocity

# %% wrong: correction added | loses: test_observed_wavelength_earth
# star_velocity - barycentric_correction => star_velocity + barycentric_correction

# %% wrong: correction forgotten | loses: test_observed_wavelength_earth
# - barycentric_correction =>

# %% wrong: speed of light in m/s | loses: test_observed_wavelength test_observed_wavelength_earth
# 299792.458 => 2.998e8

# %% wrong: back to rest instead | loses: test_observed_wavelength test_observed_wavelength_earth
# wavelength * => wavelength /

# %% wrong: the shift alone | loses: test_observed_wavelength test_observed_wavelength_earth
# 1 + measured_velocity => measured_velocity

# %% wrong: the same shift in Å everywhere | loses: test_observed_wavelength test_observed_wavelength_earth
# wavelength * (1 + measured_velocity / 299792.458) => wavelength + 16000 * measured_velocity / 3e5

# %% wrong: the wavelength as it is | loses: test_observed_wavelength test_observed_wavelength_earth
def observed_wavelength(wavelength, star_velocity, barycentric_correction):
    return wavelength
