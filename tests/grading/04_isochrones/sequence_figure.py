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
    ax.set_ylabel("flux + constant")
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

# %% wrong: against pixel number | loses: test_sequence_figure test_sequence_figure_window test_sequence_figure_labels
# axis.plot(wavelength[seen], spectrum[seen] => axis.plot(spectrum
# - axis.set_xlim(*WINDOW)

# %% wrong: nothing is labelled | loses: test_sequence_figure_labels
# - figure.colorbar(plt.cm.ScalarMappable(norm, map_), ax=axis, label=name)

# - axis.set_xlabel("vacuum wavelength / Å")
# - axis.set_ylabel("flux / pseudo-continuum, shifted")

# %% wrong: the colours are not explained | loses: test_sequence_figure_labels
# - figure.colorbar(plt.cm.ScalarMappable(norm, map_), ax=axis, label=name)

# %% wrong: only the first and the last | loses: test_sequence_figure test_sequence_figure_window test_sequence_figure_labels
# spectra, values, strict=True => spectra[[0, -1]], [values[0], values[-1]], strict=True

# %% right: a collection of lines, in nanometres
def sequence_figure(wavelength, spectra, values, name):
    from matplotlib.collections import LineCollection

    fig, ax = plt.subplots()
    k = (wavelength > 15995) & (wavelength < 16205)
    stack = [np.column_stack([wavelength[k] / 10, s[k] + 0.4 * n]) for n, s in enumerate(spectra)]
    lines = LineCollection(stack, array=np.asarray(values), cmap="plasma")
    ax.add_collection(lines)
    ax.autoscale()
    ax.set(xlim=(1600, 1620), xlabel=r"$\lambda$ [nm]", ylabel=r"$F_\lambda$ + constant")
    fig.colorbar(lines, ax=ax, orientation="horizontal", label=name)
    return fig

# %% right: in float32, the figure's own legend explains the colours
def sequence_figure(wavelength, spectra, values, name):
    fig, ax = plt.subplots()
    w = np.float32(wavelength)
    for number, value in enumerate(values):
        ax.plot(w, np.float32(spectra[number]) + np.float32(0.6 * number), label=f"{value:.2f}")
    fig.legend(title=name)
    ax.set(xlabel=r"Wavelength [$\mathrm{\AA}$]", ylabel="flux + constant", xlim=(16000, 16200))
    return fig

# %% wrong: all in one colour | loses: test_sequence_figure_labels
# color=map_(norm(value)) => color="k"

# %% wrong: the colour bar counts spectra, the values are ignored | loses: test_sequence_figure_labels
# np.min(values), np.max(values) => 0, len(values)
# color=map_(norm(value)) => color=map_(norm(number))

# %% wrong: colours in turn, beside a colour bar | loses: test_sequence_figure_labels
# color=map_(norm(value)) => color=f"C{number}"

# %% wrong: shifted by a step for each unit of the value | loses: test_sequence_figure
# number * step => value * step

# %% wrong: Å on an axis in nanometres | loses: test_sequence_figure_labels
# axis.plot(wavelength[seen], => axis.plot(wavelength[seen] / 10,
# axis.set_xlim(*WINDOW) => axis.set_xlim(1600, 1620)

# %% wrong: the same spectrum again and again | loses: test_sequence_figure
# spectrum[seen] + number => spectra[0][seen] + number

# %% wrong: all there is in one picture | loses: test_sequence_figure test_sequence_figure_window test_sequence_figure_labels
def sequence_figure(wavelength, spectra, values, name):
    fig, ax = plt.subplots()
    ax.plot(wavelength, np.transpose(spectra))
    ax.plot(wavelength, wavelength)
    ax.plot(values, values, "o")
    for value in values:
        ax.text(16100, 1, f"{value:.2f}")
    ax.set(xlabel=f"wavelength / Å, flux, {name}", ylabel=f"wavelength / Å, flux, {name}", title=name)
    ax.set_xlim(16000, 16200)
    return fig

# %% wrong: an empty picture with everything written on it | loses: test_sequence_figure test_sequence_figure_window test_sequence_figure_labels
def sequence_figure(wavelength, spectra, values, name):
    fig, ax = plt.subplots()
    ax.set(xlabel="wavelength / Å", ylabel="flux", title=name, xlim=(16000, 16200))
    return fig
