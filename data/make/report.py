"""Write tables and figures that compare the simulated bands with real ones into data/.

``python -m data.make.report`` prints the tables of the optical and of the energy distributions;
``--write`` also puts them between their markers in data/README.md and draws data/figures.  Both
need the real data (LABKIT_REAL); the figures are drawings of them, the arrays are not kept.
"""

from __future__ import annotations

import argparse
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from data.make import against_h_band, real_folder
from data.make import against_optical as real
from skysim.spectra import h_band, optical
from surveys.folders import facts_folder

REAL, SIMULATED = "black", "#0072b2"
MILES_TEFF, LAMOST_TEFF, SED_TEFF = (4500.0, 8500.0), (4700.0, 8200.0), (5000.0, 9750.0)
#: Where interstellar gas adds to the real lines.
INTERSTELLAR = ("LAMOST", "Na D")
N_MILES, N_LAMOST, N_SED = 60, 40, 48


def optical_table(reference: real.OpticalReference, synthesizer: optical.OpticalSynthesizer) -> str:
    """Table of the likeness to MILES and LAMOST stars, none of them fitted."""
    rows = reference.miles_stars(N_MILES, MILES_TEFF, odd=True)
    rms = real.miles_differences(reference, synthesizer, rows)
    teff = reference.miles["labels"][rows, 0]
    text = "| | simulated sky | asked |\n|---|---|---|\n"
    text += f"| {N_MILES} MILES stars, 4000-7000 A: median rms | {np.median(rms):.4f} | 0.045 |\n"
    for low, high in ((4400, 5200), (5200, 6200), (6200, 7200), (7200, 8600)):
        here = (teff >= low) & (teff < high)
        text += f"| {low}-{high} K ({here.sum()} stars) | {np.median(rms[here]):.4f} | |\n"
    miles = [
        (
            real.star(*reference.miles["labels"][row]),
            reference.miles["wavelength"],
            reference.miles["flux"][row].astype(float),
        )
        for row in rows[::2]
    ]
    power = optical.wavelength_grid() / real.MILES_FWHM
    ratios = {
        "MILES": real.width_ratios(miles, synthesizer, power, real.FEATURES[:4]),
        "LAMOST": real.width_ratios(
            real.lamost_stars(reference, N_LAMOST, LAMOST_TEFF), synthesizer, 1800.0
        ),
    }
    for survey, found in ratios.items():
        for name, values in found.items():
            text += (
                f"| {name} in {values.size} {survey} stars: median ratio of widths "
                f"| {np.median(values):.2f} | "
                + ("interstellar sodium |\n" if (survey, name) == INTERSTELLAR else "0.8-1.25 |\n")
            )
    return text


def sed_table(reference: real.OpticalReference, synthesizer: optical.OpticalSynthesizer) -> str:
    """Table of differences from ck04 models that were not fitted."""
    rows = reference.model_rows(SED_TEFF, odd=True)
    rows = np.sort(np.random.default_rng(8).choice(rows, N_SED, replace=False))
    found = np.abs(real.sed_differences(reference, synthesizer, rows))
    teff = reference.models["labels"][rows, 0]
    text = "| median absolute difference | 4000-10000 A | 2500-4000 A |\n|---|---|---|\n"
    groups = [("asked, all", None)] + [
        (f"{low}-{high} K", (teff >= low) & ((teff < high) | (high == 9750)))
        for low, high in ((5000, 9750), (5000, 6000), (6000, 7500), (7500, 9750))
    ]
    for name, group in groups:
        if group is None:
            text += f"| {name} | 3 % | 8 % |\n"
            continue
        cells = [
            f"{100 * np.median(found[group][:, np.clip(real.BINS, a, b) == real.BINS]):.1f} %"
            for a, b in ((4000, 10000), (2500, 4000))
        ]
        text += f"| {name} ({group.sum()} models) | {cells[0]} | {cells[1]} |\n"
    return text


def _save(figure: plt.Figure, name: str) -> None:
    folder = facts_folder() / "figures"
    folder.mkdir(exist_ok=True)
    figure.savefig(folder / f"{name}.png", dpi=110, bbox_inches="tight")
    plt.close(figure)


def h_band_figure(reference: against_h_band.HBandReference) -> None:
    """Draw part of the H band of the mean real giant at the second point and the simulated one."""
    point = against_h_band.POINTS[1]
    model = h_band.Synthesizer().spectrum(against_h_band.star(point))[against_h_band.PIXELS]
    figure, axes = plt.subplots(2, 1, figsize=(10, 5))
    for axis, start in zip(axes, (15700.0, 16150.0), strict=True):
        inside = np.abs(reference.wavelength - start - 60) < 60
        x = reference.wavelength[inside]
        axis.plot(x, reference.real(point)[inside], color=REAL, lw=1.4, label="mean real giant")
        axis.plot(x, reference.normalise(model)[inside], color=SIMULATED, lw=0.9, label="simulated")
        axis.set_ylabel("normalised flux")
    axes[0].legend(frameon=False, ncols=2, loc="lower left")
    axes[0].set_title("H band: 4000 K, log g 1, solar metallicity (not fitted)")
    axes[1].set_xlabel("vacuum wavelength (Å)")
    _save(figure, "h_band")


