# %% right: one panel, zeros made NaN
def spectrum_figure(wavelength, flux):
    fig, ax = plt.subplots(figsize=(12, 3))
    ax.plot(wavelength, np.where(flux == 0, np.nan, flux), "k-", lw=0.5)
    ax.set_xlabel("Wavelength (Angstrom)")
    ax.set_ylabel(r"Flux ($10^{-17}$ erg/s/cm$^2$/$\AA$)")
    return fig

# %% right: one panel, a line for each chip
def spectrum_figure(wavelength, flux):
    fig = plt.figure()
    ax = fig.add_subplot()
    for chip in apogee.CHIPS:
        ax.step(wavelength[apogee.CHIPS[chip]], flux[apogee.CHIPS[chip]], label=chip)
    ax.legend()
    ax.set(
        xlabel=r"$\lambda$ [$\mathrm{\AA}$]",
        ylabel=r"$f_\lambda$ [1e-17 erg s-1 cm-2 A-1]",
        ylim=(0, None),
    )
    return fig

# %% right: points, zeros left out
def spectrum_figure(wavelength, flux):
    lit = flux > 0
    fig, ax = plt.subplots()
    ax.scatter(wavelength[lit], flux[lit], s=1)
    ax.set_xlabel("wavelength [Å]")
    ax.set_ylabel("flux [1e-17 erg/s/cm2/Å]")
    return fig

# %% right: three panels side by side, masked arrays
def spectrum_figure(wavelength, flux):
    fig, axes = plt.subplots(1, 3, sharey=True)
    masked = np.ma.masked_equal(flux, 0)
    for ax, (low, high) in zip(axes, ((15100, 15850), (15850, 16460), (16460, 17000))):
        ax.plot(wavelength, masked)
        ax.set_xlim(low, high)
        ax.set_xlabel("vacuum wavelength, Å")
    axes[0].set_ylabel("flux, $10^{-17}$ erg s$^{-1}$ cm$^{-2}$ Å$^{-1}$")
    return fig

# %% right: nanometres, in single precision, a spaced unit
def spectrum_figure(wavelength, flux):
    fig, ax = plt.subplots()
    shown = np.where(flux == 0, np.nan, flux).astype("f4")
    ax.step(np.float32(wavelength / 10), shown, where="mid")
    ax.set(xlabel=r"$\lambda_{\rm vac}$ (nm)")
    ax.set_ylabel(r"F$_\lambda$ [10$^{-17}$ erg/s/cm$^2$/$\mathring{A}$]")
    return fig

# %% right: micrometres, the labels of the whole figure
def spectrum_figure(wavelength, flux):
    fig, axes = plt.subplots(3)
    for ax, chip in zip(axes, apogee.CHIPS.values()):
        ax.plot(wavelength[chip] / 1e4, flux[chip], ".")
    fig.supxlabel(r"Wavelength [$\mu$m]")
    fig.supylabel(r"Flux [1e-17 erg s$^{-1}$ cm$^{-2}$ Ang$^{-1}$]")
    return fig

# %% right: a short name of the unit
# "vacuum wavelength [Å]" => "Wavelength [Ang]"

# %% right: the letter A for the unit
# "vacuum wavelength [Å]" => "wavelength (A)"

# %% wrong: chips joined across the gaps | loses: test_spectrum_figure_gaps
def spectrum_figure(wavelength, flux):
    lit = flux > 0
    fig, ax = plt.subplots()
    ax.plot(wavelength[lit], flux[lit])
    ax.set(xlabel="wavelength [Å]", ylabel="flux [1e-17 erg/s/cm2/Å]")
    return fig

# %% wrong: the zeros of the gaps drawn | loses: test_spectrum_figure_gaps
def spectrum_figure(wavelength, flux):
    fig, ax = plt.subplots()
    ax.plot(wavelength, flux)
    ax.set(xlabel="wavelength [Å]", ylabel="flux [1e-17 erg/s/cm2/Å]")
    return fig

# %% wrong: no units | loses: test_spectrum_figure
# r"flux [$10^{-17}$ erg s$^{-1}$ cm$^{-2}$ Å$^{-1}$]" => "flux"
# "vacuum wavelength [Å]" => "wavelength"

# %% wrong: no labels | loses: test_spectrum_figure
# - panels[1].set_ylabel(r"flux [$10^{-17}$ erg s$^{-1}$ cm$^{-2}$ Å$^{-1}$]")
# - panels[2].set_xlabel("vacuum wavelength [Å]")

# %% wrong: against the number of the pixel | loses: test_spectrum_figure test_spectrum_figure_data test_spectrum_figure_gaps
# panel.plot(wavelength[pixels], flux[pixels], => panel.plot(flux[pixels],

