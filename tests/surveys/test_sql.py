"""SQL Server's dialect: queries as other people write them, against plain Python's answers."""

import csv
import math
import re
import sqlite3
import time
from contextlib import closing

import numpy as np
import pytest

from helpers import checks
from skysim.survey import tables
from surveys.catalogue import ASPCAPFLAG, EXTRATARG, SCHEMA, STARFLAG, write_tables
from surveys.sql import SqlError, run_sql
from tests.house.test_environment import loaded_by

FIELDS = ("M15", "N6791", "K2_C4_168-21", "060+00")


def made_up_rows(number=80):
    """Spectra of every field, telescope and flag, some without labels."""
    rng = np.random.default_rng(5)
    rows = []
    for k in range(number):
        star, labelled = k - (k % 9 == 8), k % 7
        rows.append(
            {
                "apogee_id": f"2M21{star:04d}12+1{star:06d}",
                "telescope": "apo1m" if k % 9 == 8 else "apo25m",
                "field": FIELDS[star % 4],
                "location_id": 4000 + star % 4,
                "ra": round(rng.uniform(0, 360), 6),
                "dec": round(rng.uniform(-20, 80), 6),
                "glon": round(rng.uniform(0, 360), 6),
                "glat": round(rng.uniform(-60, 60), 6),
                "extratarg": 1 << EXTRATARG["DUPLICATE"] if k % 9 == 8 else 0,
                "nvisits": int(rng.integers(1, 7)),
                "snr": round(rng.uniform(20, 400), 4),
                "starflag": int(rng.choice([0, 512, 1024, 1 << 16, 512 | 1 << 17])),
                "andflag": 0,
                "vhelio_avg": round(rng.normal(0, 80), 5),
                "teff": round(rng.uniform(3500, 6000), 3) if labelled else -9999.0,
                "logg": round(rng.uniform(0, 4.5), 5) if labelled else -9999.0,
                "fe_h": round(rng.normal(-0.3, 0.4), 5) if labelled else -9999.0,
                "aspcapflag": 0 if labelled else 1 << ASPCAPFLAG["NO_ASPCAP_RESULT"],
            }
        )
    return rows


ROWS = made_up_rows()
TABLE = {name: np.array([row[name] for row in ROWS]) for name in ROWS[0]}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    path = tmp_path_factory.mktemp("sql") / "catalogue.sqlite"
    write_tables(ROWS, path)
    return path


@pytest.fixture
def ask(catalogue):
    """Run a query: column names and rows, every value a number, a text or None."""

    def ask(sql):
        _, names, *rows = csv.reader(run_sql(catalogue, sql).splitlines())
        return names, [tuple(map(_value, row)) for row in rows]

    return ask


def _value(text):
    try:
        return float(text) if re.search(r"[.einf]", text) else int(text)
    except ValueError:
        return text or None


@pytest.fixture
def value(ask):
    """Ask for a single value."""

    def value(expression):
        _, ((found,),) = ask(f"SELECT {expression} AS x")
        return found

    return value


@pytest.fixture
def refusal(catalogue):
    """Give the sentence with which a query is refused."""

    def refusal(sql):
        with pytest.raises(SqlError) as caught:
            run_sql(catalogue, sql)
        return str(caught.value)

    return refusal


# ---------------------------------------------------------------- queries of the CAS's own kind


def test_the_cas_example_of_labels_without_bad_ones(ask):
    names, rows = ask(
        """SELECT TOP 100 s.apogee_id, s.ra, s.dec, s.glon, s.glat, s.vhelio_avg, s.vscatter,
                  a.teff, a.logg, a.m_h
           FROM apogeeStar s WITH (nolock)
           JOIN aspcapStar a WITH (nolock) ON s.apstar_id = a.apstar_id
           WHERE (a.aspcapflag & dbo.fApogeeAspcapFlag('STAR_BAD')) = 0 AND a.teff > 0
             AND a.logg < 3.5 AND s.[starflag] & dbo.fApogeeStarFlag(N'persist_high') = 0
           ORDER BY s.apogee_id"""
    )
    good = (TABLE["teff"] > 0) & (TABLE["logg"] < 3.5) & (TABLE["starflag"] & 512 == 0)
    assert names[-3:] == ["teff", "logg", "m_h"]
    assert sorted(row[7] for row in rows) == sorted(TABLE["teff"][good])


def test_flags_by_name_and_back(value, ask):
    assert value("dbo.fApogeeAspcapFlag('STAR_BAD')") == 1 << 23
    assert value("dbo.fApogeeStarFlag('suspect_broad_lines')") == 1 << 17
    assert value("dbo.fApogeeExtraTarg('DUPLICATE')") == 16
    assert value("dbo.fApogeeAspcapFlagN(0x80800000)") == "NO_ASPCAP_RESULT STAR_BAD"
    _, rows = ask("SELECT DISTINCT dbo.fApogeeStarFlagN(starflag) AS f FROM apogeeStar")
    named = {bit: name for name, bit in STARFLAG.items()}
    expected = {
        " ".join(named[bit] for bit in range(31, -1, -1) if flag >> bit & 1) or None
        for flag in TABLE["starflag"].tolist()
    }
    assert {name for (name,) in rows} == expected


