"""Which alerts are noisy: how often each came, whom it called, and what ended it."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from srectl.operate.track_record import outcome

__all__ = ["Noise", "noisiest"]

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Noise:
    """What came of one alert.

    Attributes
    ----------
    count
        Its incidents.
    called
        Those for which a human was called, because no runbook helped or none was to.
    helped
        Those that a runbook ended.
    itself
        Those that ended by themselves: no runbook helped, and nobody closed them or had them in
        hand, whether somebody was called or not.
    mttr_seconds
        Median time to its end; None where none has ended.
    last
        When the latest began.
    mostly_on
        The target that most of them were about, as map; None where none had any.
    """

    alert: str
    count: int
    called: int
    helped: int
    itself: int
    mttr_seconds: float | None
    last: str
    mostly_on: Mapping[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        """Give it as a program reads it."""
        return dict(vars(self))


def noisiest(records: Iterable[Record]) -> list[Noise]:
    """Count each alert, the most frequent first; of equals the one that called more.

    Parameters
    ----------
    records
        Incidents.
    """
    by_name: dict[str, list[Record]] = defaultdict(list)
    for each in records:
        by_name[str(each.get("alert_name"))].append(each)
    found = [_counted(name, each) for name, each in by_name.items()]
    return sorted(found, key=lambda one: (-one.count, -one.called, one.alert))


def _counted(name: str, records: list[Record]) -> Noise:
    ends = Counter(outcome(each) for each in records)
    times = [
        each["mttr_seconds"]
        for each in records
        if isinstance(each.get("mttr_seconds"), int | float)
    ]
    targets = [each["target"] for each in records if isinstance(each.get("target"), dict)]
    places = Counter(str(sorted(each.items())) for each in targets)
    most = places.most_common(1)[0][0] if places else None
    return Noise(
        alert=name,
        count=len(records),
        called=sum(bool(each.get("escalated_at")) for each in records),
        helped=ends["automation"],
        itself=ends["itself"],
        mttr_seconds=statistics.median(times) if times else None,
        last=max(str(each.get("timestamp")) for each in records),
        mostly_on=next((each for each in targets if str(sorted(each.items())) == most), None),
    )
