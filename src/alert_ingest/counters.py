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
    described = {
        "Timestamp": int(now.timestamp() * 1000),
        "CloudWatchMetrics": [
            {
                "Namespace": namespace,
                "Dimensions": [["sender", "service"]],
                "Metrics": [{"Name": name, "Unit": "Count"} for name in counts],
            }
        ],
    }
    return json.dumps({"_aws": described, "sender": sender, "service": service, **counts})
