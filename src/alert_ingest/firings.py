"""Which incident a delivery belongs to, where its own start does not say so.

A start names an incident only as long as nothing is lost or restarted: Alertmanager lets an alert
time out and fire on with the start that it had, a restart moves the start of an alert that fires,
and Grafana's end may carry the end as its start. So one small row for each alert (sender and what
fires, without a start) remembers its newest firing. docs/adr/0012-an-alert-remembers-its-firing.md
says why here, and why that stands every order and race.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from alert_ingest.ends import to_be_told_again
from alert_ingest.errors import ChannelRefused, ChannelUnavailable
from alert_ingest.identity import incident_id
from alert_ingest.model import Alert, iso

#: After its end an alert may come again late, from the other of a pair, or out of a group's update.
WINDOW = timedelta(minutes=5)
#: What comes this soon after its end was heard is the other of a pair, whatever the clocks say: no
#: group is told again that quickly, but a sender's clock may be slow, or the end may have waited.
JUST_HEARD = timedelta(minutes=1)
#: A firing with a new start this long after the last that was heard is a new one, whether or not
#: the end was heard: longer than Alertmanager repeats by default (four hours).
MOVED = timedelta(hours=5)
#: A repetition is noted again only after this long, which spares a write for most of them.
HEARD_AGAIN = timedelta(minutes=1)
#: How often a write that somebody else was quicker with is thought over.
ATTEMPTS = 5
#: Writes under way at a time.
WRITERS = 8

NOT_LOOKED_UP = "whether this alert goes on from an earlier incident could not be looked up"


@dataclass(frozen=True, slots=True)
class Firing:
    """The newest firing of one alert.

    Attributes
    ----------
    incident_id
        Its incident.
    start
        When that began; None where only its end was heard.
    since
        The earliest moment that can be its end: an end before it is that of an earlier firing.
    heard
        When the platform was last told that it fires, or first that it ended.
    ended
        Its end; None while it fires.
    forerunner
        The incident of which this one is a recurrence.
    previous, previous_start
        The incident before it, to which a late end of that belongs.
    """

    incident_id: str
    start: datetime | None
    since: datetime
    heard: datetime
    ended: datetime | None = None
    forerunner: str | None = None
    previous: str | None = None
    previous_start: datetime | None = None


class Memory(Protocol):
    """Where the newest firing of each alert is kept."""

    def read(self, keys: Sequence[str]) -> Mapping[str, Firing]:
        """Return what is known, by `Alert.alert_key`; nothing for an alert that is not known.

        Raises
        ------
        ChannelUnavailable, ChannelRefused
            It cannot be read.
        """
        ...

    def over(self, incident_id: str) -> datetime | None:
        """Return when an incident was closed, or its alert ended; None where that is not known.

        Raises
        ------
        ChannelUnavailable, ChannelRefused
            It cannot be read.
        """
        ...

    def write(self, key: str, firing: Firing, known: Firing | None) -> bool:
        """Write a firing if the row still holds the incident and the end of ``known``.

        Raises
        ------
        ChannelUnavailable, ChannelRefused
            It cannot be written.
        """
        ...


@dataclass(frozen=True, slots=True)
class Firings:
    """Gives each alert the incident that it belongs to.

    Attributes
    ----------
    memory
        None looks nothing up: every alert keeps the incident of its own start.
    quiet
        How long after its last repetition an incident closes by itself (``QUIET_MINUTES``).
    spread
        Does the same for several keys, at once where that is worth it.
    """

    memory: Memory | None
    quiet: timedelta
    spread: Callable[[Callable[[str], list[Alert]], list[str]], list[list[Alert]]] = field(
        default=lambda work, keys: _at_once(work, keys)
    )

    def settle(self, alerts: Sequence[Alert], received_at: datetime) -> tuple[Alert, ...]:
        """Return the alerts, each with its incident, that one's start and its forerunner.

        Where the memory cannot be asked an alert keeps the incident of its own start, with a note:
        one incident too many is better than an alert that is not taken in.
        """
        memory = self.memory
        by_key: dict[str, list[Alert]] = {}
        for alert in alerts:
            if _is_remembered(alert):
                by_key.setdefault(alert.alert_key, []).append(alert)
        if memory is None or not by_key:
            return tuple(map(_without_memory, alerts))
        keys = list(by_key)
        try:
            known = memory.read(keys)
        except (ChannelUnavailable, ChannelRefused):
            return unsettled(alerts)

        def work(key: str) -> list[Alert]:
            return self._settle_one(memory, key, by_key[key], known.get(key), received_at)

        settled = dict(zip(keys, map(iter, self.spread(work, keys)), strict=True))
        return tuple(
            next(settled[alert.alert_key]) if _is_remembered(alert) else alert for alert in alerts
        )

    def _settle_one(
        self,
        memory: Memory,
        key: str,
        alerts: Sequence[Alert],
        known: Firing | None,
        received_at: datetime,
    ) -> list[Alert]:
        """Settle the deliveries of one alert in one body, in their order."""
        settled = list(map(_unsure, alerts))
        try:
            for _ in range(ATTEMPTS):
                settled, firing = self._decide(memory, alerts, known, received_at)
                if firing is None or firing == known or memory.write(key, firing, known):
                    return settled
                known = memory.read([key]).get(key)
        except (ChannelUnavailable, ChannelRefused):
            # What was read still tells the incident; the next delivery writes it down.
            return [to_be_told_again(alert) for alert in settled]
        return [_unsure(alert) for alert in alerts]

    def _decide(
        self,
        memory: Memory,
        alerts: Sequence[Alert],
        known: Firing | None,
        received_at: datetime,
    ) -> tuple[list[Alert], Firing | None]:
        settled = []
        for alert in alerts:
            over = None
            if known is not None and _may_begin_anew(alert, known):
                over = memory.over(known.incident_id)
            one, known = settle(alert, known, received_at, self.quiet, over)
            settled.append(one)
        return settled, known


def settle(
    alert: Alert,
    known: Firing | None,
    received_at: datetime,
    quiet: timedelta,
    over: datetime | None = None,
) -> tuple[Alert, Firing | None]:
    """Decide which incident a delivery belongs to.

    Parameters
    ----------
    alert
        As its sender's module read it.
    known
        The newest firing of this alert, None if it was never heard of.
    received_at
        Now.
    quiet
        How long after its last repetition an incident closes by itself.
    over
        When the incident of ``known`` was closed, where that is known: somebody does, though the
        end of its alert was not heard.

    Returns
    -------
    tuple
        The alert with its incident, and what is known of the alert from now on.
    """
    received_at = _kept(received_at)
    if alert.status == "firing":
        if over is not None and known is not None and _after(_start(alert, received_at), over):
            # Nobody hears of what joins an incident that is closed.
            return alert, _new(alert, _start(alert, received_at), received_at, known)
        return _firing(alert, known, received_at, quiet)
    if alert.only_if_known and _ends_nothing(_kept(alert.ended_at or received_at), known):
        return replace(alert, moot=True), known
    return _end(alert, known, received_at)


def _start(alert: Alert, now: datetime) -> datetime:
    return _kept(alert.started_at or now)


def _may_begin_anew(alert: Alert, known: Firing) -> bool:
    """Tell whether it matters if the incident of what fires is closed: a start has moved on."""
    return (
        alert.status == "firing"
        and known.ended is None
        and _names_its_start(alert)
        and alert.incident_id != known.incident_id
        and alert.started_at is not None
        and (known.start is None or _kept(alert.started_at) > known.start)
    )


def _ends_nothing(end: datetime, known: Firing | None) -> bool:
    """Tell whether an end is nobody's; that of a firing that it has ended itself is told again."""
    if known is None or (known.ended is not None and known.ended != end):
        return True
    return end < known.since and known.previous is None


