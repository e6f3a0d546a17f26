"""Rivals of `kiel_figure`."""

# %% right: pyplot, axes inverted
def kiel_figure(labels, sequences, star, star_error):
    fig, ax = plt.subplots()
    sc = ax.scatter(labels[:, 0], labels[:, 1], s=5, c=labels[:, 2], cmap="viridis")
    cb = fig.colorbar(sc)
    cb.set_label("metallicity [Fe/H]")
    for name, t, g in sequences:
        ax.plot(t, g, label=name)
    ax.errorbar(star[0], star[1], yerr=star_error[1], xerr=star_error[0], marker="o", ls="", label="star")
    ax.invert_xaxis()
    ax.invert_yaxis()
    ax.set(xlabel="Teff [K]", ylabel="log g [cgs]")
    ax.legend()
    return fig

# %% right: marker and error bars apart | edits: pyplot, axes inverted
# - ax.errorbar(star[0], star[1], yerr=star_error[1], xerr=star_error[0], marker="o", ls="", label="star")
# + ax.scatter(star[0], star[1], marker="*", s=200, color="r", zorder=5, label="mystery")
# + ax.plot(star[0] + star_error[0] * np.array([-1, 1]), [star[1]] * 2, "r-")
# + ax.plot([star[0]] * 2, star[1] + star_error[1] * np.array([-1, 1]), "r-")

# %% wrong: axes not inverted | edits: pyplot, axes inverted | loses: test_kiel_figure
# - ax.invert_xaxis()
# - ax.invert_yaxis()

# %% wrong: gravity upwards | edits: pyplot, axes inverted | loses: test_kiel_figure
# - ax.invert_yaxis()

# %% wrong: no error bars | edits: pyplot, axes inverted | loses: test_kiel_figure
# yerr=star_error[1], xerr=star_error[0], =>

# %% wrong: error bars exchanged | edits: pyplot, axes inverted | loses: test_kiel_figure
# yerr=star_error[1], xerr=star_error[0] => yerr=star_error[0], xerr=star_error[1]

# %% wrong: error bars twice as long | edits: pyplot, axes inverted | loses: test_kiel_figure
# yerr=star_error[1], xerr=star_error[0] => yerr=2 * star_error[1], xerr=2 * star_error[0]

# %% wrong: without the star | edits: pyplot, axes inverted | loses: test_kiel_figure test_kiel_figure_labels
# - ax.errorbar(star[0], star[1], yerr=star_error[1], xerr=star_error[0], marker="o", ls="", label="star")

# %% wrong: without the isochrones | edits: pyplot, axes inverted | loses: test_kiel_figure test_kiel_figure_labels
# - for name, t, g in sequences:
# -     ax.plot(t, g, label=name)

# %% wrong: only the first isochrone | edits: pyplot, axes inverted | loses: test_kiel_figure
# in sequences: => in sequences[:1]:

# %% wrong: coloured by [Mg/Fe] | edits: pyplot, axes inverted | loses: test_kiel_figure_labels
# c=labels[:, 2] => c=labels[:, 3]

# %% wrong: no colour bar | edits: pyplot, axes inverted | loses: test_kiel_figure_labels
# - cb = fig.colorbar(sc)
# - cb.set_label("metallicity [Fe/H]")

# %% wrong: no units | edits: pyplot, axes inverted | loses: test_kiel_figure_labels
# xlabel="Teff [K]", ylabel="log g [cgs]" => xlabel="Teff", ylabel="log g"

# %% wrong: no legend | edits: pyplot, axes inverted | loses: test_kiel_figure_labels
# - ax.legend()

# %% wrong: log g on the x axis | edits: pyplot, axes inverted | loses: test_kiel_figure test_kiel_figure_labels
# ax.scatter(labels[:, 0], labels[:, 1], s=5 => ax.scatter(labels[:, 1], labels[:, 0], s=5
# xlabel="Teff [K]", ylabel="log g [cgs]" => xlabel="log g [cgs]", ylabel="Teff [K]"

# %% wrong: four isochrones at most | edits: pyplot, axes inverted | loses: test_kiel_figure
# in sequences: => in sequences[:4]:
