"""Rivals of `line_width`."""

# %% right: pixel by pixel
def line_width(wavelength, excess, low, high):
    h = 0.5 * (wavelength[1] - wavelength[0])
    total = np.zeros(len(excess))
    for k, w in enumerate(wavelength):
        total += excess[:, k] * max(0.0, min(high, w + h) - max(low, w - h))
    return total

# %% right: the cumulative integral at both ends
def line_width(wavelength, excess, low, high):
    step = wavelength[1] - wavelength[0]
    edges = np.append(wavelength - step / 2, wavelength[-1] + step / 2)
    area = np.hstack([np.zeros((len(excess), 1)), np.cumsum(excess, axis=1) * step])
    return np.array([np.interp(high, edges, a) - np.interp(low, edges, a) for a in area])

# %% wrong: emission counted negative | loses: test_flanked_width test_line_width test_line_width_parts
# excess @ => -excess @

# %% wrong: without the width of a pixel | loses: test_flanked_width test_line_width test_line_width_parts
def line_width(wavelength, excess, low, high):
    return excess[:, (wavelength >= low) & (wavelength <= high)].sum(axis=1)

# %% wrong: whole pixels only | loses: test_line_width_parts
def line_width(wavelength, excess, low, high):
    inside = (wavelength >= low) & (wavelength <= high)
    return excess[:, inside].sum(axis=1) * (wavelength[1] - wavelength[0])

# %% wrong: the mean excess | loses: test_flanked_width test_line_width test_line_width_parts
def line_width(wavelength, excess, low, high):
    return excess[:, (wavelength >= low) & (wavelength <= high)].mean(axis=1)

# %% wrong: absorption counted as emission | loses: test_flanked_width test_line_width test_line_width_parts
# excess @ => np.abs(excess) @

# %% wrong: the whole spectrum | loses: test_flanked_width test_line_width_parts
def line_width(wavelength, excess, low, high):
    return np.trapezoid(excess, wavelength, axis=1)

# %% wrong: a trapezium between the pixels inside | loses: test_flanked_width test_line_width_parts
def line_width(wavelength, excess, low, high):
    inside = (wavelength > low) & (wavelength < high)
    return np.trapezoid(excess[:, inside], wavelength[inside], axis=1)

# %% right: trapezia, with values at both ends of the band
def line_width(wavelength, excess, low, high):
    inside = (wavelength > low) & (wavelength < high)
    x = np.concatenate([[low], wavelength[inside], [high]])
    return [float(np.trapezoid(np.interp(x, wavelength, row), x)) for row in excess]

# %% right: scipy's spline of the integral, single precision
def line_width(wavelength, excess, low, high):
    from scipy.interpolate import make_interp_spline

    line = make_interp_spline(wavelength, excess.astype(np.float32).T, k=1).antiderivative()
    return (line(high) - line(low)).astype(np.float32)

# %% wrong: the mean of all pixels times the band | loses: test_flanked_width test_line_width test_line_width_parts
def line_width(wavelength, excess, low, high):
    return excess.mean(axis=1) * (high - low)

# %% wrong: pixels that begin at their centres | loses: test_flanked_width test_line_width_parts
# wavelength - 0.5 * step => wavelength
# wavelength + 0.5 * step => wavelength + step

# %% wrong: the same width for every spectrum | loses: test_flanked_width test_line_width test_line_width_parts
def line_width(wavelength, excess, low, high):
    return np.full(len(excess), 0.3 * (high - low))
