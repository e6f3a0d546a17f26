"""Labels of axes are read as a person reads them."""

import pytest

from helpers import checks, labels

ANGSTROM = [
    "wavelength [Å]",
    "wavelength / \u212b",
    "wavelength (A\u030a)",
    "λ in Å",
    "Wavelength (A)",
    "Wavelength [A]",
    "Wavelength / A",
    "lambda, AA",
    "Wavelength A",
    "Wavelength [Ang]",
    "Wavelength (ang.)",
    "wavelength (Angstroms)",
    "Ångström",
    r"$\lambda$ / $\mathring{A}$",
    r"$\lambda\,[\mathrm{\AA}]$",
    r"$\lambda_{\rm vac}~(\AA)$",
    r"Wavelength [$\rm{\AA}$]",
    r"Wavelength ($\r{A}$)",
]
OTHERS = {
    "wavelength (nm)": "nm",
    "λ [nanometers]": "nm",
    "wavelength (µm)": "um",
    "λ [\u03bcm]": "um",
    r"$\lambda$ [$\mu$m]": "um",
    r"$\lambda\ [\mu\mathrm{m}]$": "um",
    "wavelength in microns": "um",
}
NO_UNIT = ["Wavelength", "APOGEE range", "a change of angle", "flux A (normalised)", "", "name"]


@pytest.mark.parametrize("label", ANGSTROM)
def test_angstrom_is_read_in_every_spelling(label):
    assert labels.unit(label, "Angstrom") == "Angstrom"
    assert checks.wavelength_unit(label, "no unit") == 1.0


@pytest.mark.parametrize("label", OTHERS)
def test_other_units_of_wavelength_are_read(label):
    assert labels.unit(label, "Angstrom", "nm", "um") == OTHERS[label]
    factor = {"nm": 10.0, "um": 1e4}[OTHERS[label]]
    assert checks.wavelength_unit(label, "no unit") == factor


@pytest.mark.parametrize("label", NO_UNIT)
def test_a_label_without_a_unit_names_none(label):
    assert labels.unit(label, "Angstrom", "nm", "um", "K", "dex") == ""
    with pytest.raises(checks.CheckFailed, match="the unit is missing"):
        checks.label_unit(label, "Angstrom", hint="the unit is missing")


@pytest.mark.parametrize(
    "label",
    [r"F$_\lambda$", r"$F_{\lambda}$", r"$f_\lambda$", "F_λ", "F_lambda", r"$\mathrm{F}_\lambda$"],
)
def test_a_flux_density_is_read_from_math_text(label):
    assert labels.says(label, "F_λ", "F_lambda")


def test_temperature_and_gravity_have_units():
    assert labels.unit(r"$T_{\rm eff}$ [K]", "K") == "K"
    assert labels.unit("log g (dex)", "K", "dex") == "dex"
    assert labels.unit("log g [cgs]", "dex") == "dex"
