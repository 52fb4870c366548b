"""Import TensorFlow without Keras, for what asks exported models alone."""

import contextlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType

_NAME = "keras"


class _Later(importlib.abc.Loader):
    """A loader that refuses for now."""

    def exec_module(self, module: ModuleType) -> None:
        raise ImportError(f"{module.__name__} is imported when it is asked for")


class _Finder(importlib.abc.MetaPathFinder):
    """Finds Keras where it is, and has it not loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _NAME:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None:
            spec.loader = _Later()
        return spec


@contextlib.contextmanager
def keras_left_out() -> Iterator[None]:
    """Let TensorFlow be imported without Keras, which it would load but can do without.

    Keras and what it imports in turn take a third of the time. Who imports it afterwards gets it
    as ever.
    """
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
