"""Whose a pod was that has gone: all that is left of it is its name.

A name only says what the controllers of Kubernetes would have given it, so it speaks for its
workload and never against a pod that is there, which says itself whose it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from runbook_action.kinds import KindWord
from runbook_action.resolve.labels import meant_by

# What the hash of a Deployment's ReplicaSet is made of: the ten digits of a number, by other signs.
_MADE_UP = "[bcdf4-9]"
_SUFFIX = 5  # characters that it adds
_LONGEST_STEM = 63 - _SUFFIX  # what comes before is cut to this
_ORDINAL = "(0|[1-9][0-9]*)"
_KUBE_STATE_METRICS = "kube-state-metrics"


def is_named_by(pod: str, kind: KindWord, name: str) -> bool:
    """Whether a pod's name is one that a workload gives to its pods.

    Parameters
    ----------
    pod
        Name of the pod.
    kind, name
        The Deployment, StatefulSet, DaemonSet or Job. ``checkout-api-…`` is none of ``checkout``.
    """
    own = re.escape(name)
    if kind == "statefulset":
        return re.fullmatch(f"{own}-{_ORDINAL}", pod) is not None
    stem, suffix = pod[:-_SUFFIX], pod[-_SUFFIX:]
    if not re.fullmatch(f"[a-z0-9]{{{_SUFFIX}}}", suffix):
        return False
    if len(stem) == _LONGEST_STEM and f"{name}-".startswith(stem):
        return True
    # The hash of its ReplicaSet; the index of an Indexed Job.
    between = {"deployment": f"-{_MADE_UP}{{1,10}}", "job": f"(-{_ORDINAL})?"}.get(kind, "")
    cut = "?" if len(stem) == _LONGEST_STEM else ""
    return re.fullmatch(f"{own}{between}-{cut}", stem) is not None


def makers_of(pod: str) -> Iterator[tuple[KindWord, str]]:
    """Give kind and name of each object that would give a pod its name, but for StatefulSets.

    A ReplicaSet comes first: if it is there, its owner is known. None of a name that was cut, which
    does not say by whom it was given.
    """
    stem, dash, suffix = pod.rpartition("-")
    if not dash or len(suffix) != _SUFFIX:
        return
    for kind in ("replicaset", "job", "daemonset"):
        yield kind, stem
    indexed, _, index = stem.rpartition("-")
    if indexed and re.fullmatch(_ORDINAL, index):
        yield "job", indexed


def is_of_the_exporter(pod: str, labels: Mapping[str, str]) -> bool:
    """Whether a pod is that of kube-state-metrics, which tells of objects other than itself.

    Parameters
    ----------
    pod
        Name of a pod that is not in the namespace of the alert.
    labels
        Of the alert. Where a scrape honours the labels of the metric, ``pod`` is the exporter's own
        for what is no pod; ``service`` is, too, and begins the pod's name.
    """
    if _KUBE_STATE_METRICS in pod:
        return True
    scrape = [text for label in ("job", "container") for text in meant_by(labels, label)]
    return _KUBE_STATE_METRICS in scrape and any(
        text and pod.startswith(f"{text}-") for text in meant_by(labels, "service")
    )
