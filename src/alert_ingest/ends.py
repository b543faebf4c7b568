"""Ends that could not be noted, which have to be told again.

What fires is remembered (see `firings`), and Alertmanager tells an end once. Where the memory does
not hear of it the incident is closed and the alert counts as firing: its next firing would join
that incident, and nobody would hear of it. So the end goes its way, and its sender repeats it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from alert_ingest.errors import DeliveryFailed
from alert_ingest.model import Alert

NOT_NOTED = "an end was published but could not be noted, so it has to be told again"


def to_be_told_again(alert: Alert) -> Alert:
    """Mark an end that the memory does not know; any other alert stays as it is.

    A cycle of Datadog's has one key: its next firing has another.
    """
    unknown = alert.status == "resolved" and alert.incident_id != alert.alert_key
    return replace(alert, end_unknown=True) if unknown else alert


def refuse_unknown_ends(alerts: Sequence[Alert]) -> None:
    """Have a body sent again that has such an end.

    Raises
    ------
    DeliveryFailed
        Answered 503, which is what Alertmanager repeats.
    """
    unknown = sum(alert.end_unknown for alert in alerts)
    if unknown:
        raise DeliveryFailed(unknown, len(alerts), [NOT_NOTED])
