"""Bills: amounts of units, put together, scaled and priced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from onemachine.cost.prices import PriceList

__all__ = [
    "BRIEF_LINES",
    "HOURS_A_MONTH",
    "Amounts",
    "Scenario",
    "added",
    "brief_for",
    "difference",
    "idle_month",
    "scaled",
    "standing",
    "summed",
]

Amounts = Mapping[str, float]

#: As AWS counts a month.
HOURS_A_MONTH = 730

#: The brief's estimate for a thousand alerts a day: line → US dollars, and how many of what it
#: means by its "30M". A thousand a day are thirty thousand a month.
BRIEF_LINES: Mapping[str, tuple[float, bool]] = {
    "API Gateway, 30M requests": (105.0, True),
    "alert_ingest, 30M invocations": (6.0, True),
    "runbook_action, 1,000 invocations": (0.10, False),
    "EventBridge, 30M events": (30.0, True),
    "Step Functions, 1,000 executions": (0.13, False),
    "DynamoDB": (0.04, False),
    "SNS": (0.0005, False),
}
_BRIEF_ALERTS = 30_000_000


@dataclass(frozen=True)
class Scenario:
    """Something that happens, and what of each unit it takes.

    Parameters
    ----------
    title : str
        What it is, as a heading.
    amounts : mapping
        Unit → amount.
    """

    title: str
    amounts: Amounts


def summed(counts: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Give the amount of each unit, whatever it was counted of."""
    return {unit: sum(each.values()) for unit, each in counts.items()}


def difference(after: Amounts, before: Amounts) -> dict[str, float]:
    """Give what came in between."""
    return {unit: amount - before.get(unit, 0) for unit, amount in after.items()}


def scaled(amounts: Amounts, factor: float) -> dict[str, float]:
    """Give so many times as much of everything."""
    return {unit: amount * factor for unit, amount in amounts.items()}


def added(*several: Amounts) -> dict[str, float]:
    """Give all of them together."""
    total: Counter[str] = Counter()
    for each in several:
        total.update(each)
    return dict(total)


def idle_month(
    canary: Amounts,
    closer: Amounts,
    pods: Amounts,
    there: Amounts,
    heartbeat: Amounts,
    canary_minutes: float = 5,
) -> dict[str, float]:
    """Give a month in which nothing happens.

    Parameters
    ----------
    canary, closer : mapping
        What one run of the canary, and of the closer, takes.
    pods : mapping
        What the pods of the service under care take in a second.
    there : mapping
        What is paid for being there, a month.
    heartbeat : mapping
        What one heartbeat of the monitoring of a cluster takes; one comes each minute, as the
        installation has it for one cluster.
    canary_minutes : float
        Between two canaries.
    """
    canaries = HOURS_A_MONTH * 60 / canary_minutes
    closers = HOURS_A_MONTH * 6
    return added(
        scaled(canary, canaries),
        scaled(closer, closers),
        {"schedule_calls": canaries + closers},
        scaled(pods, HOURS_A_MONTH * 3600),
        scaled(heartbeat, HOURS_A_MONTH * 60),
        # Its metric, and the alarm on it.
        {"custom_metrics": 1, "alarm_metrics": 1} if heartbeat else {},
        there,
    )


def standing(resources: Mapping[str, int], alarm_metrics: int, custom_metrics: int) -> Amounts:
    """Give what a deployed stack costs for being there, a month.

    Parameters
    ----------
    resources : mapping
        Type of CloudFormation → how many the stack has.
    alarm_metrics : int
        Metrics that its alarms look at; each is paid for.
    custom_metrics : int
        Metrics that are no service's own.
    """
    return {
        "alarm_metrics": alarm_metrics,
        "dashboards": resources.get("AWS::CloudWatch::Dashboard", 0),
        "custom_metrics": custom_metrics,
        "keys": resources.get("AWS::KMS::Key", 0),
        "secrets": resources.get("AWS::SecretsManager::Secret", 0),
    }


def brief_for(alerts: float) -> float:
    """Give the brief's own arithmetic for another number of alerts a month, in US dollars."""
    return sum(
        usd * alerts / _BRIEF_ALERTS if by_alert else usd for usd, by_alert in BRIEF_LINES.values()
    )


def priced(prices: PriceList, scenario: Scenario) -> dict[str, float]:
    """Give the US dollars of each unit."""
    return {unit: prices.of(unit, amount) for unit, amount in scenario.amounts.items()}
