"""Rivals of `flanked_width`."""

# %% right: one spectrum at a time
def flanked_width(wavelength, flux, low=6550.0, high=6575.0, reach=50.0):
    h = 0.5 * (wavelength[1] - wavelength[0])
    made = []
    for row in flux:
        away = np.maximum(low - wavelength, wavelength - high)
        level = np.mean(row[(away > 0) & (away <= reach)])
        part = np.clip(wavelength + h, low, high) - np.clip(wavelength - h, low, high)
        made.append(np.sum(part * (row - level) / level))
    return made

# %% right: single precision
def flanked_width(wavelength, flux, low=6550.0, high=6575.0, reach=50.0):
    flux = np.asarray(flux, dtype=np.float32)
    beside = (np.abs(wavelength - 0.5 * (low + high)) <= reach + 0.5 * (high - low)) & (
        (wavelength < low) | (wavelength > high)
    )
    level = flux[:, beside].mean(1)
    return line_width(wavelength, flux, low, high) / level - (high - low)

# %% wrong: the excess not divided by the continuum | loses: test_flanked_width
# flux / level - 1 => flux - level

# %% wrong: emission negative | loses: test_flanked_width
# flux / level - 1 => 1 - flux / level

# %% wrong: one continuum for all spectra | loses: test_flanked_width
# flux[:, left | right].mean(axis=1, keepdims=True) => flux[:, left | right].mean()

# %% wrong: the continuum on the left only | loses: test_flanked_width
# left | right => left

# %% wrong: the band counted with the continuum | loses: test_flanked_width
# left | right => (wavelength >= low - reach) & (wavelength <= high + reach)

# %% wrong: the paper's band whatever was asked | loses: test_flanked_width
# flux / level - 1, low, high) => flux / level - 1, 6550.0, 6575.0)

# %% wrong: always 50 Å of continuum | loses: test_flanked_width
# high + reach => high + 50.0
# low - reach => low - 50.0

# %% wrong: pixels counted, not Å | loses: test_flanked_width
# line_width(wavelength, flux / level - 1, low, high) => (flux / level - 1)[:, ~(left | right) & (wavelength > low) & (wavelength < high)].sum(axis=1)
