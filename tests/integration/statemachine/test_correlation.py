"""A cause carries what hangs on it: one page and one remediation, whatever comes first or twice.

Where each alert is in the cluster is scripted (label ``topology``); what hangs on what is worked
out by the function's own code in the guard table, and the real machines do the rest.
That the cluster says so is shown in ``tests/integration/runbook_action/test_topology.py``.
"""

from __future__ import annotations

import copy
import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from onemachine.aws.local_aws import LocalAws
from srectl.operate import incidents
from srectl.operate.account import Account
from tests.integration.statemachine.platform import (
    ACCOUNT,
    Platform,
    incident,
    resolution,
    wait_for,
)
from tests.integration.statemachine.steps import guard, id_of
from tests.support.queues import take_all

pytestmark = [pytest.mark.localaws, pytest.mark.timeout(280)]

WORKLOADS = 40
#: Long enough that nothing ends by itself while a test sends its events.
WAITS = {
    "EndHeardSeconds": "40",
    "VerifyTimeoutSeconds": "60",
    "CauseWaitSeconds": "60",
    "FloodTotal": "100000",
}
Event = dict[str, Any]


@dataclass
class Scene:
    """A platform of its own on whose bus each event starts the machines once."""

    platform: Platform
    notifier: str
    pager: str

    def alert(self, place: str, *above: str, level: int = 1, **changes: Any) -> Event:
        """An alert at a place; what is above a node that is called dead may have a cause."""
        suspect = "node dead is not ready" if any("dead" in each for each in above) else ""
        topology = {"place": place, "above": above, "level": level, "suspect": suspect}
        topology["began"] = changes.pop("began", 0)
        if level == 0:
            topology["under"] = "40 workloads have pods on it that are not ready"
        runbook = changes.pop("runbook", None) or self.platform.runbook(changes.pop("script", None))
        labels = {"alertname": "KubeStorm", "severity": "critical"}
        return incident(
            runbook,
            fingerprint=uuid.uuid4().hex[:16],
            labels={**labels, "topology": json.dumps(topology)},
            **changes,
        )

    def node(self, name: str, **changes: Any) -> Event:
        return self.alert(name, level=0, **changes)

    def acted(self, event: Event) -> int:
        return len(self.platform.calls(id_of(event), "execute"))

    def hangs_on(self, event: Event, cause: Event) -> bool:
        records = self.platform.records(id_of(event))
        return bool(records) and records[0].get("caused_by") == id_of(cause)

    def all_hang(self, children: Sequence[Event], cause: Event) -> None:
        wait_for(lambda: all(self.hangs_on(each, cause) for each in children), "all to hang", 120)

    def over(self, *events: Event) -> None:
        self.platform.send(*map(resolution, events))
        for event in events:
            self.platform.wait_status(id_of(event), "resolved", 120)

    def relation(self, event: Event) -> dict[str, Any]:
        return guard(self.platform, f"relation#{id_of(event)}")

    def all_held(self, children: Sequence[Event]) -> None:
        wait_for(lambda: all("held" in self.relation(each) for each in children), "silence", 120)

    def paged(self, *events: Event) -> list[tuple[str, str]]:
        """Take what the pager was told of these: the incident, and whether it began or ended."""
        bodies = take_all(self.platform.sqs, self.pager)
        told = [json.loads(body)["detail"]["data"] for body in bodies]
        found = [(data["incident_id"], data["action"]) for data in told]
        ids = set(map(id_of, events))
        return [each for each in dict.fromkeys(found) if each[0] in ids]

    def told(self, event: Event) -> list[str]:
        """Take what people were told of an incident."""
        return [each["event"] for each in self.platform.notifications(id_of(event))]


@dataclass
class Told:
    """All that people were told of an incident, none of which is to be missed between two looks."""

    scene: Scene
    event: Event
    heard: list[str] = field(default_factory=list)

    def so_far(self) -> list[str]:
        self.heard += self.scene.told(self.event)
        return self.heard


