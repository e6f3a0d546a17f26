"""What the solved labs 1 and 2 leave behind, judged by figures of merit (simulated survey)."""

import sqlite3

import numpy as np
import pytest

from helpers import apogee
from labkit import lab_source
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


@pytest.fixture(scope="module")
def lab_2():
    """The model answers of lab 2, and its mask of continuum pixels."""
    answers = lab_source.solved_namespace("02_continuum")
    wavelength = 10 ** (4.179 + 6e-6 * np.arange(apogee.N_PIXELS))
    with np.load(survey_folder() / "products" / "continuum_pixels_apogee.npz") as listed:
        trusted = answers["continuum_pixels"](wavelength, listed["wavelengths"][listed["trusted"]])
    return answers, wavelength, trusted


def test_lab_2_scores_degrees_two_to_four_alike(products, lab_2):
    """Held-out scores of each chip, relative to the best degree of each star, are flat."""
    lab, (answers, wavelength, trusted) = products["01_apogee"], lab_2
    stars = np.random.default_rng(1).choice(len(lab["flux"]), 100, replace=False)
    for name, chip in apogee.CHIPS.items():
        x, relative = answers["scaled_wavelength"](wavelength[chip]), []
        for star in stars:
            flux, error = (lab[key][star, chip].astype(float) for key in ("flux", "error"))
            used = trusted[chip] & (error < 1e9)
            score = [
                answers["held_out_score"](x[used], flux[used], error[used], degree)
                for degree in range(7)
            ]
            relative.append(score / np.min(score))
        flat = np.median(relative, axis=0)[2:5]
        print(f"\nlab 2: {name} chip, score over best score at degrees 2 to 4: {flat.round(3)}")
        assert np.ptp(flat) < 0.03


def test_lab_2_edge_of_the_green_chip_ignores_noise(products, lab_2):
    """Noisy copies of good clump stars get the same continuum at 16395-16416 Å."""
    lab, (answers, wavelength, trusted) = products["01_apogee"], lab_2
    teff, logg = lab["labels"][:, :2].T
    clump = np.flatnonzero((abs(teff - 4800) < 200) & (abs(logg - 2.6) < 0.3))
    chip = apogee.CHIPS["green"]
    error, flux = (np.median(lab[key][:, chip], axis=1) for key in ("error", "flux"))
    best = clump[np.argsort((error / flux)[clump])[:5]]
    edge = (wavelength > 16395) & (wavelength < 16416)
    for star in best:
        flux, error = (lab[key][star].astype(float) for key in ("flux", "error"))
        level = np.median(flux[chip])
        shift = []
        for snr in (None, 50, 100, 200):
            curves = []
            for seed in range(20 if snr else 1):
                spectrum = flux, error
                if snr:
                    spectrum = answers["add_noise"](flux, error, level / snr, seed)
                curve = answers["pseudo_continuum"](
                    wavelength, *spectrum, trusted, [(chip.start, chip.stop)], 3
                )
                curves.append(curve[edge].mean())
            shift.append(np.mean(curves))
        shift = np.array(shift[1:]) / shift[0] - 1
        print(f"\nlab 2: edge of the green chip shifts at S/N 50, 100, 200: {shift.round(4)}")
        assert np.abs(shift).max() < 0.005


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
