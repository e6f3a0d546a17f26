"""Lab 3 against the published Cannons, on the same stars and pixels, one thread each, in one run.

Contenders, each in a process of its own: the solved lab, the student's loops (on some pixels and
stars, scaled up), TheCannon and AnniesLasso (in an environment of their own, build/bench/peers,
made on first use). CPU seconds of training and label inference, peak memory, label scatter, and
whether each finds the greatest likelihood in s^2. Writes ``build/bench/cannon.json``.

    python bench/cannon.py            everything
    python bench/cannon.py --only lab 3 --only ...    some contenders
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"

import numpy as np  # noqa: E402 - after the thread limits

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "bench"
PEERS = OUT / "peers"
#: numpy 2 has removed what TheCannon (2018) calls; the others are what it imports
PINS = (
    "TheCannon==0.7.3",
    "AnniesLasso==0.2.96",
    "numpy==1.26.4",
    "scipy==1.13.1",
    "matplotlib==3.11.2",
    "astropy==7.2.3",
)
JUDGED = 150  # pixels on which the likelihood is looked at
LOOP_PIXELS, LOOP_STARS = 60, 30


def write_data(path: Path) -> None:
    """Split the survey's normalised spectra in two halves and save them."""
    from helpers import archive
    from labkit import lab_source

    lab = lab_source.solved_namespace("03_cannon")
    with np.load(archive.product("02_continuum")) as survey:
        flux, error, labels = (survey[name] for name in ("flux", "error", "labels"))
        wavelength = survey["wavelength"]
    half = lab["split_sample"](len(labels), 3)
    alive = np.flatnonzero((error[half] < lab["BAD_LIMIT"]).sum(axis=0) > 600)
    judged = np.sort(np.random.default_rng(1).choice(alive, JUDGED, replace=False))
    np.savez(
        path, wavelength=wavelength, judged=judged,
        flux=flux[half], error=error[half], labels=labels[half],
        test_flux=flux[~half], test_error=error[~half], test_labels=labels[~half],
    )  # fmt: skip


def lab_3(data: dict) -> dict:
    from cannon_peers import timed

    from labkit import lab_source

    lab = lab_source.solved_namespace("03_cannon")
    mean, scale = data["labels"].mean(axis=0), data["labels"].std(axis=0)
    X = lab["design_matrix"](data["labels"], mean, scale)
    (theta, s2), train = timed(lambda: lab["train"](X, data["flux"], data["error"]))
    model = (theta, s2, mean, scale)
    (fitted, *_), infer = timed(
        lambda: lab["fit_stars"](data["test_flux"], data["test_error"], *model)
    )
    pixels = data["judged"]
    return {
        "train": train,
        "infer": infer,
        "fitted": fitted,
        "s2": s2[pixels],
        "model": X @ theta[:, pixels],
        "floor": product_seconds(len(X), theta.shape[1]),
    }


def product_seconds(stars: int, pixels: int) -> float:
    """CPU seconds of one product of weights with the 231 products of columns: the floor."""
    rng = np.random.default_rng(0)
    weights, products = rng.random((pixels, stars)), rng.random((stars, 231))
    out = weights @ products
    started = time.process_time()
    for _ in range(5):
        np.matmul(weights, products, out=out)
    return (time.process_time() - started) / 5


def curve_fit_star(flux: np.ndarray, error: np.ndarray, model: tuple, lab: dict) -> np.ndarray:
    """Fit the labels of one star with `curve_fit` from three starts, as the sheet proposes."""
    from scipy.optimize import curve_fit

    coefficients, s2, mean, scale = model
    used = (error < lab["BAD_LIMIT"]) & (s2 < 1)
    theta, f = coefficients[:, used], flux[used].astype(float)
    sigma = np.sqrt(error[used].astype(float) ** 2 + s2[used])
    zero, one = np.zeros(len(mean)), np.ones(len(mean))

    def spectrum(_, *x):
        return lab["predict"](np.array([x]), theta, zero, one)[0]

    def slope(_, *x):
        return lab["gradient"](np.array(x), theta, zero, one).T

    fits = []
    for height in (0.0, -1.5, 1.5):
        start = np.where(np.arange(len(mean)) < 2, height, 0.0)
        x, _ = curve_fit(spectrum, None, f, start, sigma, True, method="trf", jac=slope)
        fits.append((np.sum(((f - spectrum(None, *x)) / sigma) ** 2), x.tolist()))
    return mean + scale * np.array(min(fits)[1])


def loop(data: dict) -> dict:
    """The sheet's way: a grid for each pixel, curve_fit for each star; scaled to all of them."""
    from cannon_peers import timed

    from labkit import lab_source

    lab = lab_source.solved_namespace("03_cannon")
    mean, scale = data["labels"].mean(axis=0), data["labels"].std(axis=0)
    X = lab["design_matrix"](data["labels"], mean, scale)
    alive = (data["error"] < lab["BAD_LIMIT"]).sum(axis=0) >= 2 * X.shape[1]
    pixels = data["judged"]
    found, train = timed(
        lambda: [
            lab["train_pixel"](X, data["flux"][:, p], data["error"][:, p])
            for p in pixels[:LOOP_PIXELS]
        ]
    )
    coefficients, s2 = lab["train"](X, data["flux"], data["error"])
    stars = np.random.default_rng(2).choice(len(data["test_flux"]), LOOP_STARS, replace=False)
    model = (coefficients, s2, mean, scale)
    _, infer = timed(
        lambda: [
            curve_fit_star(data["test_flux"][n], data["test_error"][n], model, lab) for n in stars
        ]
    )
    return {
        "train": train / LOOP_PIXELS * alive.sum(),
        "infer": infer / LOOP_STARS * len(data["test_flux"]),
        "s2": np.array([s2 for _, s2 in found]),
        "model": np.column_stack([X @ theta for theta, _ in found]),
    }