@pytest.fixture(scope="module")
def scene(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    name = f"storm-{uuid.uuid4().hex[:8]}"
    platform = Platform(local_aws, name, tmp_path_factory.mktemp("calls")).build(("records",))
    platform.route("created", ["incident.created"], platform.variant(**WAITS))
    notifier = platform.variant(
        "incident-notifier",
        CauseWaitSeconds=WAITS["CauseWaitSeconds"],
        FloodNotifications="100000",
        PagerKind="pagerduty",
    )
    told = ["incident.created", "incident.resolved", "incident.escalated"]
    platform.route("told", told, notifier)
    return Scene(platform, notifier, _pager(platform))


def _pager(platform: Platform) -> str:
    """A queue that hears what the pager is told."""
    queue = f"{platform.name}-pager"
    arn = f"arn:aws:sqs:{platform.aws.region}:{ACCOUNT}:{queue}"
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    url = platform.sqs.create_queue(QueueName=queue, Attributes={"Policy": policy})["QueueUrl"]
    rule = {"Name": queue, "EventBusName": platform.bus}
    pattern = json.dumps({"detail-type": ["incident.paged"]})
    platform.events.put_rule(**rule, EventPattern=pattern)
    platform.events.put_targets(
        Rule=queue, EventBusName=platform.bus, Targets=[{"Id": "1", "Arn": arn}]
    )
    return str(url)


def name_of(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:6]}"


def again(event: Event) -> Event:
    """The same alert in another request."""
    found = copy.deepcopy(event)
    found["detail"]["metadata"]["correlation_id"] = str(uuid.uuid4())
    return found


def test_a_node_dies_under_forty_workloads_one_page_one_remediation_and_forty_one_records(
    scene: Scene,
) -> None:
    dead = name_of("dead")
    node = scene.node(dead)
    children = [scene.alert(name_of("shop"), dead) for _ in range(WORKLOADS)]
    deliveries = [node, *children, *map(again, children[:10]), again(node)]
    random.Random(7).shuffle(deliveries)  # noqa: S311  # an order, no secret
    scene.platform.send(*deliveries)
    scene.all_hang(children, node)
    wait_for(lambda: scene.acted(node), "the one remediation")
    record = scene.platform.record(id_of(node))
    assert set(record["children"]) == set(map(id_of, children))
    assert {scene.platform.record(id_of(each))["status"] for each in children} == {"open"}
    scene.all_held(children)
    scene.over(node, *children)
    assert [scene.acted(each) for each in (node, *children)] == [1] + [0] * WORKLOADS
    for each in (node, *children):
        assert len(scene.platform.records(id_of(each))) == 1
    (began,) = [
        each
        for each in scene.platform.heard("incident.created")
        if each["incident_id"] in set(map(id_of, (node, *children)))
    ]
    assert began["incident_id"] == id_of(node)
    doing = began["payload"]["custom_details"]["doing"]
    assert (
        "40 workloads have pods on it that are not ready. What comes from it is not told" in doing
    )
    triggers = [each for each in scene.paged(node, *children) if each[1] == "trigger"]
    assert triggers == [(id_of(node), "trigger")]


@pytest.mark.parametrize("node_comes", ["first", "in the middle", "last"])
def test_whenever_the_cause_comes_the_picture_is_the_same(scene: Scene, node_comes: str) -> None:
    dead = name_of("dead")
    node = scene.node(dead)
    children = [scene.alert(name_of("shop"), dead) for _ in range(4)]
    at = {"first": 0, "in the middle": 2, "last": 4}[node_comes]
    for number, event in enumerate([*children[:at], node, *children[at:]]):
        scene.platform.send(event)
        if number == at - 1:
            # Those before it are waiting for it by now.
            wait_for(lambda: scene.relation(children[at - 1]).get("suspect"), "a suspicion")
    scene.all_hang(children, node)
    scene.over(*children, node)
    assert [scene.acted(each) for each in (node, *children)] == [1, 0, 0, 0, 0]


def test_two_faults_that_have_nothing_in_common_stay_two(scene: Scene) -> None:
    names = [name_of("dead") for _ in range(2)]
    nodes = [scene.node(each) for each in names]
    children = [[scene.alert(name_of("shop"), each) for _ in range(3)] for each in names]
    alone = scene.alert(name_of("alone"))
    scene.platform.send(children[0][0], nodes[1], *children[1], nodes[0], alone, *children[0][1:])
    for node, its in zip(nodes, children, strict=True):
        scene.all_hang(its, node)
        assert set(scene.platform.record(id_of(node))["children"]) == set(map(id_of, its))
    wait_for(lambda: all(map(scene.acted, (*nodes, alone))), "three remediations")
    scene.over(*nodes, alone, *children[0], *children[1])
    assert [scene.acted(each) for its in children for each in its] == [0] * 6
    assert "caused_by" not in scene.platform.record(id_of(alone))


