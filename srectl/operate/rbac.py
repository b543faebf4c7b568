"""The Roles that a catalogue needs, as manifests: what its steps' actions declare, and no more.

``namespaces``: a Role in each namespace of the catalogue, for the group of the access entry and for
the ServiceAccount; and which namespaces the recorder of pod templates looks at. ``cluster``: a
ClusterRole, and what is told of nodes; for the group only. ``evidence``: what is read for evidence
in every allowed namespace and of nodes, and ``logs``: the logs of containers; for the group only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from srectl.operate.function_code import need_function_code

if TYPE_CHECKING:
    from runbook_action.needs import Needs

__all__ = ["PARTS", "manifests"]

PARTS = ("namespaces", "cluster", "evidence", "logs")
_GROUP = "sre:checkout-remediation"
_NAME = "checkout-remediation"
_NODE_NAME = "checkout-node-remediation"
_EVIDENCE_NAMES = {"evidence": "checkout-evidence", "logs": "checkout-evidence-logs"}
_RECORDER = "sre-templates-run-before"
_API = "rbac.authorization.k8s.io"
_NODE_EVENTS = "default"  # Kubernetes takes events of nodes only there
_SKIPPED = "CKV_K8S_21=Kubernetes takes events of nodes only here"
_CORE = '""'
_HEAD = """\
# Made by 'srectl runbooks rbac --part {part}' from the catalogue and the rights that its actions
# declare: do not edit. What remediation may change within an object is in remediation-policy.yaml.
"""
_EVIDENCE_HEAD = """\
# Made by 'srectl runbooks rbac --part {part}' from the rights that the sources of evidence declare:
# do not edit. It reads only.
"""


def manifests(
    definitions: Iterable[Mapping[str, Any]], namespaces: Sequence[str], part: str
) -> str:
    """Write one part of the manifests.

    Parameters
    ----------
    definitions
        Runbooks; those that are not enabled need nothing.
    namespaces
        AllowedNamespaces of the deployment: what a pattern of a target can mean.
    part
        One of ``PARTS``.

    Returns
    -------
    str
        YAML for a file that a kustomization names.

    Raises
    ------
    CommandFailed
        This is no checkout: only the actions know what they need.
    """
    need_function_code(
        "which rights a step needs is known to its action in runbook-action's own code",
        "in a checkout of the project: 'make setup', then '.venv/bin/srectl runbooks rbac'",
    )
    from runbook_action.actions import REGISTRY
    from runbook_action.needs import needs_of

    if part in _EVIDENCE_NAMES:
        return _EVIDENCE_HEAD.format(part=part) + "---\n".join(_read_only(namespaces, part))
    within, beyond = needs_of(definitions, REGISTRY, namespaces)
    documents = []
    if part == "namespaces":
        for namespace, needs in sorted(within.items()):
            documents += _granted("Role", _NAME, namespace, needs, account=True)
        if within:
            documents.append(_recorded(sorted(within)))
    else:
        cluster = {right: by for right, by in beyond.items() if right.where == "cluster"}
        told = {right: by for right, by in beyond.items() if right.where == "default"}
        if cluster:
            documents += _granted("ClusterRole", _NODE_NAME, "", cluster, account=False)
        if told:
            documents += _granted("Role", _NODE_NAME, _NODE_EVENTS, told, account=False)
    return _HEAD.format(part=part) + "---\n".join(documents)


def _read_only(namespaces: Sequence[str], part: str) -> list[str]:
    from runbook_action.evidence.rights import needs

    name = _EVIDENCE_NAMES[part]
    wanted = needs(logs=part == "logs")
    of = {
        where: {right: by for right, by in wanted.items() if right.where == where}
        for where in ("target", "cluster", "default")
    }
    documents = []
    for namespace in sorted(namespaces):
        documents += _granted("Role", name, namespace, of["target"], account=False)
    if of["cluster"]:
        documents += _granted("ClusterRole", name, "", of["cluster"], account=False)
    if of["default"]:
        documents += _granted("Role", name, _NODE_EVENTS, of["default"], account=False)
    return documents


def _granted(kind: str, name: str, namespace: str, needs: Needs, *, account: bool) -> list[str]:
    """A role and its binding."""
    metadata = [f"  name: {name}"]
    if namespace:
        metadata.append(f"  namespace: {namespace}")
    if namespace == _NODE_EVENTS:
        metadata += ["  annotations:", f"    checkov.io/skip1: {_SKIPPED}"]
    subjects = [f"  - {{kind: Group, apiGroup: {_API}, name: '{_GROUP}'}}"]
    if account:
        subjects.append(f"  - {{kind: ServiceAccount, name: {_NAME}, namespace: apps}}")
    role = [
        f"apiVersion: {_API}/v1",
        f"kind: {kind}",
        "metadata:",
        *metadata,
        "rules:",
        *_rules(needs),
    ]
    binding = [
        f"apiVersion: {_API}/v1",
        f"kind: {kind}Binding",
        "metadata:",
        *metadata,
        f"roleRef: {{apiGroup: {_API}, kind: {kind}, name: {name}}}",
        "subjects:",
        *subjects,
    ]
    return ["\n".join(lines) + "\n" for lines in (role, binding)]


def _rules(needs: Needs) -> list[str]:
    """One rule for each resource, under the names of what needs it."""
    verbs: dict[tuple[str, str], set[str]] = {}
    actions: dict[tuple[str, str], set[str]] = {}
    for right, by in needs.items():
        key = (right.group, right.resource)
        verbs.setdefault(key, set()).add(right.verb)
        actions.setdefault(key, set()).update(by)
    lines = []
    for group, resource in sorted(verbs):
        lines += [
            f"  # {', '.join(sorted(actions[group, resource]))}",
            f"  - apiGroups: [{group or _CORE}]",
            f"    resources: [{resource}]",
            f"    verbs: [{', '.join(sorted(verbs[group, resource]))}]",
        ]
    return lines


def _recorded(namespaces: Sequence[str]) -> str:
    """Where pod templates are written down before they are replaced (templates-run-before.yaml)."""
    return f"""\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata:
  name: {_RECORDER}
spec:
  policyName: {_RECORDER}
  matchResources:
    namespaceSelector:
      matchExpressions:
        - key: kubernetes.io/metadata.name
          operator: In
          values: [{", ".join(namespaces)}]
"""
