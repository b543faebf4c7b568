"""One flow for each grant: it comes through with the grant and does not without it.

A flow gives whether it came through. Where the loss of a grant only shows once something else is
lost too (a dead-letter queue), that other grant stands in ``besides``.
"""

from __future__ import annotations

import datetime
import json
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from onemachine.receiver import read_chat, read_pages, read_questions
from onemachine.stack.function_logs import FunctionLogs
from srectl.operate import approvals
from srectl.operate.queues import QUEUES
from srectl.operate.signatures import signed
from tests.e2e.iam.lab import WINDOW_SECONDS, Event, Lab
from tests.integration.statemachine.platform import resolution
from tests.integration.statemachine.telling import escalation
from tests.support.alarms import put_alarm
from tests.support.pagerduty import acknowledgement
from tests.support.waiting import eventually

Flow = Callable[[Lab], bool]
_ACCEPTED = 202
_FLOOD = "incidents.flood"
_CANARY = "PlatformCanary"
_RELATED = datetime.datetime(2026, 11, 23, 15, 14, 52, 704000, datetime.UTC)
_CHECKOUT = {"kind": "deployment", "namespace": "apps", "name": "checkout"}


@dataclass(frozen=True)
class Probe:
    """A flow, and the grants that it is to run without."""

    flow: Flow
    besides: tuple[str, ...] = ()


def _id(event: Event) -> str:
    return str(event["detail"]["data"]["incident_id"])


# ------------------------------------------------------------------ intake
def _post(lab: Lab, **changes: str) -> tuple[int, str]:
    data = lab.event()["detail"]["data"] | changes
    alert = {
        "status": "firing",
        "labels": {"alertname": data["alert_name"], "severity": "info", "namespace": "apps"},
        "annotations": {},
        "startsAt": data["timestamp"],
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": data["fingerprint"],
    }
    body = {
        "version": "4",
        "groupKey": data["alert_name"],
        "status": "firing",
        "receiver": "iam",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "",
        "alerts": [alert],
    }
    return lab.scene.post_webhook(body), str(data["alert_name"])


def an_alert_gets_onto_the_bus(lab: Lab) -> bool:
    status, name = _post(lab)

    def on_the_bus() -> bool:
        return any(data["alert_name"] == name for data in lab.scene.events("incident.created"))

    return status == _ACCEPTED and lab.seen(on_the_bus)


def an_alert_is_parked(lab: Lab) -> bool:
    status, name = _post(lab)
    return status == _ACCEPTED and lab.seen(lambda: lab.queued("parked", name))


def an_alert_is_counted_for_its_sender(lab: Lab) -> bool:
    def counted() -> int:
        rows = lab.scene.client("dynamodb").scan(
            TableName=lab.deployment.guard_table,
            FilterExpression="begins_with(guard_key, :hour)",
            ExpressionAttributeValues={":hour": {"S": "hour#"}},
            ConsistentRead=True,
        )["Items"]
        return sum(int(row["other_ones"]["N"]) for row in rows)

    before = counted()
    status, _name = _post(lab)
    return status == _ACCEPTED and counted() > before


