"""What the thread of a card says: each thing that befell an incident, once, in its order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chat_actions.headline import place
from chat_actions.ports import Record
from chat_actions.question import pending
from chat_actions.wording import duration, line

# A thread is read on a phone.
_MOST = 600
_DONE = {
    "execute": "did",
    "plan": "planned",
    "verify": "verified",
    "undo": "took back",
    "restore": "brought back",
}


@dataclass(frozen=True)
class Told:
    """One thing that befell an incident.

    Attributes
    ----------
    key
        By which it is told once.
    text
        Ready for Slack.
    rings
        Whether somebody is needed: a change of a card and a reply in its thread ring nobody.
    """

    key: str
    text: str
    rings: bool = False


def story(record: Record) -> Iterator[Told]:
    """Give what is told of a record, oldest first, each with a key of its own.

    Parameters
    ----------
    record
        As its table has it.
    """
    if record.get("acknowledged_by"):
        who = f"{line(record['acknowledged_by'], 250)} has it in hand"
        because = record.get("acknowledged_because")
        why = f": {line(because, _MOST)}" if because else ""
        yield Told(
            f"acknowledged {record.get('acknowledged_at')}",
            f"{who}, since {_time(record, 'acknowledged_at')}{why}",
        )
    for action in record.get("actions_taken") or []:
        yield Told(f"action {action.get('action_id')} {action.get('started_at')}", _action(action))
    question = pending(record)
    approval = record.get("approval") or {}
    if question:
        key = f"asked {question.step} {question.requested_at}"
        until = f" until {line(question.until, 40)}" if question.until else ""
        asks = f"runbook {line(question.runbook, 100)} asks about step {question.step}{until}"
        yield Told(key, _called("ASKS YOU", record, f"{asks}, see the card"), rings=True)
    if approval.get("answer"):
        told = f"Step {approval.get('step', 1)} was {line(approval['answer'], 20)} by "
        key = f"answered {approval.get('step')} {approval.get('requested_at')}"
        yield Told(key, told + line(approval.get("answered_by"), _MOST))
    if record.get("undo_asked_by"):
        by, at = line(record["undo_asked_by"], 250), _time(record, "undo_asked_at")
        told = f"{by} has what the runbook did taken back, since {at}"
        yield Told(f"undo {record.get('undo_asked_of')}", told)
    if record.get("silenced_until"):
        until, why = _time(record, "silenced_until"), line(record.get("silenced_because"), 250)
        told = (
            f"Runbooks leave {line(record.get('silenced_target'), 300)} alone until {until}: {why}"
        )
        yield Told(f"silenced {until}", told)
    if record.get("escalated_at"):
        why = line(record.get("escalation_reason"), _MOST)
        called = _called("NEEDS YOU", record, why)
        yield Told(f"escalated {record['escalated_at']}", called, rings=True)
    yield from _climbed(record)
    yield from _investigated(record)
    # Whoever has closed it says nothing of its alert, whose end may be heard later.
    ended = record.get("alert_ended_at" if record.get("closed_by") else "resolved_at")
    if ended is not None:
        took = duration(record.get("mttr_seconds")) if ended == record.get("resolved_at") else ""
        yield Told(
            f"ended {ended}",
            "The alert is over" + (f" after {took}" if took else ""),
        )
    if record.get("closed_by"):
        why = f"{line(record['closed_by'], 250)}: {line(record.get('closed_reason'), _MOST)}"
        yield Told(f"closed {record.get('closed_at')}", f"Settled by {why}")


def _called(verdict: str, record: Record, why: str) -> str:
    """Begin as everything does that calls somebody; ``why`` is escaped already."""
    return f"{verdict} {line(place(record), 300)}: {why}"


def _climbed(record: Record) -> Iterator[Told]:
    """Give whom it was told to because nobody had taken it."""
    kept = record.get("climbed")
    for each in kept if isinstance(kept, list) else []:
        if isinstance(each, dict):
            since, to = _time(each, "since"), line(each.get("to"), 100)
            level = line(each.get("level"), 10)
            before = "and the second have" if level == "3" else "has"
            why = (
                f"the first contact {before} not taken it since {since}, so level {level}, the "
                f"{to}, is called now"
            )
            key = f"climbed {each.get('since')} {each.get('level')}"
            yield Told(key, _called("NEEDS YOU", record, why), rings=True)


def _investigated(record: Record) -> Iterator[Told]:
    """Give what an investigator has said, as its words."""
    kept = record.get("investigations")
    for each in kept if isinstance(kept, list) else []:
        if isinstance(each, dict):
            told = f"{line(each.get('by'), 100)} says, and nobody has checked it: "
            told += line(each.get("summary"), _MOST)
            suggested = each.get("suggestions")
            for one in suggested if isinstance(suggested, list) else []:
                told += f"\nIt would: {line(one, _MOST)}"
            yield Told(f"investigated {each.get('answer_id')}", told)


def _action(action: dict[str, Any]) -> str:
    step = _opened(action.get("step"))
    index = step.get("index") if isinstance(step, dict) else None
    what = _DONE.get(str(action.get("operation")), str(action.get("operation")))
    said = line(action.get("summary"), _MOST)
    by = f" (approved by {line(action['approved_by'], 250)})" if action.get("approved_by") else ""
    number = f"Step {index}: " if index else ""
    state = line(action.get("status"), 30)
    return f"{number}{what} {line(action.get('action'), 100)}: {state}{by}. {said}".strip()


def _opened(text: Any) -> Any:
    """Decode a text that holds JSON; anything else stays as it is."""
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return text


def _time(record: Record, name: str) -> str:
    return line(record.get(name), 40)
