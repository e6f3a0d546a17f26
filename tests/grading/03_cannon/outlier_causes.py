"""Rivals of `outlier_causes`."""

# %% right: neighbours in all labels, regression of their differences
def outlier_causes(outliers, fitted, catalogue, reduced, rise):
    d = fitted - catalogue
    b, s = np.median(d, axis=0), np.median(abs(d - np.median(d, axis=0)), axis=0) * 1.4826
    z = (d - b) / s
    limit = 1.4 * np.median(reduced)
    causes = []
    for i in outliers:
        if rise[i] < 0:
            causes.append("optimiser")
        elif reduced[i] > limit:
            causes.append("spectrum")
        else:
            explained = False
            for k in range(catalogue.shape[1]):
                order = np.argsort(abs(catalogue[:, k] - catalogue[i, k]))
                others = [n for n in order if n != i][:7]
                around = np.median(z[others], axis=0)
                explained |= np.linalg.norm(z[i] - around) < 0.75 * np.linalg.norm(z[i])
            causes.append("model" if explained else "catalogue")
    return causes

# %% right: running median in bins of each label, an array of text
def outlier_causes(outliers, fitted, catalogue, reduced, rise):
    difference = fitted - catalogue
    spread = 1.4826 * np.median(np.abs(difference - np.median(difference, axis=0)), axis=0)
    z = difference / spread
    n = len(z)
    rank = np.argsort(np.argsort(catalogue, axis=0), axis=0)
    share = np.zeros(n)
    for k in range(catalogue.shape[1]):
        for i in outliers:
            near = (abs(rank[:, k] - rank[i, k]) <= 6) & (np.arange(n) != i)
            trend = np.median(z[near], axis=0)
            share[i] = max(share[i], 1 - abs(z[i] - trend).max() / abs(z[i]).max())
    cause = np.where(share > 0.3, "model", "catalogue")
    cause = np.where(reduced > 1.4 * np.median(reduced), "spectrum", cause)
    return np.where(rise < 0, "optimiser", cause)[outliers]

# %% wrong: a good fit and a large rise mean a wrong catalogue | loses: test_outlier_causes_model
# - elif left < 0.7 * np.abs(deviation[i]).max() or distance[i] > usual:
# -     causes.append("model")

# %% wrong: the model is always to blame | loses: test_outlier_causes_model
# causes.append("catalogue") => causes.append("model")

# %% wrong: the catalogue is wrong where it is far from other stars | loses: test_outlier_causes_model
# left < 0.7 * np.abs(deviation[i]).max() or distance[i] > usual => stars.query(catalogue[i] @ white, k=11)[0][-1] < 2 * usual

# %% wrong: a rise of ten thousand | loses: test_outlier_causes test_outlier_causes_model
# left < 0.7 * np.abs(deviation[i]).max() or distance[i] > usual => rise[i] < 10_000

# %% wrong: a reduced chi-squared of 1.3, whatever is usual | loses: test_outlier_causes
# reduced[i] > 1.4 * np.median(reduced) => reduced[i] > 1.3

# %% wrong: the local minimum has the other sign | loses: test_outlier_causes test_outlier_causes_model
# rise[i] < 0 => rise[i] > 0

# %% wrong: no local minima | loses: test_outlier_causes
# rise[i] < 0 => False

# %% wrong: numbers in place of rows | loses: test_outlier_causes test_outlier_causes_model
# for i in outliers: => for i in range(len(outliers)):

# %% wrong: words of one's own | loses: test_outlier_causes test_outlier_causes_model
# "catalogue" => "label"
# "model" => "fit"

# %% wrong: a cause for every star | loses: test_outlier_causes test_outlier_causes_model
# for i in outliers: => for i in range(len(fitted)):
