"""Stands before the package of this name, whose import takes 1.5 s of CPU: it compiles a grammar.

jsonschema imports it wherever it is installed (cyclonedx brings it), that is in every command, to
check the format of IRIs. No schema of ours has one. Whoever does ask gets the answer of the real
one, which is imported then. ``srectl/__init__.py`` puts this folder on the path.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

_elsewhere = [each for each in sys.path if Path(each or ".").resolve() != Path(__file__).parent]
_spec = PathFinder.find_spec(__name__, _elsewhere)
if _spec is None or _spec.loader is None:
    raise ModuleNotFoundError(f"No module named {__name__!r}", name=__name__)


def is_valid_syntax(term: str, value: str) -> bool:
    """Tell whether a text is what a rule of RFC 3987 says."""
    return bool(_real().is_valid_syntax(term, value))


@cache
def _real() -> ModuleType:
    assert _spec is not None and _spec.loader is not None  # noqa: S101, PT018 - seen above
    module = module_from_spec(_spec)
    sys.modules[__name__] = module  # its parts import each other by its name
    _spec.loader.exec_module(module)
    return module
