"""What is sent to a metered stack, and what of each unit that took."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from onemachine.aws import meter
from onemachine.cost.bill import Amounts, difference, scaled, summed
from tests.load.platform_bench.alerts import Alert, body
from tests.load.platform_bench.flow import send
from tests.load.platform_bench.intake import Webhook
from tests.load.platform_bench.records import Records
from tests.load.platform_bench.stack import Stack
from tests.load.platform_bench.targets import Targets, runbook_name

NOBODY = "CostNoRunbook"
_TOGETHER = 4
_HEARTBEATS = 10
_BACKGROUND_SECONDS = 20.0
_LONGEST_SECONDS = 180.0
# Events come and go for a while after an alert; this long without one is the end of it.
_QUIET_SECONDS = 4.0
_SETTLED = ("events", "transitions", "express_requests", "api_destination_calls")


@dataclass(frozen=True)
class LargeAlert(Alert):
    """An alert with as much text as the platform keeps of one."""

    def as_sent(self, *, resolved: bool = False) -> dict[str, Any]:
        """Give it in Alertmanager's words, and many of them."""
        sent = super().as_sent(resolved=resolved)
        sent["labels"] |= {f"label_{n:02}": f"{n}" * 4000 for n in range(10, 25)}
        sent["annotations"] |= {f"annotation_{n}": f"{n}" * 8000 for n in range(10, 20)}
        return sent


@dataclass
class Runs:
    """A metered stack and the ways to it."""

    stack: Stack
    meter_file: Path
    tell: Callable[[str], None]
    background: Amounts = field(default_factory=dict)

    def __post_init__(self) -> None:
        environment = self.stack.environment
        self.webhook = Webhook(environment["WEBHOOK_URL"], environment["WEBHOOK_API_KEY"])
        self.records = Records(self.stack)
        self.states = self.stack.client("stepfunctions")

    def begin(self) -> None:
        """Stop what runs by the clock, and see what passes all the same, a second."""
        watch, scheduler = self.stack.client("cloudwatch"), self.stack.client("scheduler")
        # Without its schedule the canary is missed, which people would be told of.
        for page in watch.get_paginator("describe_alarms").paginate():
            names = [each["AlarmName"] for each in page["MetricAlarms"]]
            watch.disable_alarm_actions(AlarmNames=names)
        for each in scheduler.list_schedules()["Schedules"]:
            scheduler.delete_schedule(Name=each["Name"], GroupName=each["GroupName"])
        self.settle()
        self.tell(f"nothing, for {_BACKGROUND_SECONDS:.0f} s")
        before = self.counted()
        time.sleep(_BACKGROUND_SECONDS)
        self.background = scaled(difference(self.counted(), before), 1 / _BACKGROUND_SECONDS)

    def counted(self) -> Amounts:
        """Give what was counted since the stack started."""
        time.sleep(0.5)
        return summed(meter.read(self.meter_file))

    def settle(self) -> None:
        """Wait until nothing is under way any more."""
        until = time.monotonic() + _LONGEST_SECONDS
        before, since = self.counted(), time.monotonic()
        while time.monotonic() - since < _QUIET_SECONDS:
            now = self.counted()
            running = not self.records.wait_quiet(1)
            if running or any(now.get(unit) != before.get(unit) for unit in _SETTLED):
                before, since = now, time.monotonic()
            if time.monotonic() > until:
                raise self._gave_up("the stack did not come to rest")

    def taken(self, what: Callable[[], int]) -> Amounts:
        """Do something, and give what one of it took, without what passes in any case."""
        self.records.forget_floods()
        before, started = self.counted(), time.monotonic()
        number = what()
        self.settle()
        after, seconds = self.counted(), time.monotonic() - started
        took = difference(difference(after, before), scaled(self.background, seconds))
        return scaled({unit: max(0.0, amount) for unit, amount in took.items()}, 1 / number)

    def machine(self, output: str) -> Amounts:
        """Give what one run of a machine took that takes no input."""

        def run() -> int:
            arn = self.stack.outputs.get(output) or self._arn(output)
            self.states.start_execution(stateMachineArn=arn, input="{}")
            return 1

        return self.taken(run)

    def heartbeat(self) -> Amounts:
        """Give what one heartbeat took: it comes in, is counted, and becomes nothing."""

        def run() -> int:
            sent = Alert("Watchdog").as_sent()
            sent["labels"] = {
                "alertname": "Watchdog",
                "cluster": "sre-platform",
                "severity": "none",
            }
            whole = json.loads(body([Alert("Watchdog")]))
            for _ in range(_HEARTBEATS):
                status, ids = self.webhook.post(json.dumps({**whole, "alerts": [sent]}).encode())
                if (status, ids) != (202, ()):
                    raise SystemExit(f"a heartbeat was answered with {status} and {len(ids)} ids")
            return _HEARTBEATS

        return self.taken(run)

    def without_runbook(self, number: int, kind: type[Alert] = Alert) -> Amounts:
        """Give what an alert took that no runbook is for, from its call to its end."""

        def run() -> int:
            for first in range(0, number, _TOGETHER):
                self.records.forget_floods()
                some = [kind(NOBODY) for _ in range(min(_TOGETHER, number - first))]
                self._send(some)
                self._resolve(some)
            return number

        return self.taken(run)

    def remediated(self, targets: Targets, names: Sequence[str]) -> Amounts:
        """Give what an alert took that its runbook repaired, from its call to its end."""

        def run() -> int:
            for first in range(0, len(names), _TOGETHER):
                self.records.forget_floods()
                some = names[first : first + _TOGETHER]
                alerts = [Alert(runbook_name(name), name) for name in some]
                self._send(alerts)
                missing = targets.wait_changed(some, until=time.monotonic() + _LONGEST_SECONDS)
                if missing:
                    raise self._gave_up(f"no runbook acted on {', '.join(missing)}")
                self._resolve(alerts)
                self.records.wait_quiet(_LONGEST_SECONDS)
            return len(names)

        return self.taken(run)

    def _send(self, alerts: Sequence[Alert]) -> None:
        flow = send(
            self.webhook,
            self.records,
            [[alert] for alert in alerts],
            clients=len(alerts),
            seconds=_LONGEST_SECONDS,
            interval=0.2,
        )
        # Not sent again, as Alertmanager would: the second call would be counted, too.
        refused = {each.statuses[-1] for each in flow.deliveries} - {202}
        if refused:
            raise self._gave_up(f"an alert was answered with {', '.join(map(str, refused))}")
        if flow.missing() or len(flow.seen_at) < len(alerts):
            raise self._gave_up("an alert was not recorded")

    def _gave_up(self, what: str) -> SystemExit:
        # The stack is stopped when this is read; its logs are not.
        return SystemExit(
            f"{what} ({_LONGEST_SECONDS:.0f} s are waited): is the machine busy with other things? "
            f"'srectl local logs aws --name {self.stack.name}' has what the stack said"
        )

    def _resolve(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            status, _ids = self.webhook.post(body([replace(alert)], resolved=True))
            if status != 202:
                raise SystemExit(f"the end of an alert was answered with {status}")

    def _arn(self, name: str) -> str:
        machines = self.states.list_state_machines()["stateMachines"]
        return next(str(one["stateMachineArn"]) for one in machines if one["name"] == name)
