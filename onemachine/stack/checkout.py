"""What the node agent runs for the image of the checkout service on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

from onemachine.node import ImageSpec

__all__ = ["LOCAL_IMAGE", "MANIFESTS", "checkout_image"]

_REPOSITORY = Path(__file__).parents[2]

LOCAL_IMAGE = "checkout:local"
"""The image that ``eks/apps/overlays/local`` deploys."""

MANIFESTS = _REPOSITORY / "eks" / "apps" / "overlays" / "local"
"""What ``kubectl apply -k`` is given."""


def checkout_image() -> ImageSpec:
    """Give the Dockerfile's entry point, run by this interpreter.

    The image's ``BIND_ADDRESS`` stays out: without it Gunicorn listens on the pod's own address.
    """
    return ImageSpec(
        command=(sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py"),
        workdir=str(_REPOSITORY / "checkout_app"),
    )
