"""Rivals of `stated_prior`."""

# %% right: the catalogue's own distribution
stated_prior = np.array([[4770, 285], [2.6, 0.55], [-0.17, 0.27], [0.05, 0.12], [0.2, 0.11]])

# %% right: very wide, as a list
stated_prior = [[4500.0, 2000.0], [2.0, 3.0], [0.0, 2.0], [0.0, 1.0], [0.0, 1.0]]

# %% wrong: priors on scaled labels read as physical | loses: test_stated_prior
stated_prior = np.tile([0.0, 1.0], (5, 1))

# %% wrong: variances instead of standard deviations | loses: test_stated_prior
stated_prior = np.array([[4750.0, 360000.0], [2.5, 1.44], [-0.2, 0.25], [0.05, 0.04], [0.1, 0.04]])

# %% wrong: as narrow as the errors | loses: test_stated_prior
stated_prior = np.array([[4750.0, 20.0], [2.5, 0.05], [-0.2, 0.02], [0.05, 0.03], [0.1, 0.03]])

# %% wrong: a row for the means, a row for the widths | loses: test_stated_prior
stated_prior = np.array([[4750.0, 2.5, -0.2, 0.05, 0.1], [600.0, 1.2, 0.5, 0.2, 0.2]])

# %% wrong: around the Sun | loses: test_stated_prior
stated_prior = np.array([[5772.0, 300.0], [4.44, 0.3], [0.0, 0.2], [0.0, 0.1], [0.0, 0.1]])

# %% wrong: no width at all | loses: test_stated_prior
stated_prior = np.array([[4750.0, 0.0], [2.5, 0.0], [-0.2, 0.0], [0.05, 0.0], [0.1, 0.0]])

# %% right: a table of pandas
import pandas as pd

stated_prior = pd.DataFrame(
    {"mean": [4800.0, 2.5, -0.2, 0.1, 0.1], "sigma": [500.0, 1.0, 0.4, 0.2, 0.2]}
).to_numpy()

# %% right: in float32
stated_prior = np.array([[4700, 800], [2.4, 1], [-0.3, 0.6], [0.1, 0.3], [0.1, 0.3]], np.float32)

# %% wrong: ones | loses: test_stated_prior
stated_prior = np.ones((5, 2))
