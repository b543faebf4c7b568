"""The catalogue as the project ships it, for tests that mean that one.

`runbooks/` of a checkout is its team's: they add runbooks, tune them and leave some out, and none
of that is a fault of the platform. What has to hold for any catalogue (it is valid, its tests pass,
the manifests are made of it) is asked of `runbooks/`; what is about the shipped runbooks, or only
needs some that are known, takes these. `make shipped` copies them, and the gate sees that it was
done.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from srectl.operate.rbac import manifests
from srectl.runbooks import load
from tests.support.granted import MADE
from tests.support.template import ROOT

__all__ = ["CHECKOUT", "NAMESPACES", "RUNBOOKS", "checkout", "manifest"]

#: Where the shipped catalogue lies as in a checkout, for commands that look where they run.
CHECKOUT = ROOT / "tests" / "support" / "shipped"
RUNBOOKS = CHECKOUT / "runbooks"
#: AllowedNamespaces of a stack as it is shipped.
NAMESPACES = ["apps"]


def checkout(place: Path) -> Path:
    """Lay a folder out as a checkout with the shipped catalogue; returns the catalogue's folder.

    Its tests name what lies beside it, and a test may write into it.
    """
    for beside in ("eks", "events"):
        (place / beside).symlink_to(ROOT / beside)
    return Path(shutil.copytree(RUNBOOKS, place / "runbooks"))


def manifest(file: str) -> list[dict[str, Any]]:
    """Give the objects of one manifest as it is shipped.

    Parameters
    ----------
    file
        Its path in `eks/apps`; where it is made of the catalogue, it is made of the shipped one.
    """
    if file in MADE:
        text = manifests((one.definition for one in load(RUNBOOKS)), NAMESPACES, MADE[file])
    else:
        text = (ROOT / "eks" / "apps" / file).read_text("utf-8")
    return [each for each in yaml.safe_load_all(text) if each]
