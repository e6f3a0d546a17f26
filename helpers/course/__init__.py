"""What an instructor runs: the `labkit` command and the code behind it. Not for notebooks."""

from pathlib import Path

#: the course folder: the clone that holds labs/, solutions/ and data/
ROOT = Path(__file__).resolve().parents[2]
