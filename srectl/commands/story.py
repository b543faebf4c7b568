"""One incident as people read it: what happened, what was done, what is being done."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from srectl.commands.display import console
from srectl.commands.operating import now, plan_lines, safe
from srectl.commands.times import moment_of, when
from srectl.operate import incidents as records
from srectl.operate import undoing
from srectl.operate.aftermath import standing_of, untouched
from srectl.operate.leftovers import has_begun, left, was_denied
from srectl.operate.moments import moment
from srectl.operate.unanswered import unanswered
from srectl.operate.unattended import ENDS

__all__ = [
    "Behind",
    "duration_of",
    "of_left",
    "of_step",
    "place_of",
    "status_of",
    "target_of",
    "tell",
    "waits",
]

#: What stands for nothing.
NOTHING = "—"
_NAMED = 3  # children that are named; --json has all
_COLOURS = {"open": "yellow", "remediating": "cyan", "escalated": "red", "resolved": "green"}


def of_step(step: dict[str, Any]) -> str:
    return (
        f"{safe(step.get('index'))}. {safe(step.get('action'))} on {target_of(step.get('target'))}"
    )


def of_left(incident: dict[str, Any], step: dict[str, Any]) -> str:
    """Name a step that may have left something, with what its record knows of it."""
    known = standing_of(incident, step)
    return of_step(step) + (f" ({safe(known)})" if known else "")


@dataclass(frozen=True)
class Behind:
    """What is read besides a record, where that does not say why.

    Attributes
    ----------
    unattended
        Why no runbook acts on it, by the catalogue of now; empty where that is no question.
    nowhere
        Why its alert leads to no object, by its evidence.
    no_cause
        It was let go because what was taken for its cause was over before it began.
    problem
        Why these could not be read.
    page_waits_until
        Until when the call for its beginning waits for its runbook's verdict; None where it does
        not, or not any more.
    page_problem
        Why that could not be read.
    """

    unattended: str = ""
    nowhere: str = ""
    problem: str = ""
    no_cause: bool = False
    page_waits_until: datetime.datetime | None = None
    page_problem: str = ""


#: Where nothing else was looked at.
NOTHING_ELSE = Behind()


def tell(incident: dict[str, Any], doing: str = "", behind: Behind = NOTHING_ELSE) -> None:
    """Print one.

    Parameters
    ----------
    doing
        What its runbook does at the moment, ready to be printed.
    behind
        What is read besides.
    """
    console.print(f"[bold]{safe(incident.get('alert_name'))}[/] {status_of(incident)}")
    console.print(f"  {safe(incident.get('summary'))}")
    facts = {
        "incident": safe(incident["incident_id"]),
        "severity": safe(incident.get("severity")),
        "target": place_of(incident),
        "started": when(incident["timestamp"]),
        "received": when(incident.get("received_at")),
        "joined": safe(incident.get("attached_to")),
        "child of": _cause(incident, behind.no_cause),
        "children": _children(incident),
        "escalated": when(incident.get("escalated_at")),
        "reason": safe(incident.get("escalation_reason")),
        "heard": _heard(incident),
        "ended": when(moment(incident.get("resolved_at"))),
        "end": safe(incident.get("ending")),
        "MTTR": duration_of(incident.get("mttr_seconds")),
        "health": safe(incident.get("target_health")),
        "lent": _lent(incident),
        "restoration": safe(incident.get("restoration")),
        "waits": _untaken(incident),
        "pager": _held(behind),
        "climbed": _climbed(incident),
        "taken by": _taken(incident),
        "stopped by": _stopped(incident),
        "released by": _released(incident),
        "undone by": _undone(incident),
        "left alone": _silenced(incident),
        "closed by": safe(incident.get("closed_by")),
        "because": safe(incident.get("closed_reason")),
        "alert ended": _ended_later(incident),
        "sender": safe(incident.get("sender")),
        "fingerprint": safe(incident.get("fingerprint")),
        "correlation": safe(incident.get("correlation_id")),
        "execution": safe(incident.get("runbook_execution")),
    }
    for name, value in facts.items():
        if value != "—":
            _whole(f"  [dim]{name:<12}[/]{value}")
    for warning in incident.get("warnings") or []:
        console.print(f"  [yellow]warning[/]     {safe(warning)}")
    if behind.unattended:
        why = safe(behind.unattended)
        console.print(f"[bold]nothing acts on it[/], as the catalogue is now: {why}")
        console.print(f"  nobody was called; {safe(_ends(incident))}")
    if behind.problem:
        console.print(f"[dim]why was not read: {safe(behind.problem)}[/]")
    _tell_evidence(incident, behind)
    _tell_investigations(incident)
    _tell_approval(incident)
    abandoned = incident.get("escalation_code") == "runbook-abandoned"
    if abandoned and not has_begun(incident):
        console.print("[bold]nothing was changed[/]: its runbook had not begun to act")
    elif abandoned and left(incident):
        nothing = untouched(incident)
        if nothing:
            console.print(f"[bold]by its record nothing was changed[/]: {safe(nothing)}")
        else:
            console.print("[bold]may be left half-changed[/]")
            for each in left(incident):
                console.print(f"  {of_left(incident, each['step'])}")
        what = "let go of the locks of its targets" if nothing else "take it back"
        console.print(f"  to {what}: srectl incidents undo {safe(incident['incident_id'])}")
    steps = incident.get("actions_taken") or []
    console.print("[bold]what was done[/]" if steps or doing else _nothing_yet(incident))
    for step in steps:
        _tell_step(step)
    if doing:
        console.print(f"  {doing}")
    for title, key in (("links", "links"), ("labels", "labels"), ("notes", "annotations")):
        entries = incident.get(key) or {}
        if entries:
            console.print(f"[bold]{title}[/]")
        for name in sorted(entries):
            _whole(f"  {safe(name)}: {safe(entries[name])}")


def _whole(line: str) -> None:
    """Print a line that is whole where somebody copies from it: a terminal wraps it itself."""
    console.print(line, soft_wrap=True)


def _heard(incident: dict[str, Any]) -> str:
    """Say when the alert was last heard firing, and how bad it was called where that differs."""
    newest, worst = incident.get("heard_severity"), incident.get("severity")
    risen = incident.get("risen_from")
    words = [when(incident["heard_at"])] if incident.get("heard_at") else []
    words += [f"as {safe(newest)}"] if newest and newest != worst else []
    words += [f"(risen from {safe(risen)} at {when(incident.get('risen_at'))})"] if risen else []
    return " ".join(words) or "—"


def _ended_later(incident: dict[str, Any]) -> str:
    late = records.ended_later(incident)
    return f"{when(late)}, after it had been closed" if late else "—"


def _cause(incident: dict[str, Any], no_cause: bool) -> str:
    """Name the incident that it hangs on, or hung on until it was let go."""
    if not incident.get("caused_by"):
        return "—"
    until = incident.get("let_go_at")
    if no_cause:
        why = f"taken for one of {safe(incident['caused_by'])} until {when(until)}"
        return f"none; {why}: that had ended before this began"
    return safe(incident["caused_by"]) + (f", let go at {when(until)}" if until else "")


def _children(incident: dict[str, Any]) -> str:
    """Say how many hang on it, and name as many as fit beside each other."""
    found = sorted(incident.get("children") or [])
    if not found:
        return "—"
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{len(found)}: {safe(', '.join(found[:_NAMED]))}{more}"


def waits(incident: dict[str, Any]) -> str:
    """Say for how long nobody has taken it, and whom it was told to for that."""
    words = [_untaken(incident), _climbed(incident)]
    return ", ".join(each for each in words if each != NOTHING) or NOTHING


def _held(behind: Behind) -> str:
    """Say until when the pager is not called yet."""
    if behind.page_problem:
        return f"whether a call waits was not read: {safe(behind.page_problem)}"
    until = behind.page_waits_until
    return f"waits for the runbook's verdict, until {when(until)} at most" if until else NOTHING


def _untaken(incident: dict[str, Any]) -> str:
    """Say for how long nobody has taken it: since it called, or since it was given back."""
    began = moment_of(records.unacknowledged_since(incident))
    if not began:
        return NOTHING
    return f"unacknowledged for {max(0, int((now() - began).total_seconds() // 60))} min"


def _climbed(incident: dict[str, Any]) -> str:
    """Say whom it was told to and when, of this call; of calls before it only how many were."""
    since = records.unacknowledged_since(incident)
    levels = records.climbed(incident)
    of_now = [each for each in levels if since is None or each.get("since") in (None, since)]
    words = [
        f"level {safe(each.get('level'))} told at {when(each.get('at'))}"
        + (f": {safe(each['to'])}" if each.get("to") else "")
        for each in of_now
    ]
    before = len(levels) - len(of_now)
    if before:
        words.append(f"{before} told of the calls before")
    return ", ".join(words) or NOTHING


def _lent(incident: dict[str, Any]) -> str:
    """Say what stands for a time only, and until when at least as long as it does."""
    if not incident.get("lent"):
        return NOTHING
    stands = incident.get("lent_until") and not incident.get("restoration")
    until = f", not taken back before {when(incident['lent_until'])}" if stands else ""
    return safe(incident["lent"]) + until


def _taken(incident: dict[str, Any]) -> str:
    """Say who has taken it, when and why."""
    if not incident.get("acknowledged_by"):
        return "—"
    why = incident.get("acknowledged_because")
    return f"{safe(incident['acknowledged_by'])}, {when(incident.get('acknowledged_at'))}" + (
        f": {safe(why)}" if why else ""
    )


def _stopped(incident: dict[str, Any]) -> str:
    """Say who has stopped its runbook, when and why."""
    if not incident.get("stopped_by"):
        return "—"
    why = f": {safe(incident['stopped_because'])}" if incident.get("stopped_because") else ""
    return f"{safe(incident['stopped_by'])}, {when(incident.get('stopped_at'))}{why}"


def _undone(incident: dict[str, Any]) -> str:
    """Say who has had what the runbook did taken back, and when."""
    if not incident.get("undo_asked_by"):
        return "—"
    return f"{safe(incident['undo_asked_by'])}, {when(incident.get('undo_asked_at'))}"


def _silenced(incident: dict[str, Any]) -> str:
    """Say which target somebody had left alone from its card, until when and why."""
    if not incident.get("silenced_until"):
        return "—"
    until = when(incident["silenced_until"])
    target, why = safe(incident.get("silenced_target")), safe(incident.get("silenced_because"))
    return f"{target} until {until}: {why}"


def _released(incident: dict[str, Any]) -> str:
    """Say who has given it back, as long as nobody has it again."""
    if not incident.get("released_by") or incident.get("acknowledged_by"):
        return "—"
    return f"{safe(incident['released_by'])}, {when(incident.get('released_at'))}"


def _nothing_yet(incident: dict[str, Any]) -> str:
    """Say why a record holds no step: steps are recorded when they have ended."""
    if records.hangs(incident):
        return f"it waits for incident {safe(incident['caused_by'])}, which it hangs on"
    if not records.at_work(incident):
        may_be = left(incident) and not untouched(incident)
        return "no step is on record as ended" if may_be else "nothing was done"
    if incident.get("attached_to"):
        return f"it follows the remediation of incident {safe(incident['attached_to'])}"
    return "its runbook is at work; each step is told here when it has ended"


def _ends(incident: dict[str, Any]) -> str:
    return ENDS.replace("ID", str(incident["incident_id"])[:8])


def _tell_evidence(incident: dict[str, Any], behind: Behind) -> None:
    noted = incident.get("evidence")
    if not isinstance(noted, dict):
        return
    if noted.get("status") != "collected":
        console.print(
            f"[bold]evidence[/] {safe(noted.get('status'))}: {safe(noted.get('why_not'))}"
        )
        return
    console.print("[bold]evidence[/]" if noted.get("findings") else "[bold]evidence[/] no findings")
    for finding in noted.get("findings") or []:
        console.print(f"  - {safe(finding)}")
    if behind.nowhere:
        console.print(f"  the alert leads to no object: {safe(behind.nowhere)}")
    for name, state in sorted((noted.get("sources") or {}).items()):
        if state not in ("read", "not asked"):
            console.print(f"  [yellow]without {safe(name)}[/]: {safe(state)}")
    if noted.get("key"):
        console.print(f"  all of it: srectl incidents evidence {safe(incident['incident_id'])}")


def _tell_investigations(incident: dict[str, Any]) -> None:
    """Print what an investigator has said, as its words and not as the platform's."""
    for each in records.investigations(incident):
        who = f"{safe(each.get('by'))}, {when(each.get('at'))}"
        console.print(f"[bold]investigation[/] by {who}; nobody has checked it")
        console.print(f"  {safe(each.get('summary'))}")
        for finding in each.get("findings") or []:
            console.print(f"  - {safe(finding)}")
        for suggestion in each.get("suggestions") or []:
            console.print(f"  it would: {safe(suggestion)}")
        if each.get("link"):
            _whole(f"  all of it: {safe(each['link'])}")
        elif each.get("shortened"):
            console.print("  [dim]it said more than this[/]")
    if beyond := records.answers_beyond(incident):
        console.print(
            f"[dim]answers of investigators that came besides, and are not kept: {beyond}[/]"
        )


