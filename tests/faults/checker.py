"""Judges a history: each function is one invariant, and names every place where it does not hold.

The judgement rests on what the client sent and was answered, on what the API server tells of the
objects, and on what is left in tables, queues and executions in the end; never on what the platform
says that it did. A record is evidence of what became of an alert only in that it is there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from tests.faults import hands, recurrences
from tests.faults.history import History, Violation
from tests.faults.journal import Entry

__all__ = ["CHECKS", "check"]

_ACCEPTED = 202
_OVER = frozenset({"resolved", "escalated"})
_RANK = {"open": 0, "remediating": 1, "escalated": 2, "resolved": 3}


def _show(incident: str) -> str:
    return f"srectl incidents show {incident}"


def accepted(history: History) -> Iterator[tuple[str, int, Entry]]:
    """Give incident, firing's number and answer of each alert of its own sender's, answered 202."""
    for entry in history.of("answered"):
        if entry.get("forged"):
            continue
        if entry["code"] == _ACCEPTED and len(entry["incidents"]) == len(entry["firings"]):
            for incident, number in zip(entry["incidents"], entry["firings"], strict=True):
                yield incident, number, entry


def nothing_accepted_is_lost(history: History) -> Iterator[Violation]:
    """Each incident that was answered has a record, or a queue that is watched holds it."""
    recorded = {record["incident_id"] for record in history.records}
    waiting = " ".join(text for texts in history.queued.values() for text in texts)
    first: dict[str, tuple[int, Entry]] = {}
    for incident, number, entry in accepted(history):
        first.setdefault(incident, (number, entry))
    for incident, (number, entry) in first.items():
        if incident not in recorded and incident not in waiting:
            yield Violation(
                "lost",
                incident,
                f"firing {number} was answered 202 at {entry['at']:.1f} and has neither record nor "
                "message",
                "srectl replay --dry-run; the log of incident-recorder at that time",
            )


def no_accepted_end_is_lost(history: History) -> Iterator[Violation]:
    """Each end that was answered stands in its incident's record, or in a queue that is watched."""
    unended = {
        record["incident_id"] for record in history.records if record.get("resolved_at") is None
    }
    waiting = " ".join(text for texts in history.queued.values() for text in texts)
    told: dict[str, tuple[int, Entry]] = {}
    for incident, number, entry in accepted(history):
        if entry["status"] == "resolved" and incident in unended and incident not in waiting:
            told.setdefault(incident, (number, entry))
    for incident, (number, entry) in told.items():
        yield Violation(
            "lost",
            incident,
            f"the end of firing {number} was answered 202 at {entry['at']:.1f}, and its record has "
            "none",
            f"{_show(incident)}; the log of incident-recorder at that time",
        )


def what_is_good_is_taken(history: History) -> Iterator[Violation]:
    """Each planned body was taken in the end; a poisoned one was refused by name."""
    last: dict[int, Entry] = {}
    for entry in history.of("answered"):
        last[entry["delivery"]] = entry
    for number, entry in last.items():
        if entry["poison"]:
            if not 400 <= entry["code"] < 500:
                yield Violation(
                    "poison",
                    f"delivery {number}",
                    f"the body '{entry['poison']}' was answered {entry['code'] or 'not at all'}",
                    "srectl local logs alert-ingest",
                )
        elif entry["code"] != _ACCEPTED:
            yield Violation(
                "refused",
                f"delivery {number}",
                f"{entry['status']} of firings {entry['firings']} was answered {entry['code']} in "
                f"the end: {entry['text']}",
                "srectl local logs alert-ingest",
            )


def one_incident_is_one_firing(history: History) -> Iterator[Violation]:
    """All deliveries of a firing are one incident, with one record; and a recurrence is another."""
    incidents: dict[int, set[str]] = defaultdict(set)
    for incident, number, _ in accepted(history):
        incidents[number].add(incident)
    for number, found in incidents.items():
        single = found - recurrences.of(history, number, list(accepted(history)))
        if len(single) > 1:
            firing = history.plan.firings[number]
            yield Violation(
                "doubled",
                min(single),
                f"firing {number} (skew {firing.skew:.0f} s) was answered as {len(single)} "
                f"incidents: {', '.join(sorted(single))}",
                f"the row alert#… of fingerprint {firing.fingerprint} in sre-remediation-guard",
            )
    records: dict[str, list[str]] = defaultdict(list)
    others = _of_others(history)
    for record in history.records:
        if record["incident_id"] in others:
            continue
        records[str(record.get("fingerprint"))].append(record["incident_id"])
    for fingerprint, ids in records.items():
        number = history.fingerprints.get(str(fingerprint), -1)
        # What was answered is judged above; a record that no answer told of has no excuse.
        if len(ids) > 1 and set(ids) - incidents.get(number, set()):
            yield Violation(
                "doubled",
                ids[0],
                f"firing {number} has {len(ids)} records: {', '.join(ids)}",
                f"the row alert#… of fingerprint {fingerprint} in sre-remediation-guard",
            )


