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

# %% right: Simpson's rule
def line_intensities(g, log_temperature, log_peak, density, length):
    from scipy.integrate import simpson

    x = np.asarray(log_temperature) - log_peak
    phi = 10.0 ** np.minimum(1.5 * x, -4 * x)
    return (density**2 * length * simpson(g * phi, x=log_temperature, axis=1)).tolist()

# %% right: pandas, single precision
def line_intensities(g, log_temperature, log_peak, density, length):
    import pandas as pd

    x = pd.Series(np.asarray(log_temperature, dtype=np.float32)) - np.float32(log_peak)
    phi = 10 ** (1.5 * x).where(x < 0, -4 * x)
    integral = pd.DataFrame(np.asarray(g)).mul(phi, axis=1).sum(axis=1) * x.diff().mean()
    return np.float32(integral * float(density) ** 2 * length)

# %% wrong: the depth ignored | loses: test_line_intensities
# density**2 * length => density**2 * 1e10

# %% wrong: the peak ignored | loses: test_line_intensities
# log_temperature - log_peak => log_temperature - 6.5

# %% wrong: a fall as slow as the rise | loses: test_line_intensities
# -4 * x => -1.5 * x

# %% wrong: one everywhere | loses: test_line_intensities test_line_intensities_density
def line_intensities(g, log_temperature, log_peak, density, length):
    return np.ones(len(g))

# %% right: a sum times the step
def line_intensities(g, log_temperature, log_peak, density, length):
    away = log_temperature - log_peak
    phi = np.where(away < 0, 10 ** (1.5 * away), 10 ** (-4 * away))
    return density**2 * length * (log_temperature[1] - log_temperature[0]) * (g @ phi)

# %% wrong: the peak moved to the nearest point of the grid | edits: a sum times the step | loses: test_line_intensities
# log_temperature - log_peak => log_temperature - log_temperature[np.abs(log_temperature - log_peak).argmin()]