def test_the_bits_are_those_of_dr17():
    """Bits at either end of each run of names in DR17's documentation, and their number."""
    assert (len(STARFLAG), len(ASPCAPFLAG), len(EXTRATARG)) == (20, 38, 5)
    for bits in (STARFLAG, ASPCAPFLAG, EXTRATARG):
        assert len(set(bits.values())) == len(bits)
    some = {"BAD_PIXELS": 0, "LOW_SNR": 4, "PERSIST_HIGH": 9, "PERSIST_JUMP_NEG": 13}
    some |= {"SUSPECT_RV_COMBINATION": 16, "MTPFLUX_LT_50": 25}
    assert some.items() <= STARFLAG.items()
    some = {"TEFF_WARN": 0, "STAR_WARN": 7, "VSINI_WARN": 14, "TEFF_BAD": 16, "STAR_BAD": 23}
    some |= {"NO_ASPCAP_RESULT": 31, "FERRE_FAIL": 36, "PROBLEM_TARGET": 40, "MULTIPLE_SUSPECT": 41}
    assert some.items() <= ASPCAPFLAG.items()


@pytest.mark.parametrize("table", ["apogeeVisit", "dbo.apogeeStarAllVisit", "mydb.apogeeStar"])
def test_a_table_that_is_not_here(refusal, table):
    said = refusal(f"SELECT TOP 5 v.* FROM apogeeStar s JOIN {table} AS v ON v.apstar_id = s.file")
    assert table.removeprefix("dbo.") in said
    assert "the tables of this archive are apogeeStar, aspcapStar" in said


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("SELECT teffe FROM aspcapStar", "Invalid column name 'teffe'.*'teff'"),
        ("SELECT a.param_m_h FROM aspcapStar a", "Invalid column name 'param_m_h'.*'m_h'"),
        ("SELECT s.teff FROM apogeeStar s", "'teff'. It is a column of aspcapStar"),
        ("SELECT snr FROM apogeStar", "Invalid object name 'apogeStar'.*Did you mean 'apogeeStar'"),
        ("SELECT apogeeStar.snr FROM apogeeStar s", "no table is called apogeeStar"),
        ('SELECT snr FROM apogeeStar WHERE field = "M15"', "single quotes: 'M15'"),
        (
            "SELECT apogee_id FROM apogeeStar s JOIN aspcapStar a ON a.apstar_id = s.apstar_id",
            "Ambiguous column name 'apogee_id'",
        ),
        ("SELECT dbo.fApogeeStarFlag('PERSIST_HI')", "no flag 'PERSIST_HI'.*'PERSIST_HIGH'"),
        ("SELECT dbo.fApogeeTarget1('APOGEE_LONG')", "fApogeeTarget1.* it has dbo.fApogeeStarFlag"),
        ("SELECT * FROM dbo.fGetNearbyApogeeStarEq(1, 2, 3) n", "dbo.fGetNearbyApogeeStarEq"),
        ("SELECT fApogeeStarFlag('LOW_SNR')", "write dbo.fApogeeStarFlag"),
        ("SELECT substr('abc', 1, 2)", "no function substr.*'str'"),
        ("SELECT getdate()", "no function getdate"),
    ],
)
def test_a_name_that_is_not_here(refusal, sql, sentence):
    assert re.search(sentence, refusal(sql))


