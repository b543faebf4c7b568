"""What the answer to a runbook's own query means. In doubt the incident is not over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from runbook_action.prometheus.criterion import Criterion
from runbook_action.prometheus.port import Prometheus, Series

#: Questions within the time for which it has to hold; the series of an answer are short.
_POINTS = 30


@dataclass(frozen=True)
class Verdict:
    """What the data say.

    Attributes
    ----------
    state
        ``recovered``; ``recovering``: it is so now, but was not for the whole time;
        ``not-recovered``; ``unknown``: only what is heard counts.
    by
        ``promql``, the runbook's query, or ``alert``, the rule of the alert itself.
    text
        One sentence for people, without a full stop.
    since
        Of what has recovered: Unix time since when at least. Else 0.
    """

    state: Literal["recovered", "recovering", "not-recovered", "unknown"]
    by: Literal["promql", "alert"]
    text: str
    since: float = 0.0

    def to_json(self) -> dict[str, str]:
        """As the state machine takes it; ``since`` is empty where it says nothing."""
        since = datetime.fromtimestamp(self.since, UTC).isoformat(timespec="milliseconds")
        told = since.replace("+00:00", "Z") if self.since else ""
        return {"state": self.state, "by": self.by, "text": self.text, "since": told}


def by_query(prometheus: Prometheus, criterion: Criterion, query: str, now: float) -> Verdict:
    """Ask whether a query has held for its time, in every series and at every moment.

    Nothing, NaN, a gap and a single series that differs are no recovery: what an incident takes
    away is often the very data.

    Raises
    ------
    Unanswered
        Then nothing is known.
    """
    end = math.floor(now)
    step = max(1, math.ceil(criterion.seconds / _POINTS))
    start = end - step * math.ceil(criterion.seconds / step)
    found = prometheus.over(query, start, end, step)
    if not found:
        return Verdict("not-recovered", "promql", "the query has no data, which is no recovery")
    wanted = (end - start) // step + 1
    whys = [_why_not(each, criterion, wanted, several=len(found) > 1) for each in found]
    if why := next(filter(None, whys), ""):
        holds = all(_holds_now(each, criterion, end) for each in found)
        return Verdict("recovering" if holds else "not-recovered", "promql", why)
    highest = max(each.points[-1][1] for each in found)
    lowest = min(each.points[-1][1] for each in found)
    last = f"{lowest:.4g}" if lowest == highest else f"{lowest:.4g} to {highest:.4g}"
    of_all = f" in all of {len(found)} series" if len(found) > 1 else ""
    return Verdict(
        "recovered",
        "promql",
        f"the query has been {criterion} for {criterion.seconds} seconds{of_all}, now {last}",
        start,
    )


def _holds_now(series: Series, criterion: Criterion, end: float) -> bool:
    when, value = series.points[-1] if series.points else (0.0, math.nan)
    return when == end and criterion.holds(value)


def _why_not(series: Series, criterion: Criterion, wanted: int, *, several: bool) -> str:
    where = f" of {_named(series)}" if several else ""
    values = [value for _, value in series.points]
    if any(math.isnan(value) for value in values):
        return f"the query{where} was no number (NaN) within {criterion.seconds} seconds"
    missing = [value for value in values if not criterion.holds(value)]
    if missing:
        return (
            f"the query{where} was not {criterion} all of {criterion.seconds} seconds, it was "
            f"{missing[-1]:.4g}"
        )
    if len(values) < wanted:
        return (
            f"the query{where} has data for {len(values)} of {wanted} moments of the last "
            f"{criterion.seconds} seconds only"
        )
    return ""


def _named(series: Series) -> str:
    labels = [f"{name}={text}" for name, text in sorted(series.labels.items())]
    return ", ".join(labels)[:200] or "one series"


def one_number(found: Sequence[Series]) -> float | None:
    """Give the number of a query that is to have one; None for none, several and NaN."""
    if len(found) != 1 or len(found[0].points) != 1:
        return None
    value = found[0].points[0][1]
    return None if math.isnan(value) else value
