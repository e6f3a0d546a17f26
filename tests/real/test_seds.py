"""Libraries in their published layouts: air, units, resolution (needs shared/real).

The archives' own files are not in shared/real: their fluxes are, and are written here into files of
the published layout first.
"""

import numpy as np
import pytest
from astropy.io import fits

from surveys.formats import calspec, ck04, miles

from .conftest import real_file

#: of Stefan and Boltzmann, erg/s/cm2/K4
SIGMA = 5.670374e-5
#: angular diameters, mas: Bazot et al. 2011, A&A 526, L4; White et al. 2013, MNRAS 433, 1262
SUNS = {"18sco": 0.676, "16cygb": 0.490}
#: H beta and H gamma in vacuum, Å (NIST)
BALMER = (4862.69, 4341.69)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The solar model of the grid and its neighbours, as a file of ck04models."""
    with np.load(real_file("csst/ck04_grid.npz")) as file:
        labels, wavelength, flux = (file[k] for k in ("labels", "wavelength", "flux"))
    here = np.flatnonzero((labels[:, 0] == 5750) & (labels[:, 2] == 0))
    columns = [fits.Column(name="WAVELENGTH", format="D", array=wavelength)]
    for row in here:
        name = f"g{10 * labels[row, 1]:02.0f}"
        columns.append(fits.Column(name=name, format="E", array=flux[row]))
    primary = fits.PrimaryHDU()
    primary.header.update(TEFF=5750, LOG_Z=0.0)
    path = tmp_path_factory.mktemp("ck04") / "ckp00_5750.fits"
    fits.HDUList([primary, fits.BinTableHDU.from_columns(columns)]).writeto(path)
    return ck04.read(path)


def test_sed_models_shine_as_hot_as_they_say(models):
    """Surface fluxes: what 2000-11475 Å leave of sigma T^4 is the Planck function's share."""
    for model in models:
        total = np.trapezoid(model.flux, model.wavelength) / (SIGMA * model.labels["teff"] ** 4)
        x = 1.438777e8 / model.wavelength / model.labels["teff"]
        planck = 15 / np.pi**4 * x**4 / np.expm1(x) / model.wavelength
        share = np.trapezoid(planck, model.wavelength)
        assert total == pytest.approx(share, abs=0.03)
    print(f"\n{len(models)} models of 5750 K: {total:.3f} of sigma T^4, Planck {share:.3f}")


def test_sed_of_miles_has_lines_at_vacuum_wavelengths(tmp_path):
    """F stars' Balmer lines: the mean of their centres; in air they would be 1.3 Å lower."""
    with np.load(real_file("csst/miles_stars.npz")) as file:
        labels, air, flux = (file[k] for k in ("labels", "wavelength", "flux"))
        ids = file["ids"]
    rows = np.flatnonzero((labels[:, 0] > 6200) & (labels[:, 0] < 7500) & (labels[:, 1] > 3.5))
    found = []
    for row in rows:
        hdu = fits.PrimaryHDU(flux[row][None])
        hdu.header.update(CRVAL1=air[0], CDELT1=0.9, CRPIX1=1.0)
        path = tmp_path / f"s{ids[row]}.fits"
        hdu.writeto(path)
        star = miles.read(path)
        for line in BALMER:
            near = np.abs(star.wavelength - line) < 12
            depth = star.flux[near].max() - star.flux[near]
            found.append(np.average(star.wavelength[near] - line, weights=depth**4))
    off = np.mean(found)
    error = np.std(found) / np.sqrt(len(found))
    print(f"\n{len(rows)} F stars of MILES: Balmer lines off by {off:+.2f} +- {error:.2f} A")
    assert abs(off) < 0.3


@pytest.mark.parametrize("name", SUNS)
def test_sed_of_a_solar_twin_gives_its_angular_diameter(name, models, tmp_path):
    """Observed over surface flux is the squared angular radius: interferometers measured it."""
    model = next(m for m in models if m.labels["logg"] == 4.5)
    with np.load(real_file("csst/calspec_stars.npz")) as file:
        row = [n.split("_")[0] for n in file["names"]].index(name)
        wavelength, flux = file["wavelength"], file["flux"][row]
    columns = [
        fits.Column(name="WAVELENGTH", format="D", array=wavelength),
        fits.Column(name="FLUX", format="E", array=flux),
    ]
    path = tmp_path / f"{name}_stis_001.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(path)
    star = calspec.read(path)
    inside = (model.wavelength > 4000) & (model.wavelength < 10000)
    # the model's bins, each with the mean of the star's pixels in it
    bins = np.digitize(star.wavelength, (model.wavelength[:-1] + model.wavelength[1:]) / 2)
    total, count = (np.bincount(bins, w, model.wavelength.size) for w in (star.flux, None))
    ratio = total[inside] / count[inside] / model.flux[inside]
    off = np.median(np.abs(ratio / np.median(ratio) - 1))
    diameter = np.degrees(2 * np.sqrt(np.median(ratio))) * 3.6e6
    print(
        f"\n{name}: median |difference| to the model {off:.3f} at 4000-10000 A; diameter "
        f"{diameter:.3f} mas, interferometers {SUNS[name]:.3f}"
    )
    assert off < 0.03
    assert diameter == pytest.approx(SUNS[name], rel=0.05)
