"""Folders filled by hand and by interrupted downloads: what can be read is in the catalogue."""

import csv
import io
import warnings

import numpy as np
import pytest
from astropy.table import Table

from surveys.folder_catalogue import CatalogueError, LeftOutWarning, make_catalogue
from surveys.server import ArchiveServer
from surveys.sql import SqlError, run_sql
from tests.tiny_archive import SPECTRA, STARS, apstar_bytes

#: what a folder may hold in place of a file: lightkurve PR 1399, kplr 5, astropy 7666
BROKEN = {
    "empty": b"",
    "web page": b"<html><body>404 Not Found</body></html>",
    "cut": apstar_bytes()[:100_000],
}


def allstar_bytes(*teff, case=str.upper):
    columns = {"apogee_id": STARS[: len(teff)], "telescope": ["apo25m"] * len(teff), "teff": teff}
    out = io.BytesIO()
    Table({case(name): column for name, column in columns.items()}).write(out, format="fits")
    return out.getvalue()


@pytest.fixture
def sas(tmp_path):
    """A folder with three good spectra."""
    folder = tmp_path / "sas" / SPECTRA
    folder.mkdir(parents=True)
    for star in STARS[:3]:
        (folder / f"apStar-dr17-{star}.fits").write_bytes(apstar_bytes(star))
    return tmp_path / "sas"


@pytest.fixture
def put(sas):
    def put(path, content):
        target = sas / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    return put


@pytest.fixture
def ask(sas, tmp_path):
    """Make the catalogue and ask for two columns."""

    def ask(columns="apogee_id, snr", table="apogeeStar"):
        catalogue = tmp_path / "catalogue.sqlite"
        catalogue.unlink(missing_ok=True)
        make_catalogue(sas, catalogue)
        _, _, *rows = csv.reader(run_sql(catalogue, f"SELECT {columns} FROM {table}").splitlines())
        return [tuple(row) for row in rows]

    return ask


GOOD = [(star, "123.5") for star in STARS[:3]]
LABELS = "apogee_id, teff", "aspcapStar"


def test_whole_files_give_a_catalogue_without_a_word(ask):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ask() == GOOD


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_spectrum_among_good_files_is_named_and_left_out(put, ask, content):
    put(f"{SPECTRA}/apStar-dr17-broken.fits", content)
    with pytest.warns(LeftOutWarning, match=r"apStar-dr17-broken\.fits.*[Ff]etch it again"):
        assert ask() == GOOD


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_allstar_among_good_files_is_named_and_left_out(put, ask, content):
    put("dr17/allStar-dr17.fits", content)
    with pytest.warns(LeftOutWarning, match=r"allStar-dr17\.fits.*[Ff]etch it again"):
        assert ask() == GOOD


def test_an_unfinished_download_among_good_files_is_named(put, ask):
    put("dr17/allStar-dr17.fits.crdownload", allstar_bytes(4000.0)[:3000])
    with pytest.warns(LeftOutWarning, match=r"\.crdownload: an unfinished download"):
        assert ask() == GOOD


def test_a_folder_without_any_good_file_says_so_as_the_answer_to_a_query(tmp_path):
    (tmp_path / "sas" / "dr17").mkdir(parents=True)
    (tmp_path / "sas/dr17/allStar-dr17.fits.crdownload").write_bytes(b"SIMPLE")
    with pytest.raises(CatalogueError, match=r"No catalogue can be made.*unfinished download"):
        make_catalogue(tmp_path / "sas", tmp_path / "catalogue.sqlite")
    with ArchiveServer(tmp_path) as server, pytest.raises(SqlError, match="unfinished download"):
        server.sql("SELECT apogee_id FROM apogeeStar")


def test_of_files_of_two_releases_the_newer_counts(put, ask):
    put("dr16/allStar-r12.fits", allstar_bytes(4000.0, 4100.0))
    put("dr17/allStar-dr17.fits", allstar_bytes(4800.0))
    put("dr9/allStar-v304.fits", allstar_bytes(4200.0, 4300.0))
    assert ask(*LABELS) == [(STARS[0], "4800.0")]
    put("dr17/allStar-dr17.fits", b"")
    with pytest.warns(LeftOutWarning, match=r"dr17.allStar-dr17\.fits"):
        assert ask(*LABELS) == [(STARS[0], "4000.0"), (STARS[1], "4100.0")]


def test_files_with_columns_in_lower_case_are_read_alike(put, ask):
    put("dr17/allStar-dr17.fits", allstar_bytes(4800.0, 4900.0, case=str.lower))
    assert ask(*LABELS) == [(STARS[0], "4800.0"), (STARS[1], "4900.0")]


def test_a_table_of_something_else_is_named(put, ask):
    out = io.BytesIO()
    Table({"x": np.arange(3)}).write(out, format="fits")
    put("dr17/allStar-dr17.fits", out.getvalue())
    with pytest.warns(LeftOutWarning, match="no column APOGEE_ID"):
        assert ask() == GOOD


def test_cards_without_a_number_are_missing_values(put, ask):
    """fitsio 243: an undefined SNR, and one of asterisks where it did not fit."""
    content = apstar_bytes("2M2130+12")
    for text in ("", "'****'"):
        card = f"SNR     = {text:>20}".ljust(80).encode()
        start = content.index(b"SNR     =")
        put(f"{SPECTRA}/apStar-dr17-odd.fits", content[:start] + card + content[start + 80 :])
        assert ("2M2130+12", "-9999") in [(star, snr.removesuffix(".0")) for star, snr in ask()]
