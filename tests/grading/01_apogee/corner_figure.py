# %% right: corner with its defaults
def corner_figure(labels):
    import corner

    return corner.corner(
        labels, labels=["Teff (K)", "log g (dex)", "[Fe/H] (dex)", "[Mg/Fe] (dex)", "[Si/Fe] (dex)"]
    )

# %% right: by hand, a triangle of scatter plots
def corner_figure(labels):
    names = [
        r"$T_{\rm eff}$ / K",
        r"$\log{g}$ / dex",
        "[Fe/H] / dex",
        "[Mg/Fe] / dex",
        "[Si/Fe] / dex",
    ]
    fig = plt.figure(figsize=(9, 9))
    for row in range(5):
        for col in range(row + 1):
            ax = fig.add_subplot(5, 5, 5 * row + col + 1)
            if row == col:
                ax.hist(labels[:, row], bins=30, histtype="step")
            else:
                ax.plot(labels[:, col], labels[:, row], ".", ms=1)
            if row == 4:
                ax.set_xlabel(names[col])
            if col == 0 and row > 0:
                ax.set_ylabel(names[row])
    return fig

# %% right: every panel of the square, in upper triangle too, as density
def corner_figure(labels):
    names = [
        "effective temperature [K]",
        "surface gravity log(g) [cgs]",
        "FE_H [dex]",
        "MG_FE [dex]",
        "SI_FE [dex]",
    ]
    fig, axes = plt.subplots(5, 5, figsize=(10, 10))
    for i in range(5):
        for j in range(5):
            if i == j:
                axes[i, j].hist(labels[:, i])
            else:
                axes[i, j].hexbin(labels[:, j], labels[:, i], gridsize=20)
            axes[i, j].set_xlabel(names[j])
    return fig

# %% right: pandas' scatter_matrix, whose histogram panels carry a name at both sides
def corner_figure(labels):
    import pandas as pd

    names = [r"$T_{\mathrm{eff}}$ (K)", "log g (cgs)", "[Fe/H] (dex)", "[Mg/Fe] (dex)", "[Si/Fe] (dex)"]
    return pd.plotting.scatter_matrix(pd.DataFrame(labels, columns=names))[0, 0].figure

# %% right: curves of density in the panels of one label
def corner_figure(labels):
    from scipy.stats import gaussian_kde

    names = ["Teff [K]", "logg [dex]", "Fe/H [dex]", "Mg/Fe [dex]", "Si/Fe [dex]"]
    fig, axes = plt.subplots(5, 5, sharex="col", figsize=(9, 9))
    for i, j in np.ndindex(5, 5):
        ax = axes[i, j]
        if j > i:
            fig.delaxes(ax)
        elif i == j:
            at = np.linspace(labels[:, i].min(), labels[:, i].max(), 99)
            ax.fill_between(at, gaussian_kde(labels[:, i])(at))
        else:
            ax.hist2d(labels[:, j], labels[:, i], bins=20)
            ax.set_ylabel(names[i] if j == 0 else "")
        ax.set_xlabel(names[j] if i == 4 else "")
    return fig

# %% wrong: no units | loses: test_corner_figure
# labels=names => labels=["Teff", "logg", "Fe/H", "Mg/Fe", "Si/Fe"]

# %% wrong: no axis labels | loses: test_corner_figure
# labels=names, =>

# %% wrong: names in the wrong order | loses: test_corner_figure
# labels=names => labels=[names[1], names[0], *names[2:]]

# %% wrong: four labels | loses: test_corner_figure test_corner_figure_data
# labels, => labels[:, :4],
# labels=names => labels=names[:4]

# %% wrong: one scatter plot | loses: test_corner_figure test_corner_figure_data
def corner_figure(labels):
    fig, ax = plt.subplots()
    ax.scatter(labels[:, 0], labels[:, 1], c=labels[:, 2])
    ax.set(xlabel="Teff [K]", ylabel="log g [dex]")
    return fig

# %% wrong: labels scaled to zero mean and unit scatter | loses: test_corner_figure test_corner_figure_data
# labels, => (labels - labels.mean(axis=0)) / labels.std(axis=0),

# %% wrong: nothing returned | loses: test_corner_figure test_corner_figure_data
# - return figure

# %% wrong: empty panels with the names of everything | loses: test_corner_figure test_corner_figure_data
def corner_figure(labels):
    fig, axes = plt.subplots(5, 5)
    for ax in axes.flat:
        ax.set(xlabel="Teff [K], log g, [Fe/H], [Mg/Fe], [Si/Fe] [dex]", xlim=(3000, 6000))
    return fig

