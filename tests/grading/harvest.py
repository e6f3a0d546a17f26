"""Everything that code in a sandbox can read of the kit, as numbers and words.

Sent into the sandbox by test_computed_leaks.py and run there; it knows no answer. What comes out is
compared with the truth outside.
"""

import functools
import gzip
import importlib
import inspect
import itertools
import os
import re
import signal
import sqlite3
import sys
import types
from pathlib import Path

import numpy as np

KIT = Path("/labkit")
#: where to look; the packages are other people's
PLACES = (KIT, Path("/home"), Path("/tmp"))
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")
#: a longer array is looked at by itself, not as one of a module's constants
SHORT = 64
SECONDS = 10
#: a row of more numbers is a spectrum; of an array of spectra every so many is looked at
LONG = 500
EVERY = 100


def numbers_in(text):
    """Return the numbers written in a text; 4_621 is 4621."""
    text = re.sub(r"(?<=\d)_(?=\d)", "", text)
    return [float(number) for number in NUMBER.findall(text)]


def thinned(array):
    """Return every so many of an array's rows if they are spectra."""
    return array[::EVERY] if array.ndim == 2 and array.shape[1] > LONG else array


class Found:
    """The numbers, long arrays and words that an object leads to."""

    def __init__(self, kit):
        self.numbers, self.arrays, self.words = [], [], set()
        self._kit = kit
        self._seen = {}  # by id; kept, so that no id is used twice

    def look(self, thing, depth=0):
        """Look at an object and at what it holds."""
        if depth > 12 or id(thing) in self._seen:
            return
        if isinstance(thing, bool | types.ModuleType):
            return
        if isinstance(thing, int | float | np.number):
            self.numbers.append(float(np.real(thing)))
        elif isinstance(thing, str | bytes):
            text = "".join(thing) if isinstance(thing, str) else thing.decode("latin-1")
            self.words.add(text)
            self.numbers += numbers_in(text)
        else:
            self._seen[id(thing)] = thing
            for part in self._parts(thing):
                self.look(part, depth + 1)

    def _parts(self, thing):
        if isinstance(thing, np.ndarray):
            return self._parts_of_array(thing)
        if isinstance(thing, dict):
            return itertools.chain(thing.keys(), thing.values())
        if isinstance(thing, list | tuple | set | frozenset | types.MappingProxyType):
            return thing
        if isinstance(thing, types.GeneratorType | map | zip | filter):
            return itertools.islice(thing, 100)
        if isinstance(thing, types.CodeType):
            return thing.co_consts
        if isinstance(thing, re.Pattern):
            return [thing.pattern]
        if isinstance(thing, functools.partial):
            return [thing.func, thing.args, thing.keywords]
        if isinstance(thing, property):
            return [thing.fget, thing.fset]
        if isinstance(thing, staticmethod | classmethod | types.MethodType):
            return [thing.__func__]
        if isinstance(thing, types.FunctionType) or hasattr(thing, "__wrapped__"):
            return self._parts_of_function(inspect.unwrap(thing))
        owner = thing if isinstance(thing, type) else type(thing)
        if hasattr(thing, "colnames"):  # a table
            return [np.asarray(thing[name]) for name in thing.colnames]
        if owner.__module__.partition(".")[0] not in self._kit:
            return []
        slots = [getattr(thing, name, None) for name in getattr(owner, "__slots__", ())]
        return [*getattr(thing, "__dict__", {}).values(), *slots]

    def _parts_of_function(self, function):
        if function.__module__.partition(".")[0] not in self._kit:
            return []
        closed = []
        for cell in function.__closure__ or ():
            try:
                closed.append(cell.cell_contents)
            except ValueError:  # still empty
                continue
        own = [function.__defaults__, function.__kwdefaults__, function.__dict__]
        return [function.__code__, *own, *closed]

    def _parts_of_array(self, array):
        if array.dtype.names:
            return [array[name] for name in array.dtype.names]
        if array.dtype.kind in "SUO":
            return array.ravel().tolist()[:100_000]
        if array.dtype.kind == "f" and array.size > SHORT:
            self.arrays.append(np.asarray(thinned(array), float))
            return []
        return array.ravel().tolist() if array.size <= SHORT else []


@functools.cache
def seen_files():
    """Return the paths of all files that can be read, but for the packages."""
    found = []
    for place in PLACES:
        for folder, folders, names in os.walk(place):
            if Path(folder) == KIT / "packages":
                folders.clear()
                continue
            found += [os.path.join(folder, name) for name in names]
    return sorted(path for path in found if os.path.isfile(path) and os.access(path, os.R_OK))


