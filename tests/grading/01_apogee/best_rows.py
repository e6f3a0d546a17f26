# %% right: a dictionary
def best_rows(apogee_id, snr):
    best = {}
    for row, star in enumerate(apogee_id):
        if star not in best or snr[row] > snr[best[star]]:
            best[star] = row
    return list(best.values())

# %% right: pandas
def best_rows(apogee_id, snr):
    import pandas as pd

    return (
        pd.Series(np.asarray(snr, dtype=float)).groupby(np.asarray(apogee_id)).idxmax().to_numpy()
    )

# %% right: lexsort, floats, from the last row to the first
def best_rows(apogee_id, snr):
    order = np.lexsort((snr, apogee_id))
    names = apogee_id[order]
    last = np.append(names[1:] != names[:-1], True)
    return order[last][::-1].astype(float)

# %% right: groups of an astropy table, in single precision
def best_rows(apogee_id, snr):
    from astropy.table import Table

    table = Table({"star": apogee_id, "snr": np.float32(snr), "row": np.arange(len(snr))})
    return [g["row"][np.argmax(g["snr"])] for g in table.group_by("star").groups]

# %% wrong: the worst spectrum of each star | loses: test_best_rows, test_best_rows_stars
# argsort(snr)[::-1] => argsort(snr)

# %% wrong: the first row of each star | loses: test_best_rows, test_best_rows_stars
def best_rows(apogee_id, snr):
    return np.unique(apogee_id, return_index=True)[1]

# %% wrong: rows of the sorted table, not of the table | loses: test_best_rows test_best_rows_stars
# best_first[first] => first

# %% wrong: only stars with one spectrum | loses: test_best_rows test_best_rows_stars
def best_rows(apogee_id, snr):
    _, first, count = np.unique(apogee_id, return_index=True, return_counts=True)
    return first[count == 1]

# %% wrong: only neighbours compared | loses: test_best_rows test_best_rows_stars
def best_rows(apogee_id, snr):
    keep = [0]
    for row in range(1, len(snr)):
        if apogee_id[row] != apogee_id[keep[-1]]:
            keep.append(row)
        elif snr[row] > snr[keep[-1]]:
            keep[-1] = row
    return np.array(keep)

# %% wrong: a mask instead of row numbers | loses: test_best_rows test_best_rows_stars
def best_rows(apogee_id, snr):
    keep = np.zeros(len(snr), dtype=bool)
    for star in np.unique(apogee_id):
        rows = np.flatnonzero(apogee_id == star)
        keep[rows[np.argmax(snr[rows])]] = True
    return keep

# %% wrong: nothing removed | loses: test_best_rows test_best_rows_stars
def best_rows(apogee_id, snr):
    return np.argsort(snr)[::-1]

# %% wrong: no row at all | loses: test_best_rows test_best_rows_stars
def best_rows(apogee_id, snr):
    return np.zeros(0, dtype=int)

# %% wrong: always the same rows | loses: test_best_rows test_best_rows_stars
def best_rows(apogee_id, snr):
    return np.array([0, 2, 3])

# %% wrong: S/N rounded to whole numbers first | loses: test_best_rows
def best_rows(apogee_id, snr):
    whole = np.asarray(snr).astype(int)
    best = {}
    for i, name in enumerate(apogee_id):
        if name not in best or whole[i] > whole[best[name]]:
            best[name] = i
    return np.array(list(best.values()))

# %% wrong: names cut after sixteen letters | loses: test_best_rows
def best_rows(apogee_id, snr):
    ids = np.asarray(apogee_id).astype("U16")
    order = np.argsort(-np.asarray(snr))
    _, first = np.unique(ids[order], return_index=True)
    return order[first]

# %% wrong: ties give both rows | loses: test_best_rows_stars
def best_rows(apogee_id, snr):
    out = []
    for n in np.unique(apogee_id):
        top = snr[apogee_id == n].max()
        out += list(np.flatnonzero((apogee_id == n) & (snr == top)))
    return np.array(out)

# %% wrong: looks the row up by its S/N alone | loses: test_best_rows_stars
def best_rows(apogee_id, snr):
    tops = [snr[apogee_id == n].max() for n in np.unique(apogee_id)]
    return np.array([list(snr).index(t) for t in tops])
