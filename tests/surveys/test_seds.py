"""The readers of stars and models with energy distributions, on small files of each layout."""

import bz2
import gzip

import numpy as np
import pytest
from astropy.io import fits

from helpers import csst
from surveys.formats import bosz, calspec, ck04, miles, ngsl, sed

#: MILES's grid, in air
AIR = 3540.5 + 0.9 * np.arange(4300)
WAVELENGTH = np.linspace(1700.0, 10200.0, 300)
FLUX = 1e-13 * (WAVELENGTH / 5000.0) ** -2
NAME_2024 = "bosz2024_mp_t5750_g+4.5_m-0.25_a+0.25_c-0.50_v2_r2000_resam.txt.gz"
NAME_2017 = "amm03cp00op03t5750g45v20modrt0b2000rs.asc.bz2"


def write_table(path, columns, cards):
    """A FITS table in the first extension, cards in the primary header."""
    primary = fits.PrimaryHDU()
    primary.header.update(cards)
    made = [
        fits.Column(name=n, format="E" if n != "WAVELENGTH" else "D", array=a) for n, a in columns
    ]
    fits.HDUList([primary, fits.BinTableHDU.from_columns(made)]).writeto(path)
    return path


def miles_fits(folder):
    hdu = fits.PrimaryHDU(np.float32([AIR / 5000.0]))  # one row, as in the archive
    hdu.header.update(CRVAL1=3540.5, CDELT1=0.9, CRPIX1=1.0)
    hdu.writeto(folder / "s0001.fits")
    return folder / "s0001.fits"


def miles_text(folder):
    np.savetxt(folder / "s0001.txt", np.transpose([AIR, AIR / 5000.0]), fmt="%.5f")
    return folder / "s0001.txt"


def ngsl_fits(folder):
    columns = [("WAVELENGTH", WAVELENGTH), ("FLUX", FLUX), ("STATERR", 0.01 * FLUX)]
    columns[2][1][7] = 0.0
    cards = {"TARGNAME": "HD000358", "DATAQUAL": "good    ", "TEFF": 5875.5, "LOG_G": 2.77}
    cards |= {"LOG_Z": -0.6, "EBMV": 0.126}
    return write_table(folder / "h_stis_ngsl_hd000358_v2.fits", columns, cards)


def calspec_fits(folder):
    columns = [("WAVELENGTH", WAVELENGTH), ("FLUX", FLUX), ("STATERROR", 0.03 * FLUX)]
    columns += [("SYSERROR", 0.04 * FLUX), ("FWHM", WAVELENGTH / 1000), ("DATAQUAL", 1 + 0 * FLUX)]
    columns[5][1][9] = 0.0
    return write_table(folder / "p330e_stis_009.fits", columns, {"TARGETID": "P330E"})


def ck04_fits(folder):
    columns = [("WAVELENGTH", WAVELENGTH), ("g00", 0 * FLUX), ("g45", 2 * FLUX), ("g50", FLUX)]
    return write_table(folder / "ckm05_5750.fits", columns, {"TEFF": 5750, "LOG_Z": -0.5})


def bosz_2024(folder, rows=None):
    deep = folder / "r2000" / "m-0.25"
    deep.mkdir(parents=True)
    np.savetxt(folder / "bosz2024_wave_r2000.txt", WAVELENGTH)
    with gzip.open(deep / NAME_2024, "wt") as file:
        np.savetxt(file, np.transpose([FLUX, 2 * FLUX])[:rows])
    return deep / NAME_2024


def bosz_2017(folder):
    wavelength = np.geomspace(1000.0, 320000.0, 300)
    lines = [f"{w:.4f} {1e6 / w:.5e} {2e6 / w:.5e}\n" for w in wavelength]
    (folder / NAME_2017).write_bytes(bz2.compress("".join(lines).encode()))
    return folder / NAME_2017


