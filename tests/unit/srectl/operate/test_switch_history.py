"""Who has switched what and when is read from the histories of the switches."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from srectl.errors import CommandFailed
from srectl.operate import switch_history
from srectl.operate.account import Account
from srectl.operate.switch_history import Change, changes, in_force
from srectl.operate.switches import Window, moment

AT = moment("2026-11-28T03:00:00Z")
WINDOW = {"start": "2099-01-01T00:00:00Z", "end": "2099-01-01T02:00:00Z", "reason": "upgrade"}


def put(account: Account, parameter: str, value: Any) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    account.ssm.put_parameter(Name=parameter, Value=text, Overwrite=True)


def words(account: Account) -> list[str]:
    return [each.words for each in reversed(changes(account))]


def test_each_switch_that_was_switched_is_a_change(
    account: Account, srectl: Callable[..., Result]
) -> None:
    assert changes(account) == []  # what a deployment begins with is none
    assert srectl("mode", "off").exit_code == 0
    put(account, account.own_modes_parameter, {"DrainNode": "on", "Other": "observe"})
    put(account, account.own_modes_parameter, {"DrainNode": "observe"})
    put(account, account.maintenance_parameter, [{**WINDOW, "target": "apps/checkout"}])
    put(account, account.maintenance_parameter, [WINDOW])
    span = "2099-01-01T00:00:00Z to 2099-01-01T02:00:00Z: upgrade"
    assert sorted(words(account)) == sorted(
        [
            "automatic remediation is off (was on)",
            "runbook DrainNode is on",
            "runbook Other is observe",
            "runbook DrainNode is observe (was on)",
            "runbook Other is as it was published (was observe)",
            f"maintenance window of apps/checkout added, {span}",
            f"maintenance window of everything added, {span}",
            f"maintenance window of apps/checkout removed, {span}",
        ]
    )
    assert all(each.by for each in changes(account))


def test_a_window_that_is_dropped_because_it_is_past_was_removed_by_nobody(
    account: Account,
) -> None:
    past = {**WINDOW, "start": "2020-01-01T00:00:00Z", "end": "2020-01-01T02:00:00Z"}
    put(account, account.maintenance_parameter, [past])
    put(account, account.maintenance_parameter, [])
    (added,) = changes(account)
    assert added.value == "added"


@pytest.mark.parametrize("odd", ["{", "[]", "7", '"x"', '[{"start": "soon"}]', "null"])
def test_what_a_switch_should_not_hold_takes_no_history_away(account: Account, odd: str) -> None:
    for parameter in (account.own_modes_parameter, account.maintenance_parameter):
        put(account, parameter, odd)
    put(account, account.own_modes_parameter, {"DrainNode": "on"})
    put(account, account.maintenance_parameter, [WINDOW])
    assert {each.kind for each in changes(account)} == {"runbook", "window"}


def test_more_versions_than_one_request_gives_are_read(account: Account) -> None:
    for number in range(70):
        put(account, account.mode_parameter, ("off", "on")[number % 2])
    assert len(changes(account)) == 70


def test_a_history_that_cannot_be_read_is_told(account: Account) -> None:
    account.ssm.delete_parameter(Name=account.mode_parameter)
    with pytest.raises(CommandFailed, match="the history of parameter /t-sre-platform/remediation"):
        changes(account)


def test_what_held_at_a_moment_is_the_last_of_each_switch_and_what_was_open() -> None:
    def change(minutes: int, kind: str, about: str, value: str, **more: Any) -> Change:
        at = AT + datetime.timedelta(minutes=minutes)
        return Change(at, "ada", kind, about, value, **more)

    hour = datetime.timedelta(hours=1)
    open_, over = (Window(AT - hour, AT + each, "x") for each in (hour, -hour / 2))
    found = [
        change(-9, switch_history.MODE, "", "off"),
        change(-5, switch_history.MODE, "", "observe"),
        change(5, switch_history.MODE, "", "on"),
        change(-5, switch_history.RUNBOOK, "R", "on"),
        change(-50, switch_history.WINDOW, "", "added", window=open_),
        change(-50, switch_history.WINDOW, "", "added", window=over),
    ]
    held = {(each.kind, each.value) for each in in_force(found, AT)}
    assert held == {("mode", "observe"), ("runbook", "on"), ("window", "added")}
    removed = change(-40, switch_history.WINDOW, "", "removed", window=open_)
    kinds = [each.kind for each in in_force([*found, removed], AT)]
    assert "window" not in kinds
