"""Rivals of `cross_validation_figure`."""

# %% right: labels down, scatter clouds, numbers as text
def cross_validation_figure(fitted, catalogue, names):
    k = len(names)
    fig, axs = plt.subplots(k, 2, figsize=(8, 3 * k))
    bias, scatter = bias_and_scatter(fitted, catalogue)
    for i in range(k):
        a, b = axs[i]
        a.scatter(catalogue[:, i], fitted[:, i], s=3)
        a.axline((catalogue[0, i], catalogue[0, i]), slope=1)
        a.set(xlabel=f"ASPCAP {names[i]}", ylabel=f"Cannon {names[i]}")
        b.plot(catalogue[:, i], fitted[:, i] - catalogue[:, i], "k.")
        b.text(0.05, 0.9, f"$b = {bias[i]:.3f}$\n$\\sigma = {scatter[i]:.3f}$", transform=b.transAxes)
    return fig

# %% right: one figure after another with pyplot, numbers in the legend
def cross_validation_figure(fitted, catalogue, names):
    plt.figure(figsize=(12, 6))
    for i, name in enumerate(names):
        x, y = catalogue[:, i].astype("f4"), fitted[:, i].astype("f4")
        d = fitted[:, i] - catalogue[:, i]
        b = np.median(d)
        s = 1.4826 * np.median(abs(d - b))
        plt.subplot(2, len(names), i + 1)
        plt.plot(x, y, "o", ms=2, label=f"bias {b:.3e}, scatter {s:.3e}")
        plt.plot(np.sort(x), np.sort(x), "r-")
        plt.title(name)
        plt.legend()
        plt.subplot(2, len(names), len(names) + i + 1)
        plt.plot(x, d, "o", ms=2)
    return plt.gcf()

# %% wrong: fitted against fitted | loses: test_cross_validation_figure
# above.plot(x, fitted[:, k], => above.plot(fitted[:, k], fitted[:, k],

# %% wrong: axes exchanged | loses: test_cross_validation_figure
# above.plot(x, fitted[:, k], => above.plot(fitted[:, k], x,

# %% wrong: catalogue - fitted | loses: test_cross_validation_figure
# x, difference = catalogue[:, k], fitted[:, k] - catalogue[:, k] => x, difference = catalogue[:, k], catalogue[:, k] - fitted[:, k]

# %% wrong: residuals over the scatter | loses: test_cross_validation_figure
# below.plot(x, difference, => below.plot(x, difference / spread[k],

# %% wrong: no residuals | loses: test_cross_validation_figure
# - below.plot(x, difference, ".", ms=2.5, color=plots.COLOURS["blue"])

# %% wrong: the first label everywhere | loses: test_cross_validation_figure test_cross_validation_figure_line test_cross_validation_figure_words
def cross_validation_figure(fitted, catalogue, names):
    bias, spread = bias_and_scatter(fitted, catalogue)
    figure, axes = plt.subplots(2, len(names))
    for above, below in axes.T:
        x = catalogue[:, 0]
        above.plot(x, fitted[:, 0], ".")
        above.plot(x, x, "k-")
        above.set_title(f"bias {bias[0]:.3g}, scatter {spread[0]:.3g}")
        below.plot(x, fitted[:, 0] - x, ".")
        below.set_xlabel(names[0])
    return figure

# %% wrong: no one-to-one line | loses: test_cross_validation_figure_line
# - above.plot(ends, ends, color=plots.COLOURS["black"], lw=0.8)

# %% wrong: a line fitted to the points in its place | loses: test_cross_validation_figure_line
# above.plot(ends, ends, => above.plot(ends, np.polyval(np.polyfit(x, fitted[:, k], 1), ends),

# %% wrong: no bias and scatter | loses: test_cross_validation_figure_words
# - above.set_title(f"bias {bias[k]:+.2g}, scatter {spread[k]:.2g}", fontsize=9)

# %% wrong: mean and standard deviation of the labels | loses: test_cross_validation_figure_words
# bias_and_scatter(fitted, catalogue) => (catalogue.mean(axis=0), catalogue.std(axis=0))

# %% wrong: scatter without the factor | loses: test_cross_validation_figure_words
# {spread[k]:.2g} => {spread[k] / 1.4826:.2g}

# %% wrong: labels not named | loses: test_cross_validation_figure_words
# - below.set_xlabel(f"catalogue {names[k]}", fontsize=9)

# %% wrong: nothing drawn | loses: test_cross_validation_figure test_cross_validation_figure_line test_cross_validation_figure_words
def cross_validation_figure(fitted, catalogue, names):
    return plt.figure()
