"""Getting a component into the cache once: downloaded from its publisher, else built.

It is put together in a temporary folder beside its place in the cache and moved there whole, so
that work that was cut off never looks finished. A lock file keeps two stacks from getting the same
thing at the same time: the second waits and then finds it done.
"""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onemachine.binaries.build import build
from onemachine.binaries.components import Component, component_named
from onemachine.binaries.errors import BinaryUnavailable, NotDownloaded
from onemachine.binaries.locate import Location, advice, cache_folder, locate
from onemachine.binaries.progress import BuildProgress, SilentProgress
from onemachine.binaries.release import download

__all__ = ["ensure", "provide", "reported_version"]

_VERSION_SECONDS = 30.0
_VERSION_NUMBER = re.compile(r"\d+(\.\d+)+")


def ensure(component: str, progress: BuildProgress | None = None) -> Path:
    """Give the folder with a component's binaries; get it first where it is nowhere.

    Parameters
    ----------
    component : str
        One of the names in ``COMPONENTS``.
    progress : BuildProgress, optional
        Is told how it goes. None: nothing is shown.

    Returns
    -------
    Path
        Folder that holds all binaries of the component.

    Raises
    ------
    BinaryUnavailable
        It is not here and cannot be had; the message says why and what to do.
    ValueError
        There is no such component.
    """
    return provide(component_named(component), progress or SilentProgress()).folder


def provide(component: Component, progress: BuildProgress) -> Location:
    """Do what :func:`ensure` does, and say where the binaries came from."""
    location = locate(component)
    if location is not None:
        return location
    cache = cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / f".{component.label}.lock", component, progress):
            location = locate(component)  # made by whoever held the lock
            if location is not None:
                return location
            origin = _obtain(component, cache, progress)
    except OSError as error:
        raise BinaryUnavailable(
            f"could not write {component.label} to the cache {cache}: {error}. Free some space, or "
            "name another folder in SRECTL_CACHE_DIR."
        ) from error
    return Location(cache / component.label / "bin", origin)


def reported_version(component: Component, folder: Path, binary: str) -> str:
    """Ask a binary for its version.

    Returns
    -------
    str
        The version number it prints, as in ``1.36.3``; its whole first line where there is none.

    Raises
    ------
    BinaryUnavailable
        It does not run here.
    """
    command = component.version_command(folder, binary)
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=_VERSION_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise BinaryUnavailable(
            f"{folder / binary} does not run on this machine ({error}). Delete "
            f"{folder.parent} to have it made anew{advice(component)}."
        ) from error
    # Prometheus' family prints to stderr in some versions.
    first_line = (answer.stdout or answer.stderr).strip().partition("\n")[0]
    number = _VERSION_NUMBER.search(first_line)
    return number.group() if number else first_line


@contextmanager
def _locked(path: Path, component: Component, progress: BuildProgress) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.update(component.label, "waiting for another process that gets it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield  # closing the file, also by dying, lets the lock go


def _obtain(component: Component, cache: Path, progress: BuildProgress) -> str:
    """Download or build a component into its place in the cache; say which."""
    for leftover in cache.glob(f".{component.label}-*"):  # of work that was cut off
        shutil.rmtree(leftover, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f".{component.label}-", dir=cache))
    try:
        finished = work / "finished"
        target = finished / "bin"
        target.mkdir(parents=True)
        origin = _fill(component, cache, work, target, progress)
        place = cache / component.label
        if place.exists():  # incomplete, else it had been found
            place.rename(work / "incomplete")
        finished.rename(place)
        progress.update(component.label, "ready", 1, 1)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return origin


def _fill(
    component: Component, cache: Path, work: Path, target: Path, progress: BuildProgress
) -> str:
    try:
        host = download(component, cache / "downloads" / component.label, target, progress)
        _check(component, target, progress)
    except (NotDownloaded, BinaryUnavailable) as error:
        why = f"{component.label} could not be downloaded: {error}"
    else:
        return f"downloaded now from {host}"
    progress.note(
        f"{why}. Building it from its Go modules instead (about {component.minutes} min)."
    )
    shutil.rmtree(target)
    target.mkdir()
    try:
        build(component, work / "module", target, progress)
        _check(component, target, progress)
    except BinaryUnavailable as error:
        raise BinaryUnavailable(f"{why}.\n  {error}") from error
    return "built now"


def _check(component: Component, target: Path, progress: BuildProgress) -> None:
    """Run each binary once: what does not run here, or is another version, is not kept."""
    progress.update(component.label, "checking that it runs")
    promised = component.reported_version.removeprefix("v")
    for binary in component.binaries:
        reported = reported_version(component, target, binary)
        if reported != promised:
            raise BinaryUnavailable(f"its {binary} reports version {reported}, not {promised}")