# %% wrong: one chip | loses: test_spectrum_figure_data
# apogee.CHIPS.items(), strict=True => [*apogee.CHIPS.items()][1:2], strict=False

# %% wrong: axes exchanged | loses: test_spectrum_figure test_spectrum_figure_data test_spectrum_figure_gaps
def spectrum_figure(wavelength, flux):
    fig, ax = plt.subplots()
    for chip in apogee.CHIPS.values():
        ax.plot(flux[chip], wavelength[chip])
    ax.set(ylabel="wavelength [Å]", xlabel="flux [1e-17 erg/s/cm2/Å]")
    return fig

# %% wrong: the axes instead of the figure | loses: test_spectrum_figure test_spectrum_figure_data test_spectrum_figure_gaps
# return figure => return panels[0]

# %% wrong: labels and a single point | loses: test_spectrum_figure test_spectrum_figure_data test_spectrum_figure_gaps
def spectrum_figure(wavelength, flux):
    fig, ax = plt.subplots()
    ax.plot(wavelength[4000:4001], flux[4000:4001], "o")
    ax.set(xlabel="wavelength [Å]", ylabel="flux [1e-17 erg/s/cm2/Å]")
    return fig

# %% wrong: every argument against its number, every label | loses: test_spectrum_figure test_spectrum_figure_data test_spectrum_figure_gaps
def spectrum_figure(wavelength, flux):
    fig, ax = plt.subplots()
    ax.plot(wavelength)
    ax.plot(flux)
    ax.set(xlabel="wavelength [Å], flux", ylabel="wavelength [Å], flux [1e-17 erg/s/cm2/Å]")
    return fig

# %% wrong: nanometres under the name of Å | loses: test_spectrum_figure
# wavelength[pixels], flux[pixels] => wavelength[pixels] / 10, flux[pixels]

# %% wrong: limits in which nothing is seen | loses: test_spectrum_figure_data
# np.nanpercentile(flux[pixels], [0.3, 99.7]) => np.nanpercentile(wavelength[pixels], [0.3, 99.7])

# %% wrong: upside down | loses: test_spectrum_figure_data
# low - 0.1 * (high - low), high + 0.1 * (high - low) => high + 0.1 * (high - low), low - 0.1 * (high - low)

# %% wrong: the flux normalised | loses: test_spectrum_figure_data
# wavelength[pixels], flux[pixels] => wavelength[pixels], flux[pixels] / np.median(flux)

# %% wrong: a window a hundredth as wide | loses: test_spectrum_figure_data
def spectrum_figure(wavelength, flux):
    fig, ax = plt.subplots()
    for chip in apogee.CHIPS.values():
        ax.plot(wavelength[chip], flux[chip], lw=0.5)
    ax.set_xlim(16000, 16020)
    ax.set(xlabel="wavelength [Å]", ylabel="flux [1e-17 erg/s/cm2/Å]")
    return fig

# %% wrong: the unit per hertz | loses: test_spectrum_figure
def spectrum_figure(wavelength, flux):
    fig, ax = plt.subplots()
    for chip in apogee.CHIPS.values():
        ax.plot(wavelength[chip], flux[chip], lw=0.5)
    ax.set(xlabel="wavelength [Å]", ylabel="flux [erg/s/cm2/Hz]")
    return fig

# %% wrong: the factor of 1e-17 is not told | loses: test_spectrum_figure
def spectrum_figure(wavelength, flux):
    fig, ax = plt.subplots()
    for chip in apogee.CHIPS.values():
        ax.plot(wavelength[chip], flux[chip], lw=0.5)
    ax.set(xlabel="wavelength [Å]", ylabel="flux [erg/s/cm2/Å]")
    return fig

# %% wrong: no unit of wavelength in the flux | loses: test_spectrum_figure
def spectrum_figure(wavelength, flux):
    fig, ax = plt.subplots()
    for chip in apogee.CHIPS.values():
        ax.plot(wavelength[chip], flux[chip], lw=0.5)
    ax.set(xlabel="wavelength [Å]", ylabel="flux [1e-17 erg/s/cm2]")
    return fig

# %% right: masked array, side by side with shared labels
def spectrum_figure(wavelength, flux):
    fig, axs = plt.subplots(1, 3, sharey=True, figsize=(12, 3))
    dark = np.ma.masked_equal(np.asarray(flux), 0.0)
    edges = list(apogee.CHIPS.values())
    for ax, chip in zip(axs, edges):
        ax.step(wavelength, dark, where="mid")
        ax.set_xlim(wavelength[chip][0], wavelength[chip][-1])
    fig.supxlabel("Wavelength (Angstrom)")
    fig.supylabel("Flux (1e-17 erg/s/cm^2/Ang)")
    return fig
