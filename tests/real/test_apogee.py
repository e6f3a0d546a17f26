"""The solved labs 1 and 2 on real APOGEE spectra (needs shared/real)."""

import shutil
from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest
from astropy.io import fits

from helpers import apogee, archive
from labkit import lab_source

from .conftest import real_file

#: what the labs use: bits 0-7 and 12, a polynomial of degree 3 on each chip
BITS = (*range(8), 12)
DEGREE = 3
BAD = 1e9
ON_CHIP = np.concatenate([np.arange(chip.start, chip.stop) for chip in apogee.CHIPS.values()])
#: the mystery star as the Cannon trained on real giants sees it: TEFF, LOGG, M_H, ALPHA_M
MYSTERY_LABELS = (4463.0, 1.98, -0.523, 0.230)


class Normalised(NamedTuple):
    """A spectrum after labs 1 and 2, with what lab 1 read."""

    raw: np.ndarray
    mask: np.ndarray
    flux: np.ndarray
    error: np.ndarray

    @property
    def good(self):
        return self.error < BAD


@pytest.fixture(scope="module")
def normalise():
    """Labs 1 and 2 as one function of a file's path: the model answers, nothing else."""
    lab1, lab2 = (
        lab_source.solved_namespace("01_apogee"),
        lab_source.solved_namespace("02_continuum"),
    )
    with np.load(real_file("apogee/cannon_continuum_apogee.npz")) as listed:
        trusted = listed["wavelengths"][listed["trusted"]]

    def run(path):
        with fits.open(path) as hdus:
            header = {key: hdus[1].header[key] for key in ("NAXIS1", "CRVAL1", "CDELT1", "CRPIX1")}
        wavelength = lab1["wavelength_grid"](header)
        raw, error, mask = lab1["read_coadd"](path)
        flux, error = lab1["inflate_errors"](raw, error, lab1["is_flagged"](mask, BITS))
        is_continuum = lab2["continuum_pixels"](wavelength, trusted)
        assert is_continuum.sum() == len(trusted)
        chips = [(chip.start, chip.stop) for chip in apogee.CHIPS.values()]
        continuum = lab2["pseudo_continuum"](wavelength, flux, error, is_continuum, chips, DEGREE)
        return Normalised(raw, mask, *lab2["normalise"](flux, error, continuum))

    return run


def flags(mask):
    """Count the pixels of each named bit."""
    return Counter({name: int(((mask >> bit) & 1).sum()) for bit, name in apogee.PIXMASK.items()})


def test_every_real_file_is_read_and_normalised(normalise):
    paths = sorted(real_file("apogee/apstar").glob("*.fits"))
    assert len(paths) == 19
    total = Counter()
    print(f"\n{'file':42s} {'S/N':>5s} {'bad':>6s} {'median':>7s} {'0.5 %':>7s} {'99.5 %':>7s}")
    for path in paths:
        spectrum = apogee.read_apstar(path)
        result = normalise(path)
        np.testing.assert_array_equal(result.mask, spectrum.mask)
        assert np.isfinite(result.flux).all()
        assert np.isfinite(result.error).all()
        flux = result.flux[result.good]
        assert np.all(result.flux[~result.good] == 1)
        bad = 1 - result.good[ON_CHIP].mean()
        low, middle, high = np.percentile(flux, [0.5, 50, 99.5])
        print(
            f"{path.name:42s} {spectrum.snr:5.0f} {bad:6.1%} {middle:7.3f} {low:7.3f} {high:7.3f}"
        )
        assert 0.9 < middle < 1.05
        total += flags(result.mask)
    print(f"{len(paths)} apStar files read; pixels flagged in all: {dict(total.most_common(8))}")
    # in every one of these files some pixels are under sky lines and some were hit by cosmic rays
    assert min(total["BADPIX"], total["CRPIX"], total["SIG_SKYLINE"]) > 0


def test_the_mystery_star_agrees_with_a_cannon_trained_on_real_giants(normalise):
    result = normalise(real_file("apogee/mystery_spec_wiped.fits"))
    flux, good = result.flux[ON_CHIP], result.good[ON_CHIP]
    inside = np.mean((flux[good] > 0.3) & (flux[good] < 1.15))

    with np.load(real_file("apogee/cannon_trained_on_real.npz")) as cannon:
        offset = np.array(MYSTERY_LABELS) - cannon["baseline"]
        pairs = [offset[i] * offset[j] for i in range(4) for j in range(i, 4)]
        model = np.array([1.0, *offset, *pairs]) @ cannon["coefficients"]
    assert model.shape == flux.shape
    rms = np.sqrt(np.mean((flux - model)[good] ** 2))

    print(f"\nmystery star: {good.sum()} of {good.size} pixels are good")
    print(f"median {np.median(flux[good]):.4f}, within 0.3-1.15: {inside:.2%}, rms {rms:.4f}")
    for name, chip in apogee.CHIPS.items():
        here = np.isin(ON_CHIP, np.arange(chip.start, chip.stop)) & good
        print(f"  {name} chip: rms {np.sqrt(np.mean((flux - model)[here] ** 2)):.4f}")
    assert 0.93 < np.median(flux[good]) < 1.00
    assert inside >= 0.99
    assert rms < 0.02


def test_the_normalised_mystery_star_does_not_depend_on_noise(normalise, tmp_path):
    """The same star at a tenth of its signal-to-noise ratio: the continuum stays."""
    path = tmp_path / "noisy.fits"
    clean = normalise(real_file("apogee/mystery_spec_wiped.fits"))
    with fits.open(real_file("apogee/mystery_spec_wiped.fits")) as hdus:
        good = (hdus[2].data > 0) & np.isfinite(hdus[1].data)
        noise = 10 * np.where(good, hdus[2].data, 0)
        hdus[1].data = hdus[1].data + np.random.default_rng(1).normal(0, 1, good.shape) * noise
        hdus[2].data = np.hypot(hdus[2].data, noise).astype(np.float32)
        hdus.writeto(path)
    noisy = normalise(path)
    both = clean.good & noisy.good
    pull = ((noisy.flux - clean.flux) / noisy.error)[both]
    print(f"\nten times the noise: mean pull {pull.mean():+.3f}, scatter {pull.std():.3f}")
    assert abs(pull.mean()) < 0.15
    assert pull.std() == pytest.approx(1, abs=0.1)


def test_a_folder_laid_out_like_the_archive_serves_apogee_files(normalise, archive_folder):
    """LABKIT_ARCHIVE=<directory>: the same fetch, the same functions, real contents."""
    originals = sorted(real_file("apogee/apstar").glob("*.fits"))[:3]
    wanted = []
    for original in originals:
        name = original.name.replace("-r6-", "-dr17-")
        wanted.append(f"dr17/apogee/spectro/redux/dr17/stars/apo25m/M15/{name}")
        copy = archive_folder / "sas" / wanted[-1]
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(original, copy)

    here = archive.current()
    assert here.kind == "directory"
    assert not here.is_simulated
    fetched = archive.fetch(wanted, progress=False)
    print(f"\n{len(fetched)} files fetched from {here.description}")
    for path, original in zip(fetched, originals, strict=True):
        assert path.read_bytes() == original.read_bytes()
        np.testing.assert_array_equal(normalise(path).flux, normalise(original).flux)

    with pytest.raises(archive.ArchiveError, match="dr17"):
        archive.fetch([wanted[0].replace("M15", "N6791")], progress=False)
