"""Gets entries onto the bus, or failing that into the parking queue, before the sender gives up.

Alertmanager hangs up after 10 s, so both have a deadline. Sending goes in rounds: whatever a round
leaves over is tried again after a pause, and a service that does not answer at all is not asked
for every batch in turn. An entry may get to the bus *and* be parked (the answer was lost); that is
harmless, as every event of an incident can be handled twice.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from alert_ingest.errors import ChannelRefused, ChannelUnavailable, DeliveryFailed
from alert_ingest.events import Entry, entry_size

MAX_BATCH_ENTRIES = 10
# PutEvents and SendMessageBatch both count the whole request. 256 KB is the oldest of their limits.
MAX_BATCH_BYTES = 240_000
# A body of 5 MiB is about 240 batches; one after the other they would take longer than there is.
SIDE_BY_SIDE = 8


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry that a service did not take, and its reason."""

    entry: Entry
    reason: str


class Channel(Protocol):
    """A service that takes entries in batches of at most ten."""

    def send(self, entries: Sequence[Entry]) -> list[Refusal]:
        """Send one batch and return what was refused.

        Raises
        ------
        ChannelUnavailable
            No answer, throttled, or failed; worth another try.
        ChannelRefused
            The call is not allowed or its resource is missing; not worth another try.
        """
        ...


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many entries went where, and why any did not go to the bus."""

    published: int
    parked: tuple[Entry, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """Publishes entries, parks what cannot be published.

    Attributes
    ----------
    publish_seconds, park_seconds
        When trying to publish and to park ends, in seconds after the start. A call that is under
        way then may take its own timeout longer (see the adapters).
    rounds
        How often an entry is sent before it counts as refused.
    pause_seconds
        Longest pause before the second round; doubles each round (exponential, full jitter).
    side_by_side
        Batches of a large body that are sent at the same time.
    """

    bus: Channel
    parking: Channel
    publish_seconds: float = 4.0
    park_seconds: float = 7.0
    rounds: int = 3
    pause_seconds: float = 0.2
    side_by_side: int = SIDE_BY_SIDE
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[float, float], float] = field(default=random.uniform)

    def deliver(self, entries: Sequence[Entry], aside: Sequence[Entry] = ()) -> Delivered:
        """Bring every entry to the bus or to the parking queue.

        Parameters
        ----------
        entries
            For the bus.
        aside
            For the parking queue, without trying the bus.

        Raises
        ------
        DeliveryFailed
            Some entries are in neither; the sender must try again.
        """
        start = self.clock()
        unpublished = self._send_all(self.bus, entries, start + self.publish_seconds)
        if not unpublished and not aside:
            return Delivered(len(entries))
        to_park = [*(refusal.entry for refusal in unpublished), *aside]
        lost = self._send_all(self.parking, to_park, start + self.park_seconds)
        if lost:
            everything = len(entries) + len(aside)
            raise DeliveryFailed(len(lost), everything, _reasons([*unpublished, *lost]))
        return Delivered(len(entries) - len(unpublished), tuple(to_park), _reasons(unpublished))

    def _send_all(
        self, channel: Channel, entries: Sequence[Entry], deadline: float
    ) -> list[Refusal]:
        if len(entries) > self.side_by_side * MAX_BATCH_ENTRIES:
            # Where time does not suffice for all, the sender repeats the body: then other entries
            # are first. The order means nothing (each event says what it is about).
            first = int(self.jitter(0, len(entries) - 1))
            entries = [*entries[first:], *entries[:first]]
        final: list[Refusal] = []
        pending = [Refusal(entry, "not tried: no time left") for entry in entries]
        for attempt in range(self.rounds):
            if attempt:
                pause = self.jitter(0, self.pause_seconds * 2 ** (attempt - 1))
                if self.clock() + pause >= deadline:
                    break
                self.sleep(pause)
            pending, hopeless = self._round(channel, pending, deadline)
            final += hopeless
            if not pending:
                break
        return final + pending

    def _round(
        self, channel: Channel, pending: Sequence[Refusal], deadline: float
    ) -> tuple[list[Refusal], list[Refusal]]:
        """Send each batch once; return what may be tried again and what may not."""
        again: list[Refusal] = []
        batches = list(_batches([refusal.entry for refusal in pending]))
        sent = 0
        while sent < len(batches):
            if self.clock() >= deadline:
                return again + _rest(batches[sent:], "no time left"), []
            # The first goes alone: a service that is away is not asked for every batch.
            wave = batches[sent : sent + self.side_by_side] if sent else batches[:1]
            sent += len(wave)
            stopped: ChannelUnavailable | ChannelRefused | None = None
            for batch, result in zip(wave, _sent(channel, wave), strict=True):
                if isinstance(result, list):
                    again += result
                    continue
                again += _rest([batch], str(result))
                if stopped is None or isinstance(result, ChannelRefused):
                    stopped = result
            if stopped is not None:
                again += _rest(batches[sent:], str(stopped))
                return ([], again) if isinstance(stopped, ChannelRefused) else (again, [])
        return again, []


Result = list[Refusal] | ChannelUnavailable | ChannelRefused


def _sent(channel: Channel, wave: Sequence[Sequence[Entry]]) -> Sequence[Result]:
    """Send some batches at the same time; say of each what was refused, or why it failed."""

    def send(batch: Sequence[Entry]) -> Result:
        try:
            return channel.send(batch)
        except (ChannelUnavailable, ChannelRefused) as error:
            return error

    if len(wave) == 1:  # nearly every body: no threads, and no import of them
        return [send(wave[0])]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(wave)) as threads:
        return list(threads.map(send, wave))


def _rest(batches: Sequence[Sequence[Entry]], reason: str) -> list[Refusal]:
    return [Refusal(entry, reason) for batch in batches for entry in batch]


def _batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        entry_bytes = entry_size(entry)
        if batch and (len(batch) == MAX_BATCH_ENTRIES or size + entry_bytes > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry_bytes
    if batch:
        yield batch


def _reasons(refusals: Sequence[Refusal]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(refusal.reason for refusal in refusals))
