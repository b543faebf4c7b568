"""``srectl handover``: all that the next shift has to know, on one page."""

from __future__ import annotations

import datetime
from collections.abc import Hashable
from typing import Any

import click

from srectl.commands.display import console
from srectl.commands.operating import account_option, now, safe
from srectl.commands.output import output_option, print_json
from srectl.commands.story import place_of, waits
from srectl.commands.times import clock, moment_of
from srectl.operate.account import Account
from srectl.operate.alike import counted, few, gathered, in_common
from srectl.operate.incidents import unacknowledged_since
from srectl.operate.switches import held

_SHORT = 8
_MOST = 2000  # incidents of a status: after a flood the older ones must not vanish behind it


@click.command()
@click.option(
    "--all", "each", is_flag=True, help="Each incident by itself, however many are alike."
)
@output_option
@account_option
def handover(each: bool, as_json: bool, account: Account) -> None:
    """Print what the next shift has to know.

    Who is needed, what a runbook works on, what else is open, what is lent, the switches, the
    windows of maintenance, and what could not be delivered. What could not be read is said.

    More than three incidents of one severity with the same reason are told together, as after a
    flood: how many, of which alerts, on how many objects. A question always stands by itself.
    """
    # Together with what draws the same for the console; other commands need none of it.
    from srectl.console.handover import page as read

    page = read(account, now, most=_MOST)
    if as_json:
        print_json(page)
    else:
        _tell(page, now(), each=each)


def _tell(page: dict[str, Any], at: datetime.datetime, *, each: bool) -> None:
    for key, title in (
        ("needs_somebody", "needs somebody"),
        ("in_hand", "in somebody's hands"),
        ("at_work", "at work"),
        ("other_open", "otherwise open"),
        ("lent", "lent"),
    ):
        found = page[key]
        groups = [[one] for one in found] if each else list(gathered(found, _in_common))
        rest = "  (each by itself: srectl handover --all)" if len(groups) < len(found) else ""
        console.print(f"[bold]{title}[/] {len(found) or 'none'}{rest}")
        for together in groups:
            if len(together) == 1:
                _line(together[0], at)
            else:
                _lines(together, at)
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
        console.print(
            "[yellow]there are more incidents than this page shows[/]: it looks at the newest "
            f"{_MOST} of each status, and at 400 that are over; each number is at least that"
        )


def _in_common(each: dict[str, Any]) -> Hashable | None:
    """Give what an incident shares with others that are told together with it."""
    if each["asks"]:
        return None  # each takes an answer of its own, in its time
    back = each.get("comes_back")
    why = each.get("step") or back or each["escalation_reason"]
    since = (each["undo"] or {}).get("by"), each.get("restoration")
    return in_common(each, why, (*(each.get("steps") or ()), *map(str, since)))


def _lines(together: list[dict[str, Any]], at: datetime.datetime) -> None:
    """Tell many that are alike: nobody reads the same reason a hundred times."""
    one = together[0]
    began = _moments(together, "timestamp")
    since = f", begun {_span(began, at)}" if began else ""
    console.print(
        f"  [bold]{len(together)} alike[/]: {safe(one['severity'])} "
        f"{safe(counted(str(each['alert_name']) for each in together))}{since}" + _hand_of(one)
    )
    console.print(f"    on {few(place_of(each) for each in together)}")
    calling = [each for each in together if waits(each) != "—"]
    if calling:
        longest = min(calling, key=lambda each: str(unacknowledged_since(each)))
        untaken = safe(waits(longest).partition(", ")[0])
        further = sum(1 for each in calling if each["climbed"])
        told = f"; further contacts were told of {further}" if further else ""
        console.print(f"    {len(calling)} {untaken} or less{told}")
    if one.get("step"):
        console.print(f"    {safe(one['step'])}{_asked(together, at)}{_until(together, at)}")
    elif one.get("comes_back"):
        until = _moments(together, "not_before")
        after = f", not before {_span(until, at)}" if until else ""
        console.print(f"    {safe(', '.join(one['steps']))}; {safe(one['comes_back'])}{after}")
    elif one["escalation_reason"]:
        same = len({each["escalation_reason"] for each in together}) == 1
        of = "" if same else f"of {safe(str(one['incident_id'])[:_SHORT])}, the others alike: "
        console.print(f"    {of}{safe(one['escalation_reason'])}{_since_then(together, at)}")


def _hand_of(incident: dict[str, Any]) -> str:
    """Say who has an incident, and why; nothing where nobody has."""
    taken, why = incident["acknowledged_by"], incident["acknowledged_because"]
    said = f", in hand of {safe(taken)}" if taken else ""
    return f"{said}: {safe(why)}" if taken and why else said


def _moments(together: list[dict[str, Any]], key: str) -> list[datetime.datetime]:
    return sorted(filter(None, (moment_of(each[key]) for each in together)))


def _until(together: list[dict[str, Any]], at: datetime.datetime) -> str:
    """Say when their steps are given up or have helped, and when their runbooks are over."""
    step, all_of_it = (_moments(together, key) for key in ("decided_by", "ends_by"))
    told = f", decided by {_span(step, at)}" if step else ""
    return told + (f", over by {_span(all_of_it, at)} at the latest" if all_of_it else "")


def _span(moments: list[datetime.datetime], at: datetime.datetime) -> str:
    first, last = (clock(each, at, seconds=False) for each in (moments[0], moments[-1]))
    return first if first == last else f"{first} to {last}"


def _line(each: dict[str, Any], at: datetime.datetime) -> None:
    began = moment_of(each["timestamp"])
    since = clock(began, at, seconds=False) if began else safe(each["timestamp"])
    console.print(
        f"  {safe(str(each['incident_id'])[:_SHORT])} {safe(each['severity'])} "
        f"{safe(each['alert_name'])} {place_of(each)}, since {since}" + _hand_of(each)
    )
    if waits(each) != "—":
        console.print(f"    {waits(each)}")
    if each.get("step"):
        console.print(f"    {safe(each['step'])}{_asked([each], at)}{_until([each], at)}")
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
        console.print(f"    {safe(each['escalation_reason'])}{_since_then([each], at)}")


def _asked(together: list[dict[str, Any]], at: datetime.datetime) -> str:
    """Say who has them taken back, and since when; nothing where nobody has."""
    undos = [each["undo"] for each in together if each["undo"]]
    if not undos:
        return ""
    since = _moments(undos, "since")
    return f", as {safe(undos[0]['by'])} asked" + (f" at {_span(since, at)}" if since else "")


def _since_then(together: list[dict[str, Any]], at: datetime.datetime) -> str:
    """Say what has become of what a runbook did: why it was escalated tells only of before."""
    if asked := _asked(together, at):
        return f" Since then: being taken back{asked}."
    restoration = together[0].get("restoration")
    return f" Since then: {safe(restoration)}." if restoration else ""
