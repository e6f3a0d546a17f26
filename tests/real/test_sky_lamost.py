"""How like real LAMOST spectra the simulated ones are (needs shared/real).

Every figure is printed: ``pytest tests/real -k mock_lamost -s``.
"""

import itertools
from functools import lru_cache

import numpy as np
import pytest
from scipy.ndimage import uniform_filter1d

from data.make.lamost_response import RealSpectra
from skysim.spectra import optical
from skysim.stars import field
from skysim.stars.dust import extinction
from skysim.stars.labels import Labels
from skysim.survey import lamost, lamost_survey

from .conftest import real_file

WAVE = lamost.wavelength_grid()
STARS = 60
#: Away from the ends, the dichroic and telluric bands, A.
CLEAN = (WAVE > 4000) & (WAVE < 8900)
for low, high in ((5700, 5950), (6860, 6960), (7160, 7340), (7580, 7720), (8120, 8350)):
    CLEAN &= (low > WAVE) | (high < WAVE)


@pytest.fixture(scope="module")
def sample():
    """Real spectra and their labels."""
    path = real_file("lamost/dr10_afg_2330.npz")
    with np.load(path) as file:
        labels = np.column_stack([file[n].astype(float) for n in ("teff", "logg", "feh", "z")])
    return RealSpectra.read(path), labels


@lru_cache(maxsize=1)
def synthesizer():
    return optical.OpticalSynthesizer()


@lru_cache(maxsize=64)
def _rounded(teff, logg, fe_h):
    return synthesizer().spectrum(Labels(teff, logg, fe_h))


def rough_source(labels):
    """Spectra of a coarse grid: enough where only the noise is looked at."""
    return _rounded(500.0 * round(labels.teff / 500.0), 4.0, 0.0)


@pytest.fixture(scope="module")
def mock():
    """480 simulated spectra of A, F and G stars as a `RealSpectra`, and their temperatures."""
    survey = lamost_survey.SETS[0]
    stars, jobs = lamost_survey.plan(survey, 128, 900)
    flux, ivar, snrg = [], [], []
    for job in jobs:
        some = job.stars.pick((job.stars.teff > 4700) & (job.stars.artefact == "none"))
        made = lamost_survey.observe(
            lamost_survey.Job(job.survey, job.seed, job.first, some, job.exposures), rough_source
        )
        scale = made["flux_scale"][:, None]
        error = made["err_f2"].astype(float) * scale * 100.0
        flux.append(made["flux_i2"] * scale)
        ivar.append(np.where(np.isfinite(error), 1.0 / error**2, 0.0))
        snrg.append(made["snrg"])
    teff = stars.teff[(stars.teff > 4700) & (stars.artefact == "none")]
    return RealSpectra(WAVE, np.vstack(flux), np.vstack(ivar), np.concatenate(snrg)), teff


def profile(spectra, chosen, edges):
    """Median S/N per pixel between edges, relative to that in 4500-5200 A."""
    ratio = np.where(spectra.ivar > 0, spectra.flux * np.sqrt(spectra.ivar), np.nan)[chosen]
    level = np.nanmedian(ratio[:, (WAVE > 4500) & (WAVE < 5200)], axis=1)[:, None]
    return np.array(
        [
            np.nanmedian((ratio / level)[:, (low <= WAVE) & (high > WAVE)])
            for low, high in itertools.pairwise(edges)
        ]
    )


@pytest.mark.parametrize("snr", [(10, 40), (40, 150)], ids=["faint", "bright"])
def test_mock_lamost_noise_depends_on_wavelength_as_in_reality(sample, mock, snr):
    real, labels = sample
    simulated, teff = mock
    edges = np.arange(3800, 9001, 400)
    found = []
    for spectra, temperature in ((real, labels[:, 0]), (simulated, teff)):
        chosen = (temperature > 5300) & (temperature < 6500)
        chosen &= (spectra.snrg > snr[0]) & (spectra.snrg < snr[1])
        assert chosen.sum() > 20
        found.append(profile(spectra, chosen, edges))
    print(f"\nS/N over S/N at 4500-5200 A, snrg {snr}, every 400 A from 3800 A")
    print(f"real {np.round(found[0], 2)}\nmock {np.round(found[1], 2)}")
    ratio = found[1] / found[0]
    print(f"mock over real: {ratio.min():.2f} to {ratio.max():.2f}")
    assert (np.abs(np.log(ratio)) < np.log(1.3)).all()


