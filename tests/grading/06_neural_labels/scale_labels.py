"""Rivals of `scale_labels`."""

# %% right: scikit-learn
def scale_labels(labels, is_training):
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(labels[is_training])
    return scaler.transform(labels), scaler.mean_, scaler.scale_

# %% right: sample standard deviation, as lists
def scale_labels(labels, is_training):
    m = np.array([column[is_training].mean() for column in labels.T])
    s = np.array([column[is_training].std(ddof=1) for column in labels.T])
    return [(labels - m) / s, m.tolist(), s.tolist()]

# %% wrong: all stars in the scaler | loses: test_scale_labels test_scale_labels_leak
# labels[is_training].mean => labels.mean
# labels[is_training].std => labels.std

# %% wrong: mean of the training, scale of all | loses: test_scale_labels test_scale_labels_leak
# labels[is_training].std => labels.std

# %% wrong: one scale for all labels | loses: test_scale_labels
# labels[is_training].std(axis=0) => np.full(labels.shape[1], labels[is_training].std())

# %% wrong: variance for standard deviation | loses: test_scale_labels
# labels[is_training].std => labels[is_training].var

# %% wrong: not scaled | loses: test_scale_labels test_scale_labels_leak
# labels[is_training].std(axis=0) => np.ones(labels.shape[1])

# %% wrong: multiplied by the scale | loses: test_scale_labels test_scale_labels_leak
# / scale => * scale

# %% wrong: only the training stars come back | loses: test_scale_labels test_scale_labels_leak
# (labels - mean) / scale => (labels[is_training] - mean) / scale

# %% wrong: training and others swapped | loses: test_scale_labels test_scale_labels_leak
#   def scale_labels(labels, is_training):
# +     is_training = ~is_training

# %% right: pandas, one label after the other
def scale_labels(labels, is_training):
    import pandas as pd

    table = pd.DataFrame(labels)
    mean, scale = table[is_training].mean(), table[is_training].std()
    return ((table - mean) / scale).to_numpy(), mean, scale

# %% right: in float32
#   def scale_labels(labels, is_training):
# +     labels = np.float32(labels)

# %% wrong: the labels as they are | loses: test_scale_labels test_scale_labels_leak
def scale_labels(labels, is_training):
    k = labels.shape[1]
    return labels, np.zeros(k), np.ones(k)

# %% wrong: zeros | loses: test_scale_labels test_scale_labels_leak
def scale_labels(labels, is_training):
    k = labels.shape[1]
    return np.zeros(labels.shape), np.zeros(k), np.ones(k)

# %% wrong: in place | loses: test_scale_labels test_scale_labels_leak
# - return (labels - mean) / scale, mean, scale
# + labels -= mean
# + labels /= scale
# + return labels, mean, scale
