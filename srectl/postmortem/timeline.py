"""What happened when: from the record, the evidence and the audit log, each moment once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from srectl.operate import paging
from srectl.operate.audit import is_one_moment
from srectl.operate.incidents import climbed, ended_by_hand, ended_later, investigations
from srectl.operate.leftovers import was_denied
from srectl.operate.moments import moment
from srectl.postmortem.sentence import Sentence, is_restart, target_of
from srectl.postmortem.sources import Story

__all__ = ["timeline"]

#: What became of an action, by its status.
_BECAME = {"succeeded": "succeeded", "failed": "failed", "skipped": "was left out"}


def timeline(story: Story) -> list[Sentence]:
    """Give every moment that is known, oldest first."""
    found = [
        each
        for each in (
            *_of_evidence(story),
            *_of_record(story.record),
            *_let_go(story),
            *_of_events(story),
        )
        if each.at is not None
    ]
    return sorted(found, key=lambda each: each.at.timestamp() if each.at else 0.0)


def _said(at: Any, text: str, source: str) -> Sentence:
    return Sentence(text, source, moment(at))


def _of_record(record: dict[str, Any]) -> Iterator[Sentence]:
    sender = record.get("sender_name") or record.get("sender")
    yield _said(
        record["timestamp"],
        f"The alert {record.get('alert_name')} began ({record.get('severity')}).",
        "record: timestamp",
    )
    yield _said(
        record.get("received_at"), f"The platform took it in from {sender}.", "record: received_at"
    )
    if record.get("risen_at"):
        before = record.get("risen_from") or "none"
        rose = f"Its severity rose from {before} to {record.get('severity')}."
        yield _said(record["risen_at"], rose, "record: risen_at")
    evidence = record.get("evidence") or {}
    if evidence.get("at"):
        count = len(evidence.get("findings") or [])
        told = f"Evidence was on the record: {count} finding{'' if count == 1 else 's'}."
        if evidence.get("status") != "collected":
            told = f"Evidence could not be collected: {evidence.get('why_not')}."
        yield _said(evidence["at"], told, "record: evidence")
    for number, action in enumerate(record.get("actions_taken") or []):
        yield from _of_action(action, f"record: actions_taken[{number}]")
    yield from _of_approval(record.get("approval") or {})
    if record.get("acknowledged_at"):
        told = _took(record.get("acknowledged_by"), record.get("acknowledged_because"))
        yield _said(record["acknowledged_at"], told, "record: acknowledged_at")
    if record.get("released_at"):
        told = _gave_back(record.get("released_by"))
        yield _said(record["released_at"], told, "record: released_at")
    if record.get("stopped_at"):
        why = record.get("stopped_because")
        told = f"{record.get('stopped_by')} stopped the runbook{f': {why}' if why else ''}."
        yield _said(record["stopped_at"], told, "record: stopped_at")
    if record.get("undo_asked_at"):
        told = _undid(record.get("undo_asked_by"))
        yield _said(record["undo_asked_at"], told, "record: undo_asked_at")
    if record.get("silenced_until"):
        told = (
            f"Runbooks were to leave {record.get('silenced_target')} alone until "
            f"{record['silenced_until']}: {record.get('silenced_because')}"
        )
        at = record.get("silenced_at") or record["silenced_until"]
        yield _said(at, told, "record: silenced_because")
    if record.get("escalated_at"):
        told = f"It was handed to a human: {record.get('escalation_reason')}"
        yield _said(record["escalated_at"], told, "record: escalated_at")
    for number, each in enumerate(climbed(record)):
        told = f"Nobody had taken it, so the {each.get('to')} was told (level {each.get('level')})."
        yield _said(each.get("at"), told, f"record: climbed[{number}]")
    for number, each in enumerate(investigations(record)):
        told = f"{each.get('by')}, asked to investigate, answered: “{each.get('summary')}”"
        yield _said(each.get("at"), told, f"record: investigations[{number}]")
    if record.get("verified_at"):
        told = f"The target was looked at: {record.get('target_health')}"
        yield _said(record["verified_at"], told, "record: verified_at")
    if record.get("resolved_at") and not ended_by_hand(record):
        ending = record.get("ending")
        told = f"The alert ended{f' ({ending})' if ending else ''}."
        yield _said(record["resolved_at"], told, "record: resolved_at")
    if record.get("closed_at"):
        told = f"{record.get('closed_by')} closed it: {record.get('closed_reason')}"
        if ended_by_hand(record):
            told = f"{told} (no end of the alert had been heard)"
        yield _said(record["closed_at"], told, "record: closed_at")
    if ended_later(record):
        told = "Its alert ended, after it had been closed."
        yield _said(record["alert_ended_at"], told, "record: alert_ended_at")


def _let_go(story: Story) -> Iterator[Sentence]:
    record = story.record
    if record.get("let_go_at"):
        told = f"It was let go of incident {record.get('caused_by')}, which it hung on."
        if any(how == "no cause" for how, _ in story.related):
            told = (
                f"It was let go of incident {record.get('caused_by')}: that had ended before it "
                "began, which was heard only then."
            )
        yield _said(record["let_go_at"], told, "record: let_go_at")


def _of_action(action: dict[str, Any], source: str) -> Iterator[Sentence]:
    what = f"{action.get('operation')} {action.get('action')}"
    where = target_of(action.get("target"))
    step = action.get("step") if isinstance(action.get("step"), dict) else {}
    which = f" (step {step.get('index')} of {step.get('of')})" if step else ""
    on = f" on {where}" if where else ""
    runbook = action.get("runbook")
    yield _said(action.get("started_at"), f"Runbook {runbook} began to {what}{on}{which}.", source)
    error = action.get("error")
    said = f"{error.get('name')}: {error.get('message')}" if isinstance(error, dict) else error
    status = str(action.get("status"))
    became = (
        "was denied and changed nothing"
        if was_denied(action)
        else _BECAME.get(status, f"ended as {status}")
    )
    told = f"{_sentence(what)}{on}{which} {became}: {said or action.get('summary')}"
    yield _said(action.get("completed_at"), told, source)


def _of_approval(approval: dict[str, Any]) -> Iterator[Sentence]:
    if approval.get("requested_at"):
        told = f"Runbook {approval.get('runbook')} asked for approval."
        yield _said(approval["requested_at"], told, "record: approval")
    first = approval.get("first")
    if isinstance(first, dict):
        told = f"{first.get('by')} approved, as the first of two."
        yield _said(first.get("at"), told, "record: approval")
    if approval.get("answered_at"):
        told = f"{approval.get('answered_by')} answered: {approval.get('answer')}."
        yield _said(approval["answered_at"], told, "record: approval")


def _of_evidence(story: Story) -> Iterator[Sentence]:
    facts = story.evidence.get("facts") or {}
    rollouts = facts.get("rollouts") or {}
    for each in rollouts.get("revisions") or []:
        images = ", ".join(str(image) for _, image in sorted((each.get("images") or {}).items()))
        told = f"Revision {each.get('revision')} came, with {images}."
        if is_restart(each, rollouts):
            told = f"Revision {each.get('revision')} came, a restart: nothing else of it was new."
        yield _said(each.get("made_at"), told, "evidence: rollouts")
    nodes = facts.get("nodes") or {}
    for each in nodes.get("joined") or []:
        yield _said(each.get("made_at"), f"Node {each.get('name')} joined.", "evidence: nodes")
    for pod in (facts.get("ends") or {}).get("worst") or []:
        for container in pod.get("containers") or []:
            end = container.get("last_end") or {}
            if end.get("finishedAt"):
                told = (
                    f"Container {container.get('name')} of pod {pod.get('name')} ended: "
                    f"{end.get('reason')}, exit code {end.get('exitCode')}."
                )
                yield _said(end["finishedAt"], told, "evidence: ends")
    for each in (facts.get("events") or {}).get("events") or []:
        if each.get("type") == "Warning":
            times = each.get("times") or 1
            often = f" ({times} times)" if times > 1 else ""
            told = f"{each.get('about')}: {each.get('reason')}, {each.get('note')}{often}."
            yield _said(each.get("at"), told, "evidence: events")


def _of_events(story: Story) -> Iterator[Sentence]:
    for event in story.events:
        kind = event.get("detail-type")
        detail = event.get("detail") or {}
        data, at = detail.get("data") or {}, (detail.get("metadata") or {}).get("occurred_at")
        source = f"audit log: {kind} {(detail.get('metadata') or {}).get('event_id')}"
        if kind == "incident.notified":
            yield _said(at, f"People were told: {data.get('headline')}", source)
        elif kind == "incident.paged" and data.get("action") == "trigger":
            told = f"{_sentence(paging.call_of(data))} (key {data.get('key')})."
            yield _said(at, told, source)
        elif kind == "incident.page-held":
            yield _said(at, f"{_sentence(paging.held(at, data, story.record))}.", source)
        elif kind in _ACTS:
            # The record has the last of them only, and why only as long as it is so.
            field, words = _ACTS[kind]
            if not is_one_moment(at, story.record.get(field)):
                yield _said(at, words(data), source)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _took(by: Any, because: Any) -> str:
    return f"{by} took it{f': {because}' if because else ''}."


def _gave_back(by: Any) -> str:
    return f"{by} gave it back."


def _undid(by: Any) -> str:
    return f"{by} had what the runbook did taken back."


#: What people do again and again → the record's time of the last, and what is said of one.
_ACTS: dict[Any, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "incident.acknowledged": (
        "acknowledged_at",
        lambda data: _took(data.get("by"), data.get("because")),
    ),
    "incident.released": ("released_at", lambda data: _gave_back(data.get("by"))),
    "incident.undo-asked": ("undo_asked_at", lambda data: _undid(data.get("by"))),
}