def an_alarm_has_its_tags_for_labels(lab: Lab) -> bool:
    """The alarm is an incident either way; without the grant it has no tags."""
    name, cloudwatch = f"iam-{uuid.uuid4().hex[:8]}", lab.scene.client("cloudwatch")
    put_alarm(
        cloudwatch,
        name,
        Namespace="Iam",
        Tags=[{"Key": "team", "Value": name}, {"Key": "severity", "Value": "info"}],
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")

    def labels() -> list[Mapping[str, str]]:
        created = lab.scene.events("incident.created")
        return [data["labels"] for data in created if data["alert_name"] == name]

    looks = {
        "tagged": lambda: any(found.get("team") == name for found in labels()),
        "bare": lambda: any("team" not in found for found in labels()),
    }
    came = lab.first(looks)
    cloudwatch.delete_alarms(AlarmNames=[name])
    return came == "tagged"


def a_start_that_moves_stays_one_incident(lab: Lab) -> bool:
    what = {"alert_name": f"Moved{uuid.uuid4().hex[:8]}", "fingerprint": uuid.uuid4().hex[:16]}
    for start in ("2026-11-23T15:14:52.704Z", "2026-11-23T15:15:52.704Z"):
        _post(lab, **what, timestamp=start)

    def incidents() -> list[str]:
        created = lab.scene.events("incident.created")
        return [d["incident_id"] for d in created if d["alert_name"] == what["alert_name"]]

    return lab.seen(lambda: len(incidents()) == 2) and len(set(incidents())) == 1


# ------------------------------------------------------------------ rules
def the_rule_starts_the_runbook(lab: Lab) -> bool:
    event = lab.event()
    lab.put(event)
    return lab.seen(lambda: lab.started("IncidentResponseRunbook", _id(event)))


def _announced(lab: Lab, event: Event) -> bool:
    lab.put(event)
    return lab.seen(lambda: lab.notified(_id(event), event["detail-type"]))


def the_rule_announces_a_new_incident(lab: Lab) -> bool:
    return _announced(lab, lab.event())


def the_rule_announces_the_end(lab: Lab) -> bool:
    return _announced(lab, resolution(lab.event(), headline="resolved"))


def the_rule_starts_the_recorder(lab: Lab) -> bool:
    event = resolution(lab.event())
    lab.put(event)
    return lab.seen(lambda: lab.scene.record(_id(event)))


# ------------------------------------------------------------------ recorder
def the_recorder_writes(lab: Lab) -> bool:
    event = lab.event()
    lab.start("IncidentRecorder", event)
    return lab.seen(lambda: lab.scene.record(_id(event)))


def the_recorder_keeps_what_it_cannot_write(lab: Lab) -> bool:
    event = lab.event()
    lab.start("IncidentRecorder", event)
    return lab.seen(lambda: lab.queued("recorder", _id(event)), 60)


def an_abandoned_runbook_is_told(lab: Lab) -> bool:
    event = lab.event()
    lab.start("IncidentRecorder", event)
    assert lab.seen(lambda: lab.scene.record(_id(event)))
    ended = {
        "executionArn": "arn:aws:states:us-east-1:000000000000:execution:stopped:one",
        "stateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:stopped",
        "status": "ABORTED",
        "input": json.dumps(event),
    }
    lab.start(
        "IncidentRecorder",
        {"detail-type": "Step Functions Execution Status Change", "detail": ended},
    )
    return lab.seen(lambda: lab.escalated(_id(event)))


def _let_go(lab: Lab, lock: str) -> bool:
    """A runbook that is stopped before it has begun to act lets go of its one lock."""
    event = lab.event()
    lab.start("IncidentRecorder", event)
    assert lab.seen(lambda: lab.scene.record(_id(event)))
    execution = f"arn:aws:states:us-east-1:000000000000:execution:stopped:{_id(event)}"
    target = {**_CHECKOUT, "cluster": "sre-platform"}
    step = {"index": 1, "name": "one", "action": "restart_deployment", "target": target}
    hand = {"runbook": "iam", "of": 1, "locks": [lock], "steps": [step], "begins": execution}
    dynamodb = lab.scene.client("dynamodb")
    at = {"S": event["detail"]["data"]["timestamp"]}
    dynamodb.update_item(
        TableName=lab.deployment.incidents_table,
        Key={"incident_id": {"S": _id(event)}, "timestamp": at},
        UpdateExpression="SET #status = :status, runbook_execution = :me, in_hand = :hand",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={
            ":status": {"S": "remediating"},
            ":me": {"S": execution},
            ":hand": {"S": json.dumps(hand)},
        },
    )
    dynamodb.update_item(
        TableName=lab.deployment.guard_table,
        Key={"guard_key": {"S": f"incident#{_id(event)}"}},
        UpdateExpression="SET in_hand = :me",
        ExpressionAttributeValues={":me": {"S": execution}},
    )
    held = {"guard_key": {"S": lock}, "holder": {"S": _id(event)}, "history": {"S": "[1]"}}
    dynamodb.put_item(TableName=lab.deployment.guard_table, Item=held)
    ended = {"executionArn": execution, "status": "ABORTED", "input": json.dumps(event)}
    lab.start(
        "IncidentRecorder",
        {"detail-type": "Step Functions Execution Status Change", "detail": ended},
    )

    def free() -> bool:
        row = dynamodb.get_item(
            TableName=lab.deployment.guard_table,
            Key={"guard_key": {"S": lock}},
            ConsistentRead=True,
        )
        return "holder" not in row["Item"]

    return lab.seen(free)


def an_untouched_target_is_let_go(lab: Lab) -> bool:
    return _let_go(lab, f"target#sre-platform#apps#deployment#iam-{uuid.uuid4().hex[:8]}")


def an_untouched_thing_is_let_go(lab: Lab) -> bool:
    return _let_go(lab, f"thing#iam#{uuid.uuid4().hex[:8]}")


# ------------------------------------------------------------------ notifier and digest
def a_repetition_is_announced_once(lab: Lab) -> bool:
    lab = lab.patient()  # a second announcement, which only comes without the grant, takes a while
    event = lab.event()
    for _ in range(2):
        lab.start("IncidentNotifier", event)
    assert lab.seen(lambda: lab.announcements(_id(event)), 60)
    return lab.never(lambda: lab.announcements(_id(event)) > 1, 12)


def what_hangs_on_another_is_told_by_that(lab: Lab) -> bool:
    lab = lab.patient()  # it is told all the same without the grant, which takes a while
    event = lab.event()
    item = {"guard_key": f"relation#{_id(event)}", "caused_by": "another", "place": "web"}
    values: dict[str, Any] = {key: {"S": value} for key, value in item.items()}
    lab.scene.client("dynamodb").put_item(
        TableName=lab.deployment.guard_table, Item={**values, "cause_rank": {"N": "3"}}
    )
    lab.start("IncidentNotifier", event)
    return lab.never(lambda: lab.announcements(_id(event)), 15)


def what_a_runbook_has_closed_is_found_and_told(lab: Lab) -> bool:
    """As where its history is encrypted, so that the event of its end says nothing."""
    event, execution = lab.event(), "arn:aws:states:us-east-1:000000000000:execution:closed:"
    data = event["detail"]["data"]
    record = {key: data[key] for key in ("incident_id", "timestamp", "alert_name", "severity")}
    record |= {"status": "resolved", "verified_at": data["timestamp"], "target_health": "healthy"}
    record |= {"runbook_execution": execution + _id(event)}
    lab.scene.client("dynamodb").put_item(
        TableName=lab.deployment.incidents_table,
        Item={key: {"S": value} for key, value in record.items()},
    )
    lab.start("IncidentNotifier", event)
    assert lab.seen(lambda: lab.announcements(_id(event)))
    ended = {"executionArn": execution + _id(event), "name": "closed", "status": "SUCCEEDED"}
    kind = "Step Functions Execution Status Change"
    lab.start("IncidentNotifier", {"detail-type": kind, "detail": ended})
    return lab.seen(lambda: lab.announcements(_id(event)) > 1, 60)


def the_notifier_tells_people(lab: Lab) -> bool:
    event = lab.event()
    lab.start("IncidentNotifier", event)
    return lab.seen(lambda: lab.announcements(_id(event)))


def the_notifier_tells_chat(lab: Lab) -> bool:
    event = lab.event()
    lab.start("IncidentNotifier", event)
    return lab.seen(lambda: lab.notified(_id(event), "incident.created"))


def the_notifier_keeps_an_announcement(lab: Lab) -> bool:
    event = lab.event()
    lab.start("IncidentNotifier", event)
    return lab.seen(lambda: lab.queued("notifications", _id(event)), 60)


def the_notifier_keeps_what_is_for_chat(lab: Lab) -> bool:
    event = lab.event()
    lab.start("IncidentNotifier", event)
    return lab.seen(lambda: lab.queued("parked", _id(event)), 60)


def a_flood_is_left_to_the_digest(lab: Lab) -> bool:
    event = lab.event()
    with lab.flooded("notify"):
        lab.start("IncidentNotifier", event)
        # Longer than three retries take.
        return lab.never(lambda: lab.announcements(_id(event)), 20)


def _digest(lab: Lab, look: Callable[[], object], held: int = 41) -> bool:
    """Send the digest of a window of long ago: one escalated incident, and so many held back."""
    dynamodb = lab.scene.client("dynamodb")
    window = int(time.time()) // WINDOW_SECONDS - 100
    at = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(window * WINDOW_SECONDS + 5))
    data = lab.event()["detail"]["data"]
    key = {"incident_id": {"S": data["incident_id"]}, "timestamp": {"S": at}}
    guard_key = {"guard_key": {"S": f"flood#notify#{window}"}}
    dynamodb.put_item(
        TableName=lab.deployment.incidents_table,
        Item={
            **key,
            "status": {"S": "escalated"},
            "escalation_code": {"S": "flood"},
            "escalated_at": {"S": at},
            "alert_name": {"S": data["alert_name"]},
            "severity": {"S": "critical"},
        },
    )
    dynamodb.put_item(
        TableName=lab.deployment.guard_table,
        Item={**guard_key, "created": {"N": "60"}, "held_created_critical": {"N": str(held)}},
    )
    try:
        lab.start("IncidentDigest", {"window": window})
        return lab.seen(look, 25)
    finally:
        dynamodb.delete_item(TableName=lab.deployment.incidents_table, Key=key)
        dynamodb.delete_item(TableName=lab.deployment.guard_table, Key=guard_key)


