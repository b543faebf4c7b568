"""Posts the bodies of `bodies/` to a running stack in one go, and looks what became of them."""

from __future__ import annotations

import copy
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from alert_ingest.firings import JUST_HEARD
from srectl.operate.incidents import plain
from tests.field import field_body
from tests.field.cases import CASES, Case, Record
from tests.support.stacks import post
from tests.support.waiting import eventually

# Where nobody does anything more for an incident.
CLUSTER = "sre-platform"
SETTLED = frozenset({"resolved", "escalated"})


@dataclass(frozen=True)
class Fate:
    """What became of one case.

    Attributes
    ----------
    answers
        Status of each body's answer.
    records
        Its incidents, each once, in the order in which the answers named them.
    """

    case: Case
    answers: tuple[int, ...]
    records: tuple[Record, ...]

    @property
    def holds(self) -> bool:
        """Whether all were taken and it became what it must."""
        return set(self.answers) == {202} and self.case.holds(self.records)

    def line(self) -> str:
        """Write it as a row of a table in Markdown."""
        answers = " ".join(map(str, self.answers))
        records = "; ".join(map(_shown, self.records)) or "no record"
        verdict = "yes" if self.holds else "NO"
        return f"| {self.case.row} | {answers} | {records} | {self.case.must} | {verdict} |"


HEADER = "| row | answers | became | must | so it is |\n|---|---|---|---|---|"


def post_all(
    url: str, key: str, dynamodb: Any, seconds: float, cases: Sequence[Case] = CASES
) -> list[Fate]:
    """Post every body, wait until nothing more is done, and give what became of each.

    Parameters
    ----------
    url, key
        Of the webhook.
    dynamodb
        A client that may read the incidents.
    seconds
        How long to wait for the last incident to settle; what has not by then is told as it is.
    """
    # The rows are of different systems, of which several were composed with one fingerprint.
    sent = [[own(field_body(name), case.row) for name in case.bodies] for case in cases]

    def answered(bodies: Sequence[Mapping[str, Any]]) -> list[tuple[int, str]]:
        return [post(url, json.dumps(body).encode(), {"X-Api-Key": key}) for body in bodies]

    at_once = [len(case.bodies) - case.late for case in cases]
    answers = [answered(bodies[:many]) for bodies, many in zip(sent, at_once, strict=True)]
    if any(case.late for case in cases):
        time.sleep(JUST_HEARD.total_seconds() + 1)
    for of_case, bodies, many in zip(answers, sent, at_once, strict=True):
        of_case.extend(answered(bodies[many:]))
    named = [
        list(
            dict.fromkeys(
                incident
                for code, answer in of_case
                if code == 202
                for incident in json.loads(answer)["incident_ids"]
            )
        )
        for of_case in answers
    ]

    def records(ids: Sequence[str]) -> tuple[Record, ...]:
        return tuple(record for each in ids if (record := _record(dynamodb, each)))

    def settled() -> bool:
        return all(
            len(found := records(ids)) == len(ids)
            and all(record.get("status") in SETTLED for record in found)
            for ids in named
        )

    _patiently(settled, seconds)
    return [
        Fate(case, tuple(code for code, _ in of_case), records(ids))
        for case, of_case, ids in zip(cases, answers, named, strict=True)
    ]


def own(body: Mapping[str, Any], row: str, run: str = uuid.uuid4().hex[:8]) -> dict[str, Any]:
    """Give a body identities of this run and row, the same for all bodies that had one.

    The one cluster of a stack on one machine stands for the senders' own: an alert of a cluster
    that nobody knows would be left alone for that alone.
    """
    changed = copy.deepcopy(dict(body))
    for labels in (changed.get("commonLabels", {}), *_labels(changed)):
        if "cluster" in labels:
            labels["cluster"] = CLUSTER
    for alert in changed.get("alerts", []):
        alert["fingerprint"] = f"{alert['fingerprint']}-{row}-{run}"
    if "alert_cycle_key" in changed:
        changed["alert_cycle_key"] = f"{changed['alert_cycle_key']}-{row}-{run}"
    return changed


def _labels(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [alert["labels"] for alert in body.get("alerts", [])]


def _record(dynamodb: Any, incident_id: str) -> Record | None:
    found = dynamodb.query(
        TableName="sre-incidents",
        KeyConditionExpression="incident_id = :id",
        ExpressionAttributeValues={":id": {"S": incident_id}},
        ConsistentRead=True,
    )["Items"]
    return plain(found[0]) if found else None


def _patiently(settled: Callable[[], bool], seconds: float) -> None:
    with suppress(AssertionError):
        eventually("every incident is settled", settled, seconds)


def _shown(record: Record) -> str:
    parts = [
        str(record["incident_id"])[:8],
        str(record.get("alert_name")),
        str(record.get("severity")),
        str(record.get("status")),
    ]
    if reason := record.get("escalation_reason"):
        parts.append(str(reason)[:80])
    if done := record.get("actions_taken"):
        parts.append(f"{len(done)} actions")
    return ", ".join(parts).replace("|", "/")
