"""Rivals of `surface_flux`."""

# %% right: one star at a time
def surface_flux(width, continuum, teff):
    import math

    logs = []
    for w, c, t in zip(width, continuum, teff):
        f = float(c) * float(sum(w))
        logs.append((math.log10(f), math.log10(f / (5.670374e-5 * t**4))) if f > 0 else (math.nan,) * 2)
    return [a for a, _ in logs], [b for _, b in logs]

# %% right: astropy's constant
def surface_flux(width, continuum, teff):
    from astropy.constants import sigma_sb

    with np.errstate(all="ignore"):
        f = np.log10(continuum) + np.log10(np.sum(width, axis=1))
        return f, f - np.log10(sigma_sb.cgs.value) - 4 * np.log10(teff)

# %% wrong: no logarithm | loses: test_surface_flux test_surface_flux_absorption
# return log_flux, log_flux - np.log10(stefan_boltzmann * teff**4) => return flux, flux / (stefan_boltzmann * teff**4)

# %% wrong: natural logarithms | loses: test_surface_flux
def surface_flux(width, continuum, teff):
    flux = np.log(continuum * width.sum(axis=1))
    return flux, flux - np.log(5.670374e-5 * teff**4)

# %% wrong: Stefan and Boltzmann in SI | loses: test_surface_flux
# 5.670374e-5 => 5.670374e-8

# %% wrong: the mean of the lines | loses: test_surface_flux
# width.sum(axis=1) => width.mean(axis=1)

# %% wrong: the first line only | loses: test_surface_flux test_surface_flux_absorption
# width.sum(axis=1) => width[:, 0]

# %% wrong: without the continuum | loses: test_surface_flux
# flux = continuum * width.sum(axis=1) => flux = width.sum(axis=1)

# %% wrong: the share turned over | loses: test_surface_flux
# log_flux - np.log10(stefan_boltzmann * teff**4) => np.log10(stefan_boltzmann * teff**4) - log_flux

# %% wrong: the third power | loses: test_surface_flux
# teff**4 => teff**3

# %% wrong: absorption taken for emission | loses: test_surface_flux_absorption
# np.where(flux > 0, flux, np.nan) => np.abs(flux)

# %% wrong: minus infinity for absorption | loses: test_surface_flux_absorption
# np.where(flux > 0, flux, np.nan) => np.maximum(flux, 1e-30)

# %% wrong: lines not seen left out of the sum | loses: test_surface_flux_absorption
# width.sum(axis=1) => np.nansum(width, axis=1)
