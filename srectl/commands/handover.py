"""``srectl handover``: all that the next shift has to know, on one page."""

from __future__ import annotations

import datetime
from typing import Any

import click

from srectl.commands.display import console
from srectl.commands.operating import account_option, now, safe
from srectl.commands.output import output_option, print_json
from srectl.commands.story import place_of, waits
from srectl.commands.times import clock, moment_of
from srectl.operate.account import Account
from srectl.operate.switches import held

_SHORT = 8


@click.command()
@output_option
@account_option
def handover(as_json: bool, account: Account) -> None:
    """Print what the next shift has to know.

    Who is needed, what a runbook works on, what else is open, what is lent, the switches, the
    windows of maintenance, and what could not be delivered. What could not be read is said.
    """
    # Together with what draws the same for the console; other commands need none of it.
    from srectl.console.handover import page as read

    page = read(account, now)
    if as_json:
        print_json(page)
    else:
        _tell(page, now())


def _tell(page: dict[str, Any], at: datetime.datetime) -> None:
    for key, title in (
        ("needs_somebody", "needs somebody"),
        ("in_hand", "in somebody's hands"),
        ("at_work", "at work"),
        ("other_open", "otherwise open"),
        ("lent", "lent"),
    ):
        found = page[key]
        console.print(f"[bold]{title}[/] {len(found) or 'none'}")
        for each in found:
            _line(each, at)
    console.print(f"[bold]mode[/] {safe(page['mode'])}")
    for name, mode in sorted(page["runbooks_switched"].items()):
        console.print(f"  runbook {safe(name)}: {safe(mode)}")
    console.print(f"[bold]maintenance[/] {len(page['windows']) or 'no window'}")
    for window in page["windows"]:
        start, end = (
            clock(datetime.datetime.fromisoformat(window[each]), at, seconds=False)
            for each in ("start", "end")
        )
        only = f"{safe(held(window['target']))} only, " if window.get("target") else ""
        console.print(f"  {only}{start} to {end}: {safe(window['reason'])}")
    waiting = ", ".join(f"{queue} [red]{count}[/]" for queue, count in page["queues"].items())
    console.print(f"[bold]not delivered[/] {waiting or 'nothing'}")
    for problem in page["not_read"]:
        console.print(f"[yellow]not read[/] {safe(problem)}")
    if page["more_than_shown"]:
        console.print("[yellow]there are more incidents than this page shows[/]")


def _line(each: dict[str, Any], at: datetime.datetime) -> None:
    began = moment_of(each["timestamp"])
    since = clock(began, at, seconds=False) if began else safe(each["timestamp"])
    taken, why = each["acknowledged_by"], each["acknowledged_because"]
    console.print(
        f"  {safe(str(each['incident_id'])[:_SHORT])} {safe(each['severity'])} "
        f"{safe(each['alert_name'])} {place_of(each)}, since {since}"
        + (f", in hand of {safe(taken)}" if taken else "")
        + (f": {safe(why)}" if taken and why else "")
    )
    if waits(each) != "—":
        console.print(f"    {waits(each)}")
    if each.get("step"):
        by = each["verdict_by"]
        verdict = clock(datetime.datetime.fromisoformat(by), at, seconds=False) if by else ""
        console.print(f"    {safe(each['step'])}" + (f", verdict by {verdict}" if verdict else ""))
    elif each.get("comes_back"):
        until = moment_of(each["not_before"])
        after = f", not before {clock(until, at, seconds=False)}" if until else ""
        back = f"{safe(each['comes_back'])}{after}"
        console.print(f"    {safe(', '.join(each['steps']))}; {back}")
    elif each["asks"]:
        until = moment_of(each["asks"]["until"])
        by = f" until {clock(until, at, seconds=False)}" if until else ""
        console.print(f"    runbook {safe(each['asks']['runbook'])} asks{by}: srectl approve")
    elif each["escalation_reason"]:
        console.print(f"    {safe(each['escalation_reason'])}")
