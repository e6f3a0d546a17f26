"""Compare two builds of the survey: ``python -m skysim.survey --compare ONE OTHER``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from skysim.survey.differences import differences


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare two builds; the exit code is 1 when anything differs by more than 1e-6."""
    parser = argparse.ArgumentParser(description="Compare two builds of the survey.")
    parser.add_argument("--compare", nargs=2, type=Path, required=True, metavar="FOLDER")
    found = differences(*parser.parse_args(arguments).compare)
    for name, worst in sorted(found.items(), key=lambda item: -item[1])[:40]:
        sys.stdout.write(f"{worst:9.2e}  {name}\n")
    worst = max(found.values(), default=0.0)
    sys.stdout.write(f"{len(found)} arrays differ, by {worst:.2e} at most\n")
    return int(worst > 1e-6)


if __name__ == "__main__":
    sys.exit(main())
