"""Reads model spectra of BOSZ, of 2017 and of 2024: packed text files of numbers in columns.

2017 (https://archive.stsci.edu/prepds/bosz): three columns, wavelength, specific intensity and
continuum; the flux at the surface is pi times the second. Names such as
amm03cp00op00t5750g45v20modrt0b2000rs.asc.bz2 round [M/H] = -0.25 to m03.

2024 (https://archive.stsci.edu/hlsp/bosz): two columns, Eddington flux and continuum; the flux at
the surface is 4 pi times the first. The wavelengths of all files of a resolution are in
bosz2024_wave_r2000.txt, beside them or in a folder above. The label is in the name, such as
bosz2024_mp_t5750_g+4.5_m-0.25_a+0.00_c+0.00_v2_r2000_resam.txt.gz.

Wavelengths are in vacuum. Sources: Bohlin et al. 2017, AJ 153, 234; Meszaros et al. 2024, A&A 688,
A197.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from surveys.formats import sed

_WHAT = "a model of BOSZ"
_SIGNED = r"([+-]\d+\.\d+)"
_NAME_2024 = re.compile(
    rf"bosz2024_\w\w_t(\d+)_g{_SIGNED}_m{_SIGNED}_a{_SIGNED}_c{_SIGNED}_v\d+_r(\d+)_resam\.txt.*"
)
_ROUNDED = r"([mp]\d\d)"
_NAME_2017 = re.compile(
    rf"am{_ROUNDED}c{_ROUNDED}o{_ROUNDED}t(\d+)g(\d\d)v\d+modrt\d+b(\d+)rs\.asc.*"
)
#: what every model of 2017 covers, Å
_SPAN = (1010.0, 319000.0)


def read(path: str | os.PathLike[str]) -> sed.Sed:
    """Read one model.

    Parameters
    ----------
    path : path
        Packed or not; the name must be the archive's, as the labels and the resolution are in it.

    Returns
    -------
    Sed
        Flux at the star's surface.

    Raises
    ------
    SedError
        When it is no such file, or cut; or when the file of wavelengths is missing.
    """
    path = Path(path)
    if match := _NAME_2024.fullmatch(path.name):
        teff, logg, m_h, a_m, c_m, resolution = map(float, match.groups())
        wavelength = _wavelengths(path, int(resolution))
        flux = 4 * np.pi * sed.columns(path, {2: ("flux", "continuum")}, _WHAT)["flux"]
        if flux.size != wavelength.size:
            raise sed.SedError(
                f"{path}: has {flux.size} lines for {wavelength.size} wavelengths: it is cut, or "
                "of another edition than the file of wavelengths. Fetch both again."
            )
    elif match := _NAME_2017.fullmatch(path.name):
        m_h, c_m, a_m = map(_rounded, match.groups()[:3])
        teff, logg, resolution = float(match[4]), int(match[5]) / 10, float(match[6])
        names = ("wavelength", "intensity", "continuum")
        found = sed.check(path, sed.columns(path, {3: names}, _WHAT), names, _WHAT, _SPAN)
        wavelength, flux = found["wavelength"], np.pi * found["intensity"]
    else:
        raise sed.SedError(
            f"{path}: its name is not one of BOSZ's, such as "
            "bosz2024_mp_t5750_g+4.5_m+0.00_a+0.00_c+0.00_v2_r2000_resam.txt.gz. "
            "Give it back the name that the archive gave it: the labels are in it."
        )
    return sed.Sed(
        name=path.name.split("_resam")[0].split(".asc")[0],
        wavelength=wavelength,
        flux=flux,
        error=np.full(flux.size, np.nan),
        fwhm=wavelength / resolution,
        unit=sed.SURFACE,
        labels={"teff": teff, "logg": logg, "m_h": m_h, "a_m": a_m, "c_m": c_m},
    )


def _rounded(letters: str) -> float:
    """Return -0.25 for m03: tenths that stand for quarters."""
    value = round(int(letters[1:]) / 10 * 4) / 4
    return -value if letters[0] == "m" else value


def _wavelengths(path: Path, resolution: int) -> np.ndarray:
    name = f"bosz2024_wave_r{resolution}.txt"
    for folder in path.absolute().parents[:4]:
        if (folder / name).is_file():
            found = sed.columns(folder / name, {1: ("wavelength",)}, "BOSZ's wavelengths")
            sed.check(folder / name, found, ("wavelength",), "BOSZ's wavelengths")
            return found["wavelength"]
    raise sed.SedError(
        f"{name} is neither beside {path} nor in the three folders above: it holds the wavelengths "
        "of all models of that resolution. Fetch it from the same place."
    )
