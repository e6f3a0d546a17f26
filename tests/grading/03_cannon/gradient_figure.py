"""Rivals of `gradient_figure`."""

# %% right: pyplot, dots, nanometres, strokes with vlines
def gradient_figure(wavelength, slopes, names, lines):
    plt.figure(figsize=(10, 8))
    for k, name in enumerate(names):
        plt.subplot(len(names), 1, k + 1)
        plt.plot(wavelength / 10, slopes[k], "k.", ms=1)
        top = np.nanmax(abs(slopes[k]))
        for line in lines.get(name, []):
            plt.vlines(line / 10, -top, -0.8 * top, color="r")
        plt.title(name)
    plt.xlabel("wavelength [nm]")
    return plt.gcf()

# %% right: single precision, masked arrays, crosses, names in legends
def gradient_figure(wavelength, slopes, names, lines):
    fig, axs = plt.subplots(len(names))
    for ax, slope, name in zip(axs, np.float32(slopes), names):
        ax.plot(np.float32(wavelength), np.ma.masked_invalid(slope), label=name)
        ax.axhline(0, color="0.8")
        if name in lines:
            where = np.interp(lines[name], wavelength, np.nan_to_num(slope))
            ax.scatter(lines[name], where, marker="x", color="r")
        ax.legend()
        ax.set_xlabel(r"$\lambda$ ($\mathrm{\AA}$)")
    return fig

# %% right: long strokes, names as text, stacked from the last label up
def gradient_figure(wavelength, slopes, names, lines):
    fig, axs = plt.subplots(len(names), 1, sharex=True)
    for ax, k in zip(axs, reversed(range(len(names)))):
        ax.plot(wavelength, slopes[k])
        h = np.nanmax(np.abs(slopes[k]))
        for line in lines.get(names[k], ()):
            ax.plot([line, line], [-h, h], ":", color="grey")
        ax.text(0.01, 0.9, names[k], transform=ax.transAxes)
        ax.set_xlim(wavelength[0], wavelength[-1])
    fig.supxlabel("Wavelength (Angstrom)")
    return fig

# %% wrong: all gradients in one panel | loses: test_gradient_figure test_gradient_figure_lines
def gradient_figure(wavelength, slopes, names, lines):
    fig, ax = plt.subplots()
    for slope, name in zip(slopes, names):
        ax.plot(wavelength, slope, label=name)
        for line in lines.get(name, ()):
            ax.plot(line, 0, "^")
    ax.legend()
    ax.set_xlabel("wavelength / Å")
    return fig

# %% wrong: every line in every panel | loses: test_gradient_figure_lines
# lines.get(name, ()) => [line for each in lines.values() for line in each]

# %% wrong: no marks | loses: test_gradient_figure_lines
# - axis.plot(marked, np.full(len(marked), -1.15 * height), "^", color="0.2")

# %% wrong: marks at the height of the continuum | loses: test_gradient_figure_lines
# - axis.set_ylim(-1.3 * height, 1.3 * height)
# np.full(len(marked), -1.15 * height) => np.ones(len(marked))

# %% wrong: marks outside of the panel | loses: test_gradient_figure_lines
# -1.15 * height => -1.5 * height

# %% wrong: one scale for all labels | loses: test_gradient_figure_lines
# height = np.nanpercentile(np.abs(slope), 99.9) => height = np.nanpercentile(np.abs(slopes), 99.9)

# %% wrong: the first line only | loses: test_gradient_figure_lines
# marked = lines.get(name, ()) => marked = lines.get(name, ())[:1]

# %% wrong: absolute values | loses: test_gradient_figure test_gradient_figure_lines
# axis.plot(wavelength, slope, => axis.plot(wavelength, np.abs(slope),

# %% wrong: gaps bridged | loses: test_gradient_figure
# axis.plot(wavelength, slope, => axis.plot(wavelength[np.isfinite(slope)], slope[np.isfinite(slope)],

# %% wrong: labels not named | loses: test_gradient_figure
# - axis.set_ylabel(name, fontsize=8)

# %% wrong: no unit | loses: test_gradient_figure test_gradient_figure_lines
# "vacuum wavelength / Å" => "wavelength"

# %% wrong: against the pixel number | loses: test_gradient_figure test_gradient_figure_lines
# axis.plot(wavelength, slope, => axis.plot(slope,

# %% wrong: half of the spectrum | loses: test_gradient_figure_lines
# axis.set_ylabel(name, fontsize=8) => axis.set(ylabel=name, xlim=(wavelength[0], wavelength.mean()))