# ---------------------------------------------------------------- refused, with the reason


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("", "empty"),
        ("INSERT INTO apogeeStar (snr) VALUES (1)", "not INSERT"),
        ("UPDATE apogeeStar SET snr = 1", "not UPDATE"),
        ("DROP TABLE apogeeStar", "not DROP"),
        ("EXEC sp_help", "not EXEC"),
        ("DECLARE @n int; SELECT @n", "not DECLARE"),
        ("WITH c AS (SELECT 1 AS a) DELETE FROM apogeeStar", "not DELETE"),
        ("SELECT snr INTO mine FROM apogeeStar", "INTO"),
        ("SELECT 1 AS a; SELECT 2 AS b", "one statement"),
        ("SELECT snr FROM apogeeStar WHERE snr > @low", "'@low'"),
        ("SELECT TOP 5 WITH TIES snr FROM apogeeStar ORDER BY snr", "WITH TIES"),
        ("SELECT TOP -1 snr FROM apogeeStar", "near '-'"),
        ("SELECT x.b FROM apogeeStar CROSS APPLY (SELECT 1 AS b) x", "APPLY"),
        ("SELECT field, COUNT(*) FROM apogeeStar GROUP BY ROLLUP(field)", "ROLLUP"),
        ("SELECT snr FROM apogeeStar WHERE snr >= ALL (SELECT snr FROM apogeeStar)", "ALL"),
        ("SELECT snr FROM apogeeStar FOR XML AUTO", "FOR XML"),
        ("SELECT CAST(snr AS date) FROM apogeeStar", "type DATE"),
        ("WITH c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c", "itself"),
        ("SELECT snr FROM apogeeStar WHRE snr > 1", "near 'snr' .line 1, column 35"),
        ("SELECT snr FROM apogeeStar WHERE field = 'M15", "not closed"),
        ("SELECT snr, FROM apogeeStar", "near ',' .line 1, column 11"),
        ("SELECT snr FROM apogeeStar WHERE field IN ('M15',)", "near ','"),
        ("SELECT snr FROM apogeeStar WHERE field IN ()", "at least one"),
        ("SELECT snr FROM apogeeStar WHERE snr IS 5", "near 'IS'"),
        ("SELECT snr FROM apogeeStar ORDER BY snr WHERE snr > 5", "near 'WHERE'"),
        ("SELECT s.snr FROM apogeeStar s JOIN aspcapStar a", "say ON"),
        ("SELECT snr FROM (SELECT snr FROM apogeeStar)", "needs a name"),
        ("SELECT snr FROM apogeeStar OFFSET 5 ROWS", "wants ORDER BY"),
        ("SELECT snr FROM apogeeStar WHERE field = 060+00", "'field' .* single quotes"),
        ("SELECT snr FROM apogeeStar WHERE field IN (15, 6791)", "'field' .* single quotes"),
        # other databases' dialects
        ("SELECT snr FROM apogeeStar LIMIT 5", "TOP"),
        ("SELECT snr FROM apogeeStar WHERE snr == 5", "near '='"),
        ("SELECT field || telescope FROM apogeeStar", r"near '\|'"),
        ("SELECT snr::int FROM apogeeStar", "near ':'"),
        ("SELECT s.snr FROM apogeeStar s JOIN aspcapStar a USING (apstar_id)", "say ON"),
        # what SQLite runs and SQL Server does not
        ("SELECT snr FROM apogeeStar WHERE starflag & 512", "condition is expected"),
        ("SELECT SUM(snr > 50) FROM apogeeStar", "value is expected"),
        ("SELECT field, snr FROM apogeeStar GROUP BY field", "'snr' is invalid .* GROUP BY"),
        ("SELECT field, COUNT(*) AS n FROM apogeeStar", "'field' is invalid"),
        ("SELECT * FROM apogeeStar GROUP BY field", r"'\*' is invalid"),
        ("SELECT COUNT(*) FROM apogeeStar GROUP BY field ORDER BY snr", "'snr' is invalid"),
        ("SELECT snr * 2 AS twice FROM apogeeStar WHERE twice > 9", "'twice'.* ORDER BY only"),
        ("SELECT DISTINCT field FROM apogeeStar ORDER BY snr", "select list .* 'snr'"),
        ("SELECT MAX(snr, 5) FROM apogeeStar", "MAX requires 1"),
        ("SELECT snr / (nvisits - nvisits) FROM apogeeStar", "Divide by zero"),
        ("SELECT 7 % 0", "Divide by zero"),
        ("SELECT LOG10(-snr) FROM apogeeStar", r"floating point .*LOG10\(-\d"),
        ("SELECT field + 1 FROM apogeeStar", "converting the varchar value '.*' to data type int"),
        ("SELECT CAST('1.5' AS int)", "'1.5' to data type int"),
        ("SELECT CAST(aspcapflag AS int) FROM aspcapStar", "overflow"),
        ("SELECT CONVERT(varchar(5), 1234567.0)", "overflow"),
        ("SELECT LEFT(field, -1) FROM apogeeStar", "LEFT"),
        ("SELECT REPLICATE('x', 9000)", "8000"),
    ],
)
def test_refused_with_the_reason(refusal, sql, sentence):
    assert re.search(sentence, refusal(sql))


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # whole numbers stay whole
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("7 / 2.0", 3.5),
        ("7 % 4", 3),
        ("-7 % 4", -3),
        ("5.5 % 2", 1.5),
        ("1 / 2 * 2.0", 0.0),
        ("POWER(2, 3)", 8),
        ("POWER(2, -1)", 0),
        ("POWER(2.5, 2)", 6.25),
        # bits; + - & ^ | bind alike, from the left
        ("0x4", 4),
        ("0x1F & 0x4", 4),
        ("5 ^ 3", 6),
        ("5 | 8", 13),
        ("~5", -6),
        ("~~5", 5),
        ("6 & 2 + 1", 3),
        ("1 + 2 & 1", 1),
        ("8 - 3 | 8", 13),
        ("2 * 3 & 2", 2),
        ("10 - 5 - 2", 3),
        ("10 - (5 - 2)", 7),
        ("12 / 4 / 3", 1),
        # numbers
        ("SQUARE(3)", 9.0),
        ("SQRT(16)", 4.0),
        ("LOG10(1000)", 3.0),
        ("LOG(EXP(2))", 2.0),
        ("LOG(8, 2)", 3.0),
        ("ROUND(2.345, 2)", 2.35),
        ("ROUND(-2.5, 0)", -3.0),
        ("ROUND(1250, -2)", 1300),
        ("ROUND(2.349, 2, 1)", 2.34),
        ("CEILING(1.2)", 2.0),
        ("FLOOR(-1.2)", -2.0),
        ("FLOOR(7.9) / 2", 3.5),
        ("ABS(-3)", 3),
        ("SIGN(-2.5)", -1.0),
        ("ATN2(1, 1) * 4", math.pi),
        ("DEGREES(PI())", 180.0),
        ("ISNULL(NULL, 5)", 5),
        ("COALESCE(NULL, NULL, 6)", 6),
        ("NULLIF(3, 3)", None),
        ("1 + NULL", None),
        # texts
        ("LEFT('M15', 1)", "M"),
        ("RIGHT('N6791', 9)", "N6791"),
        ("SUBSTRING('K2_C4', 4, 2)", "C4"),
        ("SUBSTRING('abc', 0, 2)", "a"),
        ("LEN('ab  ')", 2),
        ("CHARINDEX('c4', 'K2_C4_168')", 4),
        ("CHARINDEX('2', '2323', 2)", 3),
        ("PATINDEX('%[0-9]%', 'M15')", 2),
        ("REPLACE('aXbx', 'x', '-')", "a-b-"),
        ("REVERSE('M15')", "51M"),
        ("STUFF('M15', 1, 1, 'NGC')", "NGC15"),
        ("REPLICATE('ab', 2)", "abab"),
        ("UPPER('m15') + LOWER('ABC')", "M15abc"),
        ("LTRIM('  a ') + '|' + RTRIM(' b ') + '|' + TRIM(' c ')", "a | b|c"),
        ("'a' + '_' + 'b'", "a_b"),
        ("'a' + NULL", None),
        ("'5' + 1", 6),
        ("CONCAT('a', NULL, 5, 1.5)", "a51.5"),
        ("CONCAT_WS('-', 'a', NULL, 'b')", "a-b"),
        ("STR(4812.345, 8, 2)", 4812.35),
        ("STR(12345, 3)", "***"),
        ("N'M15' + 'x'", "M15x"),
        ("'it''s'", "it's"),
        # types
        ("CAST(3.99 AS int)", 3),
        ("CAST(-3.99 AS bigint)", -3),
        ("CAST('12' AS int) + 1", 13),
        ("CAST(2.345 AS decimal(5, 2))", 2.35),
        ("CAST(5 AS decimal(5, 2)) / 2", 2.5),
        ("CAST(7 AS float) / 2", 3.5),
        ("CAST('M15_long' AS varchar(3))", "M15"),
        ("CAST('ab' AS char(4)) + '|'", "ab  |"),
        ("CAST(4000 AS varchar) + 'K'", "4000K"),
        ("CONVERT(varchar(20), 1234567.0) + 'K'", "1.23457e+006K"),
        ("CONVERT(int, 4.7)", 4),
        ("TRY_CAST('abc' AS int)", None),
        ("TRY_CONVERT(float, '1e3')", 1000.0),
        # conditions
        ("CASE WHEN 'm15 ' = 'M15' THEN 1 ELSE 0 END", 1),
        ("CASE 'M15' WHEN 'm15' THEN 1 ELSE 0 END", 1),
        ("CASE LEFT('m15', 2) WHEN 'M1 ' THEN 1 ELSE 0 END", 1),
        ("CASE WHEN LEFT('m15', 1) + ' ' IN ('M', 'N') THEN 1 ELSE 0 END", 1),
        ("CASE WHEN UPPER('b') BETWEEN 'a' AND 'c ' THEN 1 ELSE 0 END", 1),
        ("CASE WHEN 5 !< 5 AND 5 !> 5 THEN 1 ELSE 0 END", 1),
        ("IIF(2 > 1 AND NOT 1 <> 1, 'yes', 'no')", "yes"),
        ("CASE WHEN NULL = NULL THEN 1 ELSE 0 END", 0),
        ("CASE WHEN 'a' COLLATE Latin1_General_CS_AS = 'A' THEN 1 ELSE 0 END", 0),
    ],
)
def test_value_of_an_expression(value, expression, expected):
    found = value(expression)
    assert found == (pytest.approx(expected) if isinstance(expected, float) else expected)
    assert type(found) is type(expected)


