"""The part of the user's environment that processes of a stack get."""

from __future__ import annotations

import os

__all__ = ["base_environment"]

# Of the user's environment, what a program needs to run at all. Everything else stays out: above
# all AWS credentials and endpoints of the user's real account.
_INHERITED = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TZ",
    "XDG_CACHE_HOME",
    "SRECTL_CACHE_DIR",
    "KUBEBUILDER_ASSETS",
)


def base_environment() -> dict[str, str]:
    """Give the part of this process' environment that every child gets."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}
