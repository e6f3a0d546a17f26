"""Reads rasters of Hinode's Extreme-ultraviolet Imaging Spectrometer (EIS): level-1 HDF5 files.

A raster is two files: NAME.data.h5 holds counts of photons, NAME.head.h5 their calibration. The
slit lies along y and steps in x; each spectral window has a data cube of its own.

Sources: the layout is that of the eispac guide, "Level-1 HDF5 File Processing"
(https://eispac.readthedocs.io; the files are at https://eis.nrl.navy.mil); the instrument Culhane
et al. 2007, Sol. Phys. 243, 19; its radiometric calibration, before flight, Lang et al. 2006, Appl.
Opt. 45, 8689, who give it an uncertainty of 22 per cent. The sensitivity has changed in flight (Del
Zanna 2013, A&A 555, A47; Warren et al. 2014, ApJS 213, 11); their corrections are not applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from surveys.errors import KitError

#: counts of a pixel that cosmic rays, dust or warm pixels have spoilt
MISSING = -100.0
#: read noise, electrons: 2.29 data numbers with the shutter closed, of 6.3 electrons each (eispac)
READ_NOISE = 2.29 * 6.3
#: energy that frees one electron in silicon, eV
ELECTRON_ENERGY = 3.65
#: energy of a photon times its wavelength, eV Å
PHOTON_ENERGY = 12398.42


class EisError(KitError, ValueError):
    """A file is not an EIS raster, or lacks what was asked for; the message says what to do."""


@dataclass(frozen=True)
class Region:
    """A rectangle on the Sun, in arcsec from the centre of the disc.

    Attributes
    ----------
    east, west : float
        Least and greatest solar_x.
    south, north : float
        Least and greatest solar_y.
    """

    east: float
    west: float
    south: float
    north: float


@dataclass(frozen=True)
class Spectra:
    """Mean spectra of the cells of a map, or of one region as a map of one cell.

    Attributes
    ----------
    wavelength : (rows, columns, p) array
        Mean of the pixels' corrected wavelengths, Å.
    intensity, error : (rows, columns, p) array
        erg cm^-2 s^-1 sr^-1 Å^-1; the error is that of photons and read noise alone, the
        radiometric calibration's is common to all. NaN where a cell has no good pixel.
    fwhm : (rows, columns) array
        Full width at half maximum of the instrument's profile, Å.
    """

    wavelength: np.ndarray
    intensity: np.ndarray
    error: np.ndarray
    fwhm: np.ndarray

    def __getitem__(self, cell: Any) -> Spectra:
        """Return some of the cells."""
        return Spectra(
            self.wavelength[cell], self.intensity[cell], self.error[cell], self.fwhm[cell]
        )


@dataclass(frozen=True)
class Window:
    """One spectral window of a raster: a spectrum at each place along the slit and each step.

    Attributes
    ----------
    line : str
        The line it was chosen for, as the observers wrote it: ``"Fe XII 192.410"``.
    wavelength : (y, x, p) array
        Corrected for the slit's tilt and the drift along the orbit, Å.
    intensity, error : (y, x, p) array
        erg cm^-2 s^-1 sr^-1 Å^-1 and the standard deviation by photons and read noise; NaN where
        the mask is set.
    mask : (y, x, p) array of bool
        Pixels that are missing.
    fwhm : (y,) array
        Full width at half maximum of the instrument's profile, Å.
    solar_x, solar_y : (x,) and (y,) arrays
        Place on the Sun, arcsec from the centre of the disc to the west and north. The detectors
        see a feature at a row that depends on wavelength; that is taken off, so that the same place
        has the same solar_y in every window.
    """

    line: str
    wavelength: np.ndarray
    intensity: np.ndarray
    error: np.ndarray
    mask: np.ndarray
    fwhm: np.ndarray
    solar_x: np.ndarray
    solar_y: np.ndarray

    def binned(self, region: Region, rows: int = 20, columns: int = 5) -> Spectra:
        """Average the spectra in the cells of a map.

        A missing pixel is taken as the mean of its neighbours along the slit, which reproduces the
        data best (EIS Software Note 13); the error is that of the good pixels.
        Spectra are not shifted before averaging: the correction's range of 0.015 Å widens a line of
        0.07 Å by 1 per cent.

        Parameters
        ----------
        region : Region
            Within the window.
        rows, columns : int
            Cells along y and x.

        Returns
        -------
        Spectra

        Raises
        ------
        EisError
            If a cell would hold no position of the raster.
        """
        row = _cells(self.solar_y, region.south, region.north, rows, "rows")
        column = _cells(self.solar_x, region.east, region.west, columns, "columns")
        filled = _fill(self.intensity, self.mask)
        cells = []
        for i, j in np.ndindex(rows, columns):
            here = np.ix_(row == i, column == j)
            good = (~self.mask[here]).sum(axis=(0, 1))
            seen = np.isfinite(filled[here]).sum(axis=(0, 1))
            variance = np.nansum(self.error[here] ** 2, axis=(0, 1))
            with np.errstate(invalid="ignore", divide="ignore"):
                error = np.sqrt(variance) / good
                intensity = np.nansum(filled[here], axis=(0, 1)) / seen
            intensity[good == 0] = np.nan
            wavelength = self.wavelength[here].mean(axis=(0, 1))
            cells.append((wavelength, intensity, error, self.fwhm[row == i].mean()))
        fields = (np.array(field) for field in zip(*cells, strict=True))
        return Spectra(*(field.reshape(rows, columns, *field.shape[1:]) for field in fields))

    def mean_spectrum(self, region: Region) -> Spectra:
        """Average the spectra of a region; arrays have one axis, `fwhm` none; see `binned`."""
        return self.binned(region, 1, 1)[0, 0]


def common_region(windows: list[Window]) -> Region:
    """Return what all of some windows see: the detectors' offset moves them by up to 19 rows."""
    x = np.array([[w.solar_x.min(), w.solar_x.max()] for w in windows])
    y = np.array([[w.solar_y.min(), w.solar_y.max()] for w in windows])
    dx, dy = _step(windows[0].solar_x) / 2, _step(windows[0].solar_y) / 2
    return Region(
        float(x[:, 0].max() - dx),
        float(x[:, 1].min() + dx),
        float(y[:, 0].max() - dy),
        float(y[:, 1].min() + dy),
    )


