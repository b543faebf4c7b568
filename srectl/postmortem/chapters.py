"""The chapters of a post-mortem: what the records say, and as questions what none of them says."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from srectl.operate.aftermath import return_of, still_changed
from srectl.operate.incidents import answers_beyond, at_work, ended_by_hand, investigations, opened
from srectl.operate.moments import moment
from srectl.postmortem.sentence import Sentence, is_restart, seconds_between, target_of
from srectl.postmortem.sources import MOST_RELATED, Story
from srectl.postmortem.timeline import timeline

__all__ = ["chapters"]

_TAKEN = "incident.acknowledged"

Chapters = dict[str, list[Sentence]]


def chapters(story: Story) -> Chapters:
    """Give the chapters by their titles, in their order; a chapter may be empty.

    That of an investigator is only there where one has said something.
    """
    said = [*_investigations(story.record)]
    return {
        "Summary": [*_summary(story.record)],
        "Impact": [*_impact(story)],
        "Timeline": timeline(story),
        "What the automation did, and why": [*_automation(story)],
        "Evidence": [*_evidence(story)],
        **({"What an investigator said": said} if said else {}),
        "Contributing changes": [*_changes(story)],
        "Related incidents": [*_related(story)],
        "Open questions": [*_questions(story)],
    }


def _words(seconds: Any) -> str:
    if not isinstance(seconds, int | float):
        return "an unknown time"
    return f"{seconds:.0f} s" if seconds < 120 else str(datetime.timedelta(seconds=round(seconds)))


def _place(record: dict[str, Any]) -> str:
    """Name what it was about: the object that was acted on, else what the alert said."""
    acted = [target_of(each.get("target")) for each in record.get("actions_taken") or []]
    said = [target_of(record.get("target")), str(record.get("subject") or "")]
    found = next(filter(None, [*acted, *said]), "")
    cluster = (record.get("target") or {}).get("cluster")
    where = f" in cluster {cluster}" if cluster else ""
    return f"{found}{where}" if found else f"a target that no record names{where}"


def _summary(record: dict[str, Any]) -> Iterator[Sentence]:
    yield Sentence(
        f"{record.get('alert_name')} ({record.get('severity')}) rang for {_place(record)}: "
        f"{record.get('summary')}",
        "record: alert_name, severity, target, summary",
    )
    status = record.get("status")
    if status != "resolved":
        yield Sentence(f"The incident is {status}, not over.", "record: status")
        return
    taken = _words(record.get("mttr_seconds"))
    end = "until it was closed by hand" if ended_by_hand(record) else "to its end"
    yield Sentence(f"It lasted {taken} from its start {end}.", "record: mttr_seconds")
    if record.get("closed_by"):
        who = f"{record['closed_by']} closed it: {record.get('closed_reason')}"
        yield Sentence(who, "record: closed_by, closed_reason")
    elif record.get("escalated_at"):
        yield Sentence("A human had been called before it ended.", "record: escalated_at")
    elif _done(record):
        yield Sentence(
            "The automation closed it; no human was asked to take over.",
            "record: actions_taken, no escalated_at",
        )
    else:
        yield Sentence("It ended without anything being done.", "record: actions_taken")


def _done(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        each
        for each in record.get("actions_taken") or []
        if each.get("operation") == "execute" and each.get("status") == "succeeded"
    ]


def _impact(story: Story) -> Iterator[Sentence]:
    numbers = ((story.evidence.get("facts") or {}).get("measurements") or {}).get("numbers") or {}
    if numbers.get("query") and numbers.get("highest") is not None:
        low, high = _number(numbers.get("lowest")), _number(numbers["highest"])
        was = (
            f"was {high} wherever there was one,"
            if low == high
            else f"lay between {low} and {high}"
        )
        yield Sentence(
            f"The number that the alert is about, {numbers['query']}, {was} from half an hour "
            "before the alert until its evidence was collected.",
            "evidence: measurements",
        )
    beside = numbers.get("firing_beside") or []
    if beside:
        told = f"Firing beside it: {', '.join(map(str, beside))}."
        yield Sentence(told, "evidence: measurements")
    ends = (story.evidence.get("facts") or {}).get("ends") or {}
    if ends.get("pods"):
        looked = ends.get("worst") or []
        unready = sum(1 for each in looked if not each.get("ready"))
        yield Sentence(
            f"Pods: {ends['pods']}; not ready of the {len(looked)} that were looked at: {unready}; "
            f"restarts of containers: {ends.get('restarts')}.",
            "evidence: ends",
        )
    children = len(story.record.get("children") or []) - _related_as(story, "no child")
    if children > 0:
        told = f"{children} other incident{'' if children == 1 else 's'} hung on it."
        yield Sentence(told, "record: children")


def _said(value: Any) -> str:
    """Write a value before or after a change; what was not there was nothing."""
    return "nothing" if value is None else str(value)


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "nothing"


def _automation(story: Story) -> Iterator[Sentence]:
    record = story.record
    for number, action in enumerate(record.get("actions_taken") or []):
        source = f"record: actions_taken[{number}]"
        where = target_of(action.get("target"))
        yield Sentence(
            f"{action.get('runbook')}: {action.get('operation')} {action.get('action')}"
            f"{f' on {where}' if where else ''}: {action.get('status')}. "
            f"{action.get('summary') or ''}".rstrip(),
            source,
        )
        result = action.get("result") if isinstance(action.get("result"), dict) else {}
        # A plan is recorded before anything is done, and of what failed or was skipped, too.
        acted = action.get("status") == "succeeded" and action.get("operation") != "plan"
        did = "It changed" if acted else "Its plan was to change"
        for change in (result or {}).get("plan") or []:
            if isinstance(change, dict):
                before, after = _said(change.get("from")), _said(change.get("to"))
                yield Sentence(
                    f"{did} {change.get('field')} of {change.get('kind')} "
                    f"{change.get('name')} from {before} to {after}.",
                    f"{source}.result.plan",
                )
        if action.get("approved_by"):
            yield Sentence(f"{action['approved_by']} had approved it.", source)
    for step in _steps(record):
        for condition in step.get("when") or []:
            bounds = [f"{key} {value}" for key, value in condition.items() if key != "fact"]
            told = (
                f"Step {step.get('index')} was to be taken if {condition.get('fact')} was "
                f"{' and '.join(bounds)}."
            )
            yield Sentence(told, "record: in_hand")
    if record.get("escalation_reason"):
        why = f"It gave up: {record['escalation_reason']}"
        yield Sentence(why, "record: escalation_reason")
    for step in [] if record.get("restoration") else still_changed(record):
        if step.get("lends"):
            back = return_of(record, [step])[1]
            told = f"{step.get('action')} on {target_of(step.get('target'))} still stands: {back}."
            yield Sentence(told, "record: in_hand, actions_taken")
    if record.get("restoration"):
        told = f"What it had taken away was {record['restoration']}."
        yield Sentence(told, "record: restoration")


def _steps(record: dict[str, Any]) -> list[dict[str, Any]]:
    hand = opened(record.get("in_hand"))
    return list(hand.get("steps") or []) if isinstance(hand, dict) else []


def _evidence(story: Story) -> Iterator[Sentence]:
    noted = story.record.get("evidence") or {}
    for finding in noted.get("findings") or []:
        yield Sentence(str(finding), "record: evidence.findings")
    for each in ((story.evidence.get("facts") or {}).get("logs") or {}).get("logs") or []:
        lines = each.get("lines") or []
        if each.get("run") == "ended" and lines:
            yield Sentence(
                f"The last line of container {each.get('container')} of pod {each.get('pod')} "
                f"before it ended: {lines[-1]}",
                "evidence: logs",
            )


def _investigations(record: dict[str, Any]) -> Iterator[Sentence]:
    """Give the words of investigators as theirs: none of it is the platform's finding."""
    for number, each in enumerate(investigations(record)):
        source, who = f"record: investigations[{number}]", each.get("by")
        yield Sentence(f"{who} took this for the cause: “{each.get('summary')}”", source)
        for finding in each.get("findings") or []:
            yield Sentence(f"{who} had seen: “{finding}”", source)
        for suggestion in each.get("suggestions") or []:
            yield Sentence(f"{who} would have done: “{suggestion}” Nothing did it.", source)
        if each.get("link"):
            yield Sentence(f"All that {who} said stands at {each['link']}", source)
    if beyond := answers_beyond(record):
        told = f"Answers of investigators that came besides, and are not kept: {beyond}."
        yield Sentence(told, "record: investigation_ids")


