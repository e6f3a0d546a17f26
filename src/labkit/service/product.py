"""What lab 9 leaves for the service: the trained network and the model of a corona."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from helpers.coronal_spectra import PIXELS
from labkit import ROOT
from labkit.errors import ServiceError

#: where a walkthrough leaves it
DEFAULT = ROOT / "build" / "run" / "products" / "09_corona_model.npz"
_NETWORK = "network_"
#: sizes by letter: p pixels, l lines, f values that the hidden layer reads, and others; a digit is
#: a size itself
_SHAPES = {
    "wavelength": "p",
    "line_wavelength": "l",
    "line_ion": "l",
    "fwhm": "",
    "shift_error": "",
    "width_error": "",
    "atomic_error": "",
    "ln_model": "ijl",
    "modes": "ql",
    "prior": "ab",
    "network_0.weight": "c28",
    "network_0.bias": "c",
    "network_1.change.1.weight": "cc5",
    "network_1.change.1.bias": "c",
    "network_1.change.3.weight": "cc5",
    "network_1.change.3.bias": "c",
    "network_4.weight": "hf",
    "network_4.bias": "h",
    "network_6.weight": "lh",
    "network_6.bias": "l",
}


@dataclass(frozen=True)
class Product:
    """Lab 9's network, and its model of p pixels and l lines.

    Attributes
    ----------
    wavelength : (p,) array
        Of the pixels, in vacuum, Å.
    line_wavelength : (l,) array
        Å.
    line_ion : (l,) array of str
        In CHIANTI's manner: ``"fe_13"`` is Fe XIII.
    fwhm : float
        Full width at half maximum of the instrument's profile, Å.
    shift_error, width_error : float
        Standard errors of the zero point, Å, and of the relative width.
    atomic_error : float
        Standard error of the natural logarithm of a line's intensity.
    ln_model : (i, j, l) array
        Coefficients of the natural logarithms of the lines' fluxes, whose sum is 1: of x^i y^j with
        x = 2 (log10 T - 6.5), y = log10 n - 10.
    modes : (q, l) array
        What a standard deviation of each mode of the calibration adds to these logarithms.
    prior : (2, 2) array
        Least and greatest log10 T in K, and log10 n in cm^-3: the priors are even between them.
    network : dict of array
        Weights, by the names that lab 9's network gives them.
    """

    wavelength: np.ndarray
    line_wavelength: np.ndarray
    line_ion: np.ndarray
    fwhm: float
    shift_error: float
    width_error: float
    atomic_error: float
    ln_model: np.ndarray
    modes: np.ndarray
    prior: np.ndarray
    network: dict[str, np.ndarray]


def read(path: Path = DEFAULT) -> Product:
    """Read lab 9's product.

    Parameters
    ----------
    path : Path
        What lab 9 saved; by default where the walkthrough leaves it.

    Returns
    -------
    Product

    Raises
    ------
    ServiceError
        If it is missing or is not what the service needs.
    """
    again = "Write it with `labkit walkthrough 09_corona`, or name another file with --product."
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except FileNotFoundError:
        raise ServiceError(f"the product of lab 9 is missing: there is no {path}.", again) from None
    except OSError as error:
        raise ServiceError(f"{path} cannot be read ({error}).", again) from error
    except (ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise ServiceError(f"{path} is not a file of numpy's plain arrays.", again) from error
    if wrong := _wrong(arrays):
        raise ServiceError(
            f"{path} is not the product of lab 9 that the service needs: {wrong}.", again
        )
    network = {
        name.removeprefix(_NETWORK): arrays.pop(name)
        for name in list(arrays)
        if name.startswith(_NETWORK)
    }
    fields: dict[str, Any] = {name: arrays[name] for name in _SHAPES if name in arrays}
    fields |= {name: float(fields[name]) for name in _SHAPES if _SHAPES[name] == ""}
    return Product(**fields, network=network)


def _wrong(arrays: dict[str, np.ndarray]) -> str:
    """Say what is wrong with a product; an empty text if nothing is."""
    if unknown := [name for name in arrays if name.startswith(_NETWORK) and name not in _SHAPES]:
        return f"the service does not know the layer {unknown[0]!r}"
    sizes = {digit: int(digit) for digit in "258"}
    for name, letters in _SHAPES.items():
        if name not in arrays:
            return f"it has no array {name!r}"
        array = arrays[name]
        if array.dtype.kind != ("U" if name == "line_ion" else "f"):
            return f"{name!r} is an array of {array.dtype}"
        if len(letters) != array.ndim or any(
            sizes.setdefault(letter, size) != size
            for letter, size in zip(letters, array.shape, strict=True)
        ):
            return f"{name!r} has the shape {array.shape}, which does not go with the others"
        if name != "line_ion" and not np.isfinite(array).all():
            return f"{name!r} holds what is not a number"
    if sizes["f"] != sizes["c"] * (PIXELS.size // 4):
        return f"its network was not trained on {PIXELS.size} pixels"
    wavelength = arrays["wavelength"]
    if wavelength.shape != PIXELS.shape or not np.allclose(wavelength, PIXELS):
        return f"its pixels are not the {PIXELS.size} from {PIXELS[0]} to {PIXELS[-1]} Å"
    return ""
