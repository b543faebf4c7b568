"""What this checkout's manifests grant, and in which namespaces: those of its stack.

A checkout with runbooks of its own says here, and nowhere else to the tests, where they may act:
`SRECTL_NAMESPACES=apps,shop make manifests` writes the files.
"""

from __future__ import annotations

import yaml

from tests.support.template import ROOT

__all__ = ["GRANTED_NAMESPACES", "MADE"]

#: The files in `eks/apps` that are made of the catalogue, each with its part.
MADE = {
    "base/remediation-rbac.yaml": "namespaces",
    "node-remediation/node-remediation-rbac.yaml": "cluster",
    "base/evidence-rbac.yaml": "evidence",
    "evidence-logs/evidence-logs-rbac.yaml": "logs",
}
_FILE = ROOT / "eks" / "apps" / "base" / "remediation-rbac.yaml"
GRANTED_NAMESPACES = sorted(
    {
        each["metadata"]["namespace"]
        for each in yaml.safe_load_all(_FILE.read_text("utf-8"))
        if each and each["kind"] == "Role"
    }
)
