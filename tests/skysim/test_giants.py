"""The catalogue: counts, cuts, label distribution, planted artefacts."""

import re
from collections import Counter

import numpy as np
import pytest

from skysim.stars.evolution import giant_temperature
from skysim.stars.giants import FIELDS
from skysim.survey import tables
from skysim.survey.apogee_rows import MISSING, build_population, decorrelated_rows, passes_cuts
from skysim.survey.sky_position import barycentric_correction, star_name, star_position

LABELS = ("teff", "logg", "fe_h", "mg_fe", "si_fe")


def test_the_cuts_leave_1886_rows_and_1855_stars(rows):
    kept = [r for r in rows if passes_cuts(r.catalogue, r.snr)]
    assert len(kept) == 1886
    assert len({r.apogee_id for r in kept}) == 1855
    assert len(tables.clean_rows(rows)) == 1855


def test_every_cut_removes_rows_and_some_rows_fail_two(rows):
    def failures(r):
        labels = {n: r.catalogue[n] for n in LABELS}
        known = {n: v for n, v in labels.items() if v > MISSING}
        return {
            "missing": len(known) < 5,
            "snr": r.snr < 50,
            "dwarf": known.get("logg", 0) > 4 or known.get("teff", 0) > 5700,
            "metal_poor": known.get("fe_h", 0) < -1,
        }

    table = [failures(r) for r in rows]
    counts = {k: sum(t[k] for t in table) for k in table[0]}
    assert counts["missing"] == 80
    assert 70 <= counts["snr"] <= 150
    assert 260 <= counts["dwarf"] <= 300
    assert 75 <= counts["metal_poor"] <= 85
    assert sum(sum(t.values()) >= 2 for t in table) >= 10


def test_no_value_sits_on_a_threshold(rows):
    for name, threshold, margin in (("teff", 5700, 0.5), ("logg", 4.0, 2e-3), ("fe_h", -1.0, 2e-3)):
        values = np.array([r.catalogue[name] for r in rows])
        assert np.abs(values - threshold).min() > margin
    assert np.abs(np.array([r.snr for r in rows]) - 50.0).min() > 0.5


def test_duplicates_are_second_rows_of_lower_snr_elsewhere(rows):
    seconds = [r for r in rows if r.kind == "duplicate"]
    assert len(seconds) == 31
    first = {r.apogee_id: r for r in rows if r.kind == "giant"}
    for row in seconds:
        best = first[row.apogee_id]
        assert 50 < row.snr < best.snr
        assert row.path != best.path
        assert (row.j, row.h, row.k) == (best.j, best.h, best.k)
        assert row.truth == best.truth


@pytest.mark.parametrize(
    ("name", "field"),
    [("2M21235315+1244123", "M15"), ("2M03533659+2512012", "K2_C4_168-21")],
)
def test_named_stars_are_there_and_well_observed(rows, name, field):
    (row,) = [r for r in tables.clean_rows(rows) if r.apogee_id == name]
    assert row.field == field
    assert row.snr > 150
    assert row.artefact == "none"


def test_names_are_2mass_designations_of_the_position(rows):
    centres = {f.name: (f.ra, f.dec) for f in FIELDS}
    for row in rows:
        assert re.fullmatch(r"2M\d{8}[+-]\d{7}", row.apogee_id)
        assert star_name(row.ra, row.dec) == row.apogee_id
        ra, dec = centres[row.field]
        assert abs(row.dec - dec) < 1.8
        assert abs(row.ra - ra) * np.cos(np.radians(dec)) < 1.8


def test_name_and_position_are_inverse():
    assert star_position("2M21235315+1244123") == pytest.approx((320.97148, 12.73677), abs=2e-5)
    assert star_name(*star_position("2M03533659-0012012")) == "2M03533659-0012012"


def test_clusters_stand_out(rows):
    velocity = np.array([r.vhelio for r in rows])
    fe_h = np.array([r.truth.fe_h for r in rows])
    field = np.array([r.field for r in rows])
    m15 = (field == "M15") & (fe_h < -2.15)
    assert m15.sum() >= 40
    assert np.median(velocity[m15]) == pytest.approx(-106.6, abs=5)
    rich = (field == "N6791") & (np.abs(velocity + 47.4) < 4) & (np.abs(fe_h - 0.35) < 0.08)
    assert rich.sum() >= 30