def _changes(story: Story) -> Iterator[Sentence]:
    facts = story.evidence.get("facts") or {}
    rollouts = facts.get("rollouts") or {}
    began = story.record["timestamp"]
    if rollouts.get("rolled_out_at"):
        restarts = [each for each in rollouts.get("revisions") or [] if is_restart(each, rollouts)]
        what = "The last rollout that was no restart" if restarts else "The last rollout"
        by = rollouts.get("rolled_out_by") or "nobody known"
        told = f"{what} came {_when(rollouts['rolled_out_at'], began)}, by {by}."
        yield Sentence(told, "evidence: rollouts")
        for each in restarts:
            told = f"Revision {each.get('revision')} restarted it {_when(each['made_at'], began)}."
            yield Sentence(told, "evidence: rollouts")
    if staged := rollouts.get("staged"):
        when = f" {_when(staged['at'], began)}," if staged.get("at") else ""
        yield Sentence(
            f"A version was staged{when} by {staged.get('by') or 'nobody known'}: "
            f"{staged.get('pods_that_run_it')} of {staged.get('pods')} pods ran it "
            f"({staged.get('held_back')}).",
            "evidence: rollouts",
        )
    for each in rollouts.get("changes") or []:
        values = (
            f" from {_said(each.get('before'))} to {_said(each.get('after'))}"
            if {"before", "after"} & set(each)
            else ""
        )
        told = f"It changed {each.get('field')} of container {each.get('container')}{values}."
        yield Sentence(told, "evidence: rollouts")
    scaling = facts.get("scaling") or {}
    if scaling.get("replicas_set_at"):
        yield Sentence(
            f"Its replicas were last set by {scaling.get('replicas_set_by')}, at "
            f"{scaling['replicas_set_at']}; they were {scaling.get('replicas')}.",
            "evidence: scaling",
        )


