"""Building a component from its pinned Go module: the way that is left where no download works."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable
from pathlib import Path

from onemachine.binaries.components import Component
from onemachine.binaries.errors import BinaryUnavailable
from onemachine.binaries.locate import advice, missing_from, where_looked
from onemachine.binaries.progress import BuildProgress

__all__ = ["build"]

_LINES_KEPT = 15
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


def build(component: Component, module: Path, target: Path, progress: BuildProgress) -> None:
    """Compile a component's binaries into a folder.

    Parameters
    ----------
    component : Component
        What to build.
    module : Path
        Where its module is copied to; must not exist yet.
    target : Path
        Folder that the binaries go into.
    progress : BuildProgress
        Is told how the build goes.

    Raises
    ------
    BinaryUnavailable
        There is no Go, or it fails; the message says why and what to do.
    """
    go = shutil.which("go")
    if go is None:
        raise BinaryUnavailable(
            f"{component.label} is not here ({where_looked(component)}) and cannot be built: there "
            f"is no 'go' on PATH. Install Go 1.26 or newer (https://go.dev/dl){advice(component)}."
        )
    shutil.copytree(component.module_folder, module)
    _compile(component, go, module, target, progress)


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
