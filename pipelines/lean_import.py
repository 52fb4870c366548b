"""Leave out of an import what it would load as well and can do without."""

import contextlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType

#: What Keras imports where it is installed, for plots, tables and wrappers that nothing here asks
#: Keras for: about a quarter of the time that TensorFlow takes to be imported.
KERAS_EXTRAS = ("matplotlib", "pandas", "sklearn")


class _Later(importlib.abc.Loader):
    """A loader that refuses for now."""

    def exec_module(self, module: ModuleType) -> None:
        raise ImportError(f"{module.__name__} is imported when it is asked for")


class _Finder(importlib.abc.MetaPathFinder):
    """Finds packages where they are, and has them not loaded."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self._names:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None:
            spec.loader = _Later()
        return spec


@contextlib.contextmanager
def left_out(*names: str) -> Iterator[None]:
    """Let packages be imported without others, which they would load but can do without.

    What was imported before stays, and who imports a package afterwards gets it as ever.

    Args:
        names: top-level packages, such as `keras`, which TensorFlow loads.

    Yields:
        Nothing.
    """
    finder = _Finder(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
