# %% right: comma join with short aliases, dbo names and a semicolon
def catalogue_query(fields):
    wanted = " OR ".join(f"s.field = '{f}'" for f in fields)
    return (
        "select s.apogee_id, s.telescope, s.field, s.snr, s.nvisits, a.teff, a.logg, a.fe_h, "
        "a.mg_fe, a.si_fe from dbo.apogeeStar s, dbo.aspcapStar a "
        f"where s.apstar_id = a.apstar_id and ({wanted});"
    )

# %% right: TOP, brackets, more columns in another order, a comment
def catalogue_query(fields):
    text = "'" + "', '".join(fields) + "'"
    return f"""
    -- the labels first
    SELECT TOP 100000
        p.teff, p.teff_err, p.logg, p.logg_err, p.fe_h, p.mg_fe, p.si_fe, p.aspcapflag,
        s.apstar_id, s.apogee_id, s.ra, s.dec, s.vhelio_avg, s.starflag, s.nvisits, s.snr,
        s.[field], s.telescope
    FROM aspcapStar AS p
    INNER JOIN apogeeStar AS s ON s.apstar_id = p.apstar_id
    WHERE s.[field] IN ({text})
    ORDER BY s.snr DESC
    """

# %% right: subquery instead of a join condition on the whole table
def catalogue_query(fields):
    quoted = []
    for field in fields:
        quoted.append("'" + field + "'")
    return (
        "SELECT s.apogee_id, s.telescope, s.field, s.snr, s.nvisits, l.teff, l.logg, l.fe_h, l.mg_fe,"
        " l.si_fe FROM (SELECT * FROM apogeeStar WHERE field IN (" + ",".join(quoted) + ")) s"
        " JOIN aspcapStar l ON l.apstar_id = s.apstar_id"
    )

# %% right: the file's name and EXTRATARG asked for too
# star.nvisits, => star.nvisits, star.[file], star.extratarg,

# %% right: every column of both tables
def catalogue_query(fields):
    listed = ", ".join(f"'{field}'" for field in fields)
    return f"""SELECT s.*, a.* FROM apogeeStar AS s
        INNER JOIN aspcapStar AS a ON a.apstar_id = s.apstar_id WHERE s.field IN ({listed})"""

# %% wrong: joined by target_id, which two telescopes share | loses: test_catalogue_query_join
# label.apstar_id = star.apstar_id => label.target_id = star.target_id

# %% wrong: joined by the star's name, which multiplies rows | loses: test_catalogue_query_join
# label.apstar_id = star.apstar_id => label.apogee_id = star.apogee_id

# %% wrong: one row for each star by DISTINCT names | loses: test_catalogue_query_join
def catalogue_query(fields):
    text = ", ".join(f"'{f}'" for f in fields)
    return f"""SELECT s.apogee_id, min(s.telescope) AS telescope, min(s.field) AS field,
        max(s.snr) AS snr, max(s.nvisits) AS nvisits, avg(l.teff) AS teff, avg(l.logg) AS logg,
        avg(l.fe_h) AS fe_h, avg(l.mg_fe) AS mg_fe, avg(l.si_fe) AS si_fe
        FROM apogeeStar s JOIN aspcapStar l ON s.apstar_id = l.apstar_id
        WHERE s.field IN ({text}) GROUP BY s.apogee_id"""

# %% wrong: no join condition | loses: test_catalogue_query test_catalogue_query_join
# ON label.apstar_id = star.apstar_id =>

# %% wrong: field names without quotes | loses: test_catalogue_query test_catalogue_query_join
# f"'{field}'" => field

# %% wrong: field names in double quotes | loses: test_catalogue_query test_catalogue_query_join
# f"'{field}'" => f'"{field}"'

# %% wrong: a Python tuple in the text, which fails for a single field | loses: test_catalogue_query
# ({quoted}) => {tuple(fields)}

# %% wrong: the four fields of the lab, whatever was asked for | loses: test_catalogue_query test_catalogue_query_join
# {quoted} => 'M15', 'N6791', 'K2_C4_168-21', '060+00'

# %% wrong: no labels | loses: test_catalogue_query
def catalogue_query(fields):
    text = ", ".join(f"'{f}'" for f in fields)
    return (
        f"SELECT apogee_id, telescope, field, snr, nvisits FROM apogeeStar WHERE field IN ({text})"
    )

# %% wrong: [Mg/Fe] under the name of [Si/Fe] | loses: test_catalogue_query
# label.si_fe => label.mg_fe AS si_fe

# %% wrong: a cut on the labels already | loses: test_catalogue_query test_catalogue_query_join
# star.field IN ({quoted}) => star.field IN ({quoted}) AND label.teff > 0

# %% wrong: duplicates and flagged stars left out | loses: test_catalogue_query test_catalogue_query_join
# star.field IN ({quoted}) => star.field IN ({quoted}) AND star.extratarg = 0 AND star.starflag = 0

# %% wrong: the field's name under that of the telescope | loses: test_catalogue_query
# star.telescope, => star.field AS telescope,

# %% wrong: the fields alone | loses: test_catalogue_query test_catalogue_query_join
def catalogue_query(fields):
    return ", ".join(fields)

# %% wrong: always the same row | loses: test_catalogue_query test_catalogue_query_join
def catalogue_query(fields):
    return """SELECT '2M' AS apogee_id, 'apo25m' AS telescope, 'M15' AS field, 99 AS snr,
        3 AS nvisits, 4500 AS teff, 2 AS logg, 0 AS fe_h, 0 AS mg_fe, 0 AS si_fe"""

# %% wrong: TOP 1000 as in the examples of SkyServer | loses: test_catalogue_query
def catalogue_query(fields):
    names = ", ".join(f"'{f}'" for f in fields)
    return (
        "SELECT TOP 1000 s.apogee_id, s.telescope, s.field, s.snr, s.nvisits, a.teff, a.logg, "
        "a.fe_h, a.mg_fe, a.si_fe FROM apogeeStar AS s JOIN aspcapStar AS a "
        f"ON a.apstar_id = s.apstar_id WHERE s.field IN ({names})"
    )

# %% wrong: LIKE with a wildcard lets in longer names | loses: test_catalogue_query
def catalogue_query(fields):
    likes = " OR ".join(f"s.field LIKE '{f}%'" for f in fields)
    return (
        "SELECT s.apogee_id, s.telescope, s.field, s.snr, s.nvisits, a.teff, a.logg, "
        "a.fe_h, a.mg_fe, a.si_fe FROM apogeeStar AS s JOIN aspcapStar AS a "
        f"ON a.apstar_id = s.apstar_id WHERE ({likes})"
    )
