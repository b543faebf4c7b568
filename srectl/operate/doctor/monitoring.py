"""Is the monitoring of each watched cluster alive, and is any watched at all?"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from srectl.operate.doctor.check import Check, Grant
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, failed, fine, note
from srectl.operate.refusals import calling

__all__ = ["CHECK"]

_PLACES = ("Heartbeat1", "Heartbeat2", "Heartbeat3", "Heartbeat4")
_METRIC = "MonitoringHeartbeats"
# As long as the alarm looks (template.yaml), and a minute for CloudWatch to have it.
_RECENT = datetime.timedelta(minutes=5)
_LOG_FOR = datetime.timedelta(hours=1)


def look(deployment: Deployment) -> Iterator[Finding]:
    """Look for the heartbeats of each cluster."""
    named = {place: deployment.stack.parameter(place) for place in _PLACES}
    watched = {place: text.partition("=") for place, text in named.items() if text}
    if not watched:
        yield note(
            "heartbeats",
            "the monitoring of no cluster is watched: that it has died would not be noticed",
            "route Watchdog here (docs/operations.md) and deploy with Heartbeat1=CLUSTER",
        )
    for place, (cluster, _, sender) in watched.items():
        yield _of(deployment, place, cluster, sender)


def _of(deployment: Deployment, place: str, cluster: str, sender: str) -> Finding:
    now = deployment.now()
    with calling(f"metric {_METRIC} of {cluster} could not be read"):
        found = deployment.cloudwatch.get_metric_statistics(
            Namespace=f"{deployment.account.prefix}SREPlatform",
            MetricName=_METRIC,
            Dimensions=[{"Name": "cluster", "Value": cluster}],
            StartTime=now - _LOG_FOR,
            EndTime=now,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
    if not found:
        key = f"the key of {sender}" if sender else "a key without a name of its own"
        return failed(
            f"monitoring of {cluster}",
            f"has sent no heartbeat for an hour, or none with {key} ({place})",
            "the log of alert-ingest, 'heartbeat not counted', says why one does not count; does "
            f"its Alertmanager route Watchdog here, and has its Prometheus the external label "
            f"cluster={cluster}?",
        )
    last = max(each["Timestamp"] for each in found)
    if now - last > _RECENT:
        return failed(
            f"monitoring of {cluster}",
            f"has been silent since {last:%H:%M} UTC",
            "kubectl -n monitoring get pods; then the log of Alertmanager",
        )
    return fine(f"monitoring of {cluster}", f"the last heartbeat came at {last:%H:%M} UTC")


CHECK = Check(
    "monitoring",
    "the heartbeats of the monitoring of each cluster",
    (Grant(("cloudwatch:GetMetricStatistics",)),),
    look,
)
