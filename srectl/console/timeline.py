"""Everything that is known of one incident, in the order in which it happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from srectl.operate.incidents import (
    answers_beyond,
    climbed,
    ended_by_hand,
    ended_later,
    investigations,
)
from srectl.operate.leftovers import was_denied
from srectl.operate.moments import moment
from srectl.operate.undoing import told as undo_told

__all__ = ["UNDO_ASKED", "event", "events", "in_hand_because", "in_order", "plan_of"]

#: What somebody has asked for, in words.
UNDO_ASKED = "what the runbook did is to be taken back"


def events(record: dict[str, Any], no_cause: bool = False) -> list[dict[str, Any]]:
    """Give the events of a record, oldest first; each with its time, kind, words, and who.

    Parameters
    ----------
    no_cause
        It never hung on what the record calls its cause (:func:`srectl.operate.causes.never_hung`).
    """
    return in_order((*_all(record), *_let_go(record, no_cause)))


def in_order(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put events into their order; what has no readable time comes last, what has none not."""
    found = [each for each in found if each["at"]]
    return sorted(found, key=lambda each: (moment(each["at"]) is None, _order(each["at"])))


def _order(at: Any) -> float:
    read = moment(at)
    return read.timestamp() if read else 0.0


def event(at: Any, kind: str, words: Any, who: Any = None, **more: Any) -> dict[str, Any]:
    """Make an event of a timeline.

    Parameters
    ----------
    at
        When, as it stands where it was read.
    kind
        In one word.
    words
        What happened.
    who
        Who did it.
    """
    return {"at": at, "kind": kind, "words": words, "who": who, **more}


def _all(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    sender = record.get("sender_name") or record.get("sender")
    yield event(record.get("timestamp"), "began", record.get("summary"), sender)
    yield event(record.get("received_at"), "received", "the platform took it in", "platform")
    if record.get("risen_at"):
        words = f"severity rose from {record.get('risen_from')} to {record.get('severity')}"
        yield event(record["risen_at"], "worse", words, sender)
    if record.get("heard_at") != record.get("received_at"):
        yield event(record.get("heard_at"), "heard", "last heard firing", sender)
    evidence = record.get("evidence")
    if isinstance(evidence, dict):
        told = evidence.get("findings") or [evidence.get("why_not") or "no findings"]
        yield event(evidence.get("at"), "evidence", told[0], "platform")
    for each in record.get("actions_taken") or []:
        yield _action(each)
    yield from _investigations(record)
    yield from _approval(record.get("approval"))
    yield from _people(record)
    yield event(record.get("verified_at"), "verified", record.get("target_health"), "platform")
    if not ended_by_hand(record):
        ending = record.get("ending") or "the alert ended"
        yield event(record.get("resolved_at"), "ended", ending, sender)
    elif ended_later(record):
        late = "its alert ended, after it had been closed"
        yield event(record.get("alert_ended_at"), "ended", late, sender)


def _investigations(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for each in investigations(record):
        who = each.get("by")
        found = [str(one) for one in each.get("findings") or []]
        found += [f"it would: {one}" for one in each.get("suggestions") or []]
        words = f"{who} says, and nobody has checked it: {each.get('summary')}"
        link = each.get("link")
        yield event(each.get("at"), "investigator", words, who, found=found, link=link)
    if beyond := answers_beyond(record):
        words = f"answers that came besides, and are not kept: {beyond}"
        yield event(investigations(record)[-1].get("at"), "investigator", words, "investigators")


def _approval(approval: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(approval, dict):
        return
    asked = f"step {approval.get('step') or 1} asks for approval"
    yield event(approval.get("requested_at"), "asked", asked, approval.get("runbook"))
    first = approval.get("first")
    if isinstance(first, dict):
        words = "approved, the first of two"
        yield event(first.get("at"), "answered", words, first.get("by"))
    yield event(
        approval.get("answered_at"), "answered", approval.get("answer"), approval.get("answered_by")
    )


def _people(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    took, closed = record.get("acknowledged_by"), record.get("closed_by")
    words = in_hand_because(record.get("acknowledged_because"))
    yield event(record.get("acknowledged_at"), "taken", words, took)
    stopped = f"the runbook was stopped: {record.get('stopped_because') or 'no reason given'}"
    yield event(record.get("stopped_at"), "stopped", stopped, record.get("stopped_by"))
    who = record.get("undo_asked_by")
    yield event(record.get("undo_asked_at"), "undo asked", UNDO_ASKED, who)
    until, silenced = record.get("silenced_until"), record.get("silenced_because")
    alone = f"runbooks leave {record.get('silenced_target')} alone until {until}: {silenced}"
    yield event(record.get("silenced_at") or until, "silenced", alone)
    given_back = "given back: nobody has it"
    yield event(record.get("released_at"), "released", given_back, record.get("released_by"))
    why = record.get("escalation_reason")
    yield event(record.get("escalated_at"), "escalated", why, "platform")
    for each in climbed(record):
        told = f"nobody has taken it: level {each.get('level')}, the {each.get('to')}, is told"
        yield event(each.get("at"), "climbed", told, "platform")
    settled = record.get("closed_reason")
    if ended_by_hand(record):
        settled = f"{settled} (no end of the alert had been heard)"
    yield event(record.get("closed_at"), "closed", settled, closed)


def _let_go(record: dict[str, Any], no_cause: bool) -> Iterator[dict[str, Any]]:
    why = ": that had ended before this began" if no_cause else ", which it hung on"
    let_go = f"let go of {str(record.get('caused_by'))[:8]}{why}"
    yield event(record.get("let_go_at"), "let go", let_go, "platform")


def _action(action: dict[str, Any]) -> dict[str, Any]:
    step = action["step"] if isinstance(action.get("step"), dict) else {}
    result = action["result"] if isinstance(action.get("result"), dict) else {}
    error, summary = action.get("error"), str(action.get("summary") or "")
    if isinstance(error, dict):
        name, message = error.get("name"), str(error.get("message") or "")
        # A summary often is the message, with or without the name before it.
        error = f"{name}: {message}" if not message or message not in summary else name
        error = None if message and str(error) in summary else error
    return event(
        action.get("started_at"),
        "failed"
        if action.get("status") == "failed"
        else "denied"
        if was_denied(action)
        else str(action.get("operation")),
        action.get("summary"),
        action.get("runbook") or action.get("by"),
        id=action.get("action_id"),
        step=step,
        action=action.get("action"),
        operation=action.get("operation"),
        status="nothing was changed" if was_denied(action) else action.get("status"),
        until=action.get("completed_at"),
        plan=plan_of(result.get("plan")),
        undo=undo_told(result["undo"]) if result.get("undo") else None,
        error=error,
        approved_by=action.get("approved_by"),
        cut=bool(result.get("cut")),
    )


def in_hand_because(reason: Any) -> str:
    """Say that somebody has taken it, and why where that was said."""
    return f"somebody has it in hand: {reason}" if reason else "somebody has it in hand"


def plan_of(plan: Any) -> list[dict[str, Any]]:
    """Give the changes of a plan, whatever the record holds in its place."""
    return [each for each in plan if isinstance(each, dict)] if isinstance(plan, list) else []
