"""The demonstration's account: as tables for people, as ``report.json`` for everything else."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from onemachine.demo.verdict import Check
from onemachine.demo.watch import Reached
from onemachine.demo.world import Accepted
from onemachine.receiver import ChatMessage, Mail, Notification, Page

__all__ = ["Account", "Outcome", "Step", "show", "write"]

Outcome = Literal["resolved", "not-proven", "escalated", "stalled", "not-started", "interrupted"]


@dataclass(frozen=True)
class Step:
    """One line of the timeline.

    Parameters
    ----------
    name, what : str
        Of the milestone.
    at : float
        Unix time.
    since_fault, since_previous : float
        Seconds since chaos was switched on and since the line before.
    detail : str
        What exactly was seen.
    """

    name: str
    what: str
    at: float
    since_fault: float
    since_previous: float
    detail: str


@dataclass
class Account:
    """Everything there is to tell.

    Parameters
    ----------
    stack, realistic, template
        Which stack it was.
    outcome : str
        How it ended.
    started_at, finished_at : float
        Unix time of the command's begin and end.
    setup : dict
        Stage of the start → seconds.
    fault_at : float, optional
        When chaos was switched on.
    fault : dict
        What was switched on.
    steps : list of Step
        The timeline, in order of time.
    incident : dict, optional
        The incident record.
    webhooks : list of Accepted
        When a sender told of this incident.
    notifications : list of Notification
        What the topic said.
    mails, pages, chat : list
        What people would have got by e-mail, from PagerDuty and in Slack.
    checks : sequence of Check
        Claims and whether they hold.
    problem : str
        What went wrong, empty where nothing did.
    pods : dict
        Before and after: pod name → UID.
    error_ratio : dict
        Before, at the worst, after.
    postmortem : str
        File of the post-mortem, empty where none was written.
    log_tail : dict
        Where something stalled: ``source`` and the last ``lines`` of its log.
    """

    stack: str
    realistic: bool
    template: str
    outcome: Outcome = "not-started"
    started_at: float = 0.0
    finished_at: float = 0.0
    setup: dict[str, float] = field(default_factory=dict)
    fault_at: float | None = None
    fault: dict[str, Any] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    incident: dict[str, Any] | None = None
    webhooks: list[Accepted] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    chat: list[ChatMessage] = field(default_factory=list)
    checks: Sequence[Check] = ()
    problem: str = ""
    pods: dict[str, Mapping[str, str]] = field(default_factory=dict)
    error_ratio: dict[str, float | None] = field(default_factory=dict)
    postmortem: str = ""
    log_tail: dict[str, str] = field(default_factory=dict)

    def tell_steps(self, reached: Sequence[Reached]) -> None:
        """Put what was reached into order of time."""
        if self.fault_at is None:
            return
        before = self.fault_at
        self.steps = []
        for each in sorted(reached, key=lambda one: one.sighting.at):
            at = each.sighting.at
            self.steps.append(
                Step(
                    each.milestone.name,
                    each.milestone.what,
                    at,
                    round(at - self.fault_at, 2),
                    round(at - before, 2),
                    each.sighting.detail,
                )
            )
            before = at


def write(account: Account, path: Path) -> None:
    """Write the account as JSON; times as ISO 8601."""
    document = dataclasses.asdict(account)
    for name in ("started_at", "finished_at", "fault_at"):
        document[name] = _iso(document[name])
    document["seconds"] = round(account.finished_at - account.started_at, 1)
    for step in document["steps"]:
        step["at"] = _iso(step["at"])
    for heard in (*document["notifications"], *document["pages"], *document["chat"]):
        heard["received_at"] = _iso(heard["received_at"])
    for webhook in document["webhooks"]:
        webhook["at"] = _iso(webhook["at"])
    for mail in document["mails"]:
        mail["sent_at"] = _iso(mail["sent_at"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def show(account: Account, console: Console) -> None:
    """Print timeline, incident record, notifications, checks, and where the time went."""
    if account.steps:
        _show_timeline(account, console)
    if account.incident is not None:
        _show_evidence(account.incident, console)
        console.print("\n[bold]Incident record[/] (DynamoDB)")
        console.print_json(json.dumps(account.incident))
    _show_told(account, console)
    if account.checks:
        console.print("\n[bold]Proof[/]")
        for check in account.checks:
            mark = "[green]✓[/]" if check.passed else "[red]✗[/]"
            console.print(f"  {mark} {escape(check.name)} [dim]({escape(check.detail)})[/]")
    _show_time(account, console)


def _show_timeline(account: Account, console: Console) -> None:
    console.print("\n[bold]Timeline[/] (seconds)")
    table = Table("at", "since fault", "step", "what", box=None, padding=(0, 2, 0, 0))
    table.add_column("detail", overflow="fold")
    for step in account.steps:
        at = datetime.datetime.fromtimestamp(step.at, datetime.UTC)
        table.add_row(
            f"{at:%H:%M:%S.%f}"[:-5],
            f"{step.since_fault:6.1f}",
            f"{step.since_previous:+6.1f}",
            step.what,
            escape(step.detail),
        )
    console.print(table)


def _show_evidence(incident: Mapping[str, Any], console: Console) -> None:
    """Print what had changed and why things ended, where evidence was collected about it."""
    evidence = incident.get("evidence")
    findings = evidence.get("findings") if isinstance(evidence, Mapping) else None
    if findings:
        console.print("\n[bold]Evidence[/]")
    for each in findings or ():
        console.print(f"  {escape(str(each))}")


def _show_told(account: Account, console: Console) -> None:
    """Print each e-mail whole, and a line for each page and each message in the channel."""
    if account.mails:
        console.print("\n[bold]E-mail[/]")
    for mail in account.mails:
        console.print(f"  [dim]{_clock(mail.sent_at)} to {escape(mail.to)}[/]")
        console.print(f"  Subject: {escape(mail.subject)}")
        for line in mail.body.splitlines():
            console.print(f"  [dim]|[/] {escape(line)}")
    if account.pages:
        console.print("\n[bold]PagerDuty[/]")
    for page in account.pages:
        told = f"{page.action} {page.key}" + (f": {page.summary}" if page.summary else "")
        console.print(f"  {_clock(page.received_at)} {escape(told)}")
    if account.chat:
        console.print("\n[bold]Slack[/]")
    for said in account.chat:
        console.print(
            f"  {_clock(said.received_at)} {escape(said.plain().replace(chr(10), ' / '))}"
        )


def _clock(at: float) -> str:
    return f"{datetime.datetime.fromtimestamp(at, datetime.UTC):%H:%M:%S}"


def _show_time(account: Account, console: Console) -> None:
    total = account.finished_at - account.started_at
    if not account.setup:
        return
    console.print("\n[bold]Where the time went[/]")
    slowest = sorted(account.setup.items(), key=lambda item: -item[1])
    parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in slowest if seconds >= 1)
    if account.fault_at is not None:
        console.print(f"  start and steady traffic: {account.fault_at - account.started_at:.1f} s")
    console.print(f"  [dim]stages of the start, many at the same time: {escape(parts)}[/]")
    if account.fault_at is not None and account.steps:
        loop = account.steps[-1].at - account.fault_at
        console.print(f"  from the fault to the closed incident: {loop:.1f} s")
    console.print(f"  in all: {total:.1f} s")


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat()
