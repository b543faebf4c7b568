"""Counters as CloudWatch reads them from the log: one line in the embedded metric format (EMF).

The format is CloudWatch's specification of it. Powertools' Metrics writes the same line, but its
import and its decorator cost more than everything the line is about.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime


def counters_line(
    sender: str, counts: Mapping[str, int], now: datetime, namespace: str, service: str
) -> str:
    """Return one record of counters.

    Parameters
    ----------
    sender
        Dimension ``sender``.
    counts
        Value by metric name; all count things.
    now
        When they were counted.
    namespace
        CloudWatch namespace of the metrics.
    service
        Dimension ``service``.
    """
    return _line(
        ["sender", "service"], {"sender": sender, "service": service}, counts, now, namespace
    )


def heartbeat_line(cluster: str, now: datetime, namespace: str) -> str:
    """Return one record of a heartbeat: metric ``MonitoringHeartbeats`` by ``cluster``.

    Parameters
    ----------
    cluster
        A name that the deployment gives, never one that only a sender says: each is a metric.
    now
        When it was heard.
    namespace
        CloudWatch namespace of the metric.
    """
    return _line(["cluster"], {"cluster": cluster}, {"MonitoringHeartbeats": 1}, now, namespace)


def _line(
    dimensions: list[str],
    values: Mapping[str, str],
    counts: Mapping[str, int],
    now: datetime,
    namespace: str,
) -> str:
    described = {
        "Timestamp": int(now.timestamp() * 1000),
        "CloudWatchMetrics": [
            {
                "Namespace": namespace,
                "Dimensions": [dimensions],
                "Metrics": [{"Name": name, "Unit": "Count"} for name in counts],
            }
        ],
    }
    return json.dumps({"_aws": described, **values, **counts})