def _flood_messages(lab: Lab) -> list[str]:
    return [each.subject for each in lab.scene.world.notifications() if "FLOOD" in each.subject]


def _digest_subject(lab: Lab) -> str:
    before = len(_flood_messages(lab))
    _digest(lab, lambda: len(_flood_messages(lab)) > before)
    return " ".join(_flood_messages(lab)[before:])


def the_digest_says_how_many_were_held_back(lab: Lab) -> bool:
    return "41 alerts held back" in _digest_subject(lab)


def the_digest_says_how_many_were_escalated(lab: Lab) -> bool:
    return "1 needs you" in _digest_subject(lab)


def the_digest_tells_people(lab: Lab) -> bool:
    return bool(_digest_subject(lab))


def the_digest_tells_chat(lab: Lab) -> bool:
    def digests() -> int:
        return sum(data["event"] == _FLOOD for data in lab.scene.events("incident.notified"))

    before = digests()
    return _digest(lab, lambda: digests() > before)


def _digest_kept(lab: Lab, queue: str) -> bool:
    """Known by a number of its own: the platform may have a flood to tell of meanwhile, and another
    flow's digest, which was refused for long, may be kept as late as this.
    """
    held = 41 + secrets.randbelow(10**6)
    return _digest(lab, lambda: lab.queued(queue, f"{held} alerts held back"), held)


def the_digest_keeps_an_announcement(lab: Lab) -> bool:
    return _digest_kept(lab, "notifications")


def the_digest_keeps_what_is_for_chat(lab: Lab) -> bool:
    return _digest_kept(lab, "parked")


def _morning(lab: Lab, look: Callable[[str], bool]) -> bool:
    """Have the morning digest told, of an old incident that needs somebody and lends something."""
    dynamodb = lab.scene.client("dynamodb")
    incident_id = lab.event()["detail"]["data"]["incident_id"]
    at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=20)
    step = {"index": 1, "action": "enable_degraded_mode", "lends": True}
    values = {
        "timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.000Z",
        "status": "escalated",
        "severity": "critical",
        "alert_name": "Morning",
        "in_hand": json.dumps({"steps": [step]}, separators=(",", ":")),
    }
    item = {name: {"S": text} for name, text in {"incident_id": incident_id, **values}.items()}
    taken = {"operation": "execute", "status": "succeeded", "step": json.dumps({"index": 1})}
    action = {"M": {name: {"S": text} for name, text in taken.items()}}
    dynamodb.put_item(
        TableName=lab.deployment.incidents_table, Item={**item, "actions_taken": {"L": [action]}}
    )

    def said() -> list[str]:
        """Only this one's mail names this incident."""
        bodies = [mail.body for mail in lab.scene.world.mails()]
        return [each.replace(short, "THIS") for each in bodies if short in each]

    short = incident_id[:8]
    try:
        lab.ended(lab.start("MorningDigest", {}))
        return lab.seen(said, 10) and look(said()[0])
    finally:
        key = {name: item[name] for name in ("incident_id", "timestamp")}
        dynamodb.delete_item(TableName=lab.deployment.incidents_table, Key=key)


def the_morning_names_who_is_needed(lab: Lab) -> bool:
    return _morning(lab, lambda body: "THIS critical Morning: " in body)


def the_morning_names_what_is_lent(lab: Lab) -> bool:
    return _morning(lab, lambda body: "THIS degraded mode; nobody brings it back" in body)


def the_morning_tells_the_switches(lab: Lab) -> bool:
    return _morning(lab, lambda body: "Not read: the switches" not in body)


def the_morning_is_told(lab: Lab) -> bool:
    return _morning(lab, bool)


def the_morning_is_kept(lab: Lab) -> bool:
    def kept() -> bool:
        return lab.queued("notifications", "incidents.morning")

    while kept():  # one that could not be told where another grant was missing
        pass
    lab.start("MorningDigest", {})
    return lab.seen(kept)


# ------------------------------------------------------------------ runbook
def an_alert_without_a_runbook_goes_to_a_human(lab: Lab) -> bool:
    event = lab.event()
    lab.ended(lab.start("IncidentResponseRunbook", event))
    record = lab.scene.record(_id(event)) or {}
    return record.get("escalation_code") == "no-runbook" and lab.seen(
        lambda: lab.announcements(_id(event))
    )


def a_flood_calls_no_human_one_by_one(lab: Lab) -> bool:
    lab = lab.patient()  # a human is only called after what was refused has been tried again
    event = lab.event()
    with lab.flooded("all"):
        lab.ended(lab.start("IncidentResponseRunbook", event))
    record = lab.scene.record(_id(event)) or {}
    untold = lab.never(lambda: lab.announcements(_id(event)), 5)
    return record.get("escalation_code") == "flood" and untold


def an_escalation_that_cannot_be_sent_is_kept(lab: Lab) -> bool:
    event = lab.event()
    lab.ended(lab.start("IncidentResponseRunbook", event))
    return lab.seen(lambda: lab.queued("notifications", _id(event)), 5)


def an_escalation_is_told_on_the_bus(lab: Lab) -> bool:
    event = lab.event()
    lab.ended(lab.start("IncidentResponseRunbook", event))
    return lab.seen(lambda: lab.escalated(_id(event)), 5)


def _refused(lab: Lab) -> str:
    """Publish a runbook whose step is looked at, locked, tried, and refused: nothing changes."""
    lab.free_checkout()
    return lab.runbook(target=_CHECKOUT, parameters={"min_ready": 100})


def what_a_runbook_did_is_reported(lab: Lab) -> bool:
    event = lab.event(_refused(lab))
    lab.ended(lab.start("IncidentResponseRunbook", event))
    return lab.seen(lambda: lab.reported(_id(event), "ActionRefused"), 5)


def a_report_that_cannot_be_sent_is_kept(lab: Lab) -> bool:
    event = lab.event(_refused(lab))
    lab.ended(lab.start("IncidentResponseRunbook", event))
    return lab.seen(lambda: lab.queued("parked", _id(event)), 5)


