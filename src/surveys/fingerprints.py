"""What a result depends on, as one digest: the code it imports and the files it reads.

A cache keyed by it is renewed when something that matters changes, and only then: comments,
docstrings and layout do not count, nor does a module that nothing here imports.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path


def digest(
    modules: Iterable[str], packages: Iterable[str], files: Iterable[Path] = (), *words: str
) -> str:
    """Return the digest of modules with all they import, of files and of words.

    Parameters
    ----------
    modules : iterable of str
        Names of the modules that are used directly.
    packages : iterable of str
        The packages whose modules count; others are not followed.
    files : iterable of Path
        Whatever else is read.
    *words : str
        Settings.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    total = hashlib.sha256()
    sources = imported(modules, tuple(packages))
    for name in sorted(sources):
        total.update(f"{name} {_module(sources[name])[0]}".encode())
    for path in files:
        total.update(path.name.encode())
        total.update(path.read_bytes())
    total.update(repr(words).encode())
    return total.hexdigest()


def imported(modules: Iterable[str], packages: tuple[str, ...]) -> dict[str, Path]:
    """Follow imports, those inside functions included.

    Parameters
    ----------
    modules : iterable of str
    packages : tuple of str
        Where to follow them.

    Returns
    -------
    dict of str to Path
        The source file of every module reached, by its name.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found or name.partition(".")[0] not in packages:
            continue
        path = _source(name)
        if path is None:  # a name in a module, not a module
            continue
        found[name] = path
        waiting += [name.rpartition(".")[0], *_module(path)[1]]
    return found


def imports(source: str) -> Iterator[str]:
    """Yield the dotted names that a program imports, of modules and of what is in them."""
    return _imports(ast.parse(source))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _source(name: str) -> Path | None:
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    return Path(found.origin) if found and found.origin else None


def _module(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return the meaning of a module, without comments and docstrings, and what it imports."""
    return _parsed(path, path.stat().st_mtime_ns)


@functools.cache  # many results depend on the same modules
def _parsed(path: Path, _changed: int) -> tuple[str, tuple[str, ...]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = tuple(_imports(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
    return ast.dump(tree), imported
