"""What people are told that an alert is about, by the object that its labels name.

On what a runbook may act is another question: ``target`` answers it for the events, and in the end
``runbook-action`` does, which asks the cluster. Here a label is only repeated, so that whoever is
called reads ``apps/parcels-7d9f`` before anything else.
"""

from __future__ import annotations

from collections.abc import Mapping

from alert_ingest.model import Target
from alert_ingest.target import is_name, is_namespace

# Of several labels the one that says most about what is ill: what keeps pods before a pod, and a
# pod before its node. They are those of kube-state-metrics, whose `job_name` is the Job; `job` is
# Prometheus's scrape job.
_LABELS = (
    "deployment",
    "statefulset",
    "daemonset",
    "job_name",
    "cronjob",
    "horizontalpodautoscaler",
    "persistentvolumeclaim",
    "poddisruptionbudget",
    "pod",
)
# A scrape job whose pods tell of something else than themselves.
_EXPORTERS = ("-exporter", "-metrics")


def subject_of(labels: Mapping[str, str], target: Target) -> str:
    """Name the object that labels name: ``apps/checkout``, ``node worker-7``; empty where none.

    Parameters
    ----------
    target
        What was found in the same labels; its namespace is the name of one.
    """
    if target.kind == "deployment":
        return f"{target.namespace}/{target.name}"
    space = labels.get("namespace", "").strip()
    for label in _LABELS if is_namespace(space) else ():
        name = labels.get(label, "").strip()
        if name and is_name(name) and not (label == "pod" and _is_an_exporters(labels, name)):
            return f"{space}/{name}"
    return f"{target.kind} {target.name}" if target.kind else ""


def _is_an_exporters(labels: Mapping[str, str], pod: str) -> bool:
    """Tell whether a pod is that of the exporter that saw what is ill."""
    job = labels.get("job", "")
    return job.endswith(_EXPORTERS) and pod.startswith(job)
