"""What the labels of an alert name: by which label, and whether it can be a name at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from runbook_action.errors import ActionRefused, TargetNotFound
from runbook_action.kinds import KindWord
from runbook_action.request import NAME, NAMESPACE, TargetKind

# Labels of kube-state-metrics. Its `job_name` is the Job; `job` is Prometheus's scrape job.
LABEL_OF: Mapping[TargetKind, str] = {
    "daemonset": "daemonset",
    "deployment": "deployment",
    "horizontalpodautoscaler": "horizontalpodautoscaler",
    "job": "job_name",
    "node": "node",
    "persistentvolumeclaim": "persistentvolumeclaim",
    "pod": "pod",
    "statefulset": "statefulset",
}
# What labels name besides: nothing is looked for by these, but they must not lead elsewhere.
NAMES: Mapping[KindWord, str] = {
    **{cast(KindWord, kind): label for kind, label in LABEL_OF.items()},
    "cronjob": "cronjob",
    "replicaset": "replicaset",
}
# By what else the same is called: `kubernetes_…` and `…_name` are conventions of scrape
# configurations, `nodename` is node_exporter's (uname), `k8s_…` OpenTelemetry's and `kube_…`
# Datadog's.
_ALSO: Mapping[str, Sequence[str]] = {
    "cronjob": ("kube_cronjob", "k8s_cronjob_name"),
    "daemonset": ("kube_daemon_set", "k8s_daemonset_name"),
    "deployment": ("kube_deployment", "k8s_deployment_name"),
    "horizontalpodautoscaler": ("hpa",),
    "job_name": ("kube_job", "k8s_job_name"),
    "namespace": (
        *("kubernetes_namespace", "kube_namespace", "k8s_namespace_name"),
        "destination_workload_namespace",
    ),
    "node": (
        *("kubernetes_node", "kubernetes_node_name", "node_name", "nodename", "kube_node"),
        *("k8s_node_name", "kubernetes_io_hostname"),
    ),
    "persistentvolumeclaim": ("pvc",),
    "pod": ("pod_name", "kubernetes_pod_name", "kubernetes_pod", "k8s_pod_name"),
    "replicaset": ("kube_replica_set", "k8s_replicaset_name"),
    "statefulset": ("kube_stateful_set", "k8s_statefulset_name"),
}
# Labels whose kind another one tells: of kubernetes-mixin, kube-state-metrics and Istio.
_OF_A_KIND: Mapping[str, str] = {
    "created_by_name": "created_by_kind",
    "destination_workload": "",
    "owner_name": "owner_kind",
    "workload": "workload_type",
}
# By what a cluster is called: Prometheus's `cluster`, `k8s.cluster.name` of OpenTelemetry,
# `orchestrator.cluster.name` of Elastic, `kube_cluster_name` and `cluster_name` of Datadog,
# `k8s.clusterName` of New Relic, `dt.kubernetes.cluster.name` of Dynatrace, Istio's
# `destination_cluster`, and the tags `aws:eks:cluster-name` and `alpha.eksctl.io/cluster-name`.
_CLUSTER = re.compile(
    "((aws_eks|eks|alpha_eksctl_io|k8s|kube|(dt_)?kubernetes|orchestrator|destination)_?)?"
    "cluster(_?name)?"
)
# What Istio calls a cluster that nobody has named.
_ISTIO_DEFAULT = "Kubernetes"
# What stands between the words of a label, by where it comes from.
_BETWEEN = str.maketrans(".:/-", "____")
# Kinds that are never a target's, by the label that names one (Argo Rollouts).
_FOREIGN = ("rollout",)
#: What stands where there is none.
UNKNOWN = ("", "<none>", "unknown")
_BARE_PODS = ("barepod", "staticpod")
# What a scrape adds of the pod that it asks; kube-state-metrics tells of others.
_OF_THE_SCRAPE = "kubernetes_"
_KUBE_STATE_METRICS = "kube-state-metrics"
_SCRAPED = frozenset(
    {
        *("job", "container", "service", "app", "pod", "app_kubernetes_io_name"),
        *("kubernetes_name", "kubernetes_pod_name"),
    }
)
_SHOWN = 80  # characters of a label that an error repeats
_PLAIN = re.compile(r"[-\w.]{1,80}", re.ASCII)


@dataclass(frozen=True)
class Named:
    """An object that a label names: nobody has looked whether it is there."""

    kind: TargetKind
    namespace: str | None
    name: str

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {place}"


def shown(text: str) -> str:
    """Give a label's value as an error may repeat it: short, and in quotes."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def as_name(text: str) -> str:
    """Give a label's value as a name stands in an error; in quotes what cannot be one."""
    return text if _PLAIN.fullmatch(text) else shown(text)