def make_peers() -> Path:
    """Make the peers' environment on first use; returns its interpreter."""
    python = PEERS / "bin" / "python"
    stamp = PEERS / "pins.json"
    if not stamp.is_file() or json.loads(stamp.read_text()) != list(PINS):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(PEERS)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, *PINS], check=True)
        stamp.write_text(json.dumps(PINS))
    return python


def lost_likelihood(data: dict, result: dict) -> np.ndarray:
    """How far each judged pixel's ln L is below the greatest one, found by a fine search."""
    from labkit import lab_source

    lab = lab_source.solved_namespace("03_cannon")
    x_mean, x_scale = data["labels"].mean(axis=0), data["labels"].std(axis=0)
    X = lab["design_matrix"](data["labels"], x_mean, x_scale)
    one, lost = np.ones(1), []
    for k, pixel in enumerate(data["judged"][: len(result["s2"])]):
        flux, error = data["flux"][:, pixel].astype(float), data["error"][:, pixel].astype(float)
        # the model spectrum stands for the coefficients, whatever scaling they belong to
        at = lab["ln_likelihood"](result["model"][:, [k]], one, flux, error, result["s2"][k])
        theta, s2 = lab["train_pixel"](X, flux, error)
        best = lab["ln_likelihood"](X, theta, flux, error, s2)
        lost.append(max(best, float(data["best"][k])) - at)
        data["best"][k] = max(best, at, data["best"][k])
    return np.array(lost)


def row(data: dict, result: dict) -> dict:
    """Return the figures of one contender."""
    from labkit import lab_source

    lost = lost_likelihood(data, result)
    figures = {
        "train_cpu_s": round(float(result["train"]), 2),
        "infer_cpu_s": round(float(result["infer"]), 2),
        "peak_mb": round(float(result["peak_mb"])),
        "data_mb": round(float(result["peak_before_mb"])),
        "ln_l_lost_median": float(np.median(lost)),
        "ln_l_lost_max": float(lost.max()),
        "pixels_off_optimum": float(np.mean(lost > 0.5)),
    }
    if "fitted" in result:
        compare = lab_source.solved_namespace("03_cannon")["bias_and_scatter"]
        bias, scatter = compare(result["fitted"], data["test_labels"])
        figures |= {"scatter": scatter.round(4).tolist(), "bias": bias.round(4).tolist()}
    if "floor" in result:
        figures["one_product_cpu_s"] = round(float(result["floor"]), 3)
    return figures


CONTENDERS = ("lab 3", "student's loop", "TheCannon", "AnniesLasso")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", action="append", choices=CONTENDERS)
    parser.add_argument("--alone", nargs=3, metavar=("NAME", "DATA", "RESULT"))
    chosen = parser.parse_args()
    if chosen.alone:
        from cannon_peers import run

        name, source, target = chosen.alone
        run({"lab 3": lab_3, "student's loop": loop}[name], source, target)
        return
    OUT.mkdir(parents=True, exist_ok=True)
    source = OUT / "cannon_data.npz"
    write_data(source)
    with np.load(source) as file:
        data = dict(file)
    data["best"] = np.full(JUDGED, -np.inf)
    table = {}
    for name in chosen.only or CONTENDERS:
        target = OUT / f"cannon_{name.replace(' ', '_')}.npz"
        here = Path(__file__).resolve().parent
        if name in ("TheCannon", "AnniesLasso"):
            command = [make_peers(), here / "cannon_peers.py", name, source, target]
        else:
            command = [sys.executable, here / "cannon.py", "--alone", name, source, target]
        with target.with_suffix(".log").open("w") as said:  # AnniesLasso warns in many pixels
            subprocess.run([str(part) for part in command], check=True, stdout=said, stderr=said)
        with np.load(target) as result:
            table[name] = row(data, dict(result))
        target.unlink()
        print(f"{name}: {table[name]}", flush=True)
    source.unlink()
    ours = table.get("lab 3")
    for figures in table.values():
        if ours:
            for what in ("train", "infer"):
                ratio = figures[f"{what}_cpu_s"] / ours[f"{what}_cpu_s"]
                figures[f"{what}_over_lab_3"] = round(ratio, 1)
    stars = [len(data["labels"]), len(data["test_labels"])]
    summary = {"stars": stars, "pixels": len(data["wavelength"]), "pins": PINS, "rows": table}
    (OUT / "cannon.json").write_text(json.dumps(summary, indent=1) + "\n")
    print_table(summary)


def print_table(summary: dict) -> None:
    stars, pixels = summary["stars"], summary["pixels"]
    print(f"\n{stars[0]} + {stars[1]} simulated stars x {pixels} pixels, one thread each")
    print("                 train    x   infer    x  peak MB  off optimum  scatter")
    for name, f in summary["rows"].items():
        scatter = " ".join(f"{value:.3g}" for value in f.get("scatter", []))
        print(
            f"{name:15s} {f['train_cpu_s']:6.1f} {f.get('train_over_lab_3', 1):4.0f} "
            f"{f['infer_cpu_s']:7.2f} {f.get('infer_over_lab_3', 1):4.0f} {f['peak_mb']:8d} "
            f"{f['pixels_off_optimum']:12.0%}  {scatter}"
        )
    if floor := summary["rows"].get("lab 3", {}).get("one_product_cpu_s"):
        print(f"floor: one product of all weights with the 231 column products takes {floor:.2f} s")


if __name__ == "__main__":
    main()
