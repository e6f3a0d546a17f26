"""Rivals of `checkpoint_figure`."""

# %% right: three chips side by side, two rows, in micrometres
def checkpoint_figure(wavelength, flux, continuum, normalised):
    fig, axes = plt.subplots(2, 3, sharey="row")
    edges = np.linspace(wavelength[0], wavelength[-1], 4)
    for (top, low), a, b in zip(axes.T, edges[:-1], edges[1:], strict=True):
        k = (wavelength >= a) & (wavelength <= b)
        top.plot(wavelength[k] / 1e4, flux[k])
        top.plot(wavelength[k] / 1e4, continuum[k])
        low.plot(wavelength[k] / 1e4, normalised[k])
        low.set(ylim=(0.3, 1.3), xlabel=r"Wavelength [$\mu$m]")
    axes[0, 0].set(ylim=(0, 3000), ylabel=r"$F_\lambda$ flux [$10^{-17}$ erg/s/cm$^2$/Å]")
    axes[1, 0].set_ylabel("normalized flux")
    return fig

# %% right: points, three panels, default limits
def checkpoint_figure(wavelength, flux, continuum, normalised):
    fig, ax = plt.subplots(3)
    ax[0].plot(wavelength, flux, label="spectrum")
    ax[1].scatter(wavelength, flux, s=1)
    ax[1].plot(wavelength, continuum, "--")
    ax[2].plot(wavelength, normalised, "k.")
    for a in ax:
        a.set_xlabel("wavelength (Angstrom)")
    ax[0].set_ylabel("flux (1e-17 erg/s/cm2/A)")
    ax[1].set_ylabel("flux (1e-17 erg/s/cm2/A)")
    ax[2].set_ylabel("relative flux")
    ax[2].set_ylim(0, 2)
    ax[1].set_ylim(0, 2500)
    return fig

# %% right: nanometres, spaced units, a legend of the figure
def checkpoint_figure(wavelength, flux, continuum, normalised):
    fig, axes = plt.subplots(2, sharex=True)
    axes[0].plot(wavelength / 10, np.c_[flux, continuum].astype("f4"))
    axes[1].plot(wavelength / 10, normalised.astype("f4"))
    axes[0].set_ylabel(r"F$_{\lambda}$ [10$^{-17}$ erg s$^{-1}$ cm$^{-2}$ $\mathring{A}^{-1}$]")
    axes[1].set(ylim=(0, 1.5), ylabel="F / continuum", xlabel=r"$\lambda$ (nm)")
    fig.legend(["observed", "continuum"], title="spectrum")
    return fig

# %% right: the letter A for the unit
# vacuum wavelength / Å => Wavelength (A)

# %% right: a short name of the unit
# vacuum wavelength / Å => Wavelength [Ang]

# %% wrong: normalised spectrum drawn twice, no continuum | loses: test_checkpoint_figure test_checkpoint_figure_labels test_checkpoint_figure_limits
def checkpoint_figure(wavelength, flux, continuum, normalised):
    fig, ax = plt.subplots(2)
    ax[0].plot(wavelength, normalised)
    ax[1].plot(wavelength, normalised)
    ax[1].set(xlabel="wavelength / Å", ylabel="flux / 1e-17 erg/s/cm2/Å", ylim=(0, 1.5))
    return fig

# %% wrong: no labels | loses: test_checkpoint_figure, test_checkpoint_figure_labels
# - above.set_ylabel(FLUX_LABEL)

# - below.set_ylabel("normalised flux")
# - below.set_xlabel("vacuum wavelength / Å")

# %% wrong: labels without units | loses: test_checkpoint_figure, test_checkpoint_figure_labels
# FLUX_LABEL => "flux"
# vacuum wavelength / Å => wavelength

# %% wrong: the normalised flux has no label | loses: test_checkpoint_figure, test_checkpoint_figure_labels
# - below.set_ylabel("normalised flux")

# %% wrong: upside down | loses: test_checkpoint_figure_limits
# 0.2, 1.2 => 1.2, 0.2

# %% wrong: against pixel number | loses: test_checkpoint_figure test_checkpoint_figure_labels
# wavelength, flux, lw => flux, lw
# wavelength, continuum, lw => continuum, lw
# wavelength, normalised, lw => normalised, lw

# %% wrong: limits from zero to a million | loses: test_checkpoint_figure_limits
# 1.25 * np.nanmax(continuum) => 1e6
# 0.2, 1.2 => 0, 50

