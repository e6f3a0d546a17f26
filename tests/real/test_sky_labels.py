"""How like the real survey the simulated one is: the labels of its giants (needs shared/real)."""

import csv
import sqlite3

import numpy as np
import pytest

from surveys.folders import survey_folder

from .conftest import real_file

QUANTILES = (0.05, 0.16, 0.25, 0.50, 0.75, 0.84, 0.95)
#: the sheet's cuts, on either catalogue
MAX_LOGG, MAX_TEFF, MIN_FEH, MIN_SNR = 4.0, 5700.0, -1.0, 50.0


def real_labels():
    """TEFF, LOGG, FE_H, [Mg/Fe], [Si/Fe] of the real DR12 giants, one row each."""
    with real_file("apogee/dr12_labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    teff, logg, feh, mg, si = (
        np.array([float(row[name]) for row in rows])
        for name in ("TEFF", "LOGG", "FE_H", "MG_H", "SI_H")
    )
    there = np.min([teff, logg, feh, mg, si], axis=0) > -5
    kept = there & (logg <= MAX_LOGG) & (teff <= MAX_TEFF) & (feh >= MIN_FEH)
    return np.column_stack([teff, logg, feh, mg - feh, si - feh])[kept]


def simulated_labels():
    query = (
        "SELECT a.teff, a.logg, a.fe_h, a.mg_fe, a.si_fe, MAX(s.snr) FROM apogeeStar s "
        "JOIN aspcapStar a ON a.apstar_id = s.apstar_id "
        "WHERE s.snr >= ? AND a.teff BETWEEN 0 AND ? AND a.logg BETWEEN -5 AND ? "
        "AND a.fe_h >= ? AND a.mg_fe > -5 AND a.si_fe > -5 GROUP BY s.apogee_id"
    )
    with sqlite3.connect(survey_folder() / "catalogue.sqlite") as catalogue:
        rows = catalogue.execute(query, (MIN_SNR, MAX_TEFF, MAX_LOGG, MIN_FEH)).fetchall()
    return np.array(rows)[:, :5]


@pytest.mark.parametrize("label", range(5), ids=["TEFF", "LOGG", "FE_H", "MG_FE", "SI_FE"])
def test_mock_label_quantiles_are_those_of_the_real_giants(label):
    """Within 10 % of the label's 5-95 % range, the issue's measure."""
    real, simulated = real_labels()[:, label], simulated_labels()[:, label]
    assert len(simulated) == 1855
    wanted, got = np.quantile(real, QUANTILES), np.quantile(simulated, QUANTILES)
    spread = wanted[-1] - wanted[0]
    offset = (got - wanted) / spread
    print(f"\nreal {np.round(wanted, 3)}\nmock {np.round(got, 3)}")
    print(f"offset over the 5-95 % range {np.round(offset, 3)}")
    assert np.abs(offset).max() <= 0.10
