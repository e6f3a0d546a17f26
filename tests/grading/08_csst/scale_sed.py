"""Rivals of `scale_sed`."""

# %% right: a loop
def scale_sed(wavelength, sed):
    inside = [i for i, w in enumerate(wavelength) if 5526 <= w <= 5586]
    return np.array([s / np.mean(s[inside]) for s in sed])

# %% right: a weight
def scale_sed(wavelength, sed):
    weight = ((wavelength > 5525.999) & (wavelength < 5586.001)).astype(float)
    return sed * (weight.sum() / (sed @ weight))[:, None]

# %% wrong: the wrong band | loses: test_scale_sed
# csst.SCALE_BAND => 5226, 5286

# %% wrong: the flux at one pixel | loses: test_scale_sed
def scale_sed(wavelength, sed):
    return sed / sed[:, [np.argmin(np.abs(wavelength - 5556))]]

# %% wrong: the mean of all wavelengths | loses: test_scale_sed
# sed[:, band].mean => sed.mean

# %% wrong: one factor for all stars | loses: test_scale_sed
# sed[:, band].mean(axis=1, keepdims=True) => sed[:, band].mean()

# %% wrong: each brightest pixel is one | loses: test_scale_sed
def scale_sed(wavelength, sed):
    return sed / sed.max(axis=1, keepdims=True)

# %% wrong: nanometres | loses: test_scale_sed
# csst.SCALE_BAND => 552.6, 5586

# %% right: pandas, single precision
def scale_sed(wavelength, sed):
    import pandas as pd

    table = pd.DataFrame(np.asarray(sed).T, index=wavelength)
    return (table / table.loc[5526:5586].mean()).to_numpy().T.astype(np.float32)

# %% wrong: the last pixel of the band left out | loses: test_scale_sed
# wavelength <= high => wavelength < high

# %% wrong: the first pixel of the band left out | loses: test_scale_sed
# wavelength >= low => wavelength > low

# %% wrong: one everywhere | loses: test_scale_sed
def scale_sed(wavelength, sed):
    return np.ones_like(sed)

# %% wrong: as it was | loses: test_scale_sed
def scale_sed(wavelength, sed):
    return sed
