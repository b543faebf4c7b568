"""Stands in for runbook-action where a state machine is under test: does what its script says.

The script travels in a step's parameters, as JSON:
``{"execute": ["ClusterUnreachable", "succeeded"], "verify": ["unhealthy", "healthy"]}``.
Each call of a step takes the next word, the last one stays. A word that is no known status is
raised as an error of that name. ``resolve`` follows the script of the first step, and
``collect_evidence`` one in the alert's annotations.

Where an alert is in the cluster stands in its label ``topology``, as JSON; what it hangs on is then
worked out by the function's own code, in the function's own rows. The same judges whether a runbook
still acts by itself, where its first step says after how many remediations without help it asks.
"""

from __future__ import annotations

import json
import os
import pathlib
import time
from datetime import UTC, datetime
from typing import Any

import boto3

from runbook_action.adapters.lock_table import LockTable
from runbook_action.adapters.place_table import PlaceTable
from runbook_action.topology.causes import Known
from runbook_action.topology.reading import Topology
from runbook_action.topology.relating import Relation, relate_at
from runbook_action.trust import Trust, asking_where_untrusted, said_with

STATUSES = {"succeeded", "in_progress", "unchanged", "planned", "healthy", "unhealthy"}
STATUSES |= {"resolved", "not-applicable"}
#: Healthy; and while that is found out, the recorder notes the alert's end on the record.
END_NOTED = "end-noted"
STATUSES |= {END_NOTED}
#: A plan that a human has to approve, though the runbook does not ask for it.
ASKS = "asks"
STATUSES |= {ASKS}
#: What the data say of a healthy target: word of a script → state, and by what that is known.
DATA = {
    "recovered": ("recovered", "alert"),
    "recovered-query": ("recovered", "promql"),
    "recovering": ("recovering", "alert"),
    "still-firing": ("not-recovered", "alert"),
    "query-says-no": ("not-recovered", "promql"),
    "unreachable": ("unknown", "alert"),
}
STATUSES |= {*DATA}
USUAL = {"verify": "healthy", "plan": "planned", "resolve": "resolved"}


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Take the next word of the script and note the call."""
    log = pathlib.Path(os.environ["CALLS_DIR"]) / f"{event['incident_id']}.jsonl"
    operation = event["operation"]
    earlier = [json.loads(line) for line in (log.read_text() if log.exists() else "").splitlines()]
    with log.open("a") as file:
        file.write(json.dumps(event) + "\n")
    if operation == "collect_evidence":
        return evidence(event)
    if operation == "relate":
        return {"status": "related", "relation": related(event)}
    same = [
        call
        for call in earlier
        if call["operation"] == operation and call.get("step") == event.get("step")
    ]
    approval = event.get("approval") or {}
    approved_by = " and ".join(approval.get("proofs") or [])
    if operation == "execute" and "denied" in approval:
        raise type("ApprovalDenied", (Exception,), {})(f"{approved_by}: {approval['denied']}")
    if operation == "execute" and event["asked"] and not approved_by:
        raise type("ApprovalDenied", (Exception,), {})("nobody has signed it")
    steps = resolved(event) if operation == "resolve" else {"steps": [event]}
    script = json.loads(steps["steps"][0]["parameters"].get("script", "{}"))
    words = script.get(operation) or [USUAL.get(operation, "succeeded")]
    word = words[min(len(same), len(words) - 1)]
    if word not in STATUSES:
        raise type(word, (Exception,), {})(f"scripted {word}")
    if word == END_NOTED:
        note_end(event["incident_id"])
        word = "healthy"
    if operation == "resolve":
        return {"status": "resolved", "operation": operation, **steps, "relation": related(event)}
    why = why_it_asks(event) if operation in ("plan", "execute") else ""
    if operation == "execute" and why and not approved_by:
        raise type("PlanChanged", (Exception,), {})(why)
    return {
        "status": "succeeded" if word == "healthy" or word in DATA else word,
        "action": event["action"],
        "operation": operation,
        "target": event["target"],
        "incident_id": event["incident_id"],
        "changed": word == "succeeded",
        "summary": said_with(f"scripted {operation}: {word}", event.get("runbook") or "", why),
        "details": {},
        # Each plan after the first one has one change more.
        "plan": [
            {"kind": "Deployment", "name": "checkout", "field": field, "from": "a", "to": "b"}
            for field in "xyz"[: len(same) + 1 if operation == "plan" else 1]
        ],
        "undo": {"action": event["action"], "parameters": {}} if operation == "execute" else None,
        "healthy": (word == "healthy" or word in DATA) if operation == "verify" else None,
        **({"recovery": said_by_data(word)} if operation == "verify" else {}),
        "applies": word != "not-applicable",
        "why_not": "scripted" if word == "not-applicable" else "",
        **({"approved_by": approved_by} if approved_by else {}),
        **(
            {
                "plan_hash": f"hash {len(same) + 1}",
                "plan_parts": [f"part {len(same) + 1}"],
                "asks": word == ASKS or bool(why),
            }
            if operation == "plan"
            else {}
        ),
    }


def note_end(incident_id: str) -> None:
    """Write what the recorder writes of an end while a runbook works on the incident."""
    dynamodb = boto3.client("dynamodb")
    ((key, *others),) = (
        dynamodb.query(
            TableName=os.environ["INCIDENTS_TABLE"],
            KeyConditionExpression="incident_id = :id",
            ExpressionAttributeValues={":id": {"S": incident_id}},
            ProjectionExpression="incident_id, #timestamp",
            ExpressionAttributeNames={"#timestamp": "timestamp"},
        )["Items"],
    )
    assert not others
    dynamodb.update_item(
        TableName=os.environ["INCIDENTS_TABLE"],
        Key=key,
        UpdateExpression="SET resolved_at = :now",
        ExpressionAttributeValues={":now": {"N": str(int(time.time()))}},
    )


def trust_of(parameters: dict[str, Any]) -> Trust:
    """The function's own judgement of what the real machine has written to the locks."""
    locks = LockTable(boto3.client("dynamodb"), os.environ["GUARD_TABLE"])
    return Trust(locks, parameters.get("ask_after", 0))