def test_what_depends_on_a_child_hangs_on_the_node(scene: Scene) -> None:
    dead, database = name_of("dead"), name_of("db")
    node, db = scene.node(dead), scene.alert(database, dead)
    front = scene.alert(name_of("front"), database, dead, level=2)
    scene.platform.send(front, db, node)
    scene.all_hang([db, front], node)
    scene.over(node, db, front)


def test_an_alert_without_a_runbook_hangs_like_any_other(scene: Scene) -> None:
    dead = name_of("dead")
    node, child = scene.node(dead), scene.alert(name_of("shop"), dead, runbook="NoSuchRunbook")
    scene.platform.send(child, node)
    scene.all_hang([child], node)
    scene.over(child, node)
    assert "escalated_at" not in scene.platform.record(id_of(child))
    assert scene.told(child) == []


def test_one_that_is_worse_than_its_cause_is_told_and_does_not_act(scene: Scene) -> None:
    dead = name_of("dead")
    both = scene.platform.runbook(severities=["critical", "warning"])
    node = scene.node(dead, runbook=both, severity="warning")
    child = scene.alert(name_of("shop"), dead)
    scene.platform.send(node, child)
    scene.all_hang([child], node)
    wait_for(lambda: scene.told(child) == ["incident.created"], "the worse one to be told")
    scene.over(child, node)
    assert scene.acted(child) == 0
    wait_for(lambda: scene.told(child) == ["incident.resolved"], "its end to be told")


def test_an_end_that_comes_before_anybody_has_looked_is_told_as_little_as_its_beginning(
    scene: Scene,
) -> None:
    dead = name_of("dead")
    node, child = scene.node(dead), scene.alert(name_of("shop"), dead)
    scene.platform.start(resolution(child), scene.notifier)
    scene.platform.send(node, child)
    scene.all_hang([child], node)
    scene.all_held([child])
    assert scene.told(child) == []
    scene.over(node, child)
    assert scene.told(child) == []


def test_what_nobody_has_looked_at_is_told_after_a_while(scene: Scene) -> None:
    impatient = scene.platform.variant(
        "incident-notifier", CauseWaitSeconds="3", FloodNotifications="100000"
    )
    event = scene.alert(name_of("shop"))
    scene.platform.run(event, impatient)
    wait_for(lambda: scene.told(event) == ["incident.created"], "people to be told")


def test_one_that_acts_when_its_cause_comes_is_left_to_finish_and_is_not_doubled(
    scene: Scene,
) -> None:
    sick = name_of("sick")
    slow = {"execute": ["in_progress", "in_progress", "in_progress", "succeeded"]}
    child = scene.alert(name_of("shop"), sick, script=slow)
    scene.platform.send(child)
    wait_for(lambda: scene.acted(child), "its own remediation")
    node = scene.node(sick)
    scene.platform.send(node)
    wait_for(lambda: scene.relation(child).get("caused_by") == id_of(node), "its adoption")
    wait_for(lambda: len(scene.platform.calls(id_of(child), "execute")) == 4, "its end")
    scene.over(child, node)
    assert scene.acted(node) == 1
    assert scene.platform.record(id_of(child))["actions_taken"][0]["status"] == "succeeded"
    assert len(scene.platform.record(id_of(child))["actions_taken"]) == 1


def test_what_makes_a_flood_is_no_part_of_it_and_neither_is_what_hangs_on_it(scene: Scene) -> None:
    dead = name_of("dead")
    window = str(1_000_000 + uuid.uuid4().int % 1_000_000)
    machine = scene.platform.variant(**{**WAITS, "FloodTotal": "1", "FloodWindowSeconds": window})
    node, children = scene.node(dead), [scene.alert(name_of("shop"), dead) for _ in range(3)]
    for event in (*children, node):
        scene.platform.start(event, machine)
        scene.platform.run(event, scene.platform.recorder_variant)
    scene.all_hang(children, node)
    wait_for(lambda: scene.acted(node), "the one remediation")
    alone = scene.alert(name_of("alone"))
    ended = scene.platform.run(alone, machine)
    assert scene.platform.record(id_of(alone))["escalation_code"] == "flood"
    entered = [
        event["stateEnteredEventDetails"]["name"]
        for event in scene.platform.history(ended["executionArn"])
        if event["type"].endswith("StateEntered")
    ]
    # Whoever acts has the function's places first.
    assert entered[entered.index("RelateIncident") - 1] == "StandAside"
    scene.over(node, *children)
    assert [scene.acted(each) for each in (node, *children)] == [1, 0, 0, 0]