def optical_figure(
    reference: real.OpticalReference, synthesizer: optical.OpticalSynthesizer
) -> None:
    """Draw four MILES stars that were not fitted, and the simulated ones."""
    rows = reference.miles_stars(N_MILES, MILES_TEFF, odd=True)
    figure, axis = plt.subplots(figsize=(10, 6.5))
    inside = np.clip(real.BINS, 4001.0, 7002.0) == real.BINS
    for k, row in enumerate(rows[i] for i in (4, 19, 37, 57)):
        teff, logg, fe_h = reference.miles["labels"][row]
        seen = np.nan_to_num(reference.miles_spectrum(row), nan=1.0)
        flux, _ = synthesizer.spectrum(real.star(teff, logg, fe_h))
        for values, colour, width, name in (
            (seen, REAL, 1.2, "real (MILES)"),
            (real.as_miles(flux), SIMULATED, 0.8, "simulated"),
        ):
            y = real.running_normalised(values)[inside] + 0.7 * k
            axis.plot(real.BINS[inside], y, color=colour, lw=width, label=name if k == 0 else None)
        axis.text(7010, 1.0 + 0.7 * k, f"{teff:.0f} K\nlog g {logg:.1f}\n[Fe/H] {fe_h:+.1f}",
                  fontsize=8, va="center")  # fmt: skip
    axis.set_xlabel("vacuum wavelength (Å)")
    axis.set_ylabel("flux over its running mean, shifted")
    axis.legend(frameon=False, ncols=2, loc="lower right")
    _save(figure, "optical")


def sed_figure(reference: real.OpticalReference, synthesizer: optical.OpticalSynthesizer) -> None:
    """Draw four ck04 models that were not fitted, and the simulated ones."""
    rows = reference.model_rows(SED_TEFF, odd=True)
    labels = reference.models["labels"][rows]
    figure, axis = plt.subplots(figsize=(10, 5.5))
    inside = np.clip(real.BINS, 2450.0, 10500.0) == real.BINS
    wanted = ((5250, 4.0, 0.0), (6250, 4.0, -1.0), (7500, 4.0, 0.0), (9500, 4.0, 0.0))
    for k, want in enumerate(wanted):
        row = rows[np.argmin(np.abs((labels - want) / (250.0, 0.5, 0.5)).sum(axis=1))]
        teff, logg, fe_h = reference.models["labels"][row]
        flux, _ = synthesizer.spectrum(real.star(teff, logg, fe_h, alpha=0.0))
        x = real.BINS[inside]
        axis.semilogy(x, 3.0**k * reference.model_spectrum(row)[inside], color=REAL, lw=1.4,
                      label="Castelli & Kurucz 2004" if k == 0 else None)  # fmt: skip
        axis.semilogy(x, 3.0**k * real.sed(real.binned(flux))[inside], color=SIMULATED, lw=0.9,
                      label="simulated" if k == 0 else None)  # fmt: skip
        axis.text(10560, 3.0**k * 0.4, f"{teff:.0f} K, {logg:.1f}, {fe_h:+.1f}", fontsize=8)
    axis.set_xlabel("vacuum wavelength (Å)")
    axis.set_ylabel("flux at R = 200, shifted")
    axis.legend(frameon=False, ncols=2, loc="lower right")
    _save(figure, "sed")


def replaced(text: str, name: str, table: str) -> str:
    """Replace what stands between a pair of markers of a page.

    Raises
    ------
    ValueError
        When the page has no such markers.
    """
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    if begin not in text or end not in text:
        raise ValueError(f"no markers {begin.strip()} and {end} in the page")
    head, rest = text.split(begin, 1)
    return head + begin + table + end + rest.split(end, 1)[1]


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; write them and the figures when asked to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="change data/README.md and figures")
    parser.add_argument("--only", choices=("optical", "sed"), help="one band alone")
    chosen = parser.parse_args(arguments)
    folder = real_folder()
    reference, synthesizer = real.OpticalReference(folder), optical.OpticalSynthesizer()
    makers = {"optical": optical_table, "sed": sed_table}
    figures = {"optical": optical_figure, "sed": sed_figure}
    names = [chosen.only] if chosen.only else list(makers)
    tables = {name: makers[name](reference, synthesizer) for name in names}
    for name, table in tables.items():
        sys.stdout.write(f"{name}\n{table}\n")
    if chosen.write:
        page = facts_folder() / "README.md"
        text = page.read_text()
        for name, table in tables.items():
            text = replaced(text, name, table)
        page.write_text(text)
        for name in names:
            figures[name](reference, synthesizer)
        if not chosen.only:
            h_band_figure(against_h_band.HBandReference(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