def _firing(
    alert: Alert, known: Firing | None, now: datetime, quiet: timedelta
) -> tuple[Alert, Firing]:
    start = _start(alert, now)
    if known is None:
        return alert, _new(alert, start, now, None)
    ended = known.ended
    if alert.told_once:
        return _change(alert, start, known, now)
    if ended is None and now > known.heard + quiet + WINDOW:
        ended = known.heard + quiet  # incident-closer ends it by itself, a little later
    if ended is None:
        if _names_its_start(alert) and start > known.heard + MOVED:
            return alert, _new(alert, start, now, known)
        heard = now if now > known.heard + HEARD_AGAIN else known.heard
        return _as(alert, known), replace(known, heard=heard)
    another = _names_its_start(alert) and alert.incident_id != known.incident_id
    if another and _after(start, ended):
        return alert, _new(alert, start, now, known)
    if now <= ended + WINDOW or (known.ended is not None and now <= known.heard + JUST_HEARD):
        return _as(alert, known), known
    again = Firing(
        incident_id("recurrence", known.incident_id, iso(ended)),
        start=now,
        since=ended + WINDOW,
        heard=now,
        forerunner=known.incident_id,
        previous=known.incident_id,
        previous_start=known.start,
    )
    return _as(alert, again), again


def _change(alert: Alert, start: datetime, known: Firing, now: datetime) -> tuple[Alert, Firing]:
    """Decide of a sender that tells each change once, so that only the starts count, no clock."""
    if known.start is not None and start < known.start:
        return alert, known  # of a firing before, and late
    over = known.ended is not None and start > known.ended
    another = known.start is None or start > known.start
    if over or (known.ended is None and another and alert.begins):
        return alert, _new(alert, start, now, known)
    return _as(alert, known), known


