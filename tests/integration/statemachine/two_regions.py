"""Two regions, one of them killed: nothing is lost, and nothing is remediated twice.

The machines of both are the real ones, the table of incidents is one global table, and
``eks/standby.yaml`` is deployed as it stands. An Alertmanager sends each alert to both webhooks;
what alert-ingest of a stack that stands by makes of one is an event whose source begins with
``standby.``. The global table here brings a write to the other region at once; that it takes a
second on AWS is why the one that stands by waits for longer. ``make regions`` tells the story.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from onemachine.aws.local_aws import LocalAws
from tests.integration.statemachine.platform import Platform, incident, resolution, wait_for
from tests.support.template import ROOT

pytestmark = [pytest.mark.localaws, pytest.mark.timeout(180)]

EAST, WEST = "us-east-1", "us-west-2"
RULES = ("records", "created")
_STANDBY_SECONDS = 2


@dataclass
class Regions:
    """A platform that acts, one that stands by for it, and the sender of both."""

    east: Platform
    west: Platform
    standby_arn: str
    east_lives: bool = True

    def alert(self, event: dict[str, Any]) -> str:
        """Send an event to both webhooks; a region that is dead takes nothing."""
        if self.east_lives:
            self.east.send(event)
        self.west.send({**event, "source": event["source"].replace("sre.", "standby.")})
        return str(event["detail"]["data"]["incident_id"])

    def kill_east(self) -> None:
        """Stop whatever runs there, and let nothing start."""
        for rule in RULES:
            self.east.events.disable_rule(
                Name=f"{self.east.name}-sre-incident-{rule}", EventBusName=self.east.bus
            )
        for machine in (self.east.runbook_arn, self.east.step_arn):
            running = self.east.sfn.list_executions(stateMachineArn=machine, statusFilter="RUNNING")
            for each in running["executions"]:
                self.east.sfn.stop_execution(executionArn=each["executionArn"])
        self.east_lives = False

    def bring_east_back(self) -> None:
        """Let it run as if nothing had been."""
        for rule in RULES:
            self.east.events.enable_rule(
                Name=f"{self.east.name}-sre-incident-{rule}", EventBusName=self.east.bus
            )
        self.east_lives = True

    def looked_after(self, number: int) -> list[str]:
        """Wait until the one that stands by has decided on so many events; say how, in order."""
        steps = self.west.sfn

        def ended() -> list[dict[str, Any]] | None:
            found = steps.list_executions(stateMachineArn=self.standby_arn)["executions"]
            over = [one for one in found if one["status"] == "SUCCEEDED"]
            return over if len(over) == number else None

        over = wait_for(ended, f"{number} held events to be decided on")
        outputs = [
            steps.describe_execution(executionArn=one["executionArn"])["output"]
            for one in sorted(over, key=lambda one: str(one["startDate"]))
        ]
        return [str(json.loads(output)["taken"]) for output in outputs]

    def actions(self, incident_id: str) -> int:
        """Count how often an incident was acted on, in whichever region."""
        return len(self.east.calls(incident_id, "execute"))


@pytest.fixture
def regions(local_aws: LocalAws, platform: Platform) -> Iterator[Regions]:
    """Give both, an incident table that both have, and a switch that is off in the west."""
    table = platform.table("incidents")
    platform.ddb.update_table(TableName=table, ReplicaUpdates=[{"Create": {"RegionName": WEST}}])
    there = replace(local_aws, region=WEST)
    name = f"west-{uuid.uuid4().hex[:6]}"
    west = Platform(there, name, platform.calls_dir, shared=table).build()
    west.route("people", ["incident.created"], west.notifier_arn)
    west.set_mode("off")
    both = Regions(platform, west, deploy_standby(there, west, table))
    yield both
    both.bring_east_back()


def deploy_standby(aws: LocalAws, west: Platform, table: str) -> str:
    """Deploy the stack for one that stands by; returns its machine."""
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    parameters = {
        "NamePrefix": f"{west.name}-",
        "IncidentTableName": table,
        "StandbySeconds": str(_STANDBY_SECONDS),
        "PlatformKeyArn": key,
    }
    stacks = aws.client("cloudformation")
    stacks.create_stack(
        StackName=f"{west.name}-standby",
        TemplateBody=(ROOT / "eks" / "standby.yaml").read_text("utf-8"),
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    stacks.get_waiter("stack_create_complete").wait(
        StackName=f"{west.name}-standby", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    machines = aws.client("stepfunctions").list_state_machines()["stateMachines"]
    return next(
        str(one["stateMachineArn"])
        for one in machines
        if one["name"] == f"{west.name}-incident-standby"
    )


def test_one_region_is_killed_and_nothing_is_lost_or_done_twice(
    regions: Regions, capsys: pytest.CaptureFixture[str]
) -> None:
    east, west = regions.east, regions.west
    runbook = east.runbook()
    west.runbook(name=runbook)
    told: list[str] = []

    both_live = incident(runbook)
    first = regions.alert(both_live)
    wait_for(lambda: regions.actions(first), "the action in the east")
    regions.alert(resolution(both_live))
    east.wait_status(first, "resolved")
    assert regions.looked_after(2) == ["other region"] * 2
    assert regions.actions(first) == 1
    assert west.notifications(first) == []
    told.append("both live: the east remediates it once; the west does nothing about alert and end")

    regions.kill_east()
    told.append("the east is killed")
    second = regions.alert(incident(runbook, fingerprint="5eccd90754703a6b"))
    west.wait_status(second, "escalated")
    assert regions.looked_after(3)[-1] == "here"
    assert regions.actions(second) == 0
    reasons = {one.get("reason_code") for one in west.notifications(second)}
    assert "switched-off" in reasons
    told.append("its kill switch is off: the west records the next alert and calls a human")

    west.set_mode("on")
    lost = incident(runbook, fingerprint="7a1cd90754703a6b")
    third = regions.alert(lost)
    wait_for(lambda: regions.actions(third), "the action in the west")
    regions.alert(resolution(lost))
    west.wait_status(third, "resolved")
    assert regions.actions(third) == 1
    told.append("a human switched the west on: it remediates the one after that, once")

    regions.bring_east_back()
    # An Alertmanager sends again what was not taken.
    late = incident(runbook, incident_id=third, fingerprint="7a1cd90754703a6b")
    again = incident(runbook, incident_id=second, fingerprint="5eccd90754703a6b")
    for event in (late, again):
        ended = east.run(event)
        assert ended["status"] == "SUCCEEDED", ended
    assert (regions.actions(second), regions.actions(third)) == (0, 1)
    assert east.record(second)["status"] == "escalated"
    assert east.record(third)["status"] == "resolved"
    told.append("the east comes back and hears of both late: they are the west's, nothing is done")

    for one in (first, second, third):
        assert len(east.records(one)) == 1
    with capsys.disabled():
        print("\n" + "\n".join(f"  {line}" for line in told))
