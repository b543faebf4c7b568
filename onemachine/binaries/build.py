"""Building a component once, from its pinned Go module into the cache.

The build happens in a temporary folder beside its place in the cache and is moved there whole, so
that a build that was cut off never looks like a finished one. A lock file keeps two stacks from
building the same thing at the same time: the second waits and then finds it done.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from onemachine.binaries.components import Component, component_named
from onemachine.binaries.errors import BinaryUnavailable
from onemachine.binaries.locate import (
    Location,
    advice,
    cache_folder,
    locate,
    missing_from,
    where_looked,
)
from onemachine.binaries.progress import BuildProgress, SilentProgress

__all__ = ["ensure", "provide", "reported_version"]

_LINES_KEPT = 15
_VERSION_SECONDS = 30.0
_VERSION_NUMBER = re.compile(r"\d+(\.\d+)+")
# Would change what is built, or for which machine.
_IGNORED_VARIABLES = ("GOOS", "GOARCH", "GOFLAGS", "GOEXPERIMENT", "GOBIN")
_NETWORK_SIGNS = (
    "dial tcp",
    "no such host",
    "i/o timeout",
    "connection refused",
    "network is unreachable",
    "proxyconnect",
    "TLS handshake",
    "module lookup disabled by GOPROXY=off",
)


def ensure(component: str, progress: BuildProgress | None = None) -> Path:
    """Give the folder with a component's binaries; build it first where it is nowhere.

    Parameters
    ----------
    component : str
        ``kubernetes``, ``etcd``, ``prometheus`` or ``alertmanager``.
    progress : BuildProgress, optional
        Is told how the build goes. None: nothing is shown.

    Returns
    -------
    Path
        Folder that holds all binaries of the component.

    Raises
    ------
    BinaryUnavailable
        It is not here and cannot be built; the message says why and what to do.
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
            location = locate(component)  # built by whoever held the lock
            if location is not None:
                return location
            _build(component, cache, progress)
    except OSError as error:
        raise BinaryUnavailable(
            f"could not write {component.label} to the cache {cache}: {error}. Free some space, or "
            "name another folder in SRECTL_CACHE_DIR."
        ) from error
    return Location(cache / component.label / "bin", "built now")


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
            f"{folder.parent} to have it built again{advice(component)}."
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
            progress.update(component.label, "waiting for another process that builds it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield  # closing the file, also by dying, lets the lock go


def _build(component: Component, cache: Path, progress: BuildProgress) -> None:
    go = shutil.which("go")
    if go is None:
        raise BinaryUnavailable(
            f"{component.label} is not here ({where_looked(component)}) and cannot be built: there "
            f"is no 'go' on PATH. Install Go 1.26 or newer (https://go.dev/dl){advice(component)}."
        )
    for leftover in cache.glob(f".{component.label}-*"):  # of builds that were cut off
        shutil.rmtree(leftover, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f".{component.label}-", dir=cache))
    try:
        module = work / "module"
        shutil.copytree(component.module_folder, module)
        finished = work / "finished"
        (finished / "bin").mkdir(parents=True)
        _compile(component, go, module, finished / "bin", progress)
        progress.update(component.label, "checking that it runs")
        for binary in component.binaries:
            reported_version(component, finished / "bin", binary)
        place = cache / component.label
        if place.exists():  # incomplete, else it had been found
            place.rename(work / "incomplete")
        finished.rename(place)
        progress.update(component.label, "ready", 1, 1)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _compile(
    component: Component, go: str, module: Path, target: Path, progress: BuildProgress
) -> None:
    label = component.label
    packages = [package for _, package in component.packages]
    flags = component.build_flags

    fetched = 0
    progress.update(label, f"fetching sources (about {component.minutes} min in all)")

    def count_fetched(line: str) -> None:
        nonlocal fetched
        if line.startswith("go: downloading"):
            fetched += 1
            progress.update(label, "fetching sources", fetched)

    # Stale: not compiled yet with these flags. What go's own cache has is not compiled again.
    wanted = "{{if .Stale}}{{.ImportPath}}{{end}}"
    stale = _go(
        component, [go, "list", "-deps", "-f", wanted, *flags, *packages], module, count_fetched
    )
    # Package unsafe is part of the compiler: listed, never compiled.
    total = len([line for line in stale if line not in ("", "unsafe")])

    compiled = 0
    progress.update(label, "compiling packages", 0, total)

    def count_compiled(line: str) -> None:
        nonlocal compiled
        if line and " " not in line and not line.startswith("#"):  # -v names each package
            compiled += 1
            step = "compiling packages" if compiled < total else "linking"
            progress.update(label, step, min(compiled, total), total)

    # One package: the file is named, as a path that ends in /v3 would name it after its parent.
    output = target / component.binaries[0] if len(packages) == 1 else target
    slash = os.sep if len(packages) > 1 else ""
    _go(
        component,
        [go, "build", "-v", *flags, "-o", f"{output}{slash}", *packages],
        module,
        count_compiled,
    )
    lacking = missing_from(target, component)
    if lacking:
        raise BinaryUnavailable(
            f"'go build' of {label} succeeded without making {', '.join(lacking)}: "
            f"components.py and {component.module_folder} do not fit together."
        )


def _go(
    component: Component, command: list[str], module: Path, on_line: Callable[[str], None]
) -> list[str]:
    """Run go, hand on each line of stderr, return the lines of stdout."""
    environment = {key: val for key, val in os.environ.items() if key not in _IGNORED_VARIABLES}
    # Without cgo the binaries need no C library and no C compiler.
    environment |= {"CGO_ENABLED": "0", "GOWORK": "off"}
    last: deque[str] = deque(maxlen=_LINES_KEPT)
    # stdout goes to a file: two pipes and one reader could block each other.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        with subprocess.Popen(
            command, cwd=module, env=environment, text=True, stdout=output, stderr=subprocess.PIPE
        ) as process:
            try:
                for raw in process.stderr or ():
                    line = raw.rstrip()
                    last.append(line)
                    on_line(line)
            except BaseException:  # Ctrl-C among others: go must not build on without us
                process.terminate()
                raise
        if process.returncode != 0:
            raise BinaryUnavailable(_why(component, list(last)))
        output.seek(0)
        return output.read().splitlines()


def _why(component: Component, last: list[str]) -> str:
    said = "\n  ".join(last)
    if any("requires go >=" in line for line in last):
        cause = "the installed Go is too old. Install Go 1.26 or newer (https://go.dev/dl)"
    elif any("no space left on device" in line for line in last):
        cause = "the disk is full. Free about 6 GB (sources and compiled packages)"
    elif any(sign in line for line in last for sign in _NETWORK_SIGNS):
        cause = (
            "its sources could not be fetched. Check the network, or point GOPROXY to a module "
            "proxy that this machine reaches"
        )
    else:
        cause = "'go' failed. See its last lines below"
    return f"{component.label} could not be built: {cause}{advice(component)}.\n  {said}"
