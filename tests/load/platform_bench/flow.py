"""Sending a batch of alerts and following each one to its record."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.load.platform_bench.alerts import Alert, body
from tests.load.platform_bench.intake import Delivery, Webhook
from tests.load.platform_bench.records import Records


@dataclass
class Flow:
    """A batch under way; filled from several threads.

    Parameters
    ----------
    started_at : float
        When the first body was sent (``time.monotonic``).
    """

    started_at: float = field(default_factory=time.monotonic)
    deliveries: list[Delivery] = field(default_factory=list)
    #: Incidents that were accepted: their start, and when their body was first sent.
    begun: dict[str, str] = field(default_factory=dict)
    sent_at: dict[str, float] = field(default_factory=dict)
    seen_at: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, alerts: Sequence[Alert], delivery: Delivery) -> None:
        """Take in what became of a body."""
        with self._lock:
            self.deliveries.append(delivery)
            for incident_id, alert in zip(delivery.incident_ids, alerts, strict=False):
                self.begun[incident_id] = alert.started_at
                self.sent_at[incident_id] = delivery.sent_at

    def missing(self) -> Mapping[str, str]:
        """Give the incidents that were accepted and have no record yet, eldest first."""
        with self._lock:
            return {one: start for one, start in self.begun.items() if one not in self.seen_at}

    @property
    def latencies(self) -> list[float]:
        """Seconds from webhook to record, of those that have one."""
        return [seen - self.sent_at[one] for one, seen in self.seen_at.items()]

    @property
    def seconds(self) -> float:
        """Seconds from the first body to the last record."""
        return max(self.seen_at.values(), default=self.started_at) - self.started_at

    @property
    def rate(self) -> float:
        """Records a second."""
        return len(self.seen_at) / self.seconds if self.seen_at else 0.0

    @property
    def all_accepted(self) -> bool:
        """Whether each body was taken at the first time of asking."""
        return all(each.statuses == (202,) for each in self.deliveries)


def send(
    webhook: Webhook,
    records: Records,
    bodies: Sequence[Sequence[Alert]],
    *,
    clients: int,
    seconds: float,
    interval: float,
    retry: bool = False,
    look_at: int = 1000,
) -> Flow:
    """Send bodies from several clients at once and wait for the records.

    Parameters
    ----------
    webhook, records
        The platform's two ends.
    bodies : sequence of sequence of Alert
        What each body holds.
    clients : int
        Senders at once.
    seconds : float
        Longest time for all of it.
    interval : float
        Seconds between two looks for records: how exact their times are.
    retry : bool
        Send again what was refused, as Alertmanager does.
    look_at : int
        Records looked for at once; the eldest first.

    Returns
    -------
    Flow
        What became of it.
    """
    flow = Flow()
    until = flow.started_at + seconds

    def one(alerts: Sequence[Alert]) -> None:
        flow.note(alerts, webhook.deliver(body(alerts), until=until if retry else 0.0))

    with ThreadPoolExecutor(clients) as pool:
        pending = [pool.submit(one, alerts) for alerts in bodies]
        while time.monotonic() < until:
            sent = all(each.done() for each in pending)
            missing = flow.missing()
            if sent and not missing:
                break
            some = dict(list(missing.items())[:look_at])
            for incident_id in records.seen(some):
                flow.seen_at[incident_id] = time.monotonic()
            time.sleep(interval)
    for each in pending:
        each.result()
    return flow
