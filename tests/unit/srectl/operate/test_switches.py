"""The kill switch and the maintenance windows: nothing invalid is ever written."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from srectl.errors import CommandFailed
from srectl.operate import switches
from srectl.operate.account import Account
from srectl.operate.switches import Window, moment

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
TONIGHT = Window(moment("2026-11-23T22:00:00Z"), moment("2026-11-24T02:00:00Z"), "upgrade")
Run = Callable[..., Result]


def stored(account: Account) -> Any:
    parameter = account.ssm.get_parameter(Name=account.maintenance_parameter)["Parameter"]
    return json.loads(parameter["Value"])


def test_the_mode_is_shown_and_set(account: Account, srectl: Run) -> None:
    assert "on: runbooks act" in srectl("mode").output
    assert "off (was on): every alert goes to a human" in srectl("mode", "off").output
    assert switches.read_mode(account.ssm, account.mode_parameter) == "off"


def test_a_mode_that_is_none_is_not_written(account: Account, srectl: Run) -> None:
    with pytest.raises(CommandFailed, match="'maybe' is no mode"):
        switches.set_mode(account.ssm, account.mode_parameter, "maybe")
    assert srectl("mode", "maybe").exit_code == 2
    assert switches.read_mode(account.ssm, account.mode_parameter) == "on"


def test_a_mistyped_prefix_makes_no_new_switch(account: Account, srectl: Run) -> None:
    assert srectl("mode", "off", "--prefix", "typo-").exit_code == 1
    with pytest.raises(CommandFailed):
        switches.read_mode(account.ssm, "/typo-sre-platform/remediation-mode")


def test_a_window_is_added_as_the_state_machine_reads_it(account: Account) -> None:
    switches.add_window(account.ssm, account.maintenance_parameter, TONIGHT, NOW)
    assert stored(account) == [
        {"start": "2026-11-23T22:00:00Z", "end": "2026-11-24T02:00:00Z", "reason": "upgrade"}
    ]


def test_windows_that_are_past_go_with_the_next_change(account: Account) -> None:
    account.ssm.put_parameter(
        Name=account.maintenance_parameter,
        Value='[{"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z", "reason": "x"}]',
        Overwrite=True,
    )
    kept = switches.add_window(account.ssm, account.maintenance_parameter, TONIGHT, NOW)
    assert kept == [TONIGHT]


@pytest.mark.parametrize(
    ("start", "end", "reason", "problem"),
    [
        ("2026-11-23T22:00:00Z", "2026-11-23T21:00:00Z", "x", "before it starts"),
        ("2026-11-23T22:00:00Z", "2026-11-23T22:00:00Z", "x", "ends when it starts"),
        ("2026-11-22T22:00:00Z", "2026-11-22T23:00:00Z", "x", "past already"),
        ("2026-11-23T22:00:00Z", "2026-11-23T23:00:00Z", " ", "reason must have"),
        ("2026-11-23T22:00:00Z", "2026-11-23T23:00:00Z", "x" * 201, "reason must have"),
    ],
)
def test_what_is_no_window_is_refused(
    account: Account, start: str, end: str, reason: str, problem: str
) -> None:
    with pytest.raises(CommandFailed, match=problem):
        switches.add_window(
            account.ssm,
            account.maintenance_parameter,
            Window(moment(start), moment(end), reason),
            NOW,
        )
    assert stored(account) == []


@pytest.mark.parametrize(
    "text", ["2026-11-23T22:00:00", "2026-11-23T22:00:00+01:00", "2026-13-23T22:00:00Z", "tonight"]
)
def test_a_time_without_its_z_or_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no time in UTC|does not exist"):
        moment(text)


def test_more_windows_than_the_parameter_holds_are_refused(account: Account) -> None:
    added = 0
    with pytest.raises(CommandFailed, match="more than parameter"):  # noqa: PT012 - any of them
        for added in range(1, 30):
            switches.add_window(
                account.ssm,
                account.maintenance_parameter,
                Window(
                    moment(f"2026-12-{added:02}T00:00:00Z"),
                    moment(f"2026-12-{added:02}T01:00:00Z"),
                    "x" * 200,
                ),
                NOW,
            )
    assert added > 10
    assert len(json.dumps(stored(account))) <= 4096


def test_a_window_is_removed_by_its_start(account: Account, srectl: Run) -> None:
    later = Window(moment("2099-11-25T22:00:00Z"), moment("2099-11-25T23:00:00Z"), "later")
    other = Window(moment("2099-11-26T22:00:00Z"), moment("2099-11-26T23:00:00Z"), "other")
    for window in (later, other):
        switches.add_window(account.ssm, account.maintenance_parameter, window, NOW)
    unknown = srectl("maintenance", "remove", "2099-01-01T00:00:00Z")
    assert unknown.exit_code == 1
    assert srectl("maintenance", "remove", "2099-11-25T22:00:00Z").exit_code == 0
    assert switches.windows(account.ssm, account.maintenance_parameter) == [other]


def test_a_broken_list_is_told_and_can_be_emptied(account: Account, srectl: Run) -> None:
    account.ssm.put_parameter(
        Name=account.maintenance_parameter, Value='[{"start": "soon"}]', Overwrite=True
    )
    with pytest.raises(CommandFailed, match="runbooks do nothing") as caught:
        switches.add_window(account.ssm, account.maintenance_parameter, TONIGHT, NOW)
    assert "remove --all" in caught.value.hint
    assert srectl("maintenance", "remove", "--all").exit_code == 0
    assert stored(account) == []


def test_a_window_lasts_as_long_as_it_says(srectl: Callable[..., Result]) -> None:
    answer = srectl("maintenance", "add", "--for", "2h", "--reason", "upgrade", "--json")
    assert answer.exit_code == 0, answer.output
    [window] = json.loads(answer.output)
    start, end = (datetime.datetime.fromisoformat(window[each]) for each in ("start", "end"))
    assert end - start == datetime.timedelta(hours=2)


@pytest.mark.parametrize("words", [("--end", "2h"), ("--start", "2h", "--for", "1h")])
def test_a_length_that_could_be_before_or_after_now_is_refused_with_what_to_type(
    srectl: Callable[..., Result], words: tuple[str, ...]
) -> None:
    answer = srectl("maintenance", "add", *words, "--reason", "upgrade")
    assert answer.exit_code == 2
    assert "'--for 2h'" in answer.output


@pytest.mark.parametrize(
    "words", [(), ("--for", "0h"), ("--for", "soon"), ("--for", "1h", "--end", "2099-01-01T00:00Z")]
)
def test_a_window_has_one_end(srectl: Callable[..., Result], words: tuple[str, ...]) -> None:
    assert srectl("maintenance", "add", *words, "--reason", "upgrade").exit_code == 2


@pytest.mark.parametrize(
    ("typed", "kept", "shown"),
    [
        ("apps/checkout", "apps/checkout", "apps/checkout"),
        ("ip-10-0-1-2.ec2", "/ip-10-0-1-2.ec2", "node ip-10-0-1-2.ec2"),
        ("node/ip-10-0-1-2.ec2", "/ip-10-0-1-2.ec2", "node ip-10-0-1-2.ec2"),
    ],
)
def test_a_window_of_one_target_says_which(
    account: Account, srectl: Run, typed: str, kept: str, shown: str
) -> None:
    ends = ("--start", "2027-01-01T00:00:00Z", "--end", "2027-01-01T02:00:00Z")
    window = ("maintenance", "add", *ends, "--reason", "upgrade")
    assert srectl(*window, "--target", typed).exit_code == 0
    assert srectl(*window).exit_code == 0
    [all_, one] = json.loads(srectl("maintenance", "list", "--json").output)
    assert ("target" in all_, one["target"]) == (False, kept)
    assert stored(account) == [all_, one]
    listed = srectl("maintenance", "list").output
    assert f" {shown} " in listed
    assert " everything " in listed
    found = switches.windows(account.ssm, account.maintenance_parameter)
    at = found[0].start
    assert switches.reason_for_all(found, at) == "upgrade"
    assert switches.reason_for_all(found[1:], at) == ""
    assert switches.reasons_by_target(found, at) == {kept: "upgrade"}
    assert switches.reasons_by_target(found, found[0].end) == {}


def test_no_secret_in_the_reason_of_a_window_is_kept(account: Account, srectl: Run) -> None:
    window = ("maintenance", "add", "--for", "2h", "--reason")
    assert srectl(*window, "new pass\u200bword: hunter2").exit_code == 0
    assert [each["reason"] for each in stored(account)] == ["new password: [redacted]"]
    unseen = srectl(*window, "\u200b")
    assert (unseen.exit_code, len(stored(account))) == (1, 1)
    assert "the reason must have" in unseen.output


@pytest.mark.parametrize(
    "target", ["", "/", "apps/", "a/b/c", "Apps/x", "apps/*", "apps/x y", "-x"]
)
def test_what_is_no_target_is_refused(srectl: Run, target: str) -> None:
    answer = srectl("maintenance", "add", "--for", "2h", "--reason", "x", "--target", target)
    assert answer.exit_code == 2
    assert "is no target: write apps/checkout" in " ".join(answer.output.split())


@pytest.mark.parametrize("target", [["apps/checkout"], "checkout", "", None, 7])
def test_what_names_no_target_holds_everything(account: Account, target: object) -> None:
    text = json.dumps([{**TONIGHT.as_json(), "target": target}])
    account.ssm.put_parameter(Name=account.maintenance_parameter, Value=text, Overwrite=True)
    assert switches.windows(account.ssm, account.maintenance_parameter) == [TONIGHT]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("checkout", "named node checkout yet: no incident of the newest 500 of each status"),
        ("checkout", "did you mean apps/checkout?"),
        ("apps/chekout", "did you mean apps/checkout?"),
        ("node/ip-10-0-9-9", "nothing here has named node ip-10-0-9-9 yet"),
    ],
)
def test_a_target_that_nothing_has_named_is_warned_of_and_left_alone_all_the_same(
    account: Account, srectl: Run, put_incident: Callable[..., object], typed: str, said: str
) -> None:
    put_incident()
    answer = srectl("maintenance", "add", "--for", "2h", "--reason", "x", "--target", typed)
    assert answer.exit_code == 0
    assert said in answer.output
    assert len(switches.windows(account.ssm, account.maintenance_parameter)) == 1


def test_a_target_of_an_incident_a_lock_or_a_runbook_is_known(
    account: Account, srectl: Run, put_incident: Callable[..., object]
) -> None:
    lock = "target#sre-platform#shop#deployment#basket"
    put_incident(in_hand=json.dumps({"locks": [lock, "target#sre-platform##node#ip-10-0-1-2"]}))
    put_incident(incident_id="9abc0c0e-6a3b-5d0e-9a55-2f1f4f0e8b13", target=None)
    definition = {"steps": [{"target": {"kind": "deployment", "namespace": "pay", "name": "till"}}]}
    account.dynamodb.put_item(
        TableName=account.runbooks_table,
        Item={"name": {"S": "Till"}, "definition": {"S": json.dumps(definition)}},
    )
    for known in ("apps/checkout", "shop/basket", "node/ip-10-0-1-2", "pay/till"):
        answer = srectl("maintenance", "add", "--for", "2h", "--reason", "x", "--target", known)
        assert (answer.exit_code, "warning" in answer.output) == (0, False), known


def test_what_cannot_be_looked_up_is_said(account: Account, srectl: Run) -> None:
    account.dynamodb.delete_table(TableName=account.runbooks_table)
    answer = srectl("maintenance", "add", "--for", "2h", "--reason", "x", "--target", "a/b")
    assert answer.exit_code == 0
    assert "whether a/b is known was not looked up" in answer.output


def test_of_two_who_write_at_the_same_moment_both_windows_are_there(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, others = switches._write, [Window(TONIGHT.start, TONIGHT.end, "theirs")]

    def outrun(client: Any, parameter: str, value: str) -> None:
        write(client, parameter, value)
        if others:
            write(client, parameter, json.dumps([others.pop().as_json()]))

    monkeypatch.setattr(switches, "_write", outrun)
    kept = switches.add_window(account.ssm, account.maintenance_parameter, TONIGHT, NOW)
    assert [each.reason for each in kept] == ["theirs", "upgrade"]
    assert [each["reason"] for each in stored(account)] == ["theirs", "upgrade"]


def test_who_is_outrun_all_the_time_is_told(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = switches._write
    monkeypatch.setattr(
        switches, "_write", lambda client, parameter, _: write(client, parameter, "[]")
    )
    with pytest.raises(CommandFailed, match=r"others write parameter .* all the time"):
        switches.add_window(account.ssm, account.maintenance_parameter, TONIGHT, NOW)


def test_a_window_with_an_offset_is_one_and_is_written_in_utc(account: Account) -> None:
    text = json.dumps([{**TONIGHT.as_json(), "start": "2026-11-23T23:00:00+01:00"}])
    account.ssm.put_parameter(Name=account.maintenance_parameter, Value=text, Overwrite=True)
    assert switches.windows(account.ssm, account.maintenance_parameter) == [TONIGHT]
    given = Window(TONIGHT.start, TONIGHT.end + datetime.timedelta(microseconds=9), "to the second")
    kept = switches.add_window(account.ssm, account.maintenance_parameter, given, NOW)
    assert len(kept) == 2