#: a file's maker, and its reader as students have it
FORMATS = {
    "miles": (miles_fits, csst.READERS["miles"].read),
    "miles text": (miles_text, csst.READERS["miles"].read),
    "ngsl": (ngsl_fits, csst.READERS["ngsl"].read),
    "calspec": (calspec_fits, csst.READERS["calspec"].read),
    "ck04": (ck04_fits, csst.READERS["ck04"].read),
    "bosz 2024": (bosz_2024, csst.READERS["bosz"].read),
    "bosz 2017": (bosz_2017, csst.READERS["bosz"].read),
}


@pytest.mark.parametrize("make", [miles_fits, miles_text])
def test_miles_comes_in_vacuum(make, tmp_path):
    star = miles.read(make(tmp_path))
    assert star.name == "s0001"
    np.testing.assert_allclose(star.flux, AIR / 5000.0, atol=1e-5)
    assert set(star.fwhm) == {2.5}
    assert star.unit == sed.RELATIVE
    # D2 of sodium: 5889.95 Å in air, 5891.58 Å in vacuum (NIST)
    assert np.interp(5889.95, AIR, star.wavelength) == pytest.approx(5891.58, abs=0.01)


def test_miles_labels_are_read_where_all_are_known(tmp_path):
    stars = [
        ("HD224930", "0001", "101 G5V", "5305 4.49 -0.75"),
        ("HD225212", "0002", "102 K3I", "4167 0.95  0.02"),
        ("HD000004", "0004", "    B2V", "  --   --    --"),
        ("HD187879", "022.", "737 B1III", "20929 3.32  0.21"),
    ]
    rows = [f"{name:<23}{n} {kind:<23}{labels:<21}  1a ELODIE" for name, n, kind, labels in stars]
    path = tmp_path / "paramsMILES_v9.1.txt"
    path.write_text("star                   numb\n" + "\n".join(rows) + "\n")
    found = miles.read_labels(path)
    assert list(found) == [1, 2, 221]
    assert found[1] == {"teff": 5305.0, "logg": 4.49, "m_h": -0.75}
    path.write_text("HD224930 5305 4.49 -0.75\n")
    with pytest.raises(sed.SedError, match="no line has a star's number"):
        miles.read_labels(path)


def test_ngsl_flux_error_and_labels(tmp_path):
    star = ngsl.read(ngsl_fits(tmp_path))
    assert (star.name, star.quality, star.unit) == ("HD000358", "good", sed.OBSERVED)
    assert star.labels == {"teff": 5875.5, "logg": 2.77, "m_h": -0.6, "e_bv": 0.126}
    np.testing.assert_allclose(star.flux, FLUX, rtol=1e-6)
    np.testing.assert_allclose(star.error[8:], 0.01 * FLUX[8:], rtol=1e-6)
    assert np.isinf(star.error[7])
    np.testing.assert_allclose(star.fwhm, WAVELENGTH / 1000)


def test_calspec_joins_both_errors(tmp_path):
    star = calspec.read(calspec_fits(tmp_path))
    assert (star.name, star.unit) == ("P330E", sed.OBSERVED)
    np.testing.assert_allclose(star.error[10:], 0.05 * FLUX[10:], rtol=1e-5)
    assert np.isinf(star.error[9])
    np.testing.assert_allclose(star.fwhm, WAVELENGTH / 1000, rtol=1e-6)
    columns = [("WAVELENGTH", WAVELENGTH), ("FLUX", FLUX), ("CONTINUUM", FLUX)]
    model = calspec.read(write_table(tmp_path / "p330e_mod_008.fits", columns, {}))
    assert model.name == "p330e_mod_008"
    assert np.isnan(model.error).all()
    assert np.isnan(model.fwhm).all()


