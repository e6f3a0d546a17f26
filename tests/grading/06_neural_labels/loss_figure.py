"""Rivals of `loss_figure`."""

# %% right: plain pyplot
def loss_figure(runs):
    fig = plt.figure()
    for name, r in runs.items():
        plt.plot(r["training_loss"], "--", label=f"{name}, training")
        plt.plot(r["validation_loss"], label=f"{name}, validation")
        plt.scatter([r["best"]], [r["validation_loss"][r["best"]]], marker="*")
    plt.xlabel("Epoch")
    plt.ylabel("Loss")
    plt.legend()
    return fig

# %% right: axes, arrays, one mark for each run
def loss_figure(runs):
    fig, ax = plt.subplots()
    for name in sorted(runs):
        trained, held = (np.array(runs[name][f"{kind}_loss"]) for kind in ("training", "validation"))
        x = np.arange(held.size)
        ax.plot(x, held, "-", x, trained, "--")
        ax.plot(x[runs[name]["best"]], held.take(runs[name]["best"]), "kx", label="best of " + name)
    ax.set(xlabel="training step (epochs)", ylabel="negative log-likelihood")
    fig.legend(loc="upper right")
    return fig

# %% wrong: without the validation loss | edits: plain pyplot | loses: test_loss_figure
# - plt.plot(r["validation_loss"], label=f"{name}, validation")

# %% wrong: without the training loss | edits: plain pyplot | loses: test_loss_figure
# - plt.plot(r["training_loss"], "--", label=f"{name}, training")

# %% wrong: epochs from one | edits: plain pyplot | loses: test_loss_figure
# plt.plot(r["training_loss"], => plt.plot(1 + np.arange(len(r["training_loss"])), r["training_loss"],

# %% wrong: no mark at the best epoch | edits: plain pyplot | loses: test_loss_figure
# - plt.scatter([r["best"]], [r["validation_loss"][r["best"]]], marker="*")

# %% wrong: the mark is at the training loss | edits: plain pyplot | loses: test_loss_figure
# [r["validation_loss"][r["best"]]] => [r["training_loss"][r["best"]]]

# %% wrong: the last epoch is marked | edits: plain pyplot | loses: test_loss_figure
# [r["best"]], [r["validation_loss"][r["best"]]] => [len(r["validation_loss"]) - 1], [r["validation_loss"][-1]]

# %% wrong: axes without names | edits: plain pyplot | loses: test_loss_figure
# - plt.xlabel("Epoch")
# - plt.ylabel("Loss")

# %% wrong: no legend | edits: plain pyplot | loses: test_loss_figure
# - plt.legend()

# %% wrong: only the first run | edits: plain pyplot | loses: test_loss_figure
# in runs.items() => in list(runs.items())[:1]

# %% wrong: the axes are returned | edits: plain pyplot | loses: test_loss_figure
# return fig => return fig.axes[0]
