"""Makes ``data/csst_parts.csv``: what each part of lab 8's recipe buys, three trainings of each.

``python -m data.make.csst_parts`` trains the network of lab 8 with the lab's own answers, once for
each part that is left out and each of three seeds, on the SIMULATED models of the survey, and
prints its error over the Cramer-Rao bound.  ``--write`` replaces the rows of the table.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from data.make import table_files
from labkit import lab_source
from surveys.folders import facts_folder

NAME = "csst_parts.csv"
LAB = "08_csst"
SEEDS = (0, 1, 2)
#: what the lab defines later, behind a long training
_LATER = ("arrays_of", "PARTS", "PART_STEPS", "PART_WIDTH", "measure_part")


def lab() -> dict[str, Any]:
    """Return what lab 8 defines as far as Question 10, and how it measures a part."""
    names = lab_source.solved_namespace(LAB, until="train_network")
    exec(lab_source.definitions(LAB, _LATER), names)
    return names


def make(names: dict[str, Any], seeds: tuple[int, ...] = SEEDS) -> list[tuple[str, int, str, str]]:
    """Return the rows of the table: part left out, seed, error over the bound at S/N 20 and 80."""
    rows = []
    for seed in seeds:
        for part in names["PARTS"]:
            low, high = names["measure_part"](part, seed)
            rows.append((part, seed, f"{low:.3f}", f"{high:.3f}"))
            print(*rows[-1], sep=", ", flush=True)
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Print the rows; write them when asked to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help=f"replace the rows of data/{NAME}")
    chosen = parser.parse_args(arguments)
    rows = make(lab())
    if chosen.write:
        columns = ("part", "seed", "snr_20", "snr_80")
        text = table_files.header(NAME) + table_files.csv_text(columns, rows)
        (facts_folder() / NAME).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
