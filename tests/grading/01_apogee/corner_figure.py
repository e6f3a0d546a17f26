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

# %% wrong: no units | loses: test_corner_figure
# labels=names => labels=["Teff", "logg", "Fe/H", "Mg/Fe", "Si/Fe"]

# %% wrong: no axis labels | loses: test_corner_figure
# labels=names, =>

# %% wrong: names in the wrong order | loses: test_corner_figure_data
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

# %% wrong: labels scaled to zero mean and unit scatter | loses: test_corner_figure_data
# labels, => (labels - labels.mean(axis=0)) / labels.std(axis=0),

# %% wrong: nothing returned | loses: test_corner_figure test_corner_figure_data
# - return figure