def find(windows: list[Window], wavelength: float) -> Window:
    """Return the window that holds a wavelength.

    Parameters
    ----------
    windows : list of Window
    wavelength : float
        Å.

    Raises
    ------
    EisError
        If none does; the message lists them.
    """
    for window in windows:
        if window.wavelength.min() <= wavelength <= window.wavelength.max():
            return window
    spans = ", ".join(f"{w.wavelength.min():.2f}-{w.wavelength.max():.2f}" for w in windows)
    raise EisError(f"no window of this raster holds {wavelength} Å: they span {spans}")


def read(path: str | Path) -> list[Window]:
    """Read all windows of a raster.

    Parameters
    ----------
    path : path
        Either of the two files; the other is looked for beside it.

    Returns
    -------
    list of Window
        In the raster's order.

    Raises
    ------
    EisError
        If a file is missing, cut, or not an EIS level-1 file; the message names it.
    """
    import h5py

    stem = str(path).removesuffix(".data.h5").removesuffix(".head.h5")
    data_path, head_path = Path(f"{stem}.data.h5"), Path(f"{stem}.head.h5")
    for needed in (data_path, head_path):
        if not needed.is_file():
            raise EisError(
                f"{needed} is not there: an EIS raster is a .data.h5 and a .head.h5 file.",
                "Fetch the missing one from https://eis.nrl.navy.mil and put it beside the other.",
            )
    place = data_path
    try:
        with h5py.File(data_path) as data:
            counts = {name: data["level1"][name][()] for name in data["level1"] if "win" in name}
        place = head_path
        with h5py.File(head_path) as head:
            return [_window(head, name, counts[name], place) for name in sorted(counts)]
    except (OSError, KeyError, RuntimeError) as error:
        raise EisError(
            f"{place} is not a complete EIS level-1 file ({error}).",
            "Delete it and fetch it again from https://eis.nrl.navy.mil.",
        ) from error


def _window(head: Any, name: str, counts: np.ndarray, place: Path) -> Window:
    nominal = head["wavelength"][name][()]
    correction = head["wavelength/wave_corr"][()]
    pointing = head["pointing"]
    if counts.ndim != 3 or counts.shape != (*correction.shape, nominal.size):
        raise EisError(
            f"{place}: window {name} has counts of shape {counts.shape}, and its calibration is of "
            f"shape {(*correction.shape, nominal.size)}.",
            "Rasters with several exposures at each position are not read; or the two files "
            "belong to different rasters.",
        )
    wavelength = nominal - correction[..., None]
    mask = counts <= MISSING
    # a dark pixel is negative where the background taken off was a little too high
    photons = np.maximum(counts, 0.0).astype(float)
    error = np.sqrt(photons + read_noise(wavelength) ** 2)
    per_count = head["radcal"][f"{name}_pre"][()].astype(float)
    offset = float(np.mean(head["ccd_offsets"][name][()]))
    return Window(
        head["wininfo"][name]["line_id"][0].decode().strip(),
        wavelength,
        np.where(mask, np.nan, counts * per_count),
        np.where(mask, np.nan, error * per_count),
        mask,
        head["instrumental_broadening/slit_width"][()].astype(float),
        pointing["solar_x"][()].astype(float) + float(pointing["offset_x"][0]),
        pointing["solar_y"][()].astype(float) + float(pointing["offset_y"][0]) - offset,
    )


def read_noise(wavelength: np.ndarray) -> np.ndarray:
    """Return the read noise of a pixel, in photons.

    Parameters
    ----------
    wavelength : array
        Å: a photon of 200 Å frees 17 electrons.
    """
    noise: np.ndarray = READ_NOISE * ELECTRON_ENERGY * np.asarray(wavelength) / PHOTON_ENERGY
    return noise


def _step(positions: np.ndarray) -> float:
    return float(np.abs(np.diff(positions)).mean()) if positions.size > 1 else 1.0


def _cells(positions: np.ndarray, low: float, high: float, count: int, what: str) -> np.ndarray:
    """Return the cell of each position, -1 for those outside."""
    cell = np.floor((positions - low) / (high - low) * count).astype(int)
    cell[(positions < low) | (positions >= high)] = -1
    if missing := set(range(count)) - set(cell.tolist()):
        raise EisError(
            f"{len(missing)} of {count} {what} of the map hold no position of the raster, which "
            f"spans {positions.min():.0f} to {positions.max():.0f} arcsec.",
            "Ask for fewer cells or another region.",
        )
    return cell


def _fill(intensity: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Interpolate missing pixels along the slit; a column without good pixels stays NaN."""
    filled = intensity.copy()
    rows = np.arange(len(intensity))
    for x, p in np.argwhere(mask.any(axis=0) & ~mask.all(axis=0)):
        bad = mask[:, x, p]
        filled[bad, x, p] = np.interp(rows[bad], rows[~bad], intensity[~bad, x, p])
    return filled