def test_ck04_has_the_gravities_that_exist(tmp_path):
    models = ck04.read(ck04_fits(tmp_path))
    assert [m.labels["logg"] for m in models] == [4.5, 5.0]
    assert models[0].labels == {"teff": 5750.0, "logg": 4.5, "m_h": -0.5}
    assert models[0].unit == sed.SURFACE
    np.testing.assert_allclose(models[0].flux, 2 * FLUX, rtol=1e-6)
    np.testing.assert_allclose(models[0].fwhm, np.diff(WAVELENGTH)[0])


def test_bosz_of_both_years_gives_surface_fluxes(tmp_path):
    new, old = bosz.read(bosz_2024(tmp_path)), bosz.read(bosz_2017(tmp_path))
    np.testing.assert_allclose(new.flux, 4 * np.pi * FLUX)
    np.testing.assert_allclose(old.flux, np.pi * 1e6 / old.wavelength, rtol=1e-5)
    label = {"teff": 5750.0, "logg": 4.5, "m_h": -0.25}
    assert new.labels == {**label, "a_m": 0.25, "c_m": -0.5}
    assert old.labels == {**label, "a_m": 0.25, "c_m": 0.0}
    for model in (new, old):
        np.testing.assert_allclose(model.fwhm, model.wavelength / 2000)
        assert model.unit == sed.SURFACE


@pytest.mark.parametrize("name", FORMATS)
def test_seds_that_are_cut_are_refused(name, tmp_path):
    make, read = FORMATS[name]
    path = make(tmp_path)
    read(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(sed.SedError, match=r"(?i)fetch it again|fetch it, again") as caught:
        read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", FORMATS)
def test_error_pages_are_no_energy_distributions(name, tmp_path):
    make, read = FORMATS[name]
    path = make(tmp_path)
    path.write_bytes(b"<!DOCTYPE html><html>not found</html>")
    with pytest.raises(sed.SedError, match="holds a web page"):
        read(path)
    path.unlink()
    with pytest.raises(sed.SedError, match="cannot be read"):
        read(path)


@pytest.mark.parametrize("name", FORMATS)
def test_files_of_other_libraries_are_refused(name, tmp_path):
    make, read = FORMATS[name]
    path = make(tmp_path)
    if path.suffix == ".fits":
        path.unlink()
        write_table(path, [("LAMBDA", WAVELENGTH), ("COUNTS", FLUX)], {})
    else:
        path.write_text("# four columns\n1 2 3 4\n2 3 4 5\n")
    with pytest.raises(sed.SedError, match=r"Is this a|an NGSL|not a (star|model)"):
        read(path)


def test_ck04_without_labels_is_refused(tmp_path):
    columns = [("WAVELENGTH", WAVELENGTH), ("g45", FLUX)]
    path = write_table(tmp_path / "ckp00_5750.fits", columns, {})
    with pytest.raises(sed.SedError, match="lacks TEFF or LOG_Z"):
        ck04.read(path)


def test_bosz_says_what_name_or_grid_it_lacks(tmp_path):
    path = bosz_2024(tmp_path)
    (tmp_path / "bosz2024_wave_r2000.txt").unlink()
    with pytest.raises(sed.SedError, match=r"bosz2024_wave_r2000.txt is neither beside"):
        bosz.read(path)
    with pytest.raises(sed.SedError, match="name is not one of BOSZ's"):
        bosz.read(path.rename(path.with_name("sun.txt.gz")))


def test_bosz_lines_must_be_as_many_as_wavelengths(tmp_path):
    with pytest.raises(sed.SedError, match="has 200 lines for 300 wavelengths"):
        bosz.read(bosz_2024(tmp_path, rows=200))


def test_wavelengths_that_do_not_increase_are_refused(tmp_path):
    columns = [("WAVELENGTH", WAVELENGTH[::-1]), ("FLUX", FLUX), ("STATERR", FLUX)]
    path = write_table(tmp_path / "h_stis_ngsl_hd000358_v2.fits", columns, {})
    with pytest.raises(sed.SedError, match="wavelengths do not increase"):
        ngsl.read(path)
