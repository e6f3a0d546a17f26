"""Rivals of `corner_figure`."""

# %% right: corner with its defaults
def corner_figure(draws):
    import corner

    names = ["Teff (K)", "log g (dex)", "[Fe/H] (dex)", "[Mg/Fe] (dex)", "[Si/Fe] (dex)"]
    return corner.corner(np.concatenate(draws), labels=names)

# %% right: by hand, a triangle of scatter plots
def corner_figure(draws):
    flat = draws.reshape(-1, 5)
    names = [r"$T_{\rm eff}$ / K", r"$\log{g}$ / cgs", "[Fe/H] / dex", "[Mg/Fe] / dex", "[Si/Fe] / dex"]
    fig = plt.figure(figsize=(9, 9))
    for row in range(5):
        for col in range(row + 1):
            ax = fig.add_subplot(5, 5, 5 * row + col + 1)
            if row == col:
                ax.hist(flat[:, row], 30)
            else:
                ax.plot(flat[:, col], flat[:, row], ",")
            if row == 4:
                ax.set_xlabel(names[col])
            if col == 0 and row > 0:
                ax.set_ylabel(names[row])
    return fig

# %% wrong: the first chain only | loses: test_corner_figure
# draws.reshape(-1, 5) => draws[0]

# %% wrong: the means of the chains | loses: test_corner_figure
# draws.reshape(-1, 5) => draws.mean(axis=0)

# %% wrong: axes without names | loses: test_corner_figure_labels
# labels=AXIS_LABELS => labels=None

# %% wrong: names without units | loses: test_corner_figure_labels
# labels=AXIS_LABELS => labels=["Teff", "log g", "[Fe/H]", "[Mg/Fe]", "[Si/Fe]"]

# %% wrong: names in another order | loses: test_corner_figure_labels
# labels=AXIS_LABELS => labels=AXIS_LABELS[::-1]

# %% wrong: five histograms | loses: test_corner_figure test_corner_figure_labels
def corner_figure(draws):
    fig, axes = plt.subplots(1, 5)
    for ax, values, name in zip(axes, draws.reshape(-1, 5).T, AXIS_LABELS):
        ax.hist(values, 30)
        ax.set_xlabel(name)
    return fig

# %% wrong: shown, not returned | loses: test_corner_figure test_corner_figure_labels
# - return figure
# + plt.show()

# %% wrong: standardised draws | loses: test_corner_figure test_corner_figure_labels
# draws.reshape(-1, 5) => (draws.reshape(-1, 5) - draws.mean(axis=(0, 1))) / draws.std(axis=(0, 1))