def what_is_approved_is_done(lab: Lab) -> bool:
    lab.free_checkout()
    runbook = lab.runbook(
        target=_CHECKOUT,
        approval={"required": True, "timeout_seconds": 60},
    )
    event = lab.event(runbook)
    execution = lab.start("IncidentResponseRunbook", event)

    def given_up() -> object:
        return lab.scene.record_that(_id(event), lambda r: r["status"] == "escalated")

    asking = {
        "asked": lambda: lab.scene.record_that(_id(event), lambda r: bool(r.get("approval"))),
        "given up": given_up,
    }
    if lab.first(asking, 90) != "asked":
        lab.start("IncidentRecorder", resolution(event))
        lab.ended(execution)
        return False
    table = lab.deployment.incidents_table
    asked = approvals.question(lab.scene.client("dynamodb"), table, _id(event))
    operator = _aws(lab).operator_environment()
    session = boto3.session.Session(
        operator["AWS_ACCESS_KEY_ID"],
        operator["AWS_SECRET_ACCESS_KEY"],
        region_name=operator["AWS_DEFAULT_REGION"],
    )
    approvals.approve(lab.states, asked, [signed(session, asked.statement)])
    looks = {
        "done": lambda: lab.reported(_id(event), '"execute"'),
        "given up": given_up,
    }
    seen = lab.first(looks, 90)
    lab.start("IncidentRecorder", resolution(event))
    lab.ended(execution)
    return seen == "done"


def what_was_scaled_up_is_scaled_down_again(lab: Lab) -> bool:
    lab.free_checkout()
    runbook = lab.runbook(
        action="scale_deployment",
        parameters={"step": 1, "max_replicas": 6},
        target=_CHECKOUT,
        restore={"after_seconds": 1, "watch_seconds": 1},
    )
    event = lab.event(runbook)
    execution = lab.start("IncidentResponseRunbook", event)
    if not lab.seen(lambda: lab.reported(_id(event), "execute")):
        return False
    lab.start("IncidentRecorder", resolution(event))
    lab.ended(execution)

    def restored(record: Mapping[str, Any]) -> bool:
        return record.get("restoration") == "restored"

    return lab.seen(lambda: lab.scene.record_that(_id(event), restored), 60)


# ------------------------------------------------------------------ restorer
def _restore(lab: Lab, namespace: str = "apps", **of_step: Any) -> str:
    """Let what was never scaled be scaled back: over at once, and nothing changes.

    In a namespace that is nobody's the function refuses it.
    """
    lab.free_checkout()
    event = lab.event()
    data = event["detail"]["data"]
    action = {"action": "scale_deployment", "parameters": {"step": 1, "max_replicas": 6}}
    where = {**data["target"], "namespace": namespace, "name": "checkout"}
    step = {"index": 1, "name": "step-1", **action, "target": where, "on_failure": "undo"}
    step |= of_step
    given = {
        "detail": event["detail"],
        "timestamp": data["timestamp"],
        # As its runbook has arranged it: who asks by hand is not asked whether it is over.
        "handed_by": "arn:of-its-runbook",
        "display": {"name": data["alert_name"], "summary": "", "where": "", "links": []},
        "runbook": {"name": "iam", **action, "restore": {"after_seconds": 1, "watch_seconds": 1}},
        "of": 1,
        "locks": [
            f"target#sre-platform#{namespace}#deployment#checkout",
            f"thing#iam#{_id(event)}",
        ],
        "stack": [{"step": step, "undo": None}],
    }
    lab.start("IncidentRestorer", given)
    return _id(event)


def _is_over(record: Mapping[str, Any]) -> bool:
    """Say whether a restoration has come to its end, and nothing had to be changed for it."""
    return record.get("restoration") == "not restored: its steps say why"


def what_was_taken_away_is_brought_back(lab: Lab) -> bool:
    incident_id = _restore(lab)
    looks = {
        "noted": lambda: lab.scene.record_that(incident_id, _is_over),
        "told": lambda: lab.announcements(incident_id),
    }
    return lab.first(looks, 40) == "noted"


def what_is_not_over_is_not_brought_back(lab: Lab) -> bool:
    incident_id = _restore(lab, verify={"promql": "vector(1)", "is": "below 1", "for": "1s"})
    looks = {
        "told": lambda: lab.announcements(incident_id),
        "over": lambda: lab.scene.record_that(incident_id, _is_over),
    }
    return lab.first(looks, 60) == "told"


def what_cannot_be_brought_back_is_told(lab: Lab) -> bool:
    incident_id = _restore(lab, "elsewhere")
    return lab.seen(lambda: lab.announcements(incident_id), 40)


def what_cannot_be_brought_back_is_told_on_the_bus(lab: Lab) -> bool:
    incident_id = _restore(lab, "elsewhere")
    return lab.seen(lambda: lab.escalated(incident_id), 40)


def a_failure_of_the_restorer_is_kept(lab: Lab) -> bool:
    incident_id = _restore(lab, "elsewhere")
    return lab.seen(lambda: lab.queued("notifications", incident_id), 40)


# ------------------------------------------------------------------ runbook-action and checkout
def the_action_finds_its_way_into_the_cluster(lab: Lab) -> bool:
    error, answer = lab.invoke_cold(operation="plan", action="restart_deployment")
    assert error in (None, "AccessDenied"), answer
    return error is None


def the_probe_reads_the_catalogue(lab: Lab) -> bool:
    error, answer = lab.invoke_cold(operation="plan", action="probe_cluster")
    assert error in (None, "AccessDenied"), answer
    return error is None


def degraded_mode_is_switched(lab: Lab) -> bool:
    lab.free_checkout()
    try:
        error, answer = lab.invoke_cold(operation="execute", action="enable_degraded_mode")
        assert error in (None, "AccessDenied"), answer
        return error is None
    finally:
        lab.free_checkout()
        lab.scene.client("ssm").put_parameter(
            Name="/checkout/degraded_mode", Value="false", Type="SecureString", Overwrite=True
        )


def what_may_hang_on_it_is_looked_at(lab: Lab) -> bool:
    """Another incident has named this one's place; it hangs on it unless this one is over."""
    known = {
        "incident_id": str(uuid.uuid4()),
        "level": 99,
        "began": round(_RELATED.timestamp() * 1000),
        "rank": 2,
        "timestamp": f"{_RELATED:%Y-%m-%dT%H:%M:%S}.704Z",
        "place": "deployment apps/web",
        "own": False,
    }
    lab.scene.client("dynamodb").update_item(
        TableName=lab.deployment.guard_table,
        Key={"guard_key": {"S": "place#sre-platform#apps#deployment#checkout"}},
        UpdateExpression="SET #mark = :mark ADD marks :one",
        ExpressionAttributeNames={"#mark": f"mark#{known['incident_id']}"},
        ExpressionAttributeValues={":mark": {"S": json.dumps(known)}, ":one": {"N": "1"}},
    )
    return an_incident_leaves_its_place(lab)


def an_incident_leaves_its_place(lab: Lab) -> bool:
    labels = {"namespace": "apps", "deployment": "checkout"}
    error, answer = lab.invoke_cold(
        operation="relate",
        alert={"severity": "warning", "labels": labels, "target": {"cluster": "sre-platform"}},
        timestamp=f"{_RELATED:%Y-%m-%dT%H:%M:%S}.704Z",
    )
    assert error in (None, "AccessDenied"), answer
    # What may not be looked at is said in words, and stops nobody.
    return error is None and "because" not in answer["summary"]


