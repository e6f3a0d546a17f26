"""Rivals of `early_stopping`."""

# %% right: a counter
def early_stopping(validation_loss, patience):
    best = 0
    low = float("inf")
    wait = 0
    for i, v in enumerate(validation_loss):
        if np.isfinite(v) and v < low:
            best, low, wait = i, v, 0
        else:
            wait += 1
            if i == 0:
                wait = 0
        if wait >= patience:
            return best, i
    return best, i

# %% right: a running minimum
def early_stopping(validation_loss, patience):
    v = np.where(np.isfinite(validation_loss), validation_loss, np.inf)
    for last in range(len(v)):
        best = int(np.argmin(v[: last + 1]))
        if last - best >= patience:
            break
    return best, last

# %% wrong: the first rise ends it | loses: test_early_stopping test_early_stopping_nan
def early_stopping(validation_loss, patience):
    for i in range(1, len(validation_loss)):
        if not validation_loss[i] < validation_loss[i - 1]:
            return i - 1, i
    return len(validation_loss) - 1, len(validation_loss) - 1

# %% wrong: the lowest of all, however long it takes | loses: test_early_stopping test_early_stopping_nan
# - elif epoch - best >= patience:
# -     return best, epoch

# %% wrong: one epoch too patient | loses: test_early_stopping test_early_stopping_nan
# >= patience => > patience

# %% wrong: counts rises from the epoch before | loses: test_early_stopping
def early_stopping(validation_loss, patience):
    v = np.where(np.isfinite(validation_loss), validation_loss, np.inf)
    wait = 0
    for i in range(1, len(v)):
        wait = wait + 1 if v[i] >= v[i - 1] else 0
        if wait >= patience:
            return int(np.argmin(v[: i + 1])), i
    return int(np.argmin(v)), len(v) - 1

# %% wrong: NaN wins | loses: test_early_stopping_nan
def early_stopping(validation_loss, patience):
    for last in range(len(validation_loss)):
        best = int(np.argmin(validation_loss[: last + 1]))
        if last - best >= patience:
            break
    return best, last

# %% wrong: the last epoch is kept | loses: test_early_stopping test_early_stopping_nan test_train_network_best
# return best, epoch => return epoch, epoch
# best, len(validation_loss) - 1 => len(validation_loss) - 1, len(validation_loss) - 1

# %% wrong: highest instead of lowest | loses: test_early_stopping test_early_stopping_nan test_train_network_honest test_train_network_learns test_train_network_best
# loss < lowest => loss > lowest
# np.inf => -np.inf

# %% wrong: the number of epochs, not the last one | loses: test_early_stopping test_early_stopping_nan
# return best, epoch => return best, epoch + 1
# len(validation_loss) - 1 => len(validation_loss)

# %% right: pandas
def early_stopping(validation_loss, patience):
    import pandas as pd

    losses = pd.Series(np.where(np.isfinite(validation_loss), validation_loss, np.inf), dtype="float32")
    lowest = losses.cummin()
    new = lowest.diff().fillna(-1) < 0
    best_so_far = pd.Series(np.where(new, losses.index, 0)).cummax()
    over = np.flatnonzero(losses.index - best_so_far >= patience)
    last = int(over[0]) if len(over) else len(losses) - 1
    return int(best_so_far[last]), last

# %% wrong: everything is run | loses: test_early_stopping test_early_stopping_nan
def early_stopping(validation_loss, patience):
    return int(np.nanargmin(validation_loss)), len(validation_loss) - 1

# %% wrong: an equal loss renews the patience | loses: test_early_stopping_nan
# loss < lowest => loss <= lowest

# %% wrong: the patience is ignored | loses: test_early_stopping test_early_stopping_nan test_train_network_best
# >= patience => >= 5

# %% wrong: minus infinity is the lowest | loses: test_early_stopping_nan
def early_stopping(validation_loss, patience):
    best, low, waited = 0, np.inf, 0
    for last, x in enumerate(validation_loss):
        if x < low:
            best, low, waited = last, x, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, last

# %% wrong: first epoch is taken even if it is NaN | loses: test_early_stopping_nan
def early_stopping(validation_loss, patience):
    best, low, waited = 0, validation_loss[0], 0
    last = 0
    for last in range(1, len(validation_loss)):
        x = validation_loss[last]
        if x < low:
            best, low, waited = last, x, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, last
