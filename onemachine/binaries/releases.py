"""Which files of the publishers' official releases hold a component's binaries.

Only for Linux on amd64 and arm64: the publishers offer no API server for anything else.
"""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

from onemachine.binaries.components import Component

__all__ = ["ReleaseFile", "publishes_binaries", "release_files"]

_PROMETHEUS_FAMILY = ("prometheus", "alertmanager")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

# SHA-256 of files whose checksum a public source states besides their publisher: Kubespray's
# roles/kubespray_defaults/vars/main/checksums.yml. Of the rest the publisher's own list is asked.
_PINNED = {
    "https://dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubectl": (
        "ebbd080e7c2e275093b55915722043257eb24004363e20acb3c4d71919f88336"
    ),
    "https://dl.k8s.io/release/v1.36.3/bin/linux/arm64/kubectl": (
        "3d86f24401c41ae5a46ac50eef8865fe891d3647d324a0836f6c63757a126e62"
    ),
}


@dataclass(frozen=True)
class ReleaseFile:
    """One file of a release: a binary, or an archive with binaries.

    Parameters
    ----------
    url : str
        Its address at the publisher.
    checksums_url : str
        Where the publisher states its SHA-256: alone, or in a list with the names of files.
    binaries : tuple of str
        What is taken from it.
    archive_folder : str
        Folder of the binaries in the archive; empty where the file is itself the binary.
    """

    url: str
    checksums_url: str
    binaries: tuple[str, ...]
    archive_folder: str = ""

    @property
    def name(self) -> str:
        """Its name at the publisher, without the path."""
        return self.url.rpartition("/")[2]

    @property
    def pinned_sha256(self) -> str | None:
        """Its checksum where it is pinned here."""
        return _PINNED.get(self.url)


def publishes_binaries(component: Component) -> bool:
    """Whether its publisher releases binaries at all, and not only sources and images."""
    return component.name in ("kubernetes", "etcd", *_PROMETHEUS_FAMILY)


def release_files(component: Component) -> tuple[ReleaseFile, ...]:
    """Name the files that together bring a component to this machine.

    Returns
    -------
    tuple of ReleaseFile
        Empty where its publisher offers nothing for this machine.
    """
    architecture = _ARCHITECTURES.get(platform.machine())
    if sys.platform != "linux" or architecture is None:
        return ()
    version = component.reported_version.removeprefix("v")
    if component.name == "kubernetes":
        base = f"https://dl.k8s.io/release/v{version}/bin/linux/{architecture}"
        return tuple(
            ReleaseFile(f"{base}/{binary}", f"{base}/{binary}.sha256", (binary,))
            for binary in component.binaries
        )
    if component.name == "etcd":
        base = f"https://github.com/etcd-io/etcd/releases/download/v{version}"
        folder = f"etcd-v{version}-linux-{architecture}"
        sums = "SHA256SUMS"
    elif component.name in _PROMETHEUS_FAMILY:
        base = f"https://github.com/prometheus/{component.name}/releases/download/v{version}"
        folder = f"{component.name}-{version}.linux-{architecture}"
        sums = "sha256sums.txt"
    else:
        return ()
    return (ReleaseFile(f"{base}/{folder}.tar.gz", f"{base}/{sums}", component.binaries, folder),)