def _asked_of_prometheus(lab: Lab, **criterion: Any) -> str:
    """Have the function ask whether it is over; gives what it says of that."""

    def told() -> str | None:
        error, answer = lab.invoke(operation="verify", action="restart_deployment", **criterion)
        assert error is None, answer
        # A flow beside this one may have the pods replaced; only a healthy target is asked about.
        return str(answer["recovery"]["text"]) if answer["recovery"] else None

    return eventually("checkout is well", told)


def a_query_is_answered(lab: Lab) -> bool:
    said = _asked_of_prometheus(lab, verify={"promql": "vector(0)", "is": "below 1", "for": "1s"})
    return said.startswith("Prometheus: the query has been below 1")


def a_rule_is_looked_up(lab: Lab) -> bool:
    nowhere = {"rule": "none", "labels": {"alertname": "OfNobody"}}
    return "is gone or was changed" in _asked_of_prometheus(lab, own_alert=nowhere)


def a_lease_is_taken_and_let_go(lab: Lab) -> bool:
    lab.free_checkout()
    try:
        incident = str(uuid.uuid4())
        for operation in ("execute", "undo"):
            error, answer = lab.invoke_cold(
                operation=operation, action="enable_degraded_mode", incident_id=incident
            )
            assert error in (None, "AccessDenied"), answer
            if error is not None:
                return False
        return True
    finally:
        lab.free_checkout()
        lab.scene.client("ssm").put_parameter(
            Name="/checkout/degraded_mode", Value="false", Type="SecureString", Overwrite=True
        )


def _checkout_reads(lab: Lab, parameter: str) -> bool:
    sts = lab.scene.client("sts")
    identity = sts.assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::000000000000:role/{lab.role_name('CheckoutServiceRole')}",
        RoleSessionName="iam",
        WebIdentityToken=lab.service_account_token("checkout"),
    )["Credentials"]
    ssm = _aws(lab).client(
        "ssm",
        aws_access_key_id=identity["AccessKeyId"],
        aws_secret_access_key=identity["SecretAccessKey"],
        aws_session_token=identity["SessionToken"],
    )
    try:
        ssm.get_parameter(Name=parameter, WithDecryption=True)
    except ssm.exceptions.ParameterNotFound:
        return True
    except ssm.exceptions.ClientError as error:
        if "AccessDenied" not in str(error):
            raise
        return False
    return True


def _aws(lab: Lab) -> Any:
    from onemachine.stack.clients import aws_of

    return aws_of(lab.state)


def checkout_reads_degraded_mode(lab: Lab) -> bool:
    return _checkout_reads(lab, "/checkout/degraded_mode")


def checkout_reads_chaos(lab: Lab) -> bool:
    return _checkout_reads(lab, "/checkout/chaos")


# ------------------------------------------------------------------ canary and chat
def the_canary_reaches_the_bus(lab: Lab) -> bool:
    started = time.time()
    execution = lab.start("PlatformCanary", {})

    def on_the_bus() -> bool:
        logs = FunctionLogs(lab.scene.client("logs"))
        events = logs.events(lab.deployment.audit_log_group, started)
        return any(_CANARY in message and "incident.created" in message for _at, message in events)

    looks = {"bus": on_the_bus, "failed": lambda: _status(lab, execution) == "FAILED"}
    seen = lab.first(looks, 60)
    if _status(lab, execution) == "RUNNING":
        lab.states.stop_execution(executionArn=execution)
    return seen == "bus"


def the_canary_comes_back(lab: Lab) -> bool:
    execution = lab.start("PlatformCanary", {})
    return lab.ended(execution, 300) == "SUCCEEDED"


def the_age_of_the_oldest_incident_is_reported(lab: Lab) -> bool:
    before = _ages(lab)
    execution = lab.start("PlatformCanary", {})
    looks = {
        "reported": lambda: _ages(lab) > before,
        # As long as its own deadline, where another flow keeps its runbook from closing.
        "over": lambda: _status(lab, execution) != "RUNNING",
    }
    seen = lab.first(looks, 180)
    if _status(lab, execution) == "RUNNING":
        lab.states.stop_execution(executionArn=execution)
    return seen == "reported" or _ages(lab) > before


def _status(lab: Lab, execution: str) -> str:
    return str(lab.states.describe_execution(executionArn=execution)["status"])


def _ages(lab: Lab) -> float:
    now = datetime.datetime.now(datetime.UTC)
    points = lab.scene.client("cloudwatch").get_metric_statistics(
        Namespace="SREPlatform",
        MetricName="OldestOpenIncidentSeconds",
        StartTime=now - datetime.timedelta(hours=3),
        EndTime=now + datetime.timedelta(minutes=1),
        Period=14400,
        Statistics=["SampleCount"],
    )["Datapoints"]
    return float(sum(point["SampleCount"] for point in points))


def what_people_are_told_is_posted_to_chat(lab: Lab) -> bool:
    event = lab.event()
    data = event["detail"]["data"]
    event["source"], event["detail-type"] = "sre.notifier", "incident.notified"
    data |= {"event": "incident.created", "slack_text": f"a test: {data['alert_name']}"}
    lab.put(event)

    def posted() -> bool:
        chat = read_chat(lab.folder.notifications_file)
        return any(data["alert_name"] in each.text for each in chat)

    return lab.seen(posted)


def what_people_are_told_pages(lab: Lab) -> bool:
    event = lab.event()
    event["source"], event["detail-type"] = "sre.pager", "incident.paged"
    key = f"{_id(event)}-human"
    body = {"event_action": "resolve", "dedup_key": key}
    page = {"action": "resolve", "key": key, "severity": "critical", "ends_as": "close"}
    event["detail"]["data"] = {"incident_id": _id(event), "body": body, **page}
    lab.put(event)
    return lab.seen(
        lambda: any(each.key == key for each in read_pages(lab.folder.notifications_file))
    )


def what_calls_a_human_is_handed_to_the_investigator(lab: Lab) -> bool:
    event = escalation(lab.event())
    lab.put(event)

    def asked() -> bool:
        questions = read_questions(lab.folder.notifications_file)
        return any(each.body["data"]["incident_id"] == _id(event) for each in questions)

    return lab.seen(asked)


def an_answer_is_counted(lab: Lab) -> bool:
    """It is taken either way, and its incident need not be known."""

    def counted() -> int:
        rows = lab.scene.client("dynamodb").scan(
            TableName=lab.deployment.guard_table,
            FilterExpression="begins_with(guard_key, :answers)",
            ExpressionAttributeValues={":answers": {"S": "answers#"}},
            ConsistentRead=True,
        )["Items"]
        return sum(int(row["answers"]["N"]) for row in rows)

    before = counted()
    lab.scene.post_finding({"incident_id": str(uuid.uuid4()), "summary": "A disk is full."})
    return counted() > before


