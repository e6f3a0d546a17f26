# %% right: a template and zip
def spectrum_paths(table):
    template = "dr17/apogee/spectro/redux/dr17/stars/{}/{}/{}-dr17-{}.fits"
    kinds = ["asStar" if telescope.startswith("lco") else "apStar" for telescope in table["telescope"]]
    columns = table["telescope"], table["field"], kinds, table["apogee_id"]
    return [template.format(*row) for row in zip(*columns)]

# %% right: os.path.join and an array of text
def spectrum_paths(table):
    import os

    first = np.where(np.asarray(table["telescope"]) == "lco25m", "asStar", "apStar")
    return np.array([
        os.path.join("dr17", "apogee", "spectro", "redux", "dr17", "stars", t, f, k + "-dr17-" + i + ".fits")
        for t, f, k, i in zip(table["telescope"], table["field"], first, table["apogee_id"])
    ])

# %% right: replaced afterwards
def spectrum_paths(table):
    base = "dr17/apogee/spectro/redux/dr17/stars"
    paths = [f"{base}/{r['telescope']}/{r['field']}/apStar-dr17-{r['apogee_id']}.fits" for r in table]
    return [p.replace("apStar", "asStar") if "/lco25m/" in p else p for p in paths]

# %% right: a pandas frame
def spectrum_paths(table):
    frame = table["telescope", "field", "apogee_id"].to_pandas()
    first = frame["telescope"].map({"lco25m": "asStar"}).fillna("apStar")
    root = "dr17/apogee/spectro/redux/dr17/stars/"
    return (root + frame.telescope + "/" + frame.field + "/" + first + "-dr17-" + frame.apogee_id + ".fits").tolist()

# %% wrong: every file begins alike | loses: test_spectrum_paths_south
# "asStar" if => "apStar" if

# %% wrong: the southern name everywhere | loses: test_spectrum_paths test_spectrum_paths_south
# else "apStar" => else "asStar"

# %% wrong: field and telescope exchanged | loses: test_spectrum_paths test_spectrum_paths_south
# {row['telescope']}/{row['field']}" => {row['field']}/{row['telescope']}"

# %% wrong: the telescope left out | loses: test_spectrum_paths test_spectrum_paths_south
# stars/{row['telescope']}/{row['field']} => stars/{row['field']}

# %% wrong: the release missing from the file's name | loses: test_spectrum_paths test_spectrum_paths_south
# {first}-dr17-{row => {first}-{row

# %% wrong: no suffix | loses: test_spectrum_paths test_spectrum_paths_south
# {row['apogee_id']}.fits => {row['apogee_id']}

# %% wrong: the server in front | loses: test_spectrum_paths test_spectrum_paths_south
# f"dr17/apogee => f"https://data.sdss.org/sas/dr17/apogee

# %% wrong: only the first star | loses: test_spectrum_paths test_spectrum_paths_south
# for row in table => for row in table[:1]

# %% wrong: sorted by name | loses: test_spectrum_paths test_spectrum_paths_south
# return paths => return sorted(paths, reverse=True)

# %% wrong: one telescope for all | loses: test_spectrum_paths test_spectrum_paths_south
# stars/{row['telescope']}/ => stars/apo25m/
