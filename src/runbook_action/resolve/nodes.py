"""From what an alert calls a node to the node."""

from __future__ import annotations

import re
from collections.abc import Mapping

from runbook_action.errors import ActionRefused, TargetAmbiguous, TargetNotFound
from runbook_action.objects import KubernetesObject
from runbook_action.ports import Cluster
from runbook_action.request import NAME
from runbook_action.resolve.labels import known, shown

# An exporter's address: a host, in brackets if it is IPv6, and its port.
_ADDRESS = re.compile(r"(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9.-]{1,253}))(?::[0-9]{1,5})?")


def node_in(
    cluster: Cluster, labels: Mapping[str, str], first: str = "node"
) -> tuple[KubernetesObject, str]:
    """Find the node that an alert names, by its name or by an exporter's address.

    Parameters
    ----------
    first
        The label that counts where it is there; else ``instance`` does.

    Returns
    -------
    tuple
        The node, and the label that led to it.

    Raises
    ------
    TargetNotFound
        If no label names a node, or there is none of that name or address.
    ActionRefused
        If the label is neither a name nor an address.
    TargetAmbiguous
        If several nodes have the address.
    """
    label = first if first in labels else "instance"
    if label not in labels:
        raise TargetNotFound(f"the alert has no label {first} or instance ({known(labels)})")
    return node_called(cluster, label, labels[label]), label


def node_called(cluster: Cluster, label: str, value: str) -> KubernetesObject:
    """Find the node of a name or an address; see ``node_in``."""
    if NAME.fullmatch(value):
        try:
            return cluster.read("node", "", value)
        except TargetNotFound:
            pass  # it may be an address that looks like a name
    parts = _ADDRESS.fullmatch(value)
    if not parts:
        raise ActionRefused(
            f"label {label} is neither the name nor the address of a node: {shown(value)} "
            f"({len(value)} characters)"
        )
    host = parts[1] or parts[2]
    found = {each.name: each for each in cluster.list("node", "", "") if host in _names_of(each)}
    if not found:
        raise TargetNotFound(f"no node has the name or address {shown(host)} of label {label}")
    if len(found) > 1:
        raise TargetAmbiguous(
            f"label {label} ({shown(host)}) is an address of the nodes "
            f"{' and '.join(sorted(found))}"
        )
    return next(iter(found.values()))


def _names_of(node: KubernetesObject) -> set[str]:
    addresses = node.status.get("addresses") or []
    return {node.name, *(str(each["address"]) for each in addresses if each.get("address"))}