# %% wrong: everything in one panel | loses: test_checkpoint_figure test_checkpoint_figure_labels test_checkpoint_figure_limits
def checkpoint_figure(wavelength, flux, continuum, normalised):
    fig, ax = plt.subplots()
    ax.plot(wavelength, flux)
    ax.plot(wavelength, continuum)
    ax.plot(wavelength, normalised)
    ax.set(xlabel="wavelength / Å", ylabel="flux / 1e-17 erg/s/cm2/Å", ylim=(0, 2500))
    return fig

# %% wrong: the axes returned instead of the figure | loses: test_checkpoint_figure test_checkpoint_figure_labels test_checkpoint_figure_limits
# return figure => return above

# %% wrong: labels and limits, nothing drawn | loses: test_checkpoint_figure test_checkpoint_figure_labels test_checkpoint_figure_limits
def checkpoint_figure(wavelength, flux, continuum, normalised):
    fig, axes = plt.subplots(2)
    for ax in axes:
        ax.set(xlabel="wavelength / Å", ylabel="flux / 1e-17 erg/s/cm2/Å", ylim=(0, 1.5))
    return fig

# %% wrong: everything in both panels, every label | loses: test_checkpoint_figure test_checkpoint_figure_labels test_checkpoint_figure_limits
def checkpoint_figure(wavelength, flux, continuum, normalised):
    fig, axes = plt.subplots(2)
    for ax in axes:
        ax.plot(wavelength, np.c_[flux, continuum, normalised])
        ax.set(xlabel="wavelength / Å", ylabel="normalised flux / 1e-17 erg/s/cm2/Å")
    return fig

# %% wrong: every argument against its number | loses: test_checkpoint_figure test_checkpoint_figure_labels test_checkpoint_figure_limits
def checkpoint_figure(wavelength, flux, continuum, normalised):
    fig, axes = plt.subplots(2)
    for ax in axes:
        ax.plot(np.c_[wavelength, flux, continuum, normalised])
        ax.set(xlabel="wavelength / Å", ylabel="flux / 1e-17 erg/s/cm2/Å")
    return fig

# %% wrong: nanometres under the name of Å | loses: test_checkpoint_figure_labels
#   with plots.style():
# +     wavelength = wavelength / 10

# %% wrong: gaps filled with zero | loses: test_checkpoint_figure
def checkpoint_figure(wavelength, flux, continuum, normalised):
    fig, (top, bottom) = plt.subplots(2, 1, sharex=True)
    top.plot(wavelength, np.nan_to_num(flux))
    top.plot(wavelength, np.nan_to_num(continuum))
    top.set_ylabel("flux [1e-17 erg/s/cm2/Å]")
    bottom.plot(wavelength, np.nan_to_num(normalised))
    bottom.set_ylabel("normalised flux")
    bottom.set_xlabel("wavelength [Å]")
    return fig

# %% wrong: a window of twenty ångström | loses: test_checkpoint_figure
def checkpoint_figure(wavelength, flux, continuum, normalised):
    fig, (top, bottom) = plt.subplots(2, 1, sharex=True)
    top.plot(wavelength, flux)
    top.plot(wavelength, continuum)
    top.set_ylabel("flux [1e-17 erg/s/cm2/Å]")
    bottom.plot(wavelength, normalised)
    bottom.set_ylabel("normalised flux")
    bottom.set_xlabel("wavelength [Å]")
    bottom.set_xlim(16000, 16020)
    return fig

# %% wrong: both panels say flux in units of the survey | loses: test_checkpoint_figure
def checkpoint_figure(wavelength, flux, continuum, normalised):
    fig, (top, bottom) = plt.subplots(2, 1, sharex=True)
    top.plot(wavelength, flux)
    top.plot(wavelength, continuum)
    bottom.plot(wavelength, normalised)
    for a in (top, bottom):
        a.set_ylabel("flux [1e-17 erg/s/cm2/Å]")
    bottom.set_xlabel("wavelength [Å]")
    return fig

# %% wrong: labels of the two panels exchanged | loses: test_checkpoint_figure
def checkpoint_figure(wavelength, flux, continuum, normalised):
    fig, (top, bottom) = plt.subplots(2, 1, sharex=True)
    top.plot(wavelength, flux)
    top.plot(wavelength, continuum)
    bottom.plot(wavelength, normalised)
    bottom.set_ylabel("flux [1e-17 erg/s/cm2/Å]")
    top.set_ylabel("normalised flux")
    bottom.set_xlabel("wavelength [Å]")
    return fig
