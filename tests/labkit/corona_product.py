"""Lab 9's product made small: its own network, trained on an eighth of the spectra.

The lab's product itself comes of a walkthrough, which the tests of this room do without.
"""

import numpy as np

from helpers import corona
from labkit import lab_source

SPECTRA, EPOCHS = 1000, 10


def make():
    """Train; return the arrays that lab 9 saves as 09_corona_model, and the lab's functions."""
    lab = lab_source.solved_namespace("09_corona")
    sky = corona.simulated_spectra(SPECTRA, seed=90)
    present = sky.intensity > 0.1 * sky.intensity.max(axis=1, keepdims=True)
    weights = lab["train_network"](sky.flux, sky.error, present, epochs=EPOCHS)
    lines = corona.line_table()
    ln_model, modes = _model(lines, lab["line_intensities"])
    arrays = {
        "wavelength": sky.wavelength,
        "line_wavelength": lines.wavelength,
        "line_ion": lines.ion,
        "fwhm": np.array(lab["FWHM"]),
        "shift_error": np.array(lab["SHIFT_ERROR"]),
        "width_error": np.array(lab["WIDTH_ERROR"]),
        "atomic_error": np.array(lab["ATOMIC_ERROR"]),
        "ln_model": ln_model,
        "modes": modes,
        "prior": np.array([[6.0, 7.0], [9.0, 11.0]]),
    }
    return arrays | {f"network_{name}": value for name, value in weights.items()}, lab


def _model(lines, line_intensities):
    """Polynomials of the logarithms of line fluxes, and the calibration's six largest modes."""
    log_t, log_n = np.linspace(6.0, 7.0, 26), np.linspace(9.0, 11.0, 17)
    g = lines.at_density(log_n)
    flux = np.array(
        [
            line_intensities(g[:, :, j], lines.log_temperature, peak, 1.0, 1.0)
            for peak in log_t
            for j in range(log_n.size)
        ]
    )
    ln_flux = np.log(flux / flux.sum(axis=1, keepdims=True)).reshape(log_t.size, log_n.size, -1)
    of_t, of_n = np.vander(2 * (log_t - 6.5), 10, True), np.vander(log_n - 10, 5, True)
    ln_model = np.einsum(
        "it,tnl,jn->ijl", np.linalg.pinv(of_t), ln_flux, np.linalg.pinv(of_n), optimize=True
    )
    apart = lines.wavelength[:, None] - lines.wavelength
    variance, shape = np.linalg.eigh(0.08**2 * np.exp(-0.5 * (apart / 40.0) ** 2))
    return ln_model, np.sqrt(variance[-6:, None]) * shape[:, -6:].T