# ---------------------------------------------------------------- texts


def stars_where(condition):
    return f"SELECT COUNT(*) AS n FROM apogeeStar WHERE {condition}"


@pytest.mark.parametrize(
    ("condition", "fields"),
    [
        ("field = 'm15'", ["M15"]),
        ("field = 'M15   '", ["M15"]),
        ("'m15 ' = field", ["M15"]),
        ("field <> 'm15 '", ["N6791", "K2_C4_168-21", "060+00"]),
        ("field != 'M15'", ["N6791", "K2_C4_168-21", "060+00"]),
        ("NOT field = 'm15'", ["N6791", "K2_C4_168-21", "060+00"]),
        ("field IN ('m15 ', N'n6791')", ["M15", "N6791"]),
        ("field NOT IN ('m15', 'n6791')", ["K2_C4_168-21", "060+00"]),
        ("field > 'm'", ["M15", "N6791"]),
        ("field BETWEEN 'k' AND 'm15 '", ["K2_C4_168-21", "M15"]),
        ("UPPER(field) = 'm15'", ["M15"]),
        ("field + ' ' = 'm15'", ["M15"]),
        ("LEFT(field, 1) IN ('m ', 'n')", ["M15", "N6791"]),
        ("field LIKE 'm%'", ["M15"]),
        ("field LIKE '[0-9]%'", ["060+00"]),
        ("field LIKE '[^0-9]%'", ["M15", "N6791", "K2_C4_168-21"]),
        ("field LIKE '[km]%[1-5]'", ["M15", "K2_C4_168-21"]),
        ("field LIKE '___'", ["M15"]),
        ("field LIKE '%[_]%'", ["K2_C4_168-21"]),
        ("field LIKE '%!_%' ESCAPE '!'", ["K2_C4_168-21"]),
        ("field LIKE '%c4%1%2%'", ["K2_C4_168-21"]),
        ("field NOT LIKE '%[0-9]'", []),
        ("field LIKE 'M15 '", []),
        ("[field] = 'm15' -- AND 1 = 0", ["M15"]),
        ("\"field\" /* AND 1 = 0 */ = 'm15';", ["M15"]),
        ("apogeeStar.field = 'm15'", ["M15"]),
        ("field COLLATE Latin1_General_BIN = 'm15'", []),
    ],
)
def test_letter_case_and_blanks_at_the_end_do_not_count(ask, condition, fields):
    _, ((number,),) = ask(stars_where(condition))
    assert number == np.isin(TABLE["field"], fields).sum()


