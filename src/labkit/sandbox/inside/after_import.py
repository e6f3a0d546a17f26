"""Change a package as soon as it is imported, however late that is."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


def after_import(name: str, change: Callable[[ModuleType], None]) -> None:
    """Let a module be changed once it has been imported; at once if it is already there.

    Of several changes of one module the last one is made.

    Parameters
    ----------
    name : str
    change : callable
        Takes the module.
    """
    if name in sys.modules:
        change(sys.modules[name])
        return
    for finder in [f for f in sys.meta_path if isinstance(f, _Finder) and f.name == name]:
        sys.meta_path.remove(finder)
    sys.meta_path.insert(0, _Finder(name, change))


class _Finder(MetaPathFinder):
    """Finds what the other finders find, and changes it when it is loaded."""

    def __init__(self, name: str, change: Callable[[ModuleType], None]) -> None:
        self.name = name
        self._change = change

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                self._change(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
