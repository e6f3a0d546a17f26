"""Rivals of `overplot_figure`."""

# %% right: one panel, pyplot, bad pixels masked, in nanometres
def overplot_figure(wavelength, flux, error, predicted, low, high):
    plt.figure()
    good = np.ma.masked_where(error >= 1e9, flux)
    plt.plot(wavelength / 10, good, "k.-", label="data")
    plt.plot(wavelength / 10, predicted, "r", label="model")
    plt.xlim(low / 10, high / 10)
    plt.xlabel("wavelength [nm]")
    plt.ylabel("flux / continuum")
    plt.legend()
    return plt.gcf()

# %% right: points with error bars, texts instead of a legend
def overplot_figure(wavelength, flux, error, predicted, low, high):
    fig, ax = plt.subplots()
    good = error < 1e9
    ax.errorbar(wavelength[good], flux[good], error[good], fmt="o", ms=2)
    ax.plot(wavelength, predicted)
    ax.text(low, 1.05, "points: observed")
    ax.text(low, 1.1, "line: Cannon")
    ax.set(xlim=(low, high), xlabel=r"$\lambda$ ($\mathrm{\AA}$)", ylabel="normalised flux")
    return fig

# %% right: residuals above, in float32
def overplot_figure(wavelength, flux, error, predicted, low, high):
    fig, (a, b) = plt.subplots(2, 1, sharex=True)
    seen = (wavelength > low) & (wavelength < high)
    shown = np.float32(np.where(error < 1e9, flux, np.nan))
    a.plot(wavelength[seen], (shown - predicted)[seen])
    b.plot(wavelength[seen], shown[seen], label="observed")
    b.plot(wavelength[seen], predicted[seen], label="predicted")
    b.legend()
    b.set_xlim(low, high)
    b.set_ylabel("flux")
    b.set_xlabel("Wavelength (Angstrom)")
    return fig

# %% wrong: bad pixels are drawn | loses: test_overplot_figure
# np.where(error < BAD_LIMIT, flux, np.nan) => flux

# %% wrong: the prediction alone | loses: test_overplot_figure test_overplot_figure_axes
# - above.plot(wavelength[seen], observed[seen], lw=2.2, color="0.6", label="observed")

# %% wrong: the observed spectrum drawn twice | loses: test_overplot_figure
# predicted[seen], => observed[seen],

# %% wrong: no limits, the whole spectrum | loses: test_overplot_figure_axes
# (wavelength >= low) & (wavelength <= high) => wavelength > 0
# - above.set_xlim(low, high)

# %% wrong: no legend | loses: test_overplot_figure_axes
# - above.legend(loc="lower left")

# %% wrong: no unit | loses: test_overplot_figure_axes
# "vacuum wavelength / Å" => "wavelength"

# %% wrong: against the pixel number | loses: test_overplot_figure test_overplot_figure_axes
def overplot_figure(wavelength, flux, error, predicted, low, high):
    fig, ax = plt.subplots()
    ax.plot(np.where(error < 1e9, flux, np.nan), label="observed")
    ax.plot(predicted, label="predicted")
    ax.legend()
    ax.set(xlabel="pixel", ylabel="flux")
    return fig

# %% wrong: half of the range | loses: test_overplot_figure test_overplot_figure_axes
# (wavelength >= low) & (wavelength <= high) => (wavelength >= low) & (wavelength <= (low + high) / 2)
# above.set_xlim(low, high) => above.set_xlim(low, (low + high) / 2)

# %% wrong: each in a panel of its own | loses: test_overplot_figure_axes
def overplot_figure(wavelength, flux, error, predicted, low, high):
    fig, (a, b) = plt.subplots(2, 1)
    a.plot(wavelength, np.where(error < 1e9, flux, np.nan), label="observed")
    b.plot(wavelength, predicted, label="predicted")
    for ax in (a, b):
        ax.legend()
        ax.set(xlim=(low, high), xlabel="wavelength / Å", ylabel="flux")
    return fig

# %% wrong: an empty figure with everything written on it | loses: test_overplot_figure test_overplot_figure_axes
def overplot_figure(wavelength, flux, error, predicted, low, high):
    fig, ax = plt.subplots()
    ax.set(xlim=(low, high), xlabel="wavelength / Å", ylabel="flux")
    return fig