def test_names_of_stars_are_compared_like_other_texts(ask):
    name = ROWS[0]["apogee_id"].lower()
    assert ask(stars_where(f"apogee_id = '{name} '")) == ask(
        stars_where(f"apogee_id IN ('{name}')")
    )
    assert ask(stars_where(f"apogee_id = '{name}'"))[1][0][0] >= 1


def test_groups_and_sorting_ignore_letter_case(ask):
    sql = """SELECT CASE WHEN snr > 200 THEN field ELSE LOWER(field) + ' ' END AS f, COUNT(*) AS n
             FROM apogeeStar GROUP BY CASE WHEN snr > 200 THEN field ELSE LOWER(field) + ' ' END
             ORDER BY f"""
    _, rows = ask(sql)
    assert [row[0].strip().upper() for row in rows] == ["060+00", "K2_C4_168-21", "M15", "N6791"]
    assert [row[1] for row in rows] == [20] * 4
    _, rows = ask("SELECT field FROM apogeeStar INTERSECT SELECT 'm15'")
    assert len(rows) == 1


def test_texts_are_joined_by_plus(ask):
    _, rows = ask("SELECT DISTINCT field + '_' + telescope AS place FROM apogeeStar")
    assert {place for (place,) in rows} == {f"{row['field']}_{row['telescope']}" for row in ROWS}


# ---------------------------------------------------------------- parts of a query


def test_top_limits_the_rows(ask):
    by_snr = sorted(TABLE["snr"], reverse=True)

    def top(what):
        return [snr for (snr,) in ask(f"SELECT {what} snr FROM apogeeStar ORDER BY snr DESC")[1]]

    assert top("TOP 3") == top("TOP (2 + 1)") == top("DISTINCT TOP 3") == by_snr[:3]
    assert top("TOP 10 PERCENT") == by_snr[:8]
    assert top("TOP (1.3) PERCENT") == by_snr[:2]  # of 80 rows, rounded up
    assert top("TOP 100 PERCENT") == by_snr
    assert top("TOP 0") == []
    page = "OFFSET 4 ROWS FETCH NEXT 3 ROWS ONLY"
    _, rows = ask(f"SELECT snr FROM apogeeStar ORDER BY snr DESC {page}")
    assert [snr for (snr,) in rows] == by_snr[4:7]
    _, rows = ask("SELECT snr FROM apogeeStar ORDER BY snr DESC OFFSET 78 ROWS")
    assert [snr for (snr,) in rows] == by_snr[78:]