def test_labels_can_be_told_apart(rows):
    clean = tables.clean_rows(rows)
    labels = np.array([[r.catalogue[n] for n in LABELS] for r in clean])
    correlation = np.corrcoef(labels.T)
    assert 0.3 < correlation[3, 4] < 0.8  # magnesium and silicon
    assert correlation[0, 1] > 0.7  # the giant branch


def test_catalogue_errors_are_small_and_honest(rows):
    clean = [r for r in tables.clean_rows(rows) if r.artefact != "bad_label"]
    for name in LABELS:
        pull = [
            (r.catalogue[name] - getattr(r.truth, name)) / r.catalogue[f"{name}_err"] for r in clean
        ]
        assert np.std(pull) == pytest.approx(1.0, abs=0.1)


def test_artefacts_are_planted_and_few(rows):
    clean = tables.clean_rows(rows)
    found = Counter(r.artefact for r in clean)
    assert set(found) == {"none", "bad_label", "bad_spectrum", "wrong_velocity", "binary"}
    assert 15 <= len(clean) - found["none"] <= 40
    for row in clean:
        moved = abs(np.mean([v.residual for v in row.visits]))
        assert (moved > 8) == (row.artefact == "wrong_velocity")


def test_visits_add_up(rows):
    for row in rows[::37]:
        assert np.sqrt(sum(v.snr**2 for v in row.visits)) == pytest.approx(row.snr)
    numbers = np.array([len(r.visits) for r in tables.clean_rows(rows)])
    assert 0.55 < np.mean(numbers == 1) < 0.70
    assert numbers.max() == 6


def test_same_seed_same_catalogue_other_seed_other_catalogue(rows):
    again = build_population(128)
    assert again == rows
    other = build_population(129)
    assert other != rows
    assert len(tables.clean_rows(other)) == 1855


def test_giants_cool_up_the_branch_and_with_metals():
    assert giant_temperature(1.0, 0.0) < giant_temperature(2.5, 0.0) - 500
    assert giant_temperature(2.0, 0.3) < giant_temperature(2.0, -0.7) - 300
    assert giant_temperature(2.5, 0.0, clump=True) > giant_temperature(2.5, 0.0) + 100


def test_barycentric_correction_agrees_with_astropy():
    from astropy import units as u
    from astropy.coordinates import EarthLocation, SkyCoord
    from astropy.time import Time

    site = EarthLocation.from_geodetic(-105.82 * u.deg, 32.78 * u.deg, 2788 * u.m)
    for jd in (2455901.65, 2455996.88, 2456131.87, 2456250.6):
        star = SkyCoord(320.97 * u.deg, 12.74 * u.deg)
        exact = star.radial_velocity_correction(
            "barycentric", obstime=Time(jd, format="jd"), location=site
        ).to_value(u.km / u.s)
        assert barycentric_correction(320.97, 12.74, jd) == pytest.approx(exact, abs=1.0)


def test_decorrelated_giants_have_labels_that_know_nothing_of_one_another(rows):
    def likeness(stars):
        return np.corrcoef(
            [[getattr(star.truth, name) for name in LABELS] for star in stars], rowvar=False
        )

    decorrelated = decorrelated_rows(128)
    found, galaxy = likeness(decorrelated), likeness(tables.clean_rows(rows))
    magnesium = LABELS.index("mg_fe")
    others = [n for n in range(5) if n != magnesium]
    # two hundred independent pairs: a correlation of 0.23 is three sigma
    assert np.abs(found[magnesium, others]).max() < 0.23
    assert np.abs(found[2:, 2:] - np.eye(3)).max() < 0.23
    assert galaxy[magnesium, LABELS.index("si_fe")] > 0.6
    assert len(decorrelated) == 200
    assert all(passes_cuts(row.catalogue, row.snr) for row in decorrelated)
    assert not {row.index for row in decorrelated} & {row.index for row in rows}
