"""What Lambda's managed runtime of Python has besides the standard library, from here."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

#: The SDK and what it needs (python3.11).
SDK = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")


def linked(folder: Path, modules: Sequence[str] = SDK) -> Path:
    """Fill a folder with links to modules.

    Raises
    ------
    RuntimeError
        One of them is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in modules:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise RuntimeError(f"module {name} is not installed: run 'make setup'")
        origin = Path(spec.origin)
        module = origin.parent if spec.submodule_search_locations else origin
        link = folder / module.name
        if not link.exists():
            link.symlink_to(module)
    return folder


def isolated_python() -> list[str]:
    """Return a Python command without this environment's site-packages."""
    return [sys.executable, "-S", "-s"]
