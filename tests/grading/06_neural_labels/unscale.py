"""Rivals of `unscale`."""

# %% right: column by column
def unscale(scaled, scaled_error, mean, scale):
    out, err = np.empty_like(scaled), np.empty_like(scaled)
    for j in range(scaled.shape[1]):
        out[:, j] = scaled[:, j] * scale[j] + mean[j]
        err[:, j] = scaled_error[:, j] * scale[j]
    return out, err

# %% right: matrices
def unscale(scaled, scaled_error, mean, scale):
    d = np.diag(scale)
    return scaled @ d + mean, scaled_error @ d

# %% wrong: error left in scaled units | loses: test_unscale_errors
# scale * scaled_error => scaled_error

# %% wrong: mean added to the error | loses: test_unscale_errors
# scale * scaled_error => mean + scale * scaled_error

# %% wrong: nothing scaled back | loses: test_unscale test_unscale_errors
# mean + scale * scaled, scale * scaled_error => scaled, scaled_error

# %% wrong: divided by the scale | loses: test_unscale test_unscale_errors
# scale * scaled, scale * scaled_error => scaled / scale, scaled_error / scale

# %% wrong: mean forgotten | loses: test_unscale
# mean + =>

# %% wrong: squared scale for the error | loses: test_unscale_errors
# scale * scaled_error => scale**2 * scaled_error

# %% wrong: one mean scale for the errors | loses: test_unscale_errors
# scale * scaled_error => scale.mean() * scaled_error

# %% right: scikit-learn, in float32
def unscale(scaled, scaled_error, mean, scale):
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    scaler.mean_, scaler.scale_ = np.asarray(mean), np.asarray(scale)
    return np.float32(scaler.inverse_transform(scaled)), np.float32(scaled_error) * np.float32(scale)

# %% wrong: mean and scale for every star | loses: test_unscale test_unscale_errors
def unscale(scaled, scaled_error, mean, scale):
    return 0 * scaled + mean, 0 * scaled + scale