def _end(alert: Alert, known: Firing | None, now: datetime) -> tuple[Alert, Firing]:
    end = _kept(alert.ended_at or now)
    # Grafana 12 may write the end as the start, too: then the start is not known.
    start = None if alert.started_at is None else _kept(alert.started_at)
    start = None if start is None or start >= end else start
    if known is None or (
        known.ended is not None
        and start is not None
        and _names_its_start(alert)
        and start > known.ended
    ):
        return alert, replace(_new(alert, start, now, known), since=start or end, ended=end)
    # Who tells each end once tells it of the firing before; who repeats ends may repeat any.
    if known.ended is not None and not (alert.told_once and end < known.since):
        return _as(alert, known), known
    if end < known.since:
        if known.previous is None:
            return alert, known
        return _as(alert, Firing(known.previous, known.previous_start, now, now)), known
    return _as(alert, known), replace(known, ended=end, heard=now)


def _is_remembered(alert: Alert) -> bool:
    """Tell an alert from a test and from the heartbeat, whose starts are enough."""
    return bool(alert.alert_key) and alert.purpose == "alert"


def _names_its_start(alert: Alert) -> bool:
    """Tell whether another start means another firing; a cycle of Datadog's has one key."""
    return alert.incident_id != alert.alert_key


def _after(start: datetime, end: datetime) -> bool:
    """Tell whether another firing began after an end: a start often has whole seconds only."""
    return start >= end.replace(microsecond=0)


def _new(alert: Alert, start: datetime | None, now: datetime, known: Firing | None) -> Firing:
    since = start or now
    if known is not None and known.ended is not None:
        # In the second of an end it may read as if it began before that, which is none of its own.
        since = max(since, known.ended + timedelta(milliseconds=1))
    return Firing(
        alert.incident_id,
        start=start,
        since=since,
        heard=now,
        previous=None if known is None else known.incident_id,
        previous_start=None if known is None else known.start,
    )


def _as(alert: Alert, known: Firing) -> Alert:
    """Return the alert as a delivery of that incident."""
    own = None if alert.started_at is None else _kept(alert.started_at)
    start = own if known.start is None else known.start
    if (alert.incident_id, own) == (known.incident_id, start):
        return alert
    notes = alert.notes
    if alert.status == "firing" and known.forerunner is not None:
        notes = (*notes, f"fires on after its end: a recurrence of incident {known.forerunner}")
    elif alert.status == "firing" and _names_its_start(alert):
        notes = (*notes, "its start moved while it was firing, the first that was heard stands")
    return replace(
        alert,
        incident_id=known.incident_id,
        started_at=start,
        occurred_at=start if alert.status == "firing" and start else alert.occurred_at,
        forerunner=known.forerunner,
        notes=notes,
    )


def unsettled(alerts: Sequence[Alert]) -> tuple[Alert, ...]:
    """Return alerts as they are where nothing is looked up, with a note that says so."""
    return tuple(_unsure(alert) if _is_remembered(alert) else alert for alert in alerts)


def _unsure(alert: Alert) -> Alert:
    return to_be_told_again(
        replace(alert, moot=alert.only_if_known, notes=(*alert.notes, NOT_LOOKED_UP))
    )


def _without_memory(alert: Alert) -> Alert:
    return replace(alert, moot=True) if alert.only_if_known else alert


def _at_once(work: Callable[[str], list[Alert]], keys: list[str]) -> list[list[Alert]]:
    if len(keys) == 1:
        return [work(keys[0])]
    with ThreadPoolExecutor(min(WRITERS, len(keys))) as pool:
        return list(pool.map(work, keys))


def _kept(moment: datetime) -> datetime:
    """Return a moment as precisely as it is kept and written."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def milliseconds(moment: datetime) -> int:
    """Return milliseconds since 1970, the precision in which moments are kept and compared."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def moment_of(value: int) -> datetime:
    """Return the moment of so many milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=value)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