def what_is_quiet_is_closed(lab: Lab) -> bool:
    event = lab.event()
    data = event["detail"]["data"]
    event["detail"]["metadata"]["received_at"] = "2026-11-01T00:00:00.000Z"
    lab.start("IncidentRecorder", event)
    assert lab.seen(lambda: lab.scene.record(_id(event)))
    lab.start("IncidentCloser", {})
    return lab.seen(lambda: data["incident_id"] in _ended(lab))


def _nobody_takes(lab: Lab) -> Event:
    """An incident that has called a human two hours ago, whom the stack gives one."""
    begun = lab.event()
    lab.start("IncidentRecorder", begun)
    assert lab.seen(lambda: lab.scene.record(_id(begun)))
    event = escalation(begun)
    at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=2)
    called = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    event["detail"]["metadata"]["occurred_at"] = called
    data = event["detail"]["data"]
    lab.scene.client("dynamodb").update_item(
        TableName=lab.deployment.incidents_table,
        Key={name: {"S": data[name]} for name in ("incident_id", "timestamp")},
        UpdateExpression="SET #status = :escalated, escalated_at = :at",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":escalated": {"S": "escalated"}, ":at": {"S": called}},
    )
    return event


def _climbed(lab: Lab, event: Event) -> bool:
    told = [each["incident_id"] for each in lab.scene.events("incident.climbed")]
    return _id(event) in told


def what_nobody_takes_climbs(lab: Lab) -> bool:
    event = _nobody_takes(lab)
    lab.put(event)
    return lab.seen(lambda: _climbed(lab, event))


def what_cannot_climb_is_kept(lab: Lab) -> bool:
    event = _nobody_takes(lab)
    lab.start("IncidentClimber", event)
    return lab.seen(lambda: lab.queued("parked", _id(event)))


def who_answers_the_pager_has_it(lab: Lab) -> bool:
    event = _nobody_takes(lab)
    lab.start("IncidentClimber", acknowledgement(_id(event)))
    return lab.seen(lambda: (lab.scene.record(_id(event)) or {}).get("acknowledged_by"))


def windows_of_maintenance_are_read(lab: Lab) -> bool:
    """Unread they keep nobody from being told, so only the execution shows it."""
    event = _nobody_takes(lab)
    execution = lab.start("IncidentClimber", event)
    assert lab.patient().seen(lambda: _climbed(lab, event))
    history = lab.states.get_execution_history(executionArn=execution, maxResults=1000)["events"]
    return any(
        each["taskSucceededEventDetails"]["resource"].endswith("getParameters")
        for each in history
        if each["type"] == "TaskSucceeded"
    )


def what_was_erased_calls_nobody(lab: Lab) -> bool:
    """Unread it pages, so only that the execution ends without a page shows it."""
    event = lab.event()
    lab.scene.client("dynamodb").put_item(
        TableName=lab.deployment.guard_table,
        Item={
            "guard_key": {"S": f"incident#{_id(event)}"},
            "erased_at": {"S": event["detail"]["data"]["timestamp"]},
        },
    )
    page = {"metadata": {}, "data": {"incident_id": _id(event), "key": _id(event)}}
    told = {"until": event["detail"]["data"]["timestamp"], "page": page, "over": page}
    event["detail"]["data"] |= told
    event |= {"source": "sre.notifier", "detail-type": "incident.page-held"}
    execution = lab.start("IncidentClimber", event)

    def told_nobody() -> bool:
        history = lab.states.get_execution_history(executionArn=execution, maxResults=1000)
        entered = [
            each["stateEnteredEventDetails"]["name"]
            for each in history["events"]
            if each["type"].endswith("StateEntered")
        ]
        return "Over" in entered and "Page" not in entered

    return lab.seen(told_nobody)


def _ended(lab: Lab) -> list[str]:
    return [each["incident_id"] for each in lab.scene.events("incident.resolved")]


def evidence_stands_on_the_record(lab: Lab) -> bool:
    # On a busy machine one may come to nothing: what is collected has to be ready in seconds.
    return any(_evidence_of_one_stands(lab) for _ in range(3))


