"""A program of the system in a sandbox, without a student's Python in between."""

import subprocess

from labkit.sandbox import Limits
from labkit.sandbox.fence import open_files, sandboxed


def run(line, shared, **options):
    """Run a command behind the sandbox's walls.

    Parameters
    ----------
    line : list of str
    shared : Path
        A folder that is seen as well.
    options
        Of `subprocess.run`.
    """
    with open_files() as files:
        whole = [*sandboxed(files, shared, Limits(), seed=0, counted=True), *line]
        return subprocess.run(
            whole, pass_fds=files.numbers, capture_output=True, text=True, **options
        )
