"""How many alerts of a body are taken in at once, and of a sender in an hour; the rest is parked.

What an alert costs comes after it is on the bus. So no sender gets more onto it than it may; what
is beyond is kept in the parking queue, whose alarm and redrive are there already. Nothing is
refused for its number: Alertmanager would send the same body again for ever.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from alert_ingest.errors import ChannelRefused, ChannelUnavailable
from alert_ingest.firings import Firings, unsettled
from alert_ingest.model import Alert

#: What somebody can do about it, by the names that the senders have for it.
ADVICE = (
    "Lower max_alerts (Max Alerts in Grafana) of the receiver, or group by more labels. What waits"
    " is not lost: srectl dlq redrive parked"
)


class Counter(Protocol):
    """Where the alerts of each sender are counted, hour by hour."""

    def count(self, key_id: str, hour: int, critical: int, other: int) -> tuple[int, int]:
        """Add to the hour of a sender; return how many it has now, critical ones and others.

        Raises
        ------
        ChannelUnavailable, ChannelRefused
            It cannot be counted.
        """
        ...


@dataclass(frozen=True, slots=True)
class Split:
    """A body's alerts.

    Attributes
    ----------
    taken
        Those for the bus.
    left
        Those to be parked.
    why
        In words, where there are any; they name the parameter.
    """

    taken: tuple[Alert, ...]
    left: tuple[Alert, ...] = ()
    why: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """What waits, why, and what its sender is to change."""
        return f"{len(self.left)} alerts wait: {', and '.join(self.why)}. {ADVICE}"

    def settled(self, firings: Firings, received_at: datetime) -> tuple[Alert, ...]:
        """Return all alerts with their incidents, those for the bus first.

        What waits is not looked up, unless it is an end: that one closes its incident once it is
        redriven, and until it is noted the alert's next firing would join that very incident.
        """
        ends = [alert for alert in self.left if alert.status == "resolved"]
        others = [alert for alert in self.left if alert.status != "resolved"]
        return (*firings.settle((*self.taken, *ends), received_at), *unsettled(others))


@dataclass(frozen=True, slots=True)
class Allowance:
    """Decides which alerts of a body are taken: critical ones first.

    Attributes
    ----------
    counter
        None counts nothing, so that only bodies have a limit.
    per_body
        Alerts of one body (``MAX_ALERTS_PER_BODY``).
    per_hour
        Alerts that come with one key in an hour of the clock (``SENDER_ALERTS_PER_HOUR``).
    critical_percent
        Of these, what only critical ones may use up (``FLOOD_CRITICAL_RESERVE``).
    anywhere
        Gives the place where those begin of which not all can be taken, so that a body that comes
        again and again has another part of it taken each time.
    """

    counter: Counter | None
    per_body: int
    per_hour: int
    critical_percent: int
    anywhere: Callable[[int], int] = field(default=random.randrange)

    def split(self, alerts: Sequence[Alert], key_id: str, received_at: datetime) -> Split:
        """Divide a body. Where its sender cannot be counted the body has no other limit."""
        taken = tuple(alerts)
        why: tuple[str, ...] = ()
        if len(taken) > self.per_body:
            taken = self._critical_first(taken)[: self.per_body]
            why = (
                f"the body has {len(alerts)} alerts, and {self.per_body} of a body are taken"
                " (MaxAlertsPerBody)",
            )
        critical, others = _apart(taken)
        room = self._room(len(critical), len(others), key_id, received_at)
        if room is not None:
            taken = (*critical[: room[0]], *others[: room[1]])
            why = (
                *why,
                f"the sender has had its {self.per_hour} alerts of this hour, of which"
                f" {self._kept} are for critical ones (SenderAlertsPerHour)",
            )
        if not why:
            return Split(taken)
        chosen = {id(alert) for alert in taken}
        return Split(taken, tuple(each for each in alerts if id(each) not in chosen), why)

    @property
    def _kept(self) -> int:
        return self.per_hour * self.critical_percent // 100

    def _critical_first(self, alerts: tuple[Alert, ...]) -> tuple[Alert, ...]:
        critical, others = _apart(alerts)
        if len(critical) > self.per_body:
            critical = self._turned(critical)
        return (*critical, *self._turned(others))

    def _turned(self, alerts: list[Alert]) -> list[Alert]:
        first = self.anywhere(len(alerts)) if alerts else 0
        return [*alerts[first:], *alerts[:first]]

    def _room(
        self, critical: int, other: int, key_id: str, received_at: datetime
    ) -> tuple[int, int] | None:
        """Count alerts; return how many of the critical and the others fit, None where all do."""
        if self.counter is None or not critical + other:
            return None
        hour = int(received_at.timestamp()) // 3600
        try:
            all_critical, all_other = self.counter.count(key_id, hour, critical, other)
        except (ChannelUnavailable, ChannelRefused):
            return None
        not_kept = self.per_hour - self._kept
        before = all_critical - critical + min(all_other - other, not_kept)
        room_critical = min(critical, max(0, self.per_hour - before))
        room_other = min(
            other,
            max(0, not_kept - (all_other - other)),
            max(0, self.per_hour - before - room_critical),
        )
        fits = (room_critical, room_other) == (critical, other)
        return None if fits else (room_critical, room_other)


def _apart(alerts: Sequence[Alert]) -> tuple[list[Alert], list[Alert]]:
    """Tell critical alerts from the others, each in their order."""
    critical = [alert for alert in alerts if alert.severity == "critical"]
    return critical, [alert for alert in alerts if alert.severity != "critical"]
