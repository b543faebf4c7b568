"""Mends metrics that functions write into their logs.

CloudWatch Logs takes metrics out of lines in the embedded metric format, which is how Powertools
publishes them. The emulator keeps the line and makes no metric, so that no alarm on one ever goes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ministack.services import cloudwatch, cloudwatch_logs

Datum = tuple[str, str, float, str, dict[str, str]]


def embedded_metrics(line: str) -> Iterator[Datum]:
    """Yield ``(namespace, name, value, unit, dimensions)`` of each metric in a log line."""
    if '"_aws"' not in line:
        return
    try:
        document = json.loads(line)
        directives = document["_aws"]["CloudWatchMetrics"]
    except (ValueError, KeyError, TypeError):
        return
    for directive in directives:
        for names in directive.get("Dimensions") or [[]]:
            dimensions = {name: str(document.get(name, "")) for name in names}
            for metric in directive["Metrics"]:
                values = document.get(metric["Name"], [])
                for value in values if isinstance(values, list) else [values]:
                    yield (
                        directive["Namespace"],
                        metric["Name"],
                        float(value),
                        metric.get("Unit", "None"),
                        dimensions,
                    )


def apply() -> None:
    """Look at every line where subscription filters do: PutLogEvents and functions' logs."""
    stock = cloudwatch_logs._fanout_to_subscription_filters

    def fanout(group: str, stream: str, events: list[dict[str, Any]]) -> Any:
        for event in events:
            for namespace, name, value, unit, dimensions in embedded_metrics(event["message"]):
                cloudwatch.record_metric(namespace, name, value, unit, dimensions)
        return stock(group, stream, events)

    cloudwatch_logs._fanout_to_subscription_filters = fanout