def no_sender_speaks_for_another(history: History) -> Iterator[Violation]:
    """What is told of a firing with another sender's key is about an incident of that one's."""
    forged = _of_others(history)
    for incident in {incident for incident, _, _ in accepted(history)}:
        if incident in forged:
            yield Violation(
                "forged",
                incident,
                f"delivery {forged[incident]} told its end, with another sender's key",
                _show(incident),
            )


def _of_others(history: History) -> Mapping[str, int]:
    """Give the incidents that a forged delivery was answered with, each with its number."""
    return {
        incident: entry["delivery"]
        for entry in history.of("answered")
        if entry.get("forged")
        for incident in entry["incidents"]
    }


def nobody_waits_for_ever(history: History) -> Iterator[Violation]:
    """Each record is over, each execution has ended, each escalation was told to somebody."""
    for record in history.records:
        incident = record["incident_id"]
        if record.get("status") not in _OVER:
            yield Violation(
                "stuck",
                incident,
                f"its status is {record.get('status')!r}",
                _show(incident),
            )
        elif (
            record.get("escalated_at")
            and record.get("escalation_code") != "flood"
            and incident not in history.told
        ):
            yield Violation(
                "untold",
                incident,
                f"escalated ({record.get('escalation_code')}), and nobody was told",
                f"{_show(incident)}; srectl dlq show notifications",
            )
    for name in history.running:
        yield Violation(
            "stuck", name, "an execution still runs", "aws stepfunctions describe-execution"
        )


def status_moves_forward(history: History) -> Iterator[Violation]:
    """No look at a record finds it further back than an earlier look did."""
    seen: dict[str, str] = {}
    for entry in history.of("seen"):
        incident, status = entry["incident"], entry["status"]
        before = seen.get(incident, status)
        if _RANK.get(str(status), 0) < _RANK.get(str(before), 0):
            yield Violation(
                "went-back",
                incident,
                f"from {before} to {status} at {entry['at']:.1f}",
                _show(incident),
            )
        seen[incident] = status


def nothing_is_left_held(history: History) -> Iterator[Violation]:
    """No lock and no lease outlives its incident, but what a human was called to decide on."""
    for lock in history.locks:
        if lock.holders and history.handed.issuperset(lock.holders):
            continue
        kind = "lease-left" if lock.key.startswith("lease#") else "lock-left"
        yield Violation(
            kind,
            lock.holders[0] if lock.holders else lock.key,
            f"{lock.key} is held by {', '.join(lock.holders) or 'nobody that can be named'}",
            f"item {lock.key} of sre-remediation-guard",
        )


def no_queue_keeps_anything(history: History) -> Iterator[Violation]:
    """What a redrive did not deliver is still waiting."""
    for queue, texts in history.queued.items():
        for text in texts:
            yield Violation("queue-left", queue, text[:200], f"srectl dlq show {queue}")


def objects_are_as_before(history: History) -> Iterator[Violation]:
    """What was changed for a time is as it was, and no template was touched."""
    for name, before in history.before.items():
        after: Mapping[str, object] = history.after.get(name, {})
        for field in ("replicas", "template"):
            if after.get(field) != before[field] and not _is_handed(name, field, history):
                yield Violation(
                    "object-changed",
                    name,
                    f"its {field} was {before[field]} and is {after.get(field)}",
                    f"kubectl -n apps describe deployment {name}",
                )


def the_watch_is_whole(history: History) -> Iterator[Violation]:
    """Without all of the objects' history nobody can say that no hand was there twice."""
    for entry in history.of("hole"):
        yield Violation("hole", "audit", f"at {entry['at']:.1f}: {entry['text']}", "run it again")


def _is_handed(name: str, field: str, history: History) -> bool:
    """Tell whether who still holds a change, or made the last one, was handed to a human."""
    if any(
        lock.key.endswith(f"#{name}#{field}") and history.handed.intersection(lock.holders)
        for lock in history.locks
    ):
        return True
    changed = [
        entry["incident"]
        for entry in history.of("changed")
        if entry["object"] == name and entry["field"] == field
    ]
    return bool(changed) and changed[-1] in history.handed


CHECKS: Sequence[Callable[[History], Iterator[Violation]]] = (
    nothing_accepted_is_lost,
    no_accepted_end_is_lost,
    what_is_good_is_taken,
    one_incident_is_one_firing,
    no_sender_speaks_for_another,
    hands.twice_is_once,
    hands.one_hand_on_a_target,
    nobody_waits_for_ever,
    status_moves_forward,
    nothing_is_left_held,
    no_queue_keeps_anything,
    objects_are_as_before,
    the_watch_is_whole,
)


def check(history: History) -> list[Violation]:
    """Judge a history; gives every violation of every invariant, each once."""
    return sorted({found for one in CHECKS for found in one(history)})