def test_a_suspicion_that_nobody_confirms_is_waited_for_and_then_it_acts(scene: Scene) -> None:
    child = scene.alert(name_of("shop"), name_of("dead"))
    execution = scene.platform.start(child, scene.platform.variant(CauseWaitSeconds="3"))
    wait_for(lambda: scene.acted(child), "its own remediation")
    waited = [
        event["stateEnteredEventDetails"]["name"]
        for event in scene.platform.history(execution)
        if event["type"] == "WaitStateEntered"
    ]
    assert waited.count("WaitForTurn") >= 3


def test_when_the_cause_is_over_and_the_child_fires_on_it_goes_its_own_way(scene: Scene) -> None:
    dead = name_of("dead")
    quick = scene.platform.variant(**{**WAITS, "EndHeardSeconds": "2"})
    node, child = scene.node(dead), scene.alert(name_of("shop"), dead)
    for event in (node, child):
        scene.platform.start(event, quick)
        scene.platform.run(event, scene.platform.recorder_variant)
    scene.platform.run(child, scene.notifier)
    scene.all_hang([child], node)
    wait_for(lambda: scene.acted(node), "the one remediation")
    assert (scene.acted(child), scene.told(child)) == (0, [])
    scene.over(node)
    wait_for(lambda: scene.acted(child), "the child's own remediation", 60)
    assert scene.relation(child)["let_go"] == id_of(node)
    assert "let_go_at" in scene.platform.record(id_of(child))
    wait_for(lambda: "incident.created" in scene.told(child), "what was held back to be told")
    # Whatever comes late does not hang it up again, nor act twice.
    scene.platform.run(again(node), quick)
    assert "caused_by" not in scene.relation(child)
    scene.over(child)
    assert scene.acted(child) == 1


#: Of a node that was well again before something on it broke (``resolution``: 15:16:22.704).
LATER = "2026-11-23T15:16:24Z"


def test_what_begins_after_the_end_of_its_cause_is_told_and_acts_at_once(scene: Scene) -> None:
    well = name_of("well")
    began = round(datetime.fromisoformat(LATER).timestamp() * 1000)
    node = scene.node(well, began=began - 90_000)
    scene.platform.send(node)
    wait_for(lambda: scene.acted(node), "the one remediation")
    scene.over(node)
    # What began before that end hangs on it as ever.
    child = scene.alert(name_of("shop"), well, began=began - 30_000)
    later: dict[str, Any] = {"timestamp": LATER, "started_at": LATER}
    after = scene.alert(name_of("shop"), well, began=began, **later)
    scene.platform.send(child, after)
    wait_for(lambda: scene.acted(after), "its own remediation")
    wait_for(lambda: "incident.created" in scene.told(after), "people to be told")
    assert "caused_by" not in scene.relation(after)
    scene.all_hang([child], node)
    assert (scene.acted(child), scene.told(child)) == (0, [])
    scene.over(child)
    scene.platform.send(resolution(after, ended_at="2026-11-23T15:17:00Z"))
    scene.platform.wait_status(id_of(after), "resolved", 120)


