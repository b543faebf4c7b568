"""Kubernetes objects as the actions read them: thin views of what the API answered."""

from collections.abc import Mapping

from runbook_action.kinds import KINDS, KindWord
from runbook_action.objects.autoscaler import Autoscaler
from runbook_action.objects.base import Json, KubernetesObject, moment_of, number_in
from runbook_action.objects.job import Job
from runbook_action.objects.node import GROUP_LABELS, Node
from runbook_action.objects.pod import CRASHES_THAT_ARE_A_LOOP, Pod, lost_with
from runbook_action.objects.quantity import bytes_of, thousandths_of
from runbook_action.objects.storage import GIBIBYTE, PersistentVolumeClaim, StorageClass
from runbook_action.objects.workload import Revision, Workload

VIEWS: Mapping[KindWord, type[KubernetesObject]] = {
    "controllerrevision": Revision,
    "daemonset": Workload,
    "deployment": Workload,
    "horizontalpodautoscaler": Autoscaler,
    "job": Job,
    "node": Node,
    "persistentvolumeclaim": PersistentVolumeClaim,
    "pod": Pod,
    "replicaset": Revision,
    "statefulset": Workload,
    "storageclass": StorageClass,
}


def view(kind: KindWord, raw: Json) -> KubernetesObject:
    """See an object of the API as one of its kind.

    The items of a list do not say what they are; the view does.
    """
    known = KINDS[kind]
    named = {"apiVersion": known.api_version, "kind": known.kind, **raw}
    return VIEWS.get(kind, KubernetesObject)(named)


__all__ = [
    "CRASHES_THAT_ARE_A_LOOP",
    "GIBIBYTE",
    "GROUP_LABELS",
    "VIEWS",
    "Autoscaler",
    "Job",
    "Json",
    "KubernetesObject",
    "Node",
    "PersistentVolumeClaim",
    "Pod",
    "Revision",
    "StorageClass",
    "Workload",
    "bytes_of",
    "lost_with",
    "moment_of",
    "number_in",
    "thousandths_of",
    "view",
]