def _tell_approval(incident: dict[str, Any]) -> None:
    approval = incident.get("approval")
    if not isinstance(approval, dict):
        return
    if approval.get("answer"):
        by, at = safe(approval.get("answered_by")), when(approval.get("answered_at"))
        how = f"{safe(approval['answer'])} by {by}, {at}"
    elif records.at_work(incident) and unanswered(incident):
        asked, until = when(approval.get("requested_at")), approval.get("until")
        by = f" by {when(until)}" if until else ""
        how = f"asked at {asked}; if nobody answers{by} nothing is done and the incident escalates"
        if approval.get("first"):
            first = approval["first"]
            by, at = safe(first.get("by")), when(first.get("at"))
            how = f"approved by {by}, {at}; it takes a second person"
    else:
        how = f"asked at {when(approval.get('requested_at'))}"
    console.print(f"[bold]approval[/] {safe(approval.get('runbook'))}: {how}")
    if approval.get("why"):
        console.print(f"    it asks because {safe(approval['why'])}")
    for line in plan_lines(approval.get("plan")):
        console.print(f"    {line}")


def _which(step: dict[str, Any]) -> str:
    """Say which step of its runbook it was, where there are several."""
    of = step.get("step")
    if not isinstance(of, dict) or of.get("of") in (None, 1):
        return ""
    return (
        f" [dim](step {safe(of.get('index'))} of {safe(of.get('of'))}, {safe(of.get('name'))})[/]"
    )


