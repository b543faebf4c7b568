"""Nothing accepted is lost: rounds, parking and the deadline, with a clock that tests move."""

from __future__ import annotations

import json
import threading
import time

import pytest

from alert_ingest.delivery import MAX_BATCH_BYTES, Delivered, Delivery
from alert_ingest.errors import (
    AlertIngestError,
    ChannelRefused,
    ChannelUnavailable,
    DeliveryFailed,
)
from alert_ingest.events import Entry, entry_size
from tests.unit.alert_ingest.bodies import FakeChannel, FakeTime

DOWN = ChannelUnavailable("down")
FORBIDDEN = ChannelRefused("forbidden")


def entries(count: int, size: int = 10) -> list[Entry]:
    return [
        Entry(
            EventBusName="bus",
            Source="sre.alertmanager",
            DetailType="incident.created",
            Detail=json.dumps({"n": number, "x": "x" * size}),
        )
        for number in range(count)
    ]


class Rig:
    """A delivery between two fakes."""

    def __init__(self, bus: FakeChannel, parking: FakeChannel, call_seconds: float) -> None:
        self.bus, self.parking, self.time = bus, parking, FakeTime()
        self.start = self.time.now
        bus.takes_time = parking.takes_time = lambda: self.spend(call_seconds)
        self.delivery = Delivery(
            bus,
            parking,
            clock=self.time.clock,
            sleep=self.time.sleep,
            jitter=lambda _low, high: high,
            side_by_side=1,  # the clock of these tests adds up the time of calls
        )

    def spend(self, seconds: float) -> None:
        self.time.now += seconds

    @property
    def elapsed(self) -> float:
        return self.time.now - self.start


def rig(
    bus: list[AlertIngestError | set[int] | None] | None = None,
    bus_broken: AlertIngestError | None = None,
    parking_broken: AlertIngestError | None = None,
    call_seconds: float = 0.0,
) -> Rig:
    return Rig(FakeChannel(bus or [], bus_broken), FakeChannel(broken=parking_broken), call_seconds)


def test_entries_go_out_in_tens() -> None:
    it = rig()
    assert it.delivery.deliver(entries(25)) == Delivered(25)
    assert [len(batch) for batch in it.bus.batches] == [10, 10, 5]
    assert it.parking.batches == []
    assert it.time.pauses == []


def test_a_large_body_goes_out_side_by_side_and_begins_elsewhere_each_time() -> None:
    everything = entries(2_400)
    at_once: list[int] = []
    running = threading.Semaphore(0)
    bus = FakeChannel()

    def takes_time() -> None:
        running.release()
        time.sleep(0.002)
        at_once.append(running._value)
        running.acquire()

    bus.takes_time = takes_time
    for delivery in (
        Delivery(bus, FakeChannel(), jitter=lambda low, _high: low),
        Delivery(bus, FakeChannel(), jitter=lambda _low, high: high / 2),
    ):
        assert delivery.deliver(everything) == Delivered(2_400)
    assert 1 < max(at_once) <= 8
    begun = [batch[0] for batch in bus.batches]
    assert everything[0] == begun[0]
    assert everything[1_199] == begun[240]


def test_large_entries_go_out_in_smaller_batches() -> None:
    it = rig()
    it.delivery.deliver(entries(6, 100_000))
    assert [len(batch) for batch in it.bus.batches] == [2, 2, 2]
    for batch in it.bus.batches:
        assert sum(map(entry_size, batch)) <= MAX_BATCH_BYTES


def test_only_refused_entries_are_sent_again() -> None:
    it = rig([{1, 3}, {0}])
    sent = entries(5)
    assert it.delivery.deliver(sent) == Delivered(5)
    assert it.bus.batches == [sent, [sent[1], sent[3]], [sent[1]]]
    assert it.time.pauses == [0.2, 0.4]


def test_entries_refused_three_times_are_parked_whole() -> None:
    it = rig([{1}, {0}, {0}])
    sent = entries(3)
    delivered = it.delivery.deliver(sent)
    assert delivered.published == 2
    assert list(delivered.parked) == it.parking.taken == [sent[1]]
    assert delivered.reasons == ("refused by the test",)


def test_a_dead_bus_is_not_asked_for_every_batch() -> None:
    it = rig(bus_broken=DOWN)
    delivered = it.delivery.deliver(entries(100))
    assert len(it.bus.batches) == 3
    assert (delivered.published, len(delivered.parked)) == (0, 100)
    assert delivered.reasons == ("down",)


def test_a_bus_that_recovers_gets_everything() -> None:
    it = rig([DOWN, None, DOWN])
    assert it.delivery.deliver(entries(25)) == Delivered(25)
    assert it.parking.batches == []
    assert len({entry["Detail"] for entry in it.bus.taken}) == 25


def test_a_refused_call_is_not_repeated() -> None:
    it = rig(bus_broken=FORBIDDEN)
    delivered = it.delivery.deliver(entries(25))
    assert len(it.bus.batches) == 1
    assert it.time.pauses == []
    assert len(delivered.parked) == 25


def test_what_is_neither_published_nor_parked_is_said() -> None:
    it = rig([{0}] * 3, parking_broken=DOWN)
    with pytest.raises(DeliveryFailed) as raised:
        it.delivery.deliver(entries(4))
    assert (raised.value.undelivered, raised.value.total) == (1, 4)
    assert raised.value.reasons == ("refused by the test", "down")


def test_a_slow_bus_leaves_time_to_park() -> None:
    it = rig(call_seconds=0.5)
    delivered = it.delivery.deliver(entries(140))
    assert len(it.bus.batches) == 8  # as many as begin within 4 s
    assert delivered.published == 80
    assert len(delivered.parked) == len(it.parking.taken) == 60
    assert delivered.reasons == ("no time left",)


def test_both_too_slow_is_a_failure_before_the_sender_gives_up() -> None:
    it = rig(call_seconds=1.5)
    with pytest.raises(DeliveryFailed, match="no time left") as raised:
        it.delivery.deliver(entries(200))
    assert len(it.bus.taken) + len(it.parking.taken) + raised.value.undelivered == 200
    assert it.elapsed <= 7 + 1.5


def test_a_bus_that_hangs_and_then_refuses_leaves_time_to_park() -> None:
    it = rig(bus_broken=DOWN, call_seconds=2.3)
    it.delivery.deliver(entries(1))
    assert len(it.bus.batches) == 2
    assert len(it.parking.taken) == 1
    assert it.elapsed < 10


def test_no_pause_beyond_the_deadline() -> None:
    it = rig(bus_broken=DOWN, call_seconds=3.9)
    it.delivery.deliver(entries(1))
    assert it.time.pauses == []
    assert len(it.bus.batches) == 1


@pytest.mark.parametrize("count", [0, 1])
def test_few_entries(count: int) -> None:
    it = rig()
    assert it.delivery.deliver(entries(count)) == Delivered(count)
    assert len(it.bus.batches) == count
