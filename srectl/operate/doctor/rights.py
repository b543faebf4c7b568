"""Does remediation have in the cluster what the published catalogue needs?

runbook-action asks the API server about each right (SelfSubjectAccessReview): those of the
canary's probe, and those beyond namespaces, which the probe leaves out because nodes are opt-in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from srectl.operate.doctor.check import Check
from srectl.operate.doctor.cluster import GRANTS, unseen
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, failed, fine, note, warning

__all__ = ["CHECK"]

# Server-side, as no other way takes what kubectl or the one-machine stack has applied either way.
_WITHIN = (
    "srectl runbooks rbac --part namespaces --namespaces {} | kubectl apply --server-side -f -; or "
    "apply the manifests that 'make manifests' writes, by the way that yours are delivered. The "
    "namespace has to be there"
)
_BEYOND = "kubectl apply -k eks/apps/node-remediation"


def look(deployment: Deployment) -> Iterator[Finding]:
    """Name each right that is missing, and what needs it."""
    for cluster, said in deployment.inspections.items():
        hidden = unseen(cluster, said)
        if hidden is not None:
            yield hidden
            continue
        where = f"cluster {cluster}"
        if not said["asked"]:
            yield warning(
                where,
                "no published runbook needs any right: none would act",
                "srectl runbooks list; srectl runbooks publish",
            )
            continue
        missing: list[dict[str, Any]] = said["missing"]
        within = [each for each in missing if each["where"] == "target"]
        beyond = [each for each in missing if each["where"] != "target"]
        for namespace in sorted({each["namespace"] for each in within}):
            here = [each for each in within if each["namespace"] == namespace]
            yield failed(
                f"{where}, namespace {namespace}",
                f"remediation may not {_listed(here)}",
                _WITHIN.format(",".join(said["namespaces"])),
            )
        if beyond:
            yield note(
                where,
                f"what acts on nodes is opt-in, and {len(beyond)} rights for it are not there: "
                f"remediation may not {_listed(beyond)}. Such runbooks end with a human",
                f"{_BEYOND} grants them; or switch those runbooks off (enabled: false) and publish",
            )
        if not within:
            yield fine(
                where,
                f"remediation has {said['asked'] - len(beyond)} rights of the catalogue in "
                f"{', '.join(said['namespaces'])}",
            )


def _listed(missing: Sequence[dict[str, Any]]) -> str:
    """Name rights by the resource, and what needs them."""
    verbs: dict[str, list[str]] = {}
    for each in missing:
        resource = each["resource"] + (f".{each['group']}" if each["group"] else "")
        verbs.setdefault(resource, []).append(each["verb"])
    rights = ", ".join(f"{'/'.join(sorted(of))} {on}" for on, of in sorted(verbs.items()))
    by = ", ".join(sorted({who for each in missing for who in each["by"]}))
    return f"{rights} (for {by})"


CHECK = Check(
    "rights",
    "each right of the published catalogue in the cluster, by SelfSubjectAccessReview",
    GRANTS,
    look,
)
