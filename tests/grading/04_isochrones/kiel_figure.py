"""Rivals of `kiel_figure`."""

# %% right: invert the axes afterwards, colour bar below
def kiel_figure(teff, logg, fe_h, sequences=()):
    fig, ax = plt.subplots()
    sc = ax.scatter(teff, logg, c=fe_h, marker="+")
    fig.colorbar(sc, orientation="horizontal", label="[Fe/H]")
    for name, t, g in sequences:
        ax.plot(t, g, label=name)
    ax.legend()
    ax.invert_xaxis()
    ax.invert_yaxis()
    ax.set_xlabel("Teff [K]")
    ax.set_ylabel("log g [cgs]")
    return fig

# %% right: pyplot, reversed limits, names written at the lines
def kiel_figure(teff, logg, fe_h, sequences=()):
    plt.figure()
    plt.scatter(teff, logg, c=fe_h, cmap="viridis", s=3)
    bar = plt.colorbar()
    bar.set_label(r"$[\mathrm{Fe/H}]$ (dex)")
    for name, t, g in sequences:
        plt.plot(t, g, "k-")
        plt.text(t[0], g[0], name)
    plt.xlim(5600, 3500)
    plt.ylim(4.2, 0)
    plt.xlabel(r"$T_{\rm eff}$ (K)")
    plt.ylabel(r"$\log g$ (dex)")
    return plt.gcf()

# %% wrong: axes the usual way round | loses: test_kiel_figure_axes
# warm + 150, cool - 150 => cool - 150, warm + 150
# np.max(logg) + 0.2, np.min(logg) - 0.2 => np.min(logg) - 0.2, np.max(logg) + 0.2

# %% wrong: only the temperature reversed | loses: test_kiel_figure_axes
# np.max(logg) + 0.2, np.min(logg) - 0.2 => np.min(logg) - 0.2, np.max(logg) + 0.2

# %% wrong: limits from 0 to 10000 K | loses: test_kiel_figure_axes
# warm + 150, cool - 150 => 10000, 0
# np.max(logg) + 0.2, np.min(logg) - 0.2 => 5, 0

# %% wrong: temperature and gravity exchanged | loses: test_kiel_figure test_kiel_figure_axes test_kiel_figure_labels test_kiel_figure_sequences
def kiel_figure(teff, logg, fe_h, sequences=()):
    fig, ax = plt.subplots()
    fig.colorbar(ax.scatter(logg, teff, c=fe_h), label="[Fe/H] / dex")
    for name, t, g in sequences:
        ax.plot(g, t, label=name)
    ax.legend()
    ax.set(ylabel="Teff / K", xlabel="log g / dex")
    ax.invert_xaxis()
    ax.invert_yaxis()
    return fig

# %% wrong: no units, no colour bar | loses: test_kiel_figure_labels
# - figure.colorbar(cloud, ax=axis, label="[Fe/H] / dex")
# "$T_{\\rm eff}$ / K" => "Teff"
# "log g / dex (cgs)" => "log g"

# %% wrong: units, and a colour bar that says nothing | loses: test_kiel_figure_labels
# , label="[Fe/H] / dex" =>

# %% wrong: the isochrones are forgotten | loses: test_kiel_figure_sequences
# - axis.plot(iso_teff, iso_logg, line, lw=1.5, color=plots.COLOURS[colour], label=name)

# %% wrong: stars sorted by temperature, gravities not | loses: test_kiel_figure
# axis.scatter(teff, => axis.scatter(np.sort(teff),
