"""Where downloads really go: to the publishers, or to a mirror of them.

``SRECTL_BINARIES_MIRROR`` names a mirror by its base address; below it the files lie as
``HOST/PATH`` of their publisher, as in ``<mirror>/dl.k8s.io/release/v1.36.3/...``. The word
``off`` forbids downloads. Plain http is for a mirror on loopback only.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from onemachine.binaries.errors import NotDownloaded

__all__ = ["MIRROR_VARIABLE", "Mirror", "on_loopback"]

MIRROR_VARIABLE = "SRECTL_BINARIES_MIRROR"


@dataclass(frozen=True)
class Mirror:
    """Where files are downloaded from.

    Parameters
    ----------
    base : str
        Address that stands before ``HOST/PATH``; empty: the publishers themselves.
    """

    base: str = ""

    @classmethod
    def from_environment(cls) -> Mirror:
        """Read the variable.

        Raises
        ------
        NotDownloaded
            Downloads are off, or the mirror's address is of no use.
        """
        base = os.environ.get(MIRROR_VARIABLE, "").rstrip("/")
        if base == "off":
            raise NotDownloaded(f"downloads are off ({MIRROR_VARIABLE}=off)")
        mirror = cls(base)
        if base:
            mirror.check(base)
        return mirror

    @property
    def own_builds(self) -> bool:
        """Whether it lies on this machine, whose owner may serve builds of their own.

        Their checksums are then the mirror's own; those that are pinned are the publishers'.
        """
        return bool(self.base) and on_loopback(self.base)

    def locate(self, url: str) -> str:
        """Give the address at which a publisher's file is fetched."""
        if not self.base:
            return url
        return f"{self.base}/{url.partition('://')[2]}"

    def check(self, url: str) -> None:
        """Refuse an address that is not to be fetched, also one that a redirect names.

        Raises
        ------
        NotDownloaded
            It is neither https nor http to a mirror on loopback.
        """
        scheme = urlsplit(url).scheme
        if scheme == "https" or (scheme == "http" and self.own_builds and on_loopback(url)):
            return
        raise NotDownloaded(
            f"{url} is refused: downloads need https (http only from a mirror on loopback, named "
            f"in {MIRROR_VARIABLE})"
        )


def on_loopback(url: str) -> bool:
    """Tell whether an address lies on this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