def _when(at: Any, began: Any) -> str:
    before = seconds_between(at, began) or 0
    return f"{_words(before)} before the alert" if before >= 0 else "after the alert"


def _related(story: Story) -> Iterator[Sentence]:
    words = {
        "forerunner": "It goes on after",
        "cause": "It hung on",
        "no cause": "It never hung on, but was for a time thought to hang on,",
        "joined": "It joined the remediation of",
        "follower": "Its remediation was joined by",
        "child": "On it hung",
        "no child": "On it never hung, but was for a time thought to hang,",
        "earlier": "The same alert rang before:",
        "alike": "The same alert rang for the same target, with other labels:",
        "target": "The same target was in hand of the runbook of",
    }
    for how, other in story.related:
        known = [str(other[key]) for key in ("alert_name", "status", "timestamp") if key in other]
        told = f" ({', '.join(known)})" if known else " (its record is gone)"
        yield Sentence(f"{words[how]} incident {other['incident_id']}{told}.", f"record: {how}")
    rest = len(story.record.get("children") or []) - _related_as(story, "child", "no child")
    if rest > 0 and "related incidents" not in story.missing:
        yield Sentence(f"{rest} more hung on it, which are not named here.", "record: children")


def _related_as(story: Story, *ways: str) -> int:
    return sum(how in ways for how, _ in story.related)


def _questions(story: Story) -> Iterator[Sentence]:
    record, noted = story.record, story.record.get("evidence") or {}
    for name, why in sorted(story.missing.items()):
        yield Sentence(f"The {name} could not be read: {why}", f"{name}")
    for name, state in sorted((noted.get("sources") or {}).items()):
        if state not in ("read", "not asked"):
            told = f"What does {name} say? It could not be read: {state}"
            yield Sentence(told, "record: evidence.sources")
    numbers = ((story.evidence.get("facts") or {}).get("measurements") or {}).get("numbers") or {}
    if numbers.get("highest") is None:
        why = numbers.get("why_not") or "no Prometheus was asked"
        told = f"How many requests or users were concerned? It was not measured: {why}."
        yield Sentence(told, "evidence: measurements")
    if record.get("status") != "resolved" or at_work(record):
        yield Sentence("How does it end? It is not over yet.", "record: status")
    if record.get("escalated_at") and not record.get("closed_reason"):
        told = "What did the human do? Nobody wrote down how it was settled."
        yield Sentence(told, "record: no closed_reason")
    failed = [each for each in record.get("actions_taken") or [] if each.get("status") == "failed"]
    if failed:
        told = f"Why did {len(failed)} of the automation's steps fail?"
        yield Sentence(told, "record: actions_taken")
    earlier = [other for how, other in story.related if how == "earlier"]
    if earlier:
        least = "at least " if len(earlier) >= MOST_RELATED else ""
        told = (
            f"Why does it come back? The same alert rang {least}{len(earlier)} times before this "
            "one."
        )
        yield Sentence(told, "index by-fingerprint")
    warnings = record.get("warnings") or []
    for each in warnings:
        yield Sentence(f"An assumption was made about the alert: {each}", "record: warnings")
    if not moment(record.get("acknowledged_at")) and record.get("escalated_at"):
        gave_back = record.get("released_by")
        told = (
            f"Who took it after {gave_back} had given it back? Nobody did."
            if gave_back
            else "Who took it? Nobody acknowledged it."
        )
        took = [each for each in story.events if each.get("detail-type") == _TAKEN]
        if took and not gave_back:
            by = ((took[-1].get("detail") or {}).get("data") or {}).get("by")
            told = f"Who has it? {by} took it last by the audit log; its record names nobody."
        yield Sentence(told, "record: no acknowledged_at")
