"""Rivals of `soft_threshold`."""

# %% right: sign and maximum, as printed
def soft_threshold(features, threshold):
    size = abs(features) - threshold
    return ((features > 0) * 1.0 - (features < 0) * 1.0) * size * (size > 0)

# %% right: two ramps
def soft_threshold(features, threshold):
    up = features - threshold
    down = features + threshold
    return up * (up > 0) + down * (down < 0)

# %% wrong: a hard threshold | loses: test_soft_threshold test_soft_threshold_smooth
# - features.clip(-threshold, threshold) => * (abs(features) > threshold)

# %% wrong: negative features lose their sign | loses: test_soft_threshold test_soft_threshold_smooth
def soft_threshold(features, threshold):
    return (abs(features) - threshold) * (abs(features) > threshold)

# %% wrong: only what is positive passes | loses: test_soft_threshold test_soft_threshold_smooth
# features - features.clip(-threshold, threshold) => (features - threshold) * (features > threshold)

# %% wrong: clipped instead of shrunk | loses: test_soft_threshold test_soft_threshold_smooth
def soft_threshold(features, threshold):
    return features.clip(-threshold, threshold) + 0.5 * (abs(features) > threshold)

# %% wrong: the threshold is added | loses: test_soft_threshold test_soft_threshold_smooth
# - features.clip(-threshold, threshold) => + threshold * np.sign(features)

# %% wrong: one threshold for all features | loses: test_soft_threshold
# features.clip(-threshold, threshold) => features.clip(-threshold.mean(), threshold.mean())

# %% right: either library, by what comes in
def soft_threshold(features, threshold):
    import torch

    if isinstance(features, torch.Tensor):
        return torch.sign(features) * torch.relu(features.abs() - threshold)
    return (np.sign(features) * np.maximum(np.abs(features) - threshold, 0)).astype(np.float32)

# %% wrong: NumPy's maximum, which tensors in training refuse | loses: test_soft_threshold
def soft_threshold(features, threshold):
    return np.sign(features) * np.maximum(np.abs(features) - threshold, 0)

# %% wrong: nothing passes | loses: test_soft_threshold test_soft_threshold_smooth
def soft_threshold(features, threshold):
    return 0 * features

# %% wrong: everything passes | loses: test_soft_threshold test_soft_threshold_smooth
def soft_threshold(features, threshold):
    return features

# %% wrong: tensors are cut off from what made them | loses: test_soft_threshold
# features - features.clip(-threshold, threshold) => features - (features.detach() if hasattr(features, "detach") else features).clip(-threshold, threshold)

# %% wrong: a hard threshold for tensors | loses: test_soft_threshold
def soft_threshold(features, threshold):
    import torch

    if torch.is_tensor(features):
        return features * (features.abs() > threshold)
    return np.sign(features) * np.maximum(np.abs(features) - threshold, 0)
