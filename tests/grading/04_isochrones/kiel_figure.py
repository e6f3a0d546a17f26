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

# %% wrong: stars sorted by temperature, gravities not | loses: test_kiel_figure test_kiel_figure_labels
# axis.scatter(teff, => axis.scatter(np.sort(teff),

# %% right: pandas draws the stars, the figure has the legend
def kiel_figure(teff, logg, fe_h, sequences=()):
    import pandas as pd

    fig, ax = plt.subplots()
    stars = pd.DataFrame({"teff": teff, "logg": logg, "fe_h": fe_h})
    stars.plot.scatter("teff", "logg", c="fe_h", colormap="viridis", ax=ax)
    for name, t, g in sequences:
        ax.plot(t, g, label=name)
    fig.legend(title="isochrones")
    ax.set_xlabel("T$_{\\mathrm{eff}}$ [kelvin]")
    ax.set_ylabel(r"$\log_{10}\,g\ \left[\mathrm{cm\,s^{-2}}\right]$")
    ax.set(xlim=(5500, 3600), ylim=(4, 0.2))
    return fig

# %% right: star by star, the metal-rich ones last
def kiel_figure(teff, logg, fe_h, sequences=()):
    fig, ax = plt.subplots()
    norm, colours = plt.Normalize(-1, 0.5), plt.get_cmap("coolwarm")
    for t, g, z in sorted(zip(teff, logg, fe_h), key=lambda star: star[2]):
        ax.plot([t], [g], ".", color=colours(norm(z)))
    fig.colorbar(plt.cm.ScalarMappable(norm, colours), ax=ax).ax.set_title("metallicity")
    for name, t, g in sequences:
        ax.plot(t, g, label=name)
    ax.legend()
    ax.invert_xaxis()
    ax.invert_yaxis()
    ax.set(xlabel="temperature (Kelvin)", ylabel="gravity: log(g / cm s^-2)")
    return fig

# %% right: in float32 | edits: star by star, the metal-rich ones last
#   fig, ax = plt.subplots()
# + teff, logg, fe_h = np.float32(teff), np.float32(logg), np.float32(fe_h)

# %% wrong: coloured by log g | loses: test_kiel_figure_labels
# c=fe_h => c=logg

# %% wrong: all stars in one colour, beside a colour bar | edits: star by star, the metal-rich ones last | loses: test_kiel_figure_labels
# color=colours(norm(z)) => color="k"

# %% wrong: stars with the colours of others | loses: test_kiel_figure_labels
# c=fe_h => c=np.sort(fe_h)

# %% wrong: a sequence is drawn as far as its gap | loses: test_kiel_figure_sequences
# axis.plot(iso_teff, iso_logg, => axis.plot(*np.array([iso_teff, iso_logg])[:, : int(np.argmax(np.isnan([*iso_teff, np.nan])))],

# %% wrong: all there is in one picture | loses: test_kiel_figure test_kiel_figure_axes test_kiel_figure_labels test_kiel_figure_sequences
def kiel_figure(teff, logg, fe_h, sequences=()):
    fig, ax = plt.subplots()
    for x, y in ((teff, logg), (logg, teff), (teff, fe_h), (fe_h, logg)):
        ax.scatter(x, y, c=fe_h)
    fig.colorbar(ax.collections[0], label="Teff / K, log g / dex, [Fe/H] / dex")
    for name, t, g in sequences:
        ax.plot(t, g, label=name)
    ax.legend()
    ax.set(xlabel="Teff / K, log g / dex, [Fe/H] / dex", ylabel="Teff / K, log g / dex, [Fe/H] / dex")
    ax.set(xlim=(6000, 3000), ylim=(5, 0))
    return fig

# %% wrong: an empty diagram with everything written on it | loses: test_kiel_figure test_kiel_figure_axes test_kiel_figure_labels test_kiel_figure_sequences
def kiel_figure(teff, logg, fe_h, sequences=()):
    fig, ax = plt.subplots()
    fig.colorbar(plt.cm.ScalarMappable(), ax=ax, label="[Fe/H] / dex")
    for name, t, g in sequences:
        ax.plot(t, g, label=name)
    ax.legend()
    ax.set(xlabel="Teff / K", ylabel="log g / dex", xlim=(5500, 3600), ylim=(4, 0.3))
    return fig

# %% wrong: x axis inverted once for each sequence too | loses: test_kiel_figure_axes
def kiel_figure(teff, logg, fe_h, sequences=()):
    fig, ax = plt.subplots()
    sc = ax.scatter(teff, logg, c=fe_h, s=10)
    fig.colorbar(sc, ax=ax, label="[Fe/H] / dex")
    ax.invert_xaxis(); ax.invert_yaxis()
    for name, t, g in sequences:
        ax.plot(t, g, label=name)
        ax.invert_xaxis()
    if len(sequences):
        ax.legend()
    ax.set_xlabel("Teff / K"); ax.set_ylabel("log g / dex (cgs)")
    return fig

# %% wrong: gaps are bridged, NaN dropped | loses: test_kiel_figure_sequences
def kiel_figure(teff, logg, fe_h, sequences=()):
    fig, ax = plt.subplots()
    sc = ax.scatter(teff, logg, c=fe_h, s=10)
    fig.colorbar(sc, ax=ax, label="[Fe/H] / dex")
    for name, t, g in sequences:
        t, g = np.asarray(t), np.asarray(g)
        ok = np.isfinite(t) & np.isfinite(g)
        ax.plot(t[ok], g[ok], label=name)
    if len(sequences):
        ax.legend()
    ax.invert_xaxis(); ax.invert_yaxis()
    ax.set_xlabel("Teff / K"); ax.set_ylabel("log g / dex (cgs)")
    return fig
