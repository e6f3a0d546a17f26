"""Draw corner plots of arrays without ArviZ, whose import takes longer than a lab's answers.

Where ArviZ is installed, `corner` imports it, with Numba and xarray, even to draw an array. What it
draws of an array is the same without: the package's own way for machines that have no ArviZ. All
else (inference data, names of variables) is drawn with ArviZ, which is imported then.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from types import ModuleType
from typing import Any

NAME = "corner.arviz_corner"
#: arguments that mean something for inference data only
_FOR_ARVIZ = ("var_names", "filter_vars", "coords", "divergences", "divergences_kwargs", "labeller")


def install() -> None:
    """Let `corner` import ArviZ only when it is needed, from now on in this process."""
    sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds this stand-in where `corner` looks for its module that imports ArviZ."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != NAME or "arviz" in sys.modules:
            return None
        return importlib.machinery.ModuleSpec(fullname, _StandIn())


class _StandIn(Loader):
    def exec_module(self, module: ModuleType) -> None:
        def arviz_corner(data: Any, **options: Any) -> Any:
            """Draw an array as `corner` does without ArviZ; anything else with it."""
            import numpy as np
            from corner.core import corner_impl

            listed = (options.get("truths"), options.get("titles"))
            if (
                isinstance(data, np.ndarray)
                and data.ndim == 2
                and not any(options.get(name) for name in _FOR_ARVIZ)
                and not any(isinstance(values, Mapping) for values in listed)
            ):
                plain = {k: v for k, v in options.items() if k not in (*_FOR_ARVIZ, "group")}
                return corner_impl(data, **plain)
            return _with_arviz()(data, **options)

        module.arviz_corner = arviz_corner  # type: ignore[attr-defined]


def _with_arviz() -> Any:
    """Return the package's own function, importing ArviZ."""
    importlib.import_module("arviz")  # from now on the finder leaves the module alone
    del sys.modules[NAME]
    return importlib.import_module(NAME).arviz_corner
