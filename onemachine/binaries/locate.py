"""Looking for binaries that are there already: the user's own folder first, then the cache.

Programs on PATH are never used: their versions are anybody's guess, and an API server and a
controller manager of different versions do not belong together.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from onemachine.binaries.components import Component, component_named
from onemachine.binaries.errors import BinaryUnavailable

__all__ = ["ASSETS_VARIABLE", "Location", "cache_folder", "find", "locate"]

ASSETS_VARIABLE = "KUBEBUILDER_ASSETS"


@dataclass(frozen=True)
class Location:
    """Where a component's binaries are, and how they came there, for people to read."""

    folder: Path
    origin: str


def cache_folder() -> Path:
    """Give the folder that holds components that were downloaded or built.

    ``SRECTL_CACHE_DIR``, else ``srectl`` below ``XDG_CACHE_HOME``, else ``~/.cache/srectl``.
    """
    own = os.environ.get("SRECTL_CACHE_DIR")
    if own:
        return Path(own).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "srectl"


def locate(component: Component) -> Location | None:
    """Look for all binaries of a component in one folder.

    Parameters
    ----------
    component : Component
        What to look for.

    Returns
    -------
    Location or None
        None where neither ``KUBEBUILDER_ASSETS`` nor the cache has the whole component. A folder
        with only some of its binaries counts as none: the parts must be of one version.
    """
    assets = os.environ.get(ASSETS_VARIABLE)
    if assets:
        folder = Path(assets).expanduser()
        if not missing_from(folder, component):
            return Location(folder, ASSETS_VARIABLE)
    folder = cache_folder() / component.label / "bin"
    if not missing_from(folder, component):
        return Location(folder, "cache")
    return None


def find(component: str) -> Path:
    """Give the folder with a component's binaries, without getting anything.

    Parameters
    ----------
    component : str
        One of the names in ``COMPONENTS``.

    Raises
    ------
    BinaryUnavailable
        It is not here; the message says where was looked and how to get it.
    ValueError
        There is no such component.
    """
    wanted = component_named(component)
    location = locate(wanted)
    if location is None:
        raise BinaryUnavailable(
            f"{wanted.label} is not here: {where_looked(wanted)}. Get it once with "
            "'python -m onemachine.binaries' (a download; else a build with Go 1.26 or newer, "
            f"about {wanted.minutes} minutes)"
            f"{advice(wanted)}."
        )
    return location.folder


def missing_from(folder: Path, component: Component) -> list[str]:
    """Name the binaries of a component that a folder lacks."""
    return [name for name in component.binaries if not os.access(folder / name, os.X_OK)]


def where_looked(component: Component) -> str:
    """Say where a component was looked for and what was missing there."""
    assets = os.environ.get(ASSETS_VARIABLE)
    if assets:
        lacks = ", ".join(missing_from(Path(assets).expanduser(), component))
        first = f"{ASSETS_VARIABLE}={assets} lacks {lacks}"
    else:
        first = f"{ASSETS_VARIABLE} is not set"
    return f"{first}, and {cache_folder() / component.label / 'bin'} is not complete"


def advice(component: Component) -> str:
    """Say what else helps."""
    if component.name not in ("kubernetes", "etcd"):
        return ""
    return (
        f", or set {ASSETS_VARIABLE} to a folder with {', '.join(component.binaries)}, "
        "or give the tests a cluster of your own in SRECTL_TEST_KUBECONFIG"
    )
