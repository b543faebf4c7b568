"""What the node agent runs for the image of the checkout service on this machine."""

from __future__ import annotations

import sys

from onemachine.node import ImageSpec
from onemachine.project import PROJECT_ROOT

__all__ = ["LOCAL_IMAGE", "MANIFESTS", "checkout_image"]


LOCAL_IMAGE = "checkout:local"
"""The image that ``eks/apps/overlays/local`` deploys."""

MANIFESTS = PROJECT_ROOT / "eks" / "apps" / "overlays" / "local"
"""What ``kubectl kustomize`` is given."""


def checkout_image() -> ImageSpec:
    """Give what the Dockerfile says, with this interpreter in place of the image's.

    The image's ``BIND_ADDRESS`` stays out: without it Gunicorn listens on the pod's own address.
    """
    return ImageSpec(
        command=(sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py"),
        workdir=str(PROJECT_ROOT / "checkout_app"),
        env={"PORT": "8080", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"},
    )
