"""Rivals of `overall_metallicity`."""

# %% right: number by number
def overall_metallicity(fe_h, alpha_fe):
    return np.array([f + np.log10(0.638 * 10**a + 0.362) for f, a in zip(fe_h, alpha_fe)])

# %% right: in natural logarithms
def overall_metallicity(fe_h, alpha_fe):
    return fe_h + np.log(0.362 + 0.638 * np.exp(alpha_fe * np.log(10))) / np.log(10)

# %% wrong: the sum | loses: test_overall_metallicity
# np.log10(0.638 * 10**alpha_fe + 0.362) => alpha_fe

# %% wrong: [M/H] taken for [Fe/H] | loses: test_overall_metallicity
# fe_h + np.log10(0.638 * 10**alpha_fe + 0.362) => fe_h

# %% wrong: the dex not raised to a power | loses: test_overall_metallicity
# 10**alpha_fe => alpha_fe

# %% wrong: natural logarithm | loses: test_overall_metallicity
# log10 => log

# %% wrong: e to the power | loses: test_overall_metallicity
# 10**alpha_fe => np.exp(alpha_fe)

# %% wrong: the two numbers exchanged | loses: test_overall_metallicity
# 0.638 * 10**alpha_fe + 0.362 => 0.362 * 10**alpha_fe + 0.638

# %% right: in float32
#   def overall_metallicity(fe_h, alpha_fe):
# +     fe_h, alpha_fe = np.float32(fe_h), np.float32(alpha_fe)

# %% right: pandas
def overall_metallicity(fe_h, alpha_fe):
    import pandas as pd

    stars = pd.DataFrame({"fe_h": fe_h, "alpha": alpha_fe})
    return stars.eval("fe_h + log10(0.638 * 10 ** alpha + 0.362)")

# %% wrong: in place | loses: test_overall_metallicity
def overall_metallicity(fe_h, alpha_fe):
    fe_h += np.log10(0.638 * 10**alpha_fe + 0.362)
    return fe_h