def test_top_in_each_part_of_a_union(ask):
    low, high = min(TABLE["snr"]), max(TABLE["snr"])
    sql = """SELECT * FROM (SELECT TOP 1 snr FROM apogeeStar ORDER BY snr) AS a UNION ALL
             (SELECT TOP 1 snr FROM apogeeStar ORDER BY snr DESC) ORDER BY snr"""
    assert ask(sql)[1] == [(low,), (high,)]
    _, rows = ask("SELECT TOP 2 field FROM apogeeStar UNION ALL SELECT TOP 3 file FROM apogeeStar")
    assert len(rows) == 5
    assert ask("SELECT 1 AS a UNION SELECT 2 INTERSECT SELECT 2")[1] == [(1,), (2,)]
    assert ask("(SELECT 1 AS a UNION SELECT 2) EXCEPT SELECT 2")[1] == [(1,)]


def test_best_spectrum_of_each_star_in_three_ways(ask):
    best = {}
    for row in ROWS:
        best[row["apogee_id"]] = max(row["snr"], best.get(row["apogee_id"], 0))
    assert len(best) < len(ROWS)
    for sql in (
        "SELECT apogee_id, MAX(snr) AS snr FROM apogeeStar GROUP BY apogee_id",
        "SELECT s.apogee_id, s.snr FROM apogeeStar s WHERE s.snr = "
        "(SELECT MAX(t.snr) FROM dbo.apogeeStar t WHERE t.apogee_id = s.apogee_id)",
        "WITH ranked AS (SELECT apogee_id, snr, ROW_NUMBER() OVER "
        "(PARTITION BY apogee_id ORDER BY snr DESC) AS place FROM apogeeStar) "
        "SELECT apogee_id, snr FROM ranked WHERE place = 1",
    ):
        assert dict(ask(sql)[1]) == best


def test_window_functions_are_answered(ask):
    _, rows = ask(
        "SELECT snr, AVG(snr) OVER (PARTITION BY field) AS mean, STDEV(snr) OVER "
        "(ORDER BY snr ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS spread "
        "FROM apogeeStar ORDER BY snr"
    )
    field = dict(zip(TABLE["snr"], TABLE["field"], strict=True))
    snr = np.sort(TABLE["snr"])
    for k, (value, mean, spread) in enumerate(rows):
        assert value == snr[k]
        assert mean == pytest.approx(TABLE["snr"][TABLE["field"] == field[value]].mean())
        recent = snr[max(k - 4, 0) : k + 1]
        assert spread is None if k == 0 else spread == pytest.approx(recent.std(ddof=1), rel=1e-6)


def test_subqueries_and_conditions(ask):
    _, ((number,),) = ask(
        "SELECT COUNT(*) AS n FROM apogeeStar s WHERE EXISTS (SELECT * FROM aspcapStar a WHERE "
        "a.apstar_id = s.apstar_id AND a.teff > 0) AND s.field IN (SELECT field FROM apogeeStar "
        "GROUP BY field HAVING AVG(snr) > 0 AND COUNT(*) >= 20)"
    )
    assert number == (TABLE["teff"] > 0).sum()
    _, ((number,),) = ask(
        "SELECT COUNT(*) AS n FROM apogeeStar s LEFT JOIN (SELECT * FROM aspcapStar WHERE teff > 0)"
        " a ON a.apstar_id = s.apstar_id WHERE a.teff IS NULL"
    )
    assert number == (TABLE["teff"] <= 0).sum()


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT TEFF, teff * 2, COUNT(*) OVER () FROM aspcapStar", ["TEFF", "Column1", "Column2"]),
        ("SELECT s.SNR, (snr), 'x', snr x FROM apogeeStar s", ["SNR", "snr1", "Column1", "x"]),
        ("SELECT sn = snr, snr AS 'S/N', snr AS [S to N] FROM apogeeStar", ["sn", "S/N", "S to N"]),
        ("SELECT TOP 1 * FROM (SELECT 1 AS a, 2 AS B) x", ["a", "B"]),
        ("SELECT ID = 1 UNION SELECT 2", ["ID"]),
        ("WITH c(One, two) AS (SELECT 1, 2) SELECT one, Two FROM c", ["one", "Two"]),
    ],
)
def test_names_of_columns(ask, sql, names):
    assert ask(sql)[0] == names


# ---------------------------------------------------------------- generated queries


