"""The numbers around an alert, for its evidence: its own query, and what fires beside it.

The query is that of the rule, as Prometheus has it; the alert's name and labels are compared with
what Prometheus says, and never part of a query.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from runbook_action.evidence.ports import Measured
from runbook_action.prometheus.own_alert import agree, is_of
from runbook_action.prometheus.picture import drawn
from runbook_action.prometheus.port import AlertRule, Prometheus, Series, Unanswered
from runbook_action.prometheus.promql import escaped

#: How long before the alert the numbers begin: what was usual is to be seen, too.
BEFORE = timedelta(minutes=30)
POINTS = 60
_MOST_SERIES = 5
_MOST_NAMES = 10
_MOST_QUERY = 1000


class Measures:
    """A ``Measurements`` of the evidence at the end of a Prometheus.

    Parameters
    ----------
    prometheus
        Who is asked.
    now
        Clock.
    """

    def __init__(self, prometheus: Prometheus, now: Callable[[], datetime]) -> None:
        self._prometheus = prometheus
        self._now = now

    def about(self, alert: Mapping[str, Any], since: datetime) -> Measured:
        """Ask for the alert's own query and for its neighbours.

        Raises
        ------
        Unanswered
            Prometheus gave no answer that can be used.
        """
        labels = {str(key): str(text) for key, text in (alert.get("labels") or {}).items()}
        name = labels.get("alertname") or str(alert.get("alert_name") or "")
        found = self._rule(name, labels) if name else None
        if found is None:
            return Measured({"why_not": "Prometheus has no active alert of this name and labels"})
        rule, known = found
        end = self._now()
        length = (end - (since - BEFORE)).total_seconds()
        step = max(1.0, math.ceil(length / POINTS))
        # In whole steps back from now, so that the last point is of now.
        start = end.timestamp() - step * math.floor(length / step)
        series = [
            each
            for each in self._prometheus.over(rule.query, start, end.timestamp(), step)
            if agree(each.labels, known)
        ][:_MOST_SERIES]
        fired = self._at(rule, known, since)
        values = [value for each in series for _, value in each.points if math.isfinite(value)]
        # What lasted shorter than a step is in none of the points.
        values += [fired] if math.isfinite(fired) else []
        last = _last(series, end.timestamp(), step)
        numbers = {
            "query": rule.query[:_MOST_QUERY],
            "step_seconds": step,
            "series": [_told(each) for each in series],
            "lowest": min(values, default=None),
            "highest": max(values, default=None),
            "fired": fired if math.isfinite(fired) else None,
            "last": last if math.isfinite(last) else None,
            "firing_beside": self._beside(known, end),
        }
        picture = drawn([each.points for each in series], since.timestamp())
        finding = _finding(alert, max(values), fired, last, series, end) if values else ""
        return Measured(numbers, picture, finding)

    def _at(self, rule: AlertRule, known: Mapping[str, str], when: datetime) -> float:
        """Give what the rule's query gave then, as the alert says it; NaN where that is not known.

        Nothing else depends on it, so no answer is none of it.
        """
        try:
            found = self._prometheus.at(rule.query, when.timestamp())
        except Unanswered:
            return math.nan
        values = [each.points[-1][1] for each in found if agree(each.labels, known) and each.points]
        return values[0] if len(values) == 1 else math.nan

    def _rule(
        self, name: str, labels: Mapping[str, str]
    ) -> tuple[AlertRule, Mapping[str, str]] | None:
        found = [
            (rule, known)
            for rule in self._prometheus.alert_rules(name)
            for known, _ in rule.active
            if is_of(known, labels)
        ]
        return found[0] if len(found) == 1 else None

    def _beside(self, known: Mapping[str, str], now: datetime) -> list[str]:
        """Name the other alerts that fire in its namespace, or anywhere if it has none."""
        where = known.get("namespace", "")
        namespace = f',namespace="{escaped(where)}"' if where else ""
        query = f'sum by (alertname) (ALERTS{{alertstate="firing"{namespace}}})'
        found = self._prometheus.at(query, now.timestamp())
        names = {each.labels.get("alertname", "") for each in found} - {known.get("alertname"), ""}
        return sorted(names)[:_MOST_NAMES]


def _last(series: Sequence[Series], end: float, step: float) -> float:
    """Give the value of now: a query with a threshold gives none below it."""
    if len(series) != 1 or not series[0].points:
        return math.nan
    when, value = series[0].points[-1]
    return value if when > end - step else math.nan


def _finding(
    alert: Mapping[str, Any],
    highest: float,
    fired: float,
    last: float,
    series: Sequence[Series],
    end: datetime,
) -> str:
    """Tell the numbers in the unit of the alert, and of when each is."""
    texts = (alert.get("summary"), *(alert.get("annotations") or {}).values())
    # As humanizePercentage of a rule's template writes what fired.
    share = any(f"{100 * fired:.4g}%" in str(text) for text in texts)

    def number(value: float) -> str:
        return f"{100 * value:.4g}%" if share else f"{value:.4g}"

    then = f"{number(fired)} when it fired, " if math.isfinite(fired) else ""
    now = ""
    if len(series) == 1:
        now = f", {number(last) if math.isfinite(last) else 'nothing'} at {end:%H:%M:%S} UTC"
    most = f"at most {number(highest)} from half an hour before it on"
    return f"the alert's query gave {then}{most}{now}"


def _told(series: Series) -> dict[str, Any]:
    points: Sequence[tuple[float, float]] = series.points
    return {
        "labels": dict(series.labels),
        # JSON has no NaN.
        "points": [[when, value if math.isfinite(value) else None] for when, value in points],
    }
