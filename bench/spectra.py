"""What a simulated spectrum costs: exact, interpolated, and how it grows with lines and pixels.

Prints CPU milliseconds on one core (the least of several) and writes ``build/bench/spectra.json``.
LAMOST-like spectra, SEDs and those at R = 2000 are all one exact optical spectrum, blurred.  The
interpolators hold noise of the survey's own size, for what they cost does not depend on what they
hold; how well they do is printed by ``pytest tests/skysim -k interpolator -s``.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"

import numpy as np  # noqa: E402 - after the thread limits

from skysim.spectra import optical  # noqa: E402
from skysim.spectra.h_band import FINE_SIZE, Synthesizer  # noqa: E402
from skysim.spectra.h_band_fast import Interpolator  # noqa: E402
from skysim.spectra.optical_fast import OpticalInterpolator  # noqa: E402
from skysim.stars.labels import Labels  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
GIANT = Labels(4500.0, 2.0, -0.3, 0.1, 0.1)
STARS = {
    "giant, 4500 K": GIANT,
    "the Sun": Labels(5777.0, 4.44, 0.0),
    "M dwarf, 3300 K": Labels(3300.0, 4.9, 0.0),
    "A star, 9000 K": Labels(9000.0, 4.0, 0.0),
}
SHARES = (0.0, 0.25, 0.5, 1.0)


def milliseconds(work: Callable[[], object], times: int = 7) -> float:
    """Least CPU time of some runs; the first, which compiles, does not count."""
    work()
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(1e3 * (time.process_time() - start))
    return round(min(taken), 2)


def exact(infrared: Synthesizer, visible: optical.OpticalSynthesizer) -> dict[str, dict]:
    """By star: an exact spectrum of either range, and the blur to R = 1800."""
    table = {}
    for name, star in STARS.items():
        flux, _ = visible.spectrum(star)
        table[name] = {
            "H band": milliseconds(lambda star=star: infrared.spectrum(star)),
            "optical": milliseconds(lambda star=star: visible.spectrum(star), 3),
            "blur": milliseconds(lambda flux=flux: optical.blur(flux, 1800.0)),
        }
    return table


def interpolated() -> dict[str, float]:
    """A giant through interpolators with as many nodes and components as the survey's."""
    rng = np.random.default_rng(1)

    def noise(size: int) -> Callable[[list[Labels]], np.ndarray]:
        return lambda plan: 1e-3 * rng.standard_normal((len(plan), size), np.float32)

    size = optical.N_SAMPLES + -(-optical.N_SAMPLES // optical.SMOOTH)
    skies = {
        "H band": Interpolator.trained(noise(FINE_SIZE)),
        "optical": OpticalInterpolator.trained(noise(size)),
    }
    assert all(sky.covers(GIANT) for sky in skies.values())
    return {
        band: milliseconds(lambda sky=sky: sky.spectrum(GIANT), 50) for band, sky in skies.items()
    }


def growth(whole: Synthesizer) -> dict[str, list[dict]]:
    """The giant's H band with some of its lines, and the first samples of its grid."""
    rows: dict[str, list[dict]] = {"lines": [], "samples": []}
    for share in SHARES:
        kept = np.arange(len(whole.lines)) < share * len(whole.lines)
        # At random, so that those kept lie all over the band.
        part = Synthesizer(whole.lines.pick(np.random.default_rng(2).permutation(kept)))
        rows["lines"].append(
            {"number": int(kept.sum()), "ms": milliseconds(lambda part=part: part.raw_flux(GIANT))}
        )
    for share in SHARES[1:]:
        grid = whole._grid[: int(share * FINE_SIZE)]
        part = Synthesizer(whole.lines.pick(whole.lines.wavelength < grid[-1]))
        part._grid = grid
        rows["samples"].append(
            {"number": grid.size, "ms": milliseconds(lambda part=part: part.raw_flux(GIANT))}
        )
    return rows


def main() -> None:
    infrared, visible = Synthesizer(), optical.OpticalSynthesizer()
    numbers = {
        "H band": {"samples": FINE_SIZE, "lines": len(infrared.lines)},
        "optical": {"samples": optical.N_SAMPLES * optical.FINE, "lines": len(visible.lines)},
    }
    table = {
        "exact": exact(infrared, visible),
        "interpolated": interpolated(),
        "growth": growth(infrared),
    }
    out = ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    (out / "spectra.json").write_text(json.dumps({"size": numbers, **table}, indent=1))
    print("simulated spectra, CPU ms on one core")
    for band, size in numbers.items():
        print(f"  {band}: {size['samples']} samples through 22 layers, {size['lines']} lines")
    for name, row in table["exact"].items():
        print(
            f"  exact, {name:16s} H band {row['H band']:5.0f}   optical {row['optical']:5.0f} "
            f"(and {row['blur']:.1f} to blur it)"
        )
    print("  interpolated, " + "   ".join(f"{b} {t:.1f}" for b, t in table["interpolated"].items()))
    for what, rows in table["growth"].items():
        points = "   ".join(f"{row['number']}: {row['ms']:.0f}" for row in rows)
        print(f"  H band, number of {what}: {points}")


if __name__ == "__main__":
    main()