def test_mock_lamost_neighbouring_pixels_correlate_as_in_reality(sample, mock):
    found = []
    for spectra in (sample[0], mock[0]):
        window = (WAVE > 5400) & (WAVE < 5500)
        good = (spectra.snrg > 10) & (spectra.snrg < 22)
        assert good.sum() > 10
        scaled = np.where(spectra.ivar > 0, spectra.flux * np.sqrt(spectra.ivar), np.nan)
        scaled = scaled[good][:, window]
        scatter = [
            1.4826 * np.nanmedian(np.abs(d - np.nanmedian(d))) / np.sqrt(2)
            for d in (scaled[:, k:] - scaled[:, :-k] for k in (1, 4))
        ]
        found.append((scatter[0], scatter[1]))
    print("\nscatter of pixel differences over the quoted error, neighbours and 4 apart:")
    print(f"real {np.round(found[0], 2)}, mock {np.round(found[1], 2)}")
    np.testing.assert_allclose(found[1], found[0], rtol=0.12)


def test_mock_lamost_signal_to_noise_spans_the_real_range(sample, mock):
    levels = (5, 25, 50, 75, 95)
    real, simulated = (np.percentile(s.snrg, levels) for s in (sample[0], mock[0]))
    print(f"\nsnrg at {levels} per cent: real {np.round(real)}, mock {np.round(simulated)}")
    assert 0.4 < simulated[2] / real[2] < 2.5
    assert simulated[0] < 40
    assert simulated[4] > 120


def normalised(flux, ivar):
    """Flux over its running mean, flagged pixels bridged."""
    good = ivar > 0
    whole = np.interp(WAVE, WAVE[good], flux[good])
    return whole / uniform_filter1d(whole, 151)


@pytest.fixture(scope="module")
def pairs(sample):
    """Real stars over the range of temperature, each with the simulated star of its labels."""
    real, labels = sample
    good = (real.snrg > 50) & (labels[:, 0] > 4600) & (labels[:, 0] < 8500)
    good &= ((real.ivar > 0).mean(axis=1) > 0.97) & (labels[:, 2] > -1.5)
    order = np.flatnonzero(good)[np.argsort(labels[good, 0])]
    wanted = np.linspace(4700, 8400, STARS)
    chosen = np.unique([order[np.argmin(np.abs(labels[order, 0] - t))] for t in wanted])
    made = []
    for i in chosen:
        teff, logg, feh, z = labels[i]
        flux, _ = synthesizer().spectrum(Labels(teff, logg, feh, *[max(-0.25 * feh, 0.0)] * 3))
        moved = lamost.shift(optical.wavelength_grid(), flux[:, None], z * 299792.458)
        made.append(lamost.smear(optical.wavelength_grid(), moved, 5)[:, 0])
    return real, labels, chosen, np.array(made)


def test_mock_lamost_star_at_the_labels_of_a_real_one(pairs):
    real, labels, chosen, made = pairs
    rms, noise = [], []
    for i, clean in zip(chosen, made, strict=True):
        away = normalised(real.flux[i], real.ivar[i]) - normalised(clean, np.ones(WAVE.size))
        use = CLEAN & (real.ivar[i] > 0)
        rms.append(away[use].std())
        noise.append(np.sqrt(np.median(1 / real.ivar[i][use] / real.flux[i][use] ** 2)))
    rms, noise = np.array(rms), np.array(noise)
    print(f"\n{len(rms)} stars, 4000-8900 A: median rms {np.median(rms):.4f}, ", end="")
    print(f"of which noise {np.median(noise):.4f}")
    for low, high in ((4600, 5500), (5500, 6500), (6500, 7500), (7500, 8500)):
        bin_ = (labels[chosen, 0] >= low) & (labels[chosen, 0] < high)
        print(f"  {low}-{high} K: {np.median(rms[bin_]):.4f} (noise {np.median(noise[bin_]):.4f})")
    assert np.median(rms) < 0.035


def test_mock_lamost_flux_calibration_scatters_as_in_reality(pairs, mock):
    """What a quartic in log flux must mend once the best reddening is taken off."""
    real, _, chosen, made = pairs
    x = 2.0 * (WAVE - WAVE[0]) / (WAVE[-1] - WAVE[0]) - 1.0
    basis = np.polynomial.legendre.legvander(x, 4)
    basis[:, 1] = extinction(WAVE) - extinction(WAVE).mean()
    used = CLEAN

    def leftover(flux, clean):
        good = used & (flux > 0)
        away = np.log(flux[good] / clean[good])
        fit = np.linalg.lstsq(basis[good], away, rcond=None)[0]
        return (basis[:, 2:] @ fit[2:])[used].std()

    found = [leftover(real.flux[i], clean) for i, clean in zip(chosen, made, strict=True)]
    rng = np.random.default_rng(2)
    simulated = []
    for _ in range(200):
        plate = field.K2_PLATES[rng.integers(12)]
        exposure = lamost.Exposure.of(plate, rng)
        seen = lamost.observe(rng, np.ones(WAVE.size), exposure, 3, 12.0, 0.05)
        simulated.append(leftover(seen.flux, np.ones(WAVE.size)))
    real_level, mock_level = np.median(found), np.median(simulated)
    print(f"\nsmooth flux error beyond reddening: real {real_level:.3f}, mock {mock_level:.3f}")
    assert 0.4 < mock_level / real_level < 1.6
