"""What of a plan's target is known without the cluster, and why an alert may lead to none.

The judges are the function's own: its bounds, its reading of labels. What only the cluster knows
(whose pod it is, whether the object is there) is left to ``--live``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from srectl.errors import CommandFailed
from srectl.operate.function_code import need_function_code

__all__ = ["target_of", "why_not_on"]


def target_of(
    alert: Mapping[str, Any], target: Mapping[str, Any], default_cluster: str
) -> dict[str, Any]:
    """Give what is known of a target without asking the cluster.

    Returns
    -------
    dict
        ``cluster``, ``namespace``, ``kind``, ``name``. The name is None where the alert lacks the
        label that gives it; for a target that the alert names, ``namespace`` and ``name`` are the
        bounds of the runbook.
    """
    cluster = (alert.get("target") or {}).get("cluster")
    known = {"cluster": cluster if isinstance(cluster, str) else default_cluster}
    if "from_alert" in target:
        spaces = target.get("namespaces")
        return {
            **known,
            "namespace": " or ".join(spaces) if spaces else None,
            "kind": target.get("resolve_to", target["from_alert"]),
            "name": " or ".join(target["names"]),
        }
    name = target["name"]
    if isinstance(name, Mapping):
        name = (alert.get("labels") or {}).get(name["from_label"])
    return {**known, "namespace": target.get("namespace"), "kind": target["kind"], "name": name}


def why_not_on(
    runbook: str,
    action: str,
    target: Mapping[str, Any],
    labels: Mapping[str, str],
    allowed: Sequence[str] | None,
) -> Iterator[str]:
    """Say why the labels of an alert lead to no target that a step may act on.

    Parameters
    ----------
    runbook, action, target
        Names, and the target as the catalogue writes it.
    labels
        Of the alert.
    allowed
        AllowedNamespaces of the stack; None: nothing is said of them.
    """
    if "from_alert" not in target:
        name, namespace = target["name"], target.get("namespace")
        if isinstance(name, Mapping) and not labels.get(name["from_label"]):
            yield f"the alert has no label {name['from_label']}"
        if namespace is not None and allowed is not None and namespace not in allowed:
            yield f"namespace {namespace} may not be changed ({', '.join(allowed)} may)"
    try:
        need_function_code("the function compares the labels with the target", "use a checkout")
    except CommandFailed:
        return
    from runbook_action.actions import REGISTRY
    from runbook_action.actions.base import looks_at_target
    from runbook_action.errors import FinalError
    from runbook_action.resolve.contradiction import refuse_other_labels

    if action not in REGISTRY or not looks_at_target(REGISTRY[action]):
        return
    try:
        if "from_alert" in target:
            _refuse_out_of_bounds(runbook, target, labels, allowed)
        else:
            refuse_other_labels(runbook, target, labels)
    except FinalError as error:
        yield str(error)


def _refuse_out_of_bounds(
    runbook: str,
    target: Mapping[str, Any],
    labels: Mapping[str, str],
    allowed: Sequence[str] | None,
) -> None:
    from runbook_action.errors import TargetAmbiguous, TargetNotFound
    from runbook_action.request import refuse_namespace
    from runbook_action.resolve.bounds import Bounds
    from runbook_action.resolve.labels import LABEL_OF, known, name_in, named_in, namespace_in
    from runbook_action.rights import WORKLOADS

    kind, bounds = target["from_alert"], Bounds.of(runbook, target)
    if kind == "node":
        if name := name_in(labels, LABEL_OF["node"]):
            bounds.refuse_name(f"node {name}", name)
        return
    namespace = namespace_in(labels)
    bounds.refuse_namespace(namespace)
    if allowed is not None:
        refuse_namespace(namespace, frozenset(allowed))
    kinds = WORKLOADS if kind == "workload" or kind in WORKLOADS else (kind,)
    named = named_in(labels, kinds, namespace)
    if len(named) > 1:
        raise TargetAmbiguous(f"the alert names {' and '.join(str(each) for each in named)}")
    if not named and "pod" not in labels:
        wanted = ", ".join(dict.fromkeys((*(LABEL_OF[each] for each in kinds), "pod")))
        raise TargetNotFound(f"the alert has none of the labels {wanted} ({known(labels)})")
    for each in named:
        if kind not in ("workload", each.kind):
            raise TargetNotFound(f"the alert names {each}, and runbook {runbook} acts on a {kind}")
        if "resolve_to" not in target:
            bounds.refuse_name(each, each.name)
