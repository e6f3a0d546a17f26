"""Rivals of `sequence_figure`."""

# %% right: shifted downwards, legend
def sequence_figure(wavelength, spectra, values, name):
    fig, ax = plt.subplots()
    k = (wavelength > 16000) & (wavelength < 16200)
    for i in range(len(values)):
        ax.plot(wavelength[k], spectra[i][k] - 0.5 * i, label=f"{name} = {values[i]:.2f}", color=plt.cm.viridis(i / len(values)))
    ax.legend()
    ax.set(xlabel=r"wavelength [$\AA$]", ylabel="flux + offset", xlim=(16000, 16200))
    return fig

# %% right: the whole spectra, limits set, in micrometres
def sequence_figure(wavelength, spectra, values, name):
    fig, ax = plt.subplots(figsize=(10, 8))
    for i, (s, v) in enumerate(zip(spectra, values)):
        ax.plot(wavelength / 1e4, s + 0.25 * i, c=plt.cm.cividis(i / 10))
        ax.text(1.6, 1 + 0.25 * i, f"{v:.1f}")
    ax.set_title(name)
    ax.set_xlim(1.6, 1.62)
    ax.set_xlabel(r"$\lambda$ / $\mu$m")
    return fig

# %% wrong: no offset | loses: test_sequence_figure
# + number * step =>

# %% wrong: shifted by the value itself | loses: test_sequence_figure
# number * step => value**2

# %% wrong: multiplied instead of shifted | loses: test_sequence_figure
# spectrum[seen] + number * step => spectrum[seen] * (1 + 0.3 * number)

# %% wrong: the whole range is shown | loses: test_sequence_figure_window
# wavelength[seen], spectrum[seen] => wavelength, spectrum
# - axis.set_xlim(*WINDOW)

# %% wrong: half of the range | loses: test_sequence_figure_window
# axis.set_xlim(*WINDOW) => axis.set_xlim(16000, 16100)

# %% wrong: against pixel number | loses: test_sequence_figure test_sequence_figure_window
# axis.plot(wavelength[seen], spectrum[seen] => axis.plot(spectrum
# - axis.set_xlim(*WINDOW)

# %% wrong: nothing is labelled | loses: test_sequence_figure_labels
# - figure.colorbar(plt.cm.ScalarMappable(norm, map_), ax=axis, label=name)

# - axis.set_xlabel("vacuum wavelength / Å")
# - axis.set_ylabel("flux / pseudo-continuum, shifted")

# %% wrong: the colours are not explained | loses: test_sequence_figure_labels
# - figure.colorbar(plt.cm.ScalarMappable(norm, map_), ax=axis, label=name)

# %% wrong: only the first and the last | loses: test_sequence_figure
# spectra, values, strict=True => spectra[[0, -1]], [values[0], values[-1]], strict=True
