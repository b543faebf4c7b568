"""Nodes and their groups."""

from __future__ import annotations

from runbook_action.objects.base import KubernetesObject

# What makes nodes a group, in this order: an EKS node group, a Karpenter pool, or by hand.
GROUP_LABELS = (
    "eks.amazonaws.com/nodegroup",
    "karpenter.sh/nodepool",
    "node.kubernetes.io/instance-group",
)


class Node(KubernetesObject):
    """A Node (v1)."""

    @property
    def unschedulable(self) -> bool:
        """Whether it is cordoned."""
        return bool(self.spec.get("unschedulable"))

    @property
    def ready(self) -> bool:
        """Whether its kubelet says so, and was heard lately."""
        return self.condition("Ready").get("status") == "True"

    @property
    def group_selector(self) -> str:
        """Label selector of the nodes of its group."""
        for label in GROUP_LABELS:
            if label in self.labels:
                return f"{label}={self.labels[label]}"
        return ",".join(f"!{label}" for label in GROUP_LABELS)