def test_what_begins_after_its_cause_was_closed_by_hand_hangs_on_what_goes_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in scene.platform.aws.operator_environment().items():
        monkeypatch.setenv(name, value)
    dead, later = name_of("dead"), datetime.fromisoformat(LATER)
    at = round(later.timestamp() * 1000)
    closed = scene.node(dead, runbook="NoSuchRunbook", began=at - 90_000)
    scene.platform.send(closed)
    scene.platform.wait_status(id_of(closed), "escalated")
    account = Account(f"{scene.platform.name}-")
    mended = later - timedelta(seconds=8)
    incidents.resolve(account, id_of(closed), "ada", "mended by hand", mended)
    goes_on = scene.node(dead, runbook="NoSuchRunbook", began=at - 4_000)
    scene.platform.send(goes_on)
    scene.platform.wait_status(id_of(goes_on), "escalated")
    child = scene.alert(name_of("shop"), dead, began=at, timestamp=LATER, started_at=LATER)
    scene.platform.send(child)
    scene.all_hang([child], goes_on)
    assert "let_go" not in scene.relation(child)
    assert "caused_by" not in scene.relation(goes_on)
    scene.platform.send(
        *(resolution(each, ended_at="2026-11-23T15:17:00Z") for each in (goes_on, child))
    )
    for each in (goes_on, child):
        scene.platform.wait_status(id_of(each), "resolved", 120)
    assert scene.acted(child) == 0


@pytest.mark.parametrize("found_again", [False, True])
def test_one_whose_cause_turns_out_to_have_ended_before_it_began_is_let_go(
    scene: Scene, found_again: bool
) -> None:
    """The end is heard when it hangs already; with what it would wait else the test times out.

    Where its row does not know when it began it would be hung on that again, and again.
    """
    dead = name_of("dead")
    began = 0 if found_again else round(datetime.fromisoformat(LATER).timestamp() * 1000)
    slow = scene.platform.variant(**{**WAITS, "EndHeardSeconds": "400"})
    node = scene.node(dead, began=max(0, began - 90_000), script={"verify": ["unhealthy"]})
    later: dict[str, Any] = {"timestamp": LATER, "started_at": LATER}
    child = scene.alert(name_of("shop"), dead, began=began, **later)
    for event in (node, child):
        scene.platform.start(event, slow)
        scene.platform.run(event, scene.platform.recorder_variant)
    scene.all_hang([child], node)
    assert scene.acted(child) == 0
    scene.platform.run(resolution(node), scene.platform.recorder_variant)
    wait_for(lambda: scene.acted(child), "its own remediation", 60)
    wait_for(lambda: "incident.created" in scene.told(child), "people to be told")
    # It never hung on that, so a cause that is told later may still be its own.
    left = {"let_go", "caused_by", "held"} & set(scene.relation(child))
    assert left == ({"let_go"} if found_again else set())
    scene.over(child)


def first_one_fault_then_another(scene: Scene, heard: str, severity: str) -> tuple[Event, Event]:
    """A node that comes and goes, with two alerts, and a critical child of the second one.

    ``heard`` is when the end of the first alert, a critical one, is heard: in time, or late, when
    all hang on that; ``severity`` is that of the second. Returned are this one and the child.
    """
    dead = name_of("dead")
    began = round(datetime.fromisoformat(LATER).timestamp() * 1000)
    slow = scene.platform.variant(**{**WAITS, "EndHeardSeconds": "400"})
    never = {"verify": ["unhealthy"]}
    both = scene.platform.runbook(never, severities=["critical", "warning"])
    one = scene.node(dead, began=began - 90_000, script=never)
    at: dict[str, Any] = {"timestamp": LATER, "started_at": LATER}
    two = scene.node(dead, began=began, runbook=both, severity=severity, **at)
    later = "2026-11-23T15:16:40Z"
    at = {"timestamp": later, "started_at": later}
    child = scene.alert(name_of("shop"), dead, began=began + 16_000, **at)

    def take(event: Event) -> None:
        scene.platform.run(event, scene.platform.recorder_variant)
        scene.platform.start(event, slow)

    def end_of_one() -> None:
        scene.platform.run(resolution(one), scene.platform.recorder_variant)

    take(one)
    wait_for(lambda: scene.acted(one), "the first remediation")
    if heard == "in time":
        end_of_one()
    take(two)
    if heard == "in time":
        wait_for(lambda: scene.acted(two), "the second remediation")
    else:
        scene.all_hang([two], one)
    take(child)
    scene.platform.run(child, scene.notifier)
    scene.all_hang([child], two if heard == "in time" else one)
    if heard == "late":
        assert scene.told(child) == []
        end_of_one()
        wait_for(lambda: scene.acted(two), "the second remediation", 60)
        scene.all_hang([child], two)
    return two, child


