"""Rivals of `line_intensities`."""

# %% right: the trapezium rule, in natural logarithms inside
def line_intensities(g, log_temperature, log_peak, density, length):
    x = (log_temperature - log_peak) * np.log(10)
    phi = np.minimum(np.exp(1.5 * x), np.exp(-4 * x))
    return np.trapezoid(g * phi, log_temperature, axis=1) * density**2 * length

# %% right: line by line
def line_intensities(g, log_temperature, log_peak, density, length):
    ratio = 10.0**log_temperature / 10.0**log_peak
    out = []
    for row in g:
        total = 0.0
        for value, r in zip(row, ratio):
            total += value * (r**1.5 if r < 1 else r**-4.0)
        out.append(total * (log_temperature[1] - log_temperature[0]) * density * density * length)
    return out

# %% wrong: linear in density | loses: test_line_intensities_density
# density**2 => density

# %% wrong: density dependence dropped | loses: test_line_intensities_density
# density**2 * =>

# %% wrong: natural for base-10 exponential | loses: test_line_intensities
# 10 ** np.where(x < 0, 1.5 * x, -4 * x) => np.exp(np.where(x < 0, 1.5 * x, -4 * x))

# %% wrong: a sum instead of an integral | loses: test_line_intensities
# (g @ phi) * step => (g @ phi)

# %% wrong: rise and fall swapped | loses: test_line_intensities
# x < 0, 1.5 * x, -4 * x => x > 0, -1.5 * x, 4 * x

# %% wrong: isothermal | loses: test_line_intensities
def line_intensities(g, log_temperature, log_peak, density, length):
    return density**2 * length * g[:, np.argmin(np.abs(log_temperature - log_peak))]
