"""What the one-machine stack runs that Python does not bring along, and how each is got.

Versions stand here and in ``modules/<component>/go.mod``; a test keeps the two equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

__all__ = ["COMPONENTS", "Component", "component_named"]

_MODULES = Path(__file__).parent / "modules"
_VERSION_ARGUMENTS = {"kubectl": ("version", "--client"), "kube-state-metrics": ("version",)}


@dataclass(frozen=True)
class Component:
    """A set of binaries that are released together, and built from one Go module.

    Parameters
    ----------
    name : str
        How the stack calls it.
    version : str
        Version of the Go module, without the leading ``v``.
    module : str
        The Go module that the version belongs to.
    packages : tuple of (str, str)
        Name of each binary, and the package of its ``main``.
    version_symbol : str
        Go variable that the binary reports as its version.
    reported_version : str
        What to put there.
    module_folder : Path
        Where its ``go.mod`` and ``go.sum`` are.
    tags : str
        Build tags, comma separated.
    minutes : int
        How long a cold build takes on two cores, rounded up; only shown to whoever waits.
    optional : bool
        A stack runs without it; only what is asked for needs it.
    """

    name: str
    version: str
    module: str
    packages: tuple[tuple[str, str], ...]
    version_symbol: str
    reported_version: str
    module_folder: Path
    tags: str = ""
    minutes: int = 1
    optional: bool = False

    @property
    def binaries(self) -> tuple[str, ...]:
        """Names of the files in its bin folder."""
        return tuple(name for name, _ in self.packages)

    @property
    def label(self) -> str:
        """``name-version``: its folder in the cache."""
        return f"{self.name}-{self.version}"

    @property
    def build_flags(self) -> tuple[str, ...]:
        """Flags that ``go list`` and ``go build`` must share to mean the same packages."""
        tags = (f"-tags={self.tags}",) if self.tags else ()
        # No debug symbols, and the version that the binary reports.
        ldflags = f"-ldflags=-s -w -X {self.version_symbol}={self.reported_version}"
        return ("-mod=readonly", "-trimpath", *tags, ldflags)

    def version_command(self, folder: Path, binary: str) -> tuple[str, ...]:
        """Give the command that prints a binary's version and does nothing else."""
        return (str(folder / binary), *_VERSION_ARGUMENTS.get(binary, ("--version",)))


_ALL = (
    Component(
        name="kubernetes",
        version="1.36.3",
        module="k8s.io/kubernetes",
        packages=(
            ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
            ("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
            ("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
            ("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
        ),
        version_symbol="k8s.io/component-base/version.gitVersion",
        reported_version="v1.36.3",
        module_folder=_MODULES / "kubernetes",
        minutes=7,
    ),
    Component(
        name="etcd",
        version="3.6.16",
        module="go.etcd.io/etcd/server/v3",
        packages=(("etcd", "go.etcd.io/etcd/server/v3"),),
        version_symbol="go.etcd.io/etcd/api/v3/version.GitSHA",
        reported_version="v3.6.16",
        module_folder=_MODULES / "etcd",
    ),
    Component(
        name="prometheus",
        # The Go module of Prometheus 3.16.0 is numbered v0.316.0.
        version="0.316.0",
        module="github.com/prometheus/prometheus",
        packages=(
            ("prometheus", "github.com/prometheus/prometheus/cmd/prometheus"),
            ("promtool", "github.com/prometheus/prometheus/cmd/promtool"),
        ),
        version_symbol="github.com/prometheus/common/version.Version",
        reported_version="3.16.0",
        module_folder=_MODULES / "prometheus",
        # Only the service discovery that is used here: the clouds' would triple the build.
        tags="netgo,remove_all_sd,enable_kubernetes_sd",
        minutes=4,
    ),
    Component(
        name="alertmanager",
        version="0.31.1",
        module="github.com/prometheus/alertmanager",
        packages=(
            ("alertmanager", "github.com/prometheus/alertmanager/cmd/alertmanager"),
            ("amtool", "github.com/prometheus/alertmanager/cmd/amtool"),
        ),
        version_symbol="github.com/prometheus/common/version.Version",
        reported_version="0.31.1",
        module_folder=_MODULES / "alertmanager",
        tags="netgo",
        minutes=2,
    ),
    Component(
        name="kube-state-metrics",
        version="2.19.1",
        module="k8s.io/kube-state-metrics/v2",
        packages=(("kube-state-metrics", "k8s.io/kube-state-metrics/v2"),),
        version_symbol="github.com/prometheus/common/version.Version",
        reported_version="2.19.1",
        module_folder=_MODULES / "kube-state-metrics",
        minutes=3,
        optional=True,
    ),
)

COMPONENTS = MappingProxyType({component.name: component for component in _ALL})
"""Every component by its name, in the order in which they are got."""


def component_named(name: str) -> Component:
    """Look a component up.

    Raises
    ------
    ValueError
        There is none of that name; the message lists those there are.
    """
    try:
        return COMPONENTS[name]
    except KeyError:
        raise ValueError(f"no component {name!r}; there are {', '.join(COMPONENTS)}") from None
