"""Student code in a sandbox: what it sees, what it may use, and how it is asked."""

from labkit.sandbox.limits import Budget, Limits, Stopped
from labkit.sandbox.shell import (
    BUBBLEWRAP,
    LANDLOCK,
    WALLS,
    Shell,
    missing_limits,
    require,
    scratch,
)
from labkit.sandbox.view import (
    KIT,
    require_bubblewrap,
    require_linux,
    require_out_of_sight,
    walls,
)

__all__ = [
    "BUBBLEWRAP",
    "KIT",
    "LANDLOCK",
    "WALLS",
    "Budget",
    "Limits",
    "Shell",
    "Stopped",
    "missing_limits",
    "require",
    "require_bubblewrap",
    "require_linux",
    "require_out_of_sight",
    "scratch",
    "walls",
]
