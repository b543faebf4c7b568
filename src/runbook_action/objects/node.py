"""Nodes and their groups."""

from __future__ import annotations

from collections.abc import Sequence

from runbook_action.objects.base import Json, KubernetesObject

# What makes nodes a group, in this order: an EKS node group, a Karpenter pool, or by hand.
GROUP_LABELS = (
    "eks.amazonaws.com/nodegroup",
    "karpenter.sh/nodepool",
    "node.kubernetes.io/instance-group",
)

# Taints by which somebody says that the node is about to go, most of them without a cordon:
# Karpenter (before and since v1), the cluster autoscaler, AWS' node termination handler, a human.
_LEAVING = (
    "karpenter.sh/disrupted",
    "karpenter.sh/disruption",
    "ToBeDeletedByClusterAutoscaler",
    "aws-node-termination-handler/",
    "node.kubernetes.io/out-of-service",
)


# Labels of nodes that the control plane runs on, where it is no managed part as on EKS.
_CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


class Node(KubernetesObject):
    """A Node (v1)."""

    @property
    def runs_control_plane(self) -> bool:
        """Whether the API server and etcd run on it, by its labels."""
        return any(each in self.labels for each in _CONTROL_PLANE)

    @property
    def unschedulable(self) -> bool:
        """Whether it is cordoned."""
        return bool(self.spec.get("unschedulable"))

    @property
    def ready(self) -> bool:
        """Whether its kubelet says so, and was heard lately."""
        return self.condition("Ready").get("status") == "True"

    @property
    def silent(self) -> bool:
        """Whether its kubelet is heard no more: then nothing on it ends, whatever is asked."""
        return self.condition("Ready").get("status") == "Unknown"

    @property
    def taints(self) -> Sequence[Json]:
        """Its taints, never None."""
        return self.spec.get("taints") or []

    @property
    def out_of_service(self) -> str:
        """Why no pod may be put on it, as the end of a sentence; empty where one may."""
        if self.metadata.get("deletionTimestamp"):
            return "is being deleted"
        for taint in self.taints:
            key = str(taint.get("key"))
            if key in _LEAVING or any(key.startswith(each) for each in _LEAVING if each[-1] == "/"):
                return f"is being taken away ({key})"
        if self.unschedulable:
            return "is cordoned"
        return "" if self.ready else "is not ready"

    @property
    def group_selector(self) -> str:
        """Label selector of the nodes of its group."""
        for label in GROUP_LABELS:
            if label in self.labels:
                return f"{label}={self.labels[label]}"
        return ",".join(f"!{label}" for label in GROUP_LABELS)
