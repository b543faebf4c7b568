"""The measurements, one function each, in the order in which ``make bench`` makes them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.load.platform_bench.alerts import Alert, body
from tests.load.platform_bench.floor import floor
from tests.load.platform_bench.flow import Flow, send
from tests.load.platform_bench.intake import Webhook
from tests.load.platform_bench.records import Records, unfinished
from tests.load.platform_bench.stack import Stack
from tests.load.platform_bench.targets import Targets, runbook_name
from tests.load.platform_bench.usage import Spent, cpu, find_emulator, memory_mb

NOBODY = "BenchNoRunbook"
STORM = "BenchStorm"
_BURST, _BURST_CLIENTS, _FIFTIES, _BODY, _FIFTY_CLIENTS = 200, 20, 40, 50, 8
_LONGEST_SECONDS = 120.0
_QUIET_SECONDS = 90.0


@dataclass(frozen=True)
class Sizes:
    """How much is sent.

    Parameters
    ----------
    singles : int
        Alerts sent one by one, to their record.
    single_actions : int
        The same, to their action.
    action_targets : int
        Targets of the burst that sets off actions.
    storm_alerts, storm_targets : int
        The storm, in bodies of fifty.
    storm_seconds : float
        Longest time for it; what has no record then counts as late.
    """

    singles: int = 40
    single_actions: int = 10
    action_targets: int = 20
    storm_alerts: int = 10_000
    storm_targets: int = 200
    storm_seconds: float = 240.0


@dataclass(frozen=True)
class Storm:
    """What became of the storm."""

    flow: Flow
    sent: int
    recorded: int
    doubled: int
    unfinished: int
    targets_acted_on: int
    most_actions: int
    in_dead_letters: int


@dataclass(frozen=True)
class Results:
    """All that was measured; times in seconds."""

    idle: Spent
    one_by_one: list[float]
    action_one_by_one: list[float]
    burst: Flow
    burst_cpu: Spent
    fifties: Flow
    fifties_cpu: Spent
    action_burst: list[float]
    actions_missing: int
    storm: Storm
    memory: tuple[float, float]


@dataclass
class Bench:
    """A running stack and the ways to it."""

    stack: Stack
    sizes: Sizes
    tell: Callable[[str], None]

    def __post_init__(self) -> None:
        environment = self.stack.environment
        self.webhook = Webhook(environment["WEBHOOK_URL"], environment["WEBHOOK_API_KEY"])
        self.records = Records(self.stack)
        self.targets = Targets(self.stack)
        self.emulator = find_emulator(environment["AWS_ENDPOINT_URL"])
        self.single_targets = _names("single", self.sizes.single_actions)
        self.burst_targets = _names("burst", self.sizes.action_targets)
        self.storm_targets = _names("storm", self.sizes.storm_targets)

    def run(self) -> Results:
        """Measure everything."""
        self.targets.make([*self.single_targets, *self.burst_targets, *self.storm_targets])
        try:
            return self._run()
        finally:
            self.targets.stop()

    def _run(self) -> Results:
        with self._cpu() as idle:
            self._begin("nothing, for ten seconds")
            time.sleep(10)
        self._begin(f"{self.sizes.singles} alerts one by one, to their record")
        one_by_one = self._one_by_one()
        self._begin(f"{self.sizes.single_actions} alerts one by one, to their action")
        action_one_by_one = self._actions_one_by_one()
        self._begin(f"{_BURST} alerts on {len(self.burst_targets)} targets, to their action")
        action_burst, actions_missing = self._action_burst()
        self._begin(f"a burst of {_BURST} alerts, to their records")
        with self._cpu() as burst_cpu:
            singles = [[Alert(NOBODY)] for _ in range(_BURST)]
            burst = self._send(singles, _BURST_CLIENTS, retry=True)
            self.records.wait_quiet(_QUIET_SECONDS)
        self._begin(f"{_FIFTIES} bodies of {_BODY} alerts, from {_FIFTY_CLIENTS} clients")
        with self._cpu() as fifties_cpu:
            bodies = [[Alert(NOBODY) for _ in range(_BODY)] for _ in range(_FIFTIES)]
            fifties = self._send(bodies, _FIFTY_CLIENTS)
            self.records.wait_quiet(_QUIET_SECONDS)
        self._begin(
            f"a storm of {self.sizes.storm_alerts} alerts over {len(self.storm_targets)} targets"
        )
        storm = self._storm()
        return Results(
            idle=idle[0],
            one_by_one=one_by_one,
            action_one_by_one=action_one_by_one,
            burst=burst,
            burst_cpu=burst_cpu[0],
            fifties=fifties,
            fifties_cpu=fifties_cpu[0],
            action_burst=action_burst,
            actions_missing=actions_missing,
            storm=storm,
            memory=memory_mb(self.emulator),
        )

    def _begin(self, what: str) -> None:
        self.tell(what)
        self.records.forget_floods()

    @contextmanager
    def _cpu(self) -> Iterator[list[Spent]]:
        """Give a list that holds what the block has cost, once it is over."""
        spent: list[Spent] = []
        earlier = floor()
        before = cpu(self.emulator)
        yield spent
        cost = cpu(self.emulator) - before
        spent.append(Spent(cost, (earlier + floor()) / 2))

    def _send(
        self, bodies: Sequence[Sequence[Alert]], clients: int, *, retry: bool = False
    ) -> Flow:
        return send(
            self.webhook,
            self.records,
            bodies,
            clients=clients,
            seconds=_LONGEST_SECONDS,
            interval=0.25,
            retry=retry,
        )

    def _one_by_one(self) -> list[float]:
        latencies = []
        for _ in range(self.sizes.singles):
            flow = send(
                self.webhook,
                self.records,
                [[Alert(NOBODY)]],
                clients=1,
                seconds=30,
                interval=0.02,
            )
            latencies.extend(flow.latencies or [float("inf")])
        return latencies

    def _actions_one_by_one(self) -> list[float]:
        latencies = []
        for target in self.single_targets:
            alert = Alert(runbook_name(target), target)
            sent = self.webhook.deliver(body([alert]))
            self.targets.wait_changed([target], until=sent.sent_at + 30)
            changed = self.targets.changed_at(target)
            latencies.append(float("inf") if changed is None else changed - sent.sent_at)
            self.webhook.deliver(body([alert], resolved=True))
        self.records.wait_quiet(_QUIET_SECONDS)
        return latencies

    def _action_burst(self) -> tuple[list[float], int]:
        names = self.burst_targets
        about = [names[number % len(names)] for number in range(_BURST)]
        alerts = [Alert(runbook_name(target), target) for target in about]
        deliveries = self.webhook.deliver_all(
            [body([alert]) for alert in alerts],
            clients=_BURST_CLIENTS,
            until=time.monotonic() + 60,
        )
        missing = self.targets.wait_changed(names, until=time.monotonic() + 60)
        first_sent: dict[str, float] = {}
        for target, delivery in zip(about, deliveries, strict=True):
            first_sent[target] = min(delivery.sent_at, first_sent.get(target, delivery.sent_at))
        latencies = []
        for target in names:
            changed = self.targets.changed_at(target)
            if changed is not None:
                latencies.append(changed - first_sent[target])
        until = time.monotonic() + 60
        over = [alerts[first : first + _BODY] for first in range(0, len(alerts), _BODY)]
        for some in over:
            self.webhook.deliver(body(some, resolved=True), until=until)
        self.records.wait_quiet(_QUIET_SECONDS)
        return latencies, len(missing)

    def _storm(self) -> Storm:
        about = [
            self.storm_targets[number % len(self.storm_targets)]
            for number in range(self.sizes.storm_alerts)
        ]
        alerts = [Alert(runbook_name(target), target) for target in about]
        flow = send(
            self.webhook,
            self.records,
            [alerts[first : first + _BODY] for first in range(0, len(alerts), _BODY)],
            clients=_FIFTY_CLIENTS,
            seconds=self.sizes.storm_seconds,
            interval=1.0,
            retry=True,
            look_at=300,
        )
        items = list(self.records.all_of(STORM))
        each = Counter(item["fingerprint"]["S"] for item in items)
        actions = [self.targets.actions(name) for name in self.storm_targets]
        return Storm(
            flow=flow,
            sent=len(alerts),
            recorded=len(each),
            doubled=sum(number > 1 for number in each.values()),
            unfinished=unfinished(items),
            targets_acted_on=sum(number > 0 for number in actions),
            most_actions=max(actions),
            in_dead_letters=self._in_dead_letters(),
        )

    def _in_dead_letters(self) -> int:
        sqs = self.stack.client("sqs")
        name = "ApproximateNumberOfMessages"
        return sum(
            int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])
            for url in sqs.list_queues().get("QueueUrls", [])
        )


def _names(kind: str, number: int) -> list[str]:
    return [f"{kind}-{one:03}" for one in range(number)]