@functools.cache
def kit_modules():
    """Return the names of all modules of the kit that can be imported here."""
    roots = [Path(place) for place in sys.path if Path(place).is_relative_to(KIT)]
    roots = sorted((r for r in roots if r != KIT / "packages"), key=lambda r: -len(r.parts))
    names = []
    for path in map(Path, seen_files()):
        root = next((root for root in roots if path.is_relative_to(root)), None)
        if root is None or path.suffix != ".py":
            continue
        parts = path.relative_to(root).with_suffix("").parts
        names.append(".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts))
    return names


def _stop(*_):
    raise TimeoutError


def attempt(call):
    """Call something for a while; return its result, or None whatever happens."""
    signal.signal(signal.SIGALRM, _stop)
    signal.alarm(SECONDS)
    try:
        return call()
    except BaseException:  # noqa: BLE001 - whatever the kit raises
        return None
    finally:
        signal.alarm(0)


def needs_nothing(callable_):
    """Say whether something can be called without arguments."""
    try:
        parameters = inspect.signature(callable_).parameters.values()
    except (TypeError, ValueError):
        return False
    free = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(p.default is not p.empty or p.kind in free for p in parameters)


def look_at_module(name):
    """Return what can be learnt from a module.

    Its constants, classes, functions with the constants in their code, and what its functions and
    objects give that need no argument.
    """
    module = importlib.import_module(name)
    kit = {each.partition(".")[0] for each in kit_modules()}
    found, called = Found(kit), []
    own = {n: v for n, v in vars(module).items() if not (n.startswith("__") and n != "__doc__")}
    for thing in own.values():
        found.look(thing)
    for label, thing in own.items():
        if getattr(thing, "__module__", None) != name or not callable(thing):
            continue
        results = []
        if needs_nothing(thing):
            called.append(f"{name}.{label}")
            results.append(attempt(thing))
        if isinstance(thing, type) and results and results[0] is not None:
            for method in dir(thing):
                bound = attempt(functools.partial(getattr, results[0], method))
                if not method.startswith("_"):
                    if callable(bound) and needs_nothing(bound):
                        called.append(f"{name}.{label}.{method}")
                        bound = attempt(bound)
                    results.append(bound)
        attempt(functools.partial(found.look, results))
    return {
        "called": called,
        "numbers": np.array(found.numbers),
        "arrays": found.arrays,
        "words": sorted(found.words),
    }


def look_at_file(path):
    """Return what stands in a file.

    ``tables``: by name, float columns of one length side by side, a star a row. ``flat``: numbers
    in the order in which they stand, of arrays, headers and texts. ``words``: of text columns.
    """
    found = {"tables": {}, "flat": {}, "words": {}}
    if path.endswith(".npz"):
        with np.load(path, allow_pickle=False) as file:
            _add_arrays(found, {name: file[name] for name in file.files})
    elif path.endswith(".sqlite"):
        with sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (table,) in tables.fetchall():
                cursor = connection.execute(f'SELECT * FROM "{table}"')
                names = [f"{table}.{column[0]}" for column in cursor.description]
                columns = zip(*cursor.fetchall(), strict=True)
                _add_arrays(found, dict(zip(names, map(_column, columns), strict=False)))
        connection.close()
    elif path.endswith((".fits", ".fits.gz")):
        from astropy.io import fits

        with fits.open(path) as file:
            for number, hdu in enumerate(file):
                header = "\n".join(f"{card.value} {card.comment}" for card in hdu.header.cards)
                found["flat"][f"header {number}"] = np.array(numbers_in(header))
                values = [card.value for card in hdu.header.cards]
                found["words"][f"header {number}"] = [v for v in values if isinstance(v, str)]
                if getattr(hdu, "columns", None) is not None:
                    data = {name: np.asarray(hdu.data[name]) for name in hdu.columns.names}
                    _add_arrays(found, data)
                elif hdu.data is not None:
                    _add_arrays(found, {f"image {number}": np.asarray(hdu.data)})
    else:
        content = Path(path).read_bytes()
        text = (gzip.decompress(content) if path.endswith(".gz") else content).decode("latin-1")
        found["flat"]["text"] = np.array(numbers_in(text))
    return found


def _column(values):
    if any(isinstance(value, str) for value in values):
        return np.array([str(value) for value in values])
    return np.array([np.nan if value is None else value for value in values], float)


def _add_arrays(found, arrays):
    """Add arrays one by one, and those that are a column of the same table side by side."""
    tables = {}
    for name, array in arrays.items():
        if array.dtype.kind in "SU":
            found["words"][name] = np.unique(array).astype(str).tolist()[:50_000]
        # half precision and integers hold no answer to a millionth
        if array.dtype.kind != "f" or array.dtype.itemsize < 4 or not array.size:
            continue
        array = thinned(array)
        array = array.astype(array.dtype.newbyteorder("="))
        found["flat"][name] = array.ravel()
        if array.ndim == 2 and array.shape[0] <= SHORT:
            found["flat"][f"{name}, across"] = array.T.ravel()
        if array.ndim in (1, 2) and array[0].size <= SHORT:
            tables.setdefault(len(array), []).append(array.reshape(len(array), -1).astype(float))
    for length, columns in tables.items():
        found["tables"][f"{length} rows"] = np.hstack(columns)
