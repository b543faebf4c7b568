"""The namespaces that this checkout's manifests grant rights in: those of its stack.

A checkout with runbooks of its own says here, and nowhere else to the tests, where they may act:
`SRECTL_NAMESPACES=apps,shop make manifests` writes the file.
"""

from __future__ import annotations

import yaml

from tests.support.template import ROOT

_FILE = ROOT / "eks" / "apps" / "base" / "remediation-rbac.yaml"
GRANTED_NAMESPACES = sorted(
    {
        each["metadata"]["namespace"]
        for each in yaml.safe_load_all(_FILE.read_text("utf-8"))
        if each and each["kind"] == "Role"
    }
)