def _evidence_of_one_stands(lab: Lab) -> bool:
    event = lab.event()
    for minute in (time.time() // 60, time.time() // 60 + 1):
        # Other lanes' alerts count, too.
        lab.scene.client("dynamodb").delete_item(
            TableName=lab.deployment.guard_table,
            Key={"guard_key": {"S": f"flood#evidence#{int(minute)}"}},
        )
    lab.put(event)

    def evidence() -> Any:
        return (lab.scene.record(_id(event)) or {}).get("evidence")

    return lab.seen(evidence) and bool(evidence()["key"])


def findings_are_handed_on(lab: Lab) -> bool:
    """Whatever was found, and also where it was nothing."""
    event = lab.event()
    lab.put(event)

    def findings() -> Any:
        answer = lab.scene.client("dynamodb").get_item(
            TableName=lab.deployment.guard_table,
            Key={"guard_key": {"S": f"relation#{_id(event)}"}},
            ConsistentRead=True,
        )
        return "findings" in answer.get("Item", {})

    return lab.seen(findings)


_RUNBOOK = "IncidentResponseRunbookRole"
_EVIDENCE = Probe(evidence_stands_on_the_record)
_CLOSES = Probe(what_is_quiet_is_closed)
_ABANDONED = Probe(an_abandoned_runbook_is_told)
_CLIMBER = "IncidentClimberRole"
_CLIMBS = Probe(what_nobody_takes_climbs)
_NOTIFIER = "IncidentNotifierRole"
_DIGEST = "IncidentDigestRole"
_MORNING_ROLE = "MorningDigestRole"
_SWITCHES_TOLD = Probe(the_morning_tells_the_switches)
_STEP = "RemediationStepRole"
_RESTORER = "IncidentRestorerRole"
_HANDS_OVER = Probe(an_alert_without_a_runbook_goes_to_a_human)
_REPORTS = Probe(what_a_runbook_did_is_reported)
_CLUSTER = Probe(the_action_finds_its_way_into_the_cluster)
_PROBES = Probe(the_probe_reads_the_catalogue)
_SWITCHES = Probe(degraded_mode_is_switched)
_LEASES = Probe(a_lease_is_taken_and_let_go)
_RELATES = Probe(an_incident_leaves_its_place)
_ASKS = Probe(what_is_approved_is_done)
_SCALES = Probe(what_was_scaled_up_is_scaled_down_again)
_BRINGS_BACK = Probe(what_was_taken_away_is_brought_back)
_CANARY_ROLE = "PlatformCanaryRole"
_CANARY_POSTS = Probe(the_canary_reaches_the_bus)
_AGE = Probe(the_age_of_the_oldest_incident_is_reported)


def _waits_for_steps(role: str, probe: Probe) -> dict[str, Probe]:
    """Give the grants that it takes to wait for another machine's execution."""
    end, rule = f"{role}.WaitForStepsAndStopThem:states", f"{role}.HearOfTheirEnds:events"
    names = [f"{role}.StartSteps"]
    names += [f"{end}:{operation}Execution" for operation in ("Describe", "Stop")]
    names += [f"{rule}:{operation}" for operation in ("PutTargets", "PutRule", "DescribeRule")]
    return dict.fromkeys(names, probe)


PROBES: dict[str, Probe] = {
    "AlertIngestRole.PublishAlerts": Probe(an_alert_gets_onto_the_bus),
    "AlertIngestRole.RememberTheFiringOfEachAlert:dynamodb:BatchGetItem": Probe(
        a_start_that_moves_stays_one_incident
    ),
    "AlertIngestRole.RememberTheFiringOfEachAlert:dynamodb:PutItem": Probe(
        a_start_that_moves_stays_one_incident
    ),
    "AlertIngestRole.SeeWhatIsKnownOfAnIncident": Probe(a_start_that_moves_stays_one_incident),
    "AlertIngestRole.CountTheAlertsOfEachKey": Probe(an_alert_is_counted_for_its_sender),
    "AlertIngestRole.ReadTheTagsOfAlarms": Probe(an_alarm_has_its_tags_for_labels),
    "AlertIngestRole.ParkWhatTheBusRefuses": Probe(
        an_alert_is_parked, ("AlertIngestRole.PublishAlerts",)
    ),
    "IncidentCreatedRole.StartRunbookAndNotifier@IncidentResponseRunbook": Probe(
        the_rule_starts_the_runbook
    ),
    "IncidentCreatedRole.StartRunbookAndNotifier@IncidentNotifier": Probe(
        the_rule_announces_a_new_incident
    ),
    "IncidentCreatedRole.StartRunbookAndNotifier@IncidentEvidence": _EVIDENCE,
    "IncidentEvidenceRole.NoteEvidence": _EVIDENCE,
    "IncidentEvidenceRole.ClaimAndCountCollections": _EVIDENCE,
    "IncidentEvidenceRole.Collect": _EVIDENCE,
    "IncidentEvidenceRole.HandOnFindings": Probe(findings_are_handed_on),
    "RunbookActionRole.KeepEvidence": _EVIDENCE,
    "NotifyRole.StartNotifier": Probe(the_rule_announces_the_end),
    "RecordOnlyRole.StartRecorder": Probe(the_rule_starts_the_recorder),
    "IncidentRecorderRole.WriteIncidents": Probe(the_recorder_writes),
    "IncidentRecorderRole.SettleIncidentKeys": Probe(the_recorder_writes),
    "IncidentRecorderRole.SettleIncidentKeys#incident": Probe(the_recorder_writes),
    "IncidentRecorderRole.SettleIncidentKeys#target": Probe(an_untouched_target_is_let_go),
    "IncidentRecorderRole.SettleIncidentKeys#thing": Probe(an_untouched_thing_is_let_go),
    "IncidentRecorderRole.ReadWhatIsInHand": _ABANDONED,
    "IncidentRecorderRole.TellOfAbandonedRunbooks": _ABANDONED,
    "IncidentRecorderRole.KeepWhatCannotBeWritten": Probe(
        the_recorder_keeps_what_it_cannot_write, ("IncidentRecorderRole.WriteIncidents",)
    ),
    f"{_NOTIFIER}.ClaimAndCountAnnouncements": Probe(a_repetition_is_announced_once),
    f"{_NOTIFIER}.FindWhatWasClosed": Probe(what_a_runbook_has_closed_is_found_and_told),
    f"{_NOTIFIER}.LeaveAFloodToTheDigest": Probe(a_flood_is_left_to_the_digest),
    f"{_NOTIFIER}.TellPeople": Probe(the_notifier_tells_people),
    f"{_NOTIFIER}.TellChat": Probe(the_notifier_tells_chat),
    f"{_NOTIFIER}.KeepWhatCannotBeSaid@ParkingQueue": Probe(
        the_notifier_keeps_what_is_for_chat, (f"{_NOTIFIER}.TellChat",)
    ),
    f"{_NOTIFIER}.KeepWhatCannotBeSaid@NotificationDeadLetters": Probe(
        the_notifier_keeps_an_announcement, (f"{_NOTIFIER}.TellPeople",)
    ),
    "IncidentCloserRole.FindWhatIsQuiet": _CLOSES,
    "IncidentCloserRole.TellOfEnds": _CLOSES,
    "IncidentCallsRole.StartClimber": _CLIMBS,
    f"{_CLIMBER}.SeeWhoHasItAndNoteWhoIsTold:dynamodb:GetItem": _CLIMBS,
    f"{_CLIMBER}.SeeWhoHasItAndNoteWhoIsTold:dynamodb:UpdateItem": _CLIMBS,
    f"{_CLIMBER}.SeeWhoHasItAndNoteWhoIsTold:dynamodb:Query": Probe(who_answers_the_pager_has_it),
    f"{_CLIMBER}.ReadMaintenanceWindows": Probe(windows_of_maintenance_are_read),
    f"{_CLIMBER}.SeeWhatWasErased": Probe(what_was_erased_calls_nobody),
    f"{_CLIMBER}.HaveTheNextContactTold": _CLIMBS,
    f"{_CLIMBER}.KeepWhatCannotBeSent": Probe(
        what_cannot_climb_is_kept, (f"{_CLIMBER}.HaveTheNextContactTold",)
    ),
    f"{_DIGEST}.AddUpTheCounts": Probe(the_digest_says_how_many_were_held_back),
    f"{_DIGEST}.FindWhatWasEscalated": Probe(the_digest_says_how_many_were_escalated),
    f"{_DIGEST}.TellPeople": Probe(the_digest_tells_people),
    f"{_DIGEST}.TellChat": Probe(the_digest_tells_chat),
    f"{_DIGEST}.KeepWhatCannotBeSaid@ParkingQueue": Probe(
        the_digest_keeps_what_is_for_chat, (f"{_DIGEST}.TellChat",)
    ),
    f"{_DIGEST}.KeepWhatCannotBeSaid@NotificationDeadLetters": Probe(
        the_digest_keeps_an_announcement, (f"{_DIGEST}.TellPeople",)
    ),
    f"{_MORNING_ROLE}.FindTheIncidents": Probe(the_morning_names_who_is_needed),
    f"{_MORNING_ROLE}.SeeWhatIsLent": Probe(the_morning_names_what_is_lent),
    f"{_MORNING_ROLE}.ReadTheSwitches@RemediationModeParameter": _SWITCHES_TOLD,
    f"{_MORNING_ROLE}.ReadTheSwitches@MaintenanceParameter": _SWITCHES_TOLD,
    f"{_MORNING_ROLE}.ReadTheSwitches@RunbookModesParameter": _SWITCHES_TOLD,
    f"{_MORNING_ROLE}.TellPeople": Probe(the_morning_is_told),
    f"{_MORNING_ROLE}.KeepWhatCannotBeTold": Probe(
        the_morning_is_kept, (f"{_MORNING_ROLE}.TellPeople",)
    ),
    f"{_RUNBOOK}.ReadTheSwitches@RemediationModeParameter": _REPORTS,
    f"{_RUNBOOK}.ReadTheSwitches@MaintenanceParameter": _REPORTS,
    f"{_RUNBOOK}.ReadTheSwitches@RunbookModesParameter": _REPORTS,
    f"{_RUNBOOK}.ClaimAndCloseIncidents:dynamodb:UpdateItem": _HANDS_OVER,
    f"{_RUNBOOK}.ClaimAndCloseIncidents:dynamodb:GetItem": _SCALES,
    f"{_RUNBOOK}.HandOverWhatIsToBeBroughtBack": _SCALES,
    f"{_RUNBOOK}.ReadTheCatalogue": _HANDS_OVER,
    f"{_RUNBOOK}.GuardTargets:dynamodb:UpdateItem": _HANDS_OVER,
    f"{_RUNBOOK}.GuardTargets:dynamodb:GetItem": _REPORTS,
    f"{_RUNBOOK}.Act": _REPORTS,
    **_waits_for_steps(_RUNBOOK, _REPORTS),
    f"{_RUNBOOK}.TellOfEscalations": Probe(an_escalation_is_told_on_the_bus),
    f"{_RUNBOOK}.CallAHuman": _HANDS_OVER,
    f"{_RUNBOOK}.LeaveAFloodToTheDigest": Probe(a_flood_calls_no_human_one_by_one),
    f"{_RUNBOOK}.KeepWhatCannotBeSent": Probe(
        an_escalation_that_cannot_be_sent_is_kept, (f"{_RUNBOOK}.CallAHuman",)
    ),
    f"{_STEP}.AskAndLookAgain:dynamodb:UpdateItem": _ASKS,
    f"{_STEP}.AskAndLookAgain:dynamodb:GetItem": _ASKS,
    f"{_STEP}.Act": _REPORTS,
    f"{_STEP}.ReportActions": _REPORTS,
    f"{_STEP}.AskAHuman": _ASKS,
    f"{_STEP}.KeepWhatCannotBeSent": Probe(
        a_report_that_cannot_be_sent_is_kept, (f"{_STEP}.ReportActions",)
    ),
    f"{_RESTORER}.FindRecurrences": _BRINGS_BACK,
    f"{_RESTORER}.NoteWhatBecameOfIt": _BRINGS_BACK,
    f"{_RESTORER}.SeeThatNoRunbookIsAtWork": _BRINGS_BACK,
    f"{_RESTORER}.LockTargets": _BRINGS_BACK,
    f"{_RESTORER}.Act": Probe(what_is_not_over_is_not_brought_back),
    **_waits_for_steps(_RESTORER, _BRINGS_BACK),
    f"{_RESTORER}.TellPeople": Probe(what_cannot_be_brought_back_is_told),
    f"{_RESTORER}.TellChat": Probe(what_cannot_be_brought_back_is_told_on_the_bus),
    f"{_RESTORER}.KeepWhatCannotBeSent": Probe(
        a_failure_of_the_restorer_is_kept, (f"{_RESTORER}.TellPeople",)
    ),
    "RunbookActionRole.FindTheCluster": _CLUSTER,
    "RunbookActionRole.ReadCatalogue:dynamodb:Scan": _PROBES,
    "RunbookActionRole.ReadCatalogue:dynamodb:GetItem": _SWITCHES,
    "RunbookActionRole.ReadLocksLeasesAndPlaces": _SWITCHES,
    "RunbookActionRole.ReadLocksLeasesAndPlaces#incident": Probe(what_may_hang_on_it_is_looked_at),
    "AssumeRemediationRole.BecomeTheRemediator": _CLUSTER,
    "AskPrometheusPolicy.ReadTheWorkspace:aps:QueryMetrics": Probe(a_query_is_answered),
    "AskPrometheusPolicy.ReadTheWorkspace:aps:ListRules": Probe(a_rule_is_looked_up),
    "RunbookActionRole.SwitchDegradedMode:ssm:GetParameter": _SWITCHES,
    "RunbookActionRole.SwitchDegradedMode:ssm:PutParameter": _SWITCHES,
    f"{_NOTIFIER}.ReadWhatItHangsOn": Probe(what_hangs_on_another_is_told_by_that),
    "RunbookActionRole.RelateIncidents": _RELATES,
    "RunbookActionRole.KeepLeasesAndApprovals:dynamodb:PutItem": _LEASES,
    "RunbookActionRole.KeepLeasesAndApprovals:dynamodb:DeleteItem": _LEASES,
    "SlackRole.PostToSlack": Probe(what_people_are_told_is_posted_to_chat),
    "PagerRole.CallThePager": Probe(what_people_are_told_pages),
    "InvestigatorRole.AskTheInvestigator": Probe(what_calls_a_human_is_handed_to_the_investigator),
    "TakeAnswersPolicy.CountTheAnswers": Probe(an_answer_is_counted),
    f"{_CANARY_ROLE}.CallTheWebhook": _CANARY_POSTS,
    f"{_CANARY_ROLE}.UseTheConnection": _CANARY_POSTS,
    f"{_CANARY_ROLE}.ReadTheConnectionsSecret:secretsmanager:GetSecretValue": _CANARY_POSTS,
    f"{_CANARY_ROLE}.ReadTheConnectionsSecret:secretsmanager:DescribeSecret": _CANARY_POSTS,
    f"{_CANARY_ROLE}.SeeTheRecord": Probe(the_canary_comes_back),
    f"{_CANARY_ROLE}.FindTheOldestIncident": _AGE,
    f"{_CANARY_ROLE}.Report": _AGE,
    "CheckoutServiceRole.ReadSwitches@degraded_mode": Probe(checkout_reads_degraded_mode),
    "CheckoutServiceRole.ReadSwitches@chaos": Probe(checkout_reads_chaos),
}
assert set(QUEUES) >= {"parked", "recorder", "runbook", "notifications"}