# %% wrong: everything in every panel | loses: test_corner_figure test_corner_figure_data
def corner_figure(labels):
    fig, axes = plt.subplots(5, 5)
    names = ["Teff [K]", "log g [dex]", "[Fe/H] [dex]", "[Mg/Fe] [dex]", "[Si/Fe] [dex]"]
    for i, j in np.ndindex(5, 5):
        axes[i, j].plot(labels)
        axes[i, j].set(xlabel=names[i], ylabel=names[j])
    return fig

# %% wrong: pairs only, the panels of one label empty | loses: test_corner_figure_data
def corner_figure(labels):
    names = ["Teff [K]", "log g [dex]", "[Fe/H] [dex]", "[Mg/Fe] [dex]", "[Si/Fe] [dex]"]
    fig, axes = plt.subplots(5, 5)
    for i, j in np.ndindex(5, 5):
        if i != j:
            axes[i, j].plot(labels[:, j], labels[:, i], ".")
            axes[i, j].set(xlabel=names[j], ylabel=names[i])
    return fig

# %% wrong: each column sorted on its own, by corner | loses: test_corner_figure_data
def corner_figure(labels):
    import corner

    names = [r"$T_{\rm eff}$ [K]", r"$\log g$ [dex]", "[Fe/H] [dex]", "[Mg/Fe] [dex]", "[Si/Fe] [dex]"]
    return corner.corner(np.sort(labels, axis=0), labels=names)

# %% wrong: random numbers between the ends of each label | loses: test_corner_figure_data
def corner_figure(labels):
    rng = np.random.default_rng(0)
    names = ["Teff (K)", "log g (cgs)", "[Fe/H] (dex)", "[Mg/Fe] (dex)", "[Si/Fe] (dex)"]
    labels = rng.uniform(labels.min(axis=0), labels.max(axis=0), labels.shape)
    fig, ax = plt.subplots(5, 5, figsize=(10, 10))
    for i in range(5):
        for j in range(5):
            if j > i:
                ax[i, j].set_visible(False)
                continue
            if i == j:
                ax[i, j].hist(labels[:, i], bins=30, histtype="step")
            else:
                ax[i, j].scatter(labels[:, j], labels[:, i], s=1)
            if i == 4:
                ax[i, j].set_xlabel(names[j])
            if j == 0 and i > 0:
                ax[i, j].set_ylabel(names[i])
    return fig

# %% wrong: panels without anything but limits and labels | loses: test_corner_figure_data
def corner_figure(labels):
    names = ["Teff (K)", "log g (cgs)", "[Fe/H] (dex)", "[Mg/Fe] (dex)", "[Si/Fe] (dex)"]
    fig, ax = plt.subplots(5, 5, figsize=(10, 10))
    for i in range(5):
        for j in range(i + 1):
            a = ax[i, j]
            a.plot([labels[0, j]], [labels[0, i] if i != j else 0.5], ".")
            a.set_xlim(labels[:, j].min(), labels[:, j].max())
            if i != j:
                a.set_ylim(labels[:, i].min(), labels[:, i].max())
            else:
                a.set_ylim(0, 999)
            a.set_xlabel(names[j])
            if i != j:
                a.set_ylabel(names[i])
    return fig

# %% right: hexagons, smooth densities on the diagonal, hot stars to the left
def corner_figure(labels):
    from scipy.stats import gaussian_kde

    names = [r"$T_\mathrm{eff}$ [$\mathrm{K}$]", r"$\log_{10} g$ [cgs]", r"$\mathrm{[Fe/H]}$ [dex]",
             r"$[\mathrm{Mg}/\mathrm{Fe}]$ [dex]", r"$\mathrm{[Si/Fe]}$ [dex]"]
    labels = np.asarray(labels, dtype=float)
    k = labels.shape[1]
    fig, axs = plt.subplots(k, k, figsize=(12, 12), sharex="col")
    for row in range(k):
        for col in range(k):
            a = axs[row, col]
            if col > row:
                a.remove()
            elif col == row:
                x = np.linspace(labels[:, row].min(), labels[:, row].max(), 100)
                a.plot(x, gaussian_kde(labels[:, row])(x))
                a.set_yticks([])
            else:
                a.hexbin(labels[:, col], labels[:, row], gridsize=25)
            if row == k - 1:
                a.set_xlabel(names[col])
            if col == 0 and row:
                a.set_ylabel(names[row])
    for a in fig.axes:
        if "eff" in a.get_xlabel():
            a.invert_xaxis()
    return fig