def spelled(label: str) -> str:
    """Spell a label as Prometheus does, in small letters; its ``exported_`` says where it is."""
    return label.strip().lower().translate(_BETWEEN).removeprefix("exported_")


def meant_by(labels: Mapping[str, str], label: str) -> Sequence[str]:
    """Give the values of all labels that mean the same as one.

    In another case it means the same to whoever wrote it. And where a metric and its scrape both
    have a label, Prometheus calls the metric's own one ``exported_``.
    """
    return [text for key, text in labels.items() if spelled(key) == label]


def named_by(labels: Mapping[str, str], label: str) -> Sequence[tuple[str, str]]:
    """Give each label that names the same kind of object as one, by whatever name, and its value.

    Beside `node`, or else `namespace`, what a scrape says of kube-state-metrics is left out: that
    is where the exporter is, and not what the alert is about.
    """
    known_as = (label, *_ALSO.get(label, ()))
    found = [(key, text) for key, text in labels.items() if spelled(key) in known_as]
    if meant_by(labels, "node" if label == "node" else "namespace"):
        return [(key, text) for key, text in found if not of_the_scrape(key, labels)]
    return found


def clusters_named(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """Give each label that names a cluster of Kubernetes, by whatever name, and its value."""
    return [
        (key, text.strip())
        for key, text in labels.items()
        if _CLUSTER.fullmatch(spelled(key))
        and text.strip() not in UNKNOWN
        and not (text == _ISTIO_DEFAULT and spelled(key) == "destination_cluster")
    ]


def all_named(labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give kind and name of each object that the labels name, by whatever label.

    The kind is ``workload`` where no label tells it, and may be one that this platform does not
    know. Whether there is such an object nobody has looked. Of a node's other names only those who
    act on nodes ask: on which one whoever was scraped runs says nothing of a workload.
    """
    for word, label in NAMES.items():
        if word == "node":
            yield from ((word, text) for text in meant_by(labels, label))
        else:
            yield from ((word, text) for _, text in named_by(labels, label))
    for label, kind_label in _OF_A_KIND.items():
        kinds = [text.lower() for text in meant_by(labels, kind_label) if text not in UNKNOWN]
        for text in meant_by(labels, label):
            for kind in (kinds or ["workload"]) if text not in UNKNOWN else ():
                yield "pod" if kind in _BARE_PODS else kind, text
    for label in _FOREIGN:
        for text in meant_by(labels, label):
            yield label, text


def tells_of_others(labels: Mapping[str, str]) -> bool:
    """Whether it is kube-state-metrics that was scraped, which tells of objects not its own."""
    return any(
        _KUBE_STATE_METRICS in text for key, text in labels.items() if key.lower() in _SCRAPED
    )


def of_the_scrape(label: str, labels: Mapping[str, str]) -> bool:
    """Whether a label is what a scrape says of kube-state-metrics itself."""
    return label.lower().startswith(_OF_THE_SCRAPE) and tells_of_others(labels)


def namespace_in(labels: Mapping[str, str]) -> str:
    """Give the namespace that the labels name.

    Raises
    ------
    TargetNotFound
        If they name none.
    ActionRefused
        If it is not the name of a namespace.
    """
    value = labels.get("namespace", "")
    if not value:
        raise TargetNotFound(f"the alert has no label namespace ({known(labels)})")
    if not NAMESPACE.fullmatch(value):
        raise ActionRefused(f"label namespace is not the name of a namespace: {shown(value)}")
    return value


def name_in(labels: Mapping[str, str], label: str) -> str | None:
    """Give the name of an object that a label holds, None without the label.

    Raises
    ------
    ActionRefused
        If its value cannot be the name of an object. It is never repaired.
    """
    value = labels.get(label)
    if value is None:
        return None
    if not NAME.fullmatch(value):
        raise ActionRefused(
            f"label {label} is not the name of a Kubernetes object: {shown(value)} "
            f"({len(value)} characters)"
        )
    return value


def named_in(
    labels: Mapping[str, str], kinds: Sequence[TargetKind], namespace: str | None
) -> list[Named]:
    """Give the objects of some kinds that the labels name."""
    found = ((kind, name_in(labels, LABEL_OF[kind])) for kind in kinds)
    return [Named(kind, namespace, name) for kind, name in found if name is not None]


def known(labels: Mapping[str, str]) -> str:
    """Say which labels there are that could name an object, for an error."""
    words = {"namespace", "instance", *LABEL_OF.values(), *_OF_A_KIND, *_FOREIGN}
    words.update(*_ALSO.values())
    found = [
        f"{name}={shown(value)}" for name, value in sorted(labels.items()) if name.lower() in words
    ]
    return f"what it names is {', '.join(found)}" if found else "it names no object at all"