def _tell_step(step: dict[str, Any]) -> None:
    denied = was_denied(step)
    failed = step.get("status") == "failed"
    mark = "[red]✗[/]" if failed else "[yellow]-[/]" if denied else "[green]✓[/]"
    status = "denied, nothing was changed" if denied else step.get("status")
    console.print(
        f"  {mark} {when(step.get('started_at'))} "
        f"[bold]{safe(step.get('operation'))}[/] {safe(step.get('action'))}{_which(step)}: "
        f"{safe(status)}. {safe(step.get('summary'))}"
    )
    result = step["result"] if isinstance(step.get("result"), dict) else {}
    for line in plan_lines(result.get("plan")):
        console.print(f"      {'[dim]it would have changed:[/] ' if denied else ''}{line}")
    if result.get("cut"):
        console.print("      [dim]shortened; the whole result is in the audit log[/]")
    if result.get("undo"):
        console.print(f"      [dim]undo:[/] {safe(undoing.told(result['undo']))}")
    if step.get("error"):
        error = step["error"] if isinstance(step["error"], dict) else {"message": step["error"]}
        console.print(f"      [red]{safe(error.get('name'))}[/]: {safe(error.get('message'))}")
    if step.get("approved_by"):
        console.print(f"      [dim]approved by[/] {safe(step['approved_by'])}")


def status_of(incident: dict[str, Any]) -> str:
    status = str(incident.get("status"))
    return f"[{_COLOURS.get(status, 'white')}]{safe(status)}[/]"


def place_of(incident: dict[str, Any]) -> str:
    """Name what an incident is about: its target, or else what its alert's labels name."""
    known = target_of(incident.get("target"))
    return safe(incident.get("subject") or None) if known == NOTHING else known


def target_of(target: object) -> str:
    if not isinstance(target, dict) or not target.get("kind"):
        return NOTHING
    parts = (target.get("cluster"), target.get("namespace"), target.get("kind"), target.get("name"))
    return safe("/".join(str(part) for part in parts if part))


def duration_of(seconds: object) -> str:
    if not isinstance(seconds, int | float):
        return "—"
    return str(datetime.timedelta(seconds=round(seconds)))