@pytest.mark.parametrize("heard", ["in time", "late"])
def test_what_began_after_the_end_of_one_fault_hangs_on_the_one_that_goes_on(
    scene: Scene, heard: str
) -> None:
    two, child = first_one_fault_then_another(scene, heard, "critical")
    assert id_of(child) in scene.platform.record(id_of(two))["children"]
    assert scene.relation(child)["caused_by"] == id_of(two)
    assert not {"let_go"} & {*scene.relation(two), *scene.relation(child)}
    assert (scene.acted(child), scene.told(child)) == (0, [])
    scene.over(child)


@pytest.mark.parametrize("heard", ["in time", "late"])
def test_what_comes_to_hang_on_a_lesser_fault_is_told_once(scene: Scene, heard: str) -> None:
    two, child = first_one_fault_then_another(scene, heard, "warning")
    told = Told(scene, child)
    wait_for(told.so_far, "people to be told")
    scene.over(child)
    wait_for(lambda: len(told.so_far()) > 1, "its end to be told")
    assert told.heard == ["incident.created", "incident.resolved"]
    assert scene.acted(child) == 0
    assert scene.relation(child)["caused_by"] == id_of(two)


def test_what_a_lesser_fault_takes_from_a_critical_one_is_told_once(scene: Scene) -> None:
    """It hung on what it depends on; then comes an alert of the node under both of them."""
    dead, database = name_of("dead"), name_of("db")
    both = scene.platform.runbook(severities=["critical", "warning"])
    db = scene.alert(database)
    child = scene.alert(name_of("front"), database, dead, level=2)
    scene.platform.send(db, child)
    scene.all_hang([child], db)
    scene.all_held([child])
    node = scene.node(dead, runbook=both, severity="warning")
    scene.platform.send(node)
    scene.all_hang([child], node)
    told = Told(scene, child)
    wait_for(told.so_far, "people to be told")
    scene.over(child, node, db)
    wait_for(lambda: len(told.so_far()) > 1, "its end to be told")
    assert told.heard == ["incident.created", "incident.resolved"]
    assert scene.acted(child) == 0


@pytest.mark.parametrize("runbook", [None, "NoSuchRunbook"])
def test_nobody_waits_for_ever_for_a_cause_that_does_not_end(
    scene: Scene, runbook: str | None
) -> None:
    dead = name_of("dead")
    impatient = scene.platform.variant(**{**WAITS, "CauseSeconds": "2"})
    node, child = scene.node(dead), scene.alert(name_of("shop"), dead, runbook=runbook)
    for event in (node, child):
        scene.platform.start(event, impatient)
        scene.platform.run(event, scene.platform.recorder_variant)
    scene.all_hang([child], node)
    if runbook is None:
        wait_for(lambda: scene.acted(child), "the child's own remediation", 60)
    else:
        record = scene.platform.wait_status(id_of(child), "escalated", 60)
        assert record["escalation_code"] == "no-runbook"
    scene.over(node, child)


def test_one_that_is_over_itself_waits_no_more(scene: Scene) -> None:
    dead = name_of("dead")
    node, child = scene.node(dead), scene.alert(name_of("shop"), dead)
    machine = scene.platform.variant(**WAITS)
    executions = [scene.platform.start(event, machine) for event in (node, child)]
    for event in (node, child):
        scene.platform.run(event, scene.platform.recorder_variant)
    scene.all_hang([child], node)
    scene.platform.send(resolution(child))
    assert scene.platform.wait_status(id_of(child), "resolved")["mttr_seconds"] == 90
    assert scene.platform.wait_ended(executions[1])["status"] == "SUCCEEDED"
    scene.over(node)


def test_where_it_cannot_be_told_somebody_is_called(scene: Scene) -> None:
    no_function = f"arn:aws:lambda:us-east-1:000000000000:function:{name_of('gone')}"
    machine = scene.platform.variant(RunbookActionArn=no_function)
    event = scene.alert(name_of("shop"), name_of("dead"), runbook="NoSuchRunbook")
    assert scene.platform.run(event, machine)["status"] == "SUCCEEDED"
    assert scene.platform.record(id_of(event))["escalation_code"] == "no-runbook"
    (told,) = scene.platform.notifications(id_of(event))
    assert told["event"] == "incident.escalated"
