"""The most that somebody with one key can make us pay in an hour, from the template's limits.

Everything is bounded by what stops it: calls by the key's rate, alerts by its allowance, what is
parked by the time that the function has, runbooks by flood control. The allowance goes by the hour
of the clock, so an hour that lies across two of them can bring twice as many alerts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from onemachine.cost.bill import Amounts, added, scaled

__all__ = ["Limits", "hour"]

_HOUR = 3600
_ALERTS_A_BATCH = 10
# So long a whole processor takes for an alert (docs/senders.md); a function has one at 1,769 MB.
# Large alerts are no worse: 64 KB, which are one request to the queue more, take it 10 ms.
_ALERT_SECONDS = 60e-6
_WHOLE_PROCESSOR_MB = 1769
# What a function without a reservation may have: all of an account, by AWS's usual quota.
_ACCOUNT_CONCURRENCY = 1000.0
# What one line of the access log and two of the function's are at most.
_LOG_BYTES_A_CALL = 4_000


@dataclass(frozen=True)
class Limits:
    """What stops a sender.

    Parameters
    ----------
    requests_per_second, burst : float
        Of the key's usage plan.
    alerts_per_hour : float
        ``SenderAlertsPerHour``.
    concurrency : float
        ``AlertIngestConcurrency``, or the account's quota where that is 0.
    memory_mb : float
        Memory of alert-ingest.
    flood_total, flood_window_seconds : float
        Runbooks that may act, of all senders together.
    """

    requests_per_second: float
    burst: float
    alerts_per_hour: float
    concurrency: float
    memory_mb: float
    flood_total: float
    flood_window_seconds: float

    @property
    def requests(self) -> float:
        """Calls that the plan lets in within an hour."""
        return self.requests_per_second * _HOUR + self.burst

    @property
    def remediations(self) -> float:
        """Runbooks that flood control lets act within an hour that windows do not fit into."""
        return (_HOUR / self.flood_window_seconds + 1) * self.flood_total

    @property
    def alerts(self) -> float:
        """Alerts that are taken: the hour may lie across two hours of the clock."""
        return 2 * self.alerts_per_hour

    @property
    def parked(self) -> float:
        """Alerts that all the function's time suffices to park, whatever bodies hold."""
        share = min(1.0, self.memory_mb / _WHOLE_PROCESSOR_MB)
        return self.concurrency * _HOUR * share / _ALERT_SECONDS

    @classmethod
    def of(cls, parameters: Mapping[str, float], **named: float) -> Limits:
        """Take what the template's parameters say; ``named`` is what stands elsewhere in it."""
        return cls(
            alerts_per_hour=parameters["SenderAlertsPerHour"],
            concurrency=parameters["AlertIngestConcurrency"] or _ACCOUNT_CONCURRENCY,
            flood_total=parameters["FloodTotal"],
            flood_window_seconds=parameters["FloodWindowSeconds"],
            **named,
        )


def hour(limits: Limits, largest: Amounts, remediated: Amounts) -> Mapping[str, Amounts]:
    """Give what an hour takes at most.

    Parameters
    ----------
    limits : Limits
        What stops the sender.
    largest : mapping
        What the largest alert takes that is taken in, from its call to its end.
    remediated : mapping
        What an alert takes that is remediated.

    Returns
    -------
    mapping
        What it is for → unit → amount.
    """
    return {
        "calls, each at the plan's rate": {
            "api_requests": limits.requests,
            "lambda_requests": limits.requests,
            "traces": limits.requests,
            "log_bytes": limits.requests * _LOG_BYTES_A_CALL,
            # The row that counts the hour's alerts.
            "write_units": limits.requests,
        },
        "alert-ingest, all of it busy": {
            "lambda_gb_seconds": limits.concurrency * _HOUR * limits.memory_mb / 1024
        },
        "alerts of the allowance, each of the largest": scaled(largest, limits.alerts),
        "runbooks that flood control lets act": scaled(added(remediated), limits.remediations),
        "alerts beyond it, parked": {"queue_requests": limits.parked / _ALERTS_A_BATCH},
    }
