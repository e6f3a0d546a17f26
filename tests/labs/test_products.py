"""What the solved labs 1 and 2 leave behind, judged by figures of merit (simulated survey)."""

import sqlite3

import numpy as np
import pytest

from helpers import apogee
from surveys.folders import survey_folder


@pytest.fixture(scope="module")
def chips():
    pixels = np.zeros(apogee.N_PIXELS, dtype=bool)
    for chip in apogee.CHIPS.values():
        pixels[chip] = True
    return pixels


def test_lab_1_ends_with_the_sheets_1855_stars(products):
    lab = products["01_apogee"]
    assert lab["flux"].shape == lab["error"].shape == (1855, apogee.N_PIXELS)
    assert len(set(lab["apogee_id"])) == 1855
    assert {"2M21235315+1244123", "2M03533659+2512012"} <= set(lab["apogee_id"])


def test_lab_1_labels_are_the_catalogues(products):
    lab = products["01_apogee"]
    with sqlite3.connect(survey_folder() / "catalogue.sqlite") as catalogue:
        rows = catalogue.execute(
            "SELECT s.apogee_id, a.teff, a.logg, a.fe_h, a.mg_fe, a.si_fe FROM apogeeStar s "
            "JOIN aspcapStar a ON a.apstar_id = s.apstar_id ORDER BY s.snr"
        ).fetchall()
    best = {name: labels for name, *labels in rows}  # the last, best spectrum of a star wins
    expected = np.array([best[name] for name in lab["apogee_id"]])
    assert np.allclose(lab["labels"], expected, rtol=1e-6)


def test_lab_1_knows_its_bad_pixels(products, chips):
    lab = products["01_apogee"]
    bad = lab["error"] >= 1e9
    lost = bad[:, chips].mean()
    print(f"\nlab 1: {lost:.1%} of the pixels on the chips are given up")
    assert np.isfinite(lab["flux"]).all()
    assert np.isfinite(lab["error"]).all()
    # between the chips no light falls, whatever the star's velocity
    assert bad[:, 3400:3460].all()
    assert bad[:, 6190:6220].all()
    assert 0.05 < lost < 0.35


def test_lab_1_errors_describe_the_noise(products):
    """Between neighbouring good pixels of a flat stretch, flux scatters as the errors say."""
    lab = products["01_apogee"]
    with np.load(survey_folder() / "products" / "continuum_pixels_apogee.npz") as listed:
        trusted = listed["wavelengths"][listed["trusted"]]
    pixels = np.round((np.log10(trusted) - 4.179) / 6e-6).astype(int)
    left = pixels[np.isin(pixels + 1, pixels)]
    difference = lab["flux"][:, left + 1] - lab["flux"][:, left]
    error = np.hypot(lab["error"][:, left], lab["error"][:, left + 1])
    good = error < 1e9
    z = difference[good] / error[good]
    scatter = 1.4826 * np.median(np.abs(z - np.median(z)))
    print(f"\nlab 1: differences of neighbouring continuum pixels over their errors: {scatter:.3f}")
    assert 0.9 < scatter < 1.1


def test_lab_2_puts_the_continuum_at_one(products, chips):
    lab = products["02_continuum"]
    with np.load(survey_folder() / "products" / "continuum_pixels_apogee.npz") as listed:
        trusted = listed["wavelengths"][listed["trusted"]]
    pixels = np.round((np.log10(trusted) - 4.179) / 6e-6).astype(int)
    flux = np.where(lab["error"] < 1e9, lab["flux"], np.nan)
    level = np.nanmedian(flux[:, pixels], axis=1)
    inside = np.nanmean((flux[:, chips] > 0.2) & (flux[:, chips] < 1.3), where=flux[:, chips] > -9)
    print(
        f"\nlab 2: median level of the continuum pixels {np.median(level):.4f}, "
        f"worst star {level[np.argmax(np.abs(level - 1))]:.4f}; {inside:.2%} of pixels in 0.2-1.3"
    )
    assert np.isfinite(lab["flux"]).all()
    assert np.abs(level - 1).max() < 0.01
    assert inside > 0.995


def test_lab_2_makes_like_stars_alike(products):
    """Beyond their noise, twins in label space differ far less than stars at random."""
    lab = products["02_continuum"]
    labels = lab["labels"] / np.array([100.0, 0.2, 0.1, 0.1, 0.1])
    random = np.random.default_rng(0)
    stars = random.choice(len(labels), 300, replace=False)

    def excess(a, b):
        good = (lab["error"][a] < 1e9) & (lab["error"][b] < 1e9)
        difference = (lab["flux"][a] - lab["flux"][b])[good]
        variance = (lab["error"][a] ** 2 + lab["error"][b] ** 2)[good]
        return np.median(difference**2) - 0.455 * np.median(variance)  # 0.455: chi^2 median, 1 dof

    twins, strangers = [], []
    for star in stars:
        distance = np.sum((labels - labels[star]) ** 2, axis=1)
        distance[star] = np.inf
        twins.append(excess(star, np.argmin(distance)))
        strangers.append(excess(star, random.integers(len(labels))))
    ratio = np.sqrt(max(np.mean(twins), 0) / np.mean(strangers))
    print(f"\nlab 2: difference of twins beyond noise over that of random pairs: {ratio:.2f}")
    assert np.mean(strangers) > 0
    assert ratio < 0.35
