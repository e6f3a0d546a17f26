"""The reader of Hinode/EIS rasters, on made-up rasters in the layout of its archive."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from surveys.formats import eis

ROWS, STEPS = 60, 10
#: name: line, first wavelength, pixels, rows by which the detector shifts it
WINDOWS = {
    "win00": ("Fe XII 192.410", 192.14, 24, 16.4),
    "win01": ("Fe XIV 270.510", 270.23, 24, -1.1),
}
PER_COUNT = 40.0


def scene(solar_y):
    """Photons: twice as many in the northern half."""
    return np.where(solar_y > -200.0, 200.0, 100.0)


@pytest.fixture
def raster(tmp_path):
    """Two windows of a scene without lines; a wavelength correction of 0.01 Å and more."""
    stem = tmp_path / "eis_20210306_064444"
    y = -230.0 + np.arange(ROWS)
    with h5py.File(f"{stem}.data.h5", "w") as data, h5py.File(f"{stem}.head.h5", "w") as head:
        data["level1/intensity_units"] = [b"Counts"]
        correction = 0.01 + 1e-4 * np.arange(ROWS)[:, None] + np.zeros((ROWS, STEPS))
        head["wavelength/wave_corr"] = correction
        head["instrumental_broadening/slit_width"] = np.full(ROWS, 0.067, np.float32)
        head["pointing/solar_x"] = np.float32(-20.0 + 4.0 * np.arange(STEPS))
        head["pointing/solar_y"] = np.float32(y)
        head["pointing/offset_x"], head["pointing/offset_y"] = [np.float32(20)], [np.float32(3)]
        for name, (line, first, pixels, shift) in WINDOWS.items():
            photons = scene(y + 3.0 - shift)[:, None, None]
            counts = np.broadcast_to(photons, (ROWS, STEPS, pixels)).astype(np.float32)
            counts[25, 2, 5] = -100.0
            counts[4, 1, 3] = -2.0
            data[f"level1/{name}"] = counts
            head[f"wavelength/{name}"] = first + 0.0223 * np.arange(pixels)
            head[f"radcal/{name}_pre"] = np.full(pixels, PER_COUNT, np.float32)
            head[f"ccd_offsets/{name}"] = np.full(pixels, shift, np.float32)
            head[f"wininfo/{name}/line_id"] = [line.encode()]
    return stem


def test_eis_counts_become_intensities_with_errors(raster):
    first, second = eis.read(f"{raster}.data.h5")
    assert [first.line, second.line] == ["Fe XII 192.410", "Fe XIV 270.510"]
    assert first.intensity[0, 0, 0] == pytest.approx(100 * PER_COUNT)
    # 14.4 electrons of noise, 17.7 and 12.6 electrons a photon
    for window, electrons in ((first, 17.67), (second, 12.57)):
        noise = 2.29 * 6.3 / electrons
        expected = PER_COUNT * np.hypot(10.0, noise)
        assert window.error[0, 0, 0] == pytest.approx(expected, rel=1e-3)
        # no photons, but the noise of reading them
        assert window.intensity[4, 1, 3] == pytest.approx(-2 * PER_COUNT)
        assert window.error[4, 1, 3] == pytest.approx(PER_COUNT * noise, rel=1e-2)


def test_eis_wavelengths_are_corrected_everywhere(raster):
    window = eis.read(f"{raster}.head.h5")[0]
    expected = 192.14 - 0.01 - 1e-4 * np.arange(ROWS)
    np.testing.assert_allclose(window.wavelength[:, 3, 0], expected, atol=1e-9)
    np.testing.assert_allclose(window.fwhm, 0.067, rtol=1e-6)


def test_eis_missing_pixels_are_masked(raster):
    window = eis.read(f"{raster}.data.h5")[0]
    np.testing.assert_array_equal(np.argwhere(window.mask), [[25, 2, 5]])
    assert np.isnan(window.intensity[25, 2, 5])
    assert np.isnan(window.error[25, 2, 5])
    assert np.isfinite(window.intensity).sum() == window.intensity.size - 1


def test_eis_windows_show_the_same_place_on_the_sun(raster):
    windows = eis.read(f"{raster}.data.h5")
    region = eis.common_region(windows)
    assert region.north - region.south == pytest.approx(ROWS - 17.5, abs=0.1)
    assert (region.east, region.west) == (-2.0, 38.0)
    north = eis.Region(region.east, region.west, -199.0, region.north)
    south = eis.Region(region.east, region.west, region.south, -201.0)
    for window in windows:
        assert np.nanmin(window.mean_spectrum(north).intensity) == pytest.approx(200 * PER_COUNT)
        assert np.median(window.mean_spectrum(south).intensity) == pytest.approx(100 * PER_COUNT)


def test_eis_maps_average_over_their_cells(raster):
    window = eis.read(f"{raster}.data.h5")[0]
    region = eis.common_region([window])
    seen = window.binned(region)
    assert seen.intensity.shape == seen.wavelength.shape == (20, 5, 24)
    assert seen.fwhm.shape == (20, 5)
    # rows 24 to 26 and steps 2 and 3: the missing pixel is like its neighbours, the error of five
    assert seen.intensity[8, 1, 5] == pytest.approx(100 * PER_COUNT)
    assert seen.error[8, 1, 5] == pytest.approx(window.error[0, 0, 5] / np.sqrt(5), rel=1e-4)
    assert seen.error[8, 1, 4] == pytest.approx(window.error[0, 0, 4] / np.sqrt(6), rel=1e-4)
    assert seen.wavelength[8, 1, 0] == pytest.approx(192.14 - 0.01 - 25e-4)
    # a cell whose pixels are all missing at one wavelength
    window.mask[24:27, 2:4, 7] = True
    window.intensity[24:27, 2:4, 7] = window.error[24:27, 2:4, 7] = np.nan
    lost = window.binned(region)
    assert np.isnan([lost.intensity[8, 1, 7], lost.error[8, 1, 7]]).all()
    assert np.isfinite(lost.intensity).sum() == lost.intensity.size - 1
    whole = window.mean_spectrum(region)
    np.testing.assert_allclose(whole.intensity, seen.intensity.mean(axis=(0, 1)), rtol=1e-6)
    assert whole.fwhm == pytest.approx(0.067)


def test_eis_map_says_when_cells_are_empty(raster):
    window = eis.read(f"{raster}.data.h5")[0]
    with pytest.raises(eis.EisError, match=r"of 30 columns of the map hold no position .* fewer"):
        window.binned(eis.common_region([window]), rows=20, columns=30)
    with pytest.raises(eis.EisError, match="1 of 1 rows"):
        window.mean_spectrum(eis.Region(-50.0, 50.0, 900.0, 950.0))


def test_eis_window_is_found_by_wavelength(raster):
    windows = eis.read(f"{raster}.data.h5")
    assert eis.find(windows, 192.394) is windows[0]
    with pytest.raises(eis.EisError, match=r"no window .* holds 195.119 Å: they span 192.1"):
        eis.find(windows, 195.119)


def test_eis_reader_says_which_file_is_wrong(raster, tmp_path):
    data, head = f"{raster}.data.h5", f"{raster}.head.h5"
    content = Path(head).read_bytes()
    Path(head).write_bytes(content[: len(content) // 2])
    with pytest.raises(eis.EisError, match=r"head\.h5 is not a complete .* fetch it again"):
        eis.read(data)
    Path(head).write_bytes(b"<html>no such page</html>")
    with pytest.raises(eis.EisError, match=r"head\.h5 is not a complete"):
        eis.read(data)
    with pytest.raises(eis.EisError, match=r"other\.data\.h5 is not there"):
        eis.read(tmp_path / "other.head.h5")
    with h5py.File(head, "w") as file:
        file["something"] = [1]
    with pytest.raises(eis.EisError, match=r"head\.h5 is not a complete"):
        eis.read(data)


def test_eis_files_of_different_rasters_are_refused(raster):
    with h5py.File(f"{raster}.data.h5", "a") as data:
        shorter = data["level1/win01"][:-1]
        del data["level1/win01"]
        data["level1/win01"] = shorter
    with pytest.raises(eis.EisError, match=r"win01 has counts of shape \(59, 10, 24\)"):
        eis.read(f"{raster}.data.h5")