def a_condition(rng):
    """A condition as SQL, and the rows that meet it."""
    kind = rng.integers(9)
    if kind == 0:
        name = rng.choice(["snr", "ra", "vhelio_avg", "teff", "logg"])
        mark, compare = [("<", np.less), (">=", np.greater_equal), ("<>", np.not_equal)][
            rng.integers(3)
        ]
        limit = float(rng.choice(TABLE[name]))
        return f"{name} {mark} {limit!r}", compare(TABLE[name], limit)
    if kind == 1:
        low, high = sorted(rng.choice(TABLE["snr"], 2))
        inside = (TABLE["snr"] >= low) & (TABLE["snr"] <= high)
        return f"snr BETWEEN {float(low)!r} AND {float(high)!r}", inside
    if kind == 2:
        field = str(rng.choice(FIELDS))
        written = "".join(rng.choice([letter.lower(), letter.upper()]) for letter in field)
        return f"field = '{written}{' ' * rng.integers(3)}'", TABLE["field"] == field
    if kind == 3:
        some = [str(field) for field in rng.choice(FIELDS, 2)]
        return f"field IN ({', '.join(map(repr, some))})", np.isin(TABLE["field"], some)
    if kind == 4:
        letters = "".join(rng.choice(list("0KMN"), 2, replace=False))
        first = np.array([field[0] for field in TABLE["field"]])
        return f"field LIKE '[{letters.lower()}]%'", np.isin(first, list(letters))
    if kind == 5:
        name, bit = list(STARFLAG.items())[rng.integers(len(STARFLAG))]
        return f"starflag & dbo.fApogeeStarFlag('{name}') > 0", TABLE["starflag"] >> bit & 1 == 1
    if kind == 6:
        number = int(rng.integers(2, 5))
        return f"nvisits % {number} = 0", TABLE["nvisits"] % number == 0
    inside, met = a_condition(rng)
    if kind == 7:
        return f"NOT ({inside})", ~met
    other, also = a_condition(rng)
    both = rng.random() < 0.5
    return f"({inside} {'AND' if both else 'OR'} {other})", met & also if both else met | also


def an_expression(rng, depth=2):
    """A number as SQL, and its values."""
    if depth == 0:
        name = str(rng.choice(["snr", "nvisits", "starflag", "location_id"]))
        return name, TABLE[name]
    (one, left), (other, right) = an_expression(rng, depth - 1), an_expression(rng, depth - 1)
    whole = left.dtype.kind == right.dtype.kind == "i"
    mark = rng.choice(["+", "-", "*", "/", "^", "&", "|"] if whole else ["+", "-", "*", "/"])
    if mark == "/":
        right = np.abs(right) + 1
        other = f"(ABS({other}) + 1)"
        return f"({one} / {other})", np.trunc(left / right).astype(int) if whole else left / right
    operations = {
        "+": np.add,
        "-": np.subtract,
        "*": np.multiply,
        "^": np.bitwise_xor,
        "&": np.bitwise_and,
        "|": np.bitwise_or,
    }
    return f"({one} {mark} {other})", operations[mark](left, right)


@pytest.mark.parametrize("seed", range(40))
def test_generated_selections_equal_numpy(ask, seed):
    rng = np.random.default_rng([1, seed])
    condition, met = a_condition(rng)
    expression, values = an_expression(rng)
    sql = (
        f"SELECT s.apstar_id, {expression} AS x, snr FROM apogeeStar s JOIN "
        "(SELECT apstar_id AS id, teff, logg FROM aspcapStar) a ON s.apstar_id = a.id "
        f"WHERE {condition} ORDER BY snr"
    )
    _, rows = ask(sql)
    order = [k for k in np.argsort(TABLE["snr"]) if met[k]]
    assert [row[2] for row in rows] == [ROWS[k]["snr"] for k in order], sql
    assert [row[1] for row in rows] == pytest.approx(values[order].tolist(), rel=1e-12), sql
    skip, number = rng.integers(5, size=2)
    page = f"{sql} OFFSET {skip} ROWS FETCH NEXT {number + 1} ROWS ONLY"
    assert ask(page)[1] == rows[skip : skip + number + 1]
    percent = int(rng.integers(1, 100))
    some = ask(sql.replace("SELECT s", f"SELECT TOP {percent} PERCENT s", 1))[1]
    assert some == rows[: math.ceil(len(rows) * percent / 100)]