def why_it_asks(event: dict[str, Any]) -> str:
    """Why the runbook of a call is not trusted with its target."""
    trust, runbook = trust_of(event["parameters"]), event.get("runbook", "")
    return trust.why_it_asks(runbook, event["locks"], event["incident_id"])


def lock_of(target: dict[str, Any]) -> str:
    """The name of a target's lock."""
    place = (str(target.get(key) or "") for key in ("namespace", "kind", "name"))
    return "#".join(("target", target["cluster"], *place))


def said_by_data(word: str) -> dict[str, str] | None:
    """What the function answers of Prometheus; nothing where the script does not speak of it."""
    if word not in DATA:
        return None
    state, by = DATA[word]
    since = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    text = f"Prometheus: scripted {word}"
    return {"state": state, "by": by, "text": text, "since": since if state == "recovered" else ""}


def own_alert(steps: list[dict[str, Any]]) -> dict[str, Any]:
    """The alert's own rule, if the data are to speak of it; else why it is not known."""
    scripts = [json.loads(step["parameters"].get("script", "{}")) for step in steps]
    words = {word for script in scripts for word in script.get("verify", [])}
    if any(DATA[word][1] == "alert" for word in words & DATA.keys()):
        return {"rule": "scripted", "labels": {"alertname": "scripted"}}
    return {"why_not": "scripted"}


def evidence(event: dict[str, Any]) -> dict[str, Any]:
    """As many findings as the script wants, or an error by its name."""
    script = json.loads(event["alert"]["annotations"].get("script", "{}"))
    if "error" in script:
        raise type(script["error"], (Exception,), {})(f"scripted {script['error']}")
    return {
        "status": "collected",
        "findings": script.get(
            "texts", [f"finding {number + 1}" for number in range(script.get("findings", 2))]
        ),
        "sources": {"rollouts": "read", "logs": "AccessDenied: 403"},
        "evidence": {"key": f"incidents/{event['incident_id']}.json", "why_not": None},
    }


def related(event: dict[str, Any]) -> dict[str, Any]:
    """What an incident hangs on, by where its alert says that it is."""
    alert = event["alert"]
    where = json.loads(alert["labels"].get("topology", "{}"))
    if not where:
        return Relation().to_json()
    above, began = tuple(where.get("above", [])), where.get("began", 0)
    topology = Topology(
        where["place"],
        where["place"],
        where["level"],
        above,
        where.get("suspect", ""),
        where.get("under", ""),
    )
    rank = {"critical": 3, "warning": 2, "info": 1}[alert["severity"]]
    known = Known(
        event["incident_id"], where["level"], began, rank, event["timestamp"], where["place"]
    )
    places = PlaceTable(boto3.client("dynamodb"), os.environ["GUARD_TABLE"])
    return relate_at(topology, known, places, 900).to_json()


def resolved(event: dict[str, Any]) -> dict[str, Any]:
    """Every target as the runbook names it; what it locks besides, as its parameters say."""
    runbook = event["runbook"]
    cluster = event["alert"]["target"]["cluster"] or "sre-platform"
    steps, locks = [], set()
    for index, step in enumerate(runbook.get("steps") or [runbook], start=1):
        target = {**(step.get("target") or runbook["target"]), "cluster": cluster}
        approval = step.get("approval") or {}
        parameters = step.get("parameters") or {}
        locks.add(lock_of(target))
        locks.update(parameters.get("locks", []))
        steps.append(
            {
                "index": index,
                "name": (step.get("name") if "steps" in runbook else None) or f"step-{index}",
                "action": step["action"],
                "target": target,
                "parameters": parameters,
                "on_failure": step.get("on_failure") or runbook["on_failure"],
                "verify_seconds": step.get("verify_seconds"),
                "verify": step.get("verify") or runbook.get("verify"),
                "approval": {
                    "required": approval.get("required", False),
                    "timeout_seconds": approval.get("timeout_seconds", 900),
                    "persons": approval.get("persons", 1),
                },
                "when": step.get("when") or [],
                "lends": True,
                "changes": True,
                "locks": [lock_of(target)],
                "template": "0" * 16,
            }
        )
    return {
        "target": steps[0]["target"],
        "locks": sorted(locks),
        "strategy": runbook.get("strategy", "ladder"),
        "own_alert": own_alert(steps),
        "steps": asking_where_untrusted(
            steps,
            runbook["name"],
            event["incident_id"],
            trust_of(steps[0]["parameters"]),
        ),
    }