@pytest.mark.parametrize("seed", range(30))
def test_generated_groups_equal_numpy(ask, seed):
    rng = np.random.default_rng([2, seed])
    condition, met = a_condition(rng)
    expression, values = an_expression(rng, depth=1)
    keys = [["field"], ["telescope"], ["field", "telescope"]][rng.integers(3)]
    least = int(rng.integers(1, 6))
    sql = (
        f"SELECT {', '.join(keys)}, COUNT(*) AS n, SUM({expression}) AS s, AVG({expression}) AS a, "
        f"MIN({expression}) AS low, MAX({expression}) AS high, STDEV({expression}) AS sd, "
        f"STDEVP({expression}) AS sdp, VAR({expression}) AS v "
        f"FROM apogeeStar s JOIN aspcapStar a ON s.apstar_id = a.apstar_id WHERE {condition} "
        f"GROUP BY {', '.join(keys)} HAVING COUNT(*) >= {least} ORDER BY n"
    ).replace("telescope", "s.telescope")
    groups = {}
    for k in np.flatnonzero(met):
        groups.setdefault(tuple(ROWS[k][key] for key in keys), []).append(values[k])
    expected = {}
    for key, found in groups.items():
        some = np.array(found)
        if len(some) >= least:
            mean = some.sum() / len(some)
            expected[key] = (
                len(some),
                some.sum(),
                np.trunc(mean) if some.dtype.kind == "i" else mean,
                some.min(),
                some.max(),
                some.std(ddof=1) if len(some) > 1 else None,
                some.std(),
                some.var(ddof=1) if len(some) > 1 else None,
            )
    _, rows = ask(sql)
    assert [row[len(keys)] for row in rows] == sorted(each[0] for each in expected.values())
    for row in rows:
        wanted = expected.pop(row[: len(keys)])
        for value, correct in zip(row[len(keys) :], wanted, strict=True):
            if correct is None:
                assert value is None
            else:
                assert value == pytest.approx(float(correct), rel=1e-9, abs=1e-9), sql
    assert not expected


# ---------------------------------------------------------------- time


def test_stars_are_found_by_name_at_once(tmp_path):
    """The best spectrum of each of 20,000 stars: without an index, 400 million comparisons."""
    rows = [{"apogee_id": f"2M{k // 2}", "telescope": "t", "snr": float(k)} for k in range(40_000)]
    write_tables(rows, tmp_path / "catalogue.sqlite")
    answer = run_sql(
        tmp_path / "catalogue.sqlite",
        "SELECT s.apogee_id FROM apogeeStar s WHERE s.snr = "
        "(SELECT MAX(t.snr) FROM apogeeStar t WHERE t.apogee_id = s.apogee_id)",
    )
    assert len(answer.splitlines()) == 20_000 + 2


def test_slow_functions_are_stopped(catalogue):
    slow = "PATINDEX('%a%a%a%a%b', REPLICATE('a', 7000) + s.field)"  # some 0.3 s each
    start = time.monotonic()
    with pytest.raises(SqlError, match=r"longer than 0\.5 s"):
        run_sql(catalogue, f"SELECT {slow} AS x FROM apogeeStar s", seconds=0.5)
    assert time.monotonic() - start < 5


# ---------------------------------------------------------------- the tables' one schema


def test_the_labs_queries_are_run_on_all_columns_of_the_survey():
    """A student may ask for any column that the survey has, of rows that do not give it."""
    listed = [f"{table}.[{column.name}]" for table in SCHEMA for column in SCHEMA[table]]
    answer = checks.query(
        f"SELECT {', '.join(listed)} FROM apogeeStar JOIN aspcapStar "
        "ON apogeeStar.apstar_id = aspcapStar.apstar_id WHERE extratarg = 0 AND vmacro < 0",
        [{"apogee_id": "2Ma", "telescope": "apo25m", "field": "M15", "location_id": 1, "snr": 90,
          "extratarg": 0}],
    )  # fmt: skip
    assert list(answer["file"]) == ["apStar-dr17-2Ma.fits"]
    assert answer["snr"].dtype.kind == "f"
    assert answer["vmacro"] == answer["teff"] == -9999


def test_a_real_number_is_divided_as_one_although_it_is_given_whole():
    rows = [{"apogee_id": "2Ma", "telescope": "t", "field": "f", "location_id": 1, "snr": 5}]
    assert checks.query("SELECT snr / 2 AS half FROM apogeeStar", rows)["half"] == 2.5


def test_the_survey_fills_every_column_of_the_schema(tmp_path):
    from skysim.survey.apogee_rows import build_population

    tables.write_sqlite(tmp_path / "c.sqlite", build_population(128)[:60])
    with closing(sqlite3.connect(tmp_path / "c.sqlite")) as connection:
        for table, columns in SCHEMA.items():
            found = connection.execute(f"PRAGMA table_info({table})").fetchall()
            assert [(name, kind) for _, name, kind, *_ in found] == [
                (column.name, column.sql) for column in columns
            ]
            for column in columns:
                filled = f"SELECT COUNT(*) FROM {table} WHERE [{column.name}] <> -9999"
                assert connection.execute(filled).fetchone()[0] > 30, column.name


# ---------------------------------------------------------------- light


@pytest.mark.parametrize("module", ["helpers.checks", "helpers.archive", "surveys.catalogue"])
def test_the_sql_reader_is_loaded_for_queries_only(module):
    assert "sqlglot" not in loaded_by(f"import {module}")
