"""``srectl runbooks enable``, ``ask`` and ``disable``: what is written, said and refused."""

from __future__ import annotations

import datetime
import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from srectl import runbooks
from srectl.errors import CommandFailed
from srectl.operate import runbook_switch, switch_history, switches
from srectl.operate.account import Account
from srectl.operate.announcing import stamp
from srectl.operate.plans import Limits, decide
from tests.support import shipped

Run = Callable[..., Result]
NAME = "RollBackYoungRollout"


@pytest.fixture(autouse=True)
def _published(account: Account) -> None:
    there = runbooks.load_all(shipped.RUNBOOKS)
    runbooks.publish(account.dynamodb, account.runbooks_table, there.runbooks, there.evidence_only)


def stored(account: Account) -> Any:
    parameter = account.ssm.get_parameter(Name=account.own_modes_parameter)["Parameter"]
    return json.loads(parameter["Value"]), parameter["Version"]


def mode_listed(srectl: Run, name: str) -> str:
    answer = srectl("runbooks", "list", "--folder", str(shipped.RUNBOOKS), "--json")
    return next(str(each["mode"]) for each in json.loads(answer.stdout) if each["name"] == name)


def test_it_is_switched_on_and_says_what_it_does_from_now_on(account: Account, srectl: Run) -> None:
    assert mode_listed(srectl, NAME) == "observe"
    answer = srectl("runbooks", "enable", NAME, "--yes")
    assert answer.exit_code == 0, answer.output
    assert f"{NAME}: on (was observe), in parameter /t-sre-platform/runbook-modes" in answer.output
    assert "from the next incident on it does rollback_workload" in answer.output
    assert "KubePodCrashLooping" in answer.output
    assert stored(account)[0] == {NAME: "on"}
    assert mode_listed(srectl, NAME) == "on"


def planned(account: Account, put_incident: Any, **changes: Any) -> None:
    begun = stamp(datetime.datetime.now(datetime.UTC))
    plan = {
        "operation": "plan",
        "runbook": NAME,
        "status": "planned",
        "action": "rollback_workload",
    }
    put_incident(incident_id=str(uuid.uuid4()), timestamp=begun, actions_taken=[plan], **changes)


def test_what_it_came_to_stands_beside_the_question_and_a_no_changes_nothing(
    account: Account, put_incident: Any, srectl: Run
) -> None:
    planned(account, put_incident, status="resolved")
    planned(account, put_incident, status="resolved")
    planned(account, put_incident, status="resolved", closed_by="ada")
    planned(account, put_incident, status="escalated")
    answer = srectl("runbooks", "enable", NAME, stdin="n\n")
    assert answer.exit_code != 0
    told = " ".join(answer.output.split())
    assert f"{NAME} observes; on, it does rollback_workload" in told
    assert (
        "in 30 days it only said what it would do for 4: 2 ended by themselves, 1 by a human, 0 by "
        f"another runbook, 1 not over Let {NAME} act? [y/N]" in told
    )
    assert stored(account)[0] == {}
    assert srectl("runbooks", "enable", NAME, stdin="y\n").exit_code == 0
    assert stored(account)[0] == {NAME: "on"}
    # What acts already is no question.
    assert "[y/N]" not in srectl("runbooks", "enable", NAME).output


def test_without_any_incident_it_is_said_that_there_are_no_numbers(srectl: Run) -> None:
    told = " ".join(srectl("runbooks", "enable", NAME, "--yes").output.split())
    assert "no incident was for it: there are no numbers of what it does" in told


def test_said_again_it_changes_nothing(account: Account, srectl: Run) -> None:
    srectl("runbooks", "enable", NAME, "--yes")
    before = stored(account)
    answer = srectl("runbooks", "enable", NAME, "--yes")
    assert (answer.exit_code, stored(account)) == (0, before)
    assert "on already" in answer.output


@pytest.mark.parametrize(("command", "mode"), [("disable", "observe"), ("ask", "ask")])
def test_what_asks_nothing_takes_the_yes_of_its_brother(
    account: Account, srectl: Run, command: str, mode: str
) -> None:
    answer = srectl("runbooks", command, "CheckoutDown", "--yes")
    assert answer.exit_code == 0, answer.output
    assert stored(account)[0] == {"CheckoutDown": mode}


def test_any_runbook_is_set_back_to_observing(account: Account, srectl: Run) -> None:
    srectl("runbooks", "enable", "DrainNode", "--yes")
    answer = srectl("runbooks", "disable", "CheckoutDown")
    assert "CheckoutDown: observe (was on)" in answer.output
    assert "only says that it would do restart_deployment" in answer.output
    assert stored(account)[0] == {"DrainNode": "on", "CheckoutDown": "observe"}
    assert mode_listed(srectl, "CheckoutDown") == "observe"
    told = json.loads(srectl("runbooks", "enable", "CheckoutDown", "--yes", "--json").stdout)
    assert (told["mode"], told["before"]) == ("on", "observe")


def test_any_runbook_is_made_to_ask_and_who_and_why_stand_in_the_history(
    account: Account, srectl: Run
) -> None:
    answer = srectl("runbooks", "ask", "CheckoutDown", "--reason", "it was\nwrong twice")
    assert answer.exit_code == 0, answer.output
    assert "CheckoutDown: ask (was on), in parameter" in answer.output
    assert "it asks a human, then does restart_deployment" in answer.output
    assert stored(account)[0] == {"CheckoutDown": "ask"}
    assert mode_listed(srectl, "CheckoutDown") == "ask"
    (change,) = switch_history.changes(account)
    assert (change.value, change.because) == ("ask", "it was wrong twice")
    assert change.words == "runbook CheckoutDown is ask: it was wrong twice"
    assert change.by
    before = stored(account)
    assert "ask already" in srectl("runbooks", "ask", "CheckoutDown").output
    assert stored(account) == before
    # It is let act as one that observes is: with its numbers beside the question.
    refused = srectl("runbooks", "enable", "CheckoutDown", stdin="n\n")
    assert "CheckoutDown asks first; on, it does restart_deployment" in refused.output
    assert stored(account) == before
    srectl("runbooks", "enable", "CheckoutDown", "--yes")
    assert stored(account)[0] == {"CheckoutDown": "on"}
    # The reason was of another switch.
    assert [each.because for each in switch_history.changes(account)] == ["", "it was wrong twice"]


def test_one_that_observes_asks_without_a_question_and_one_that_is_disabled_does_not(
    account: Account, srectl: Run
) -> None:
    assert srectl("runbooks", "ask", NAME).exit_code == 0
    assert stored(account)[0] == {NAME: "ask"}
    refused = srectl("runbooks", "ask", "WorkloadCrashLooping")
    assert (refused.exit_code, "disabled in its file" in refused.output) == (1, True)


@pytest.mark.parametrize(
    ("shown", "wanted", "is_switched"),
    [
        ("on", "ask", True),
        ("observe", "ask", False),
        ("ask", "observe", True),
        ("ask", "on", False),
    ],
)
def test_what_lets_it_do_more_is_decided_on_what_was_shown_alone(
    account: Account, shown: str, wanted: str, is_switched: bool
) -> None:
    parameter = account.own_modes_parameter
    switches.set_own_mode(account.ssm, parameter, NAME, shown)
    if is_switched:
        runbook_switch.switch(account, NAME, wanted, "of another")
    else:
        with pytest.raises(CommandFailed, match=f"meanwhile, and is {shown} now"):
            runbook_switch.switch(account, NAME, wanted, "of another")
    assert stored(account)[0] == {NAME: wanted if is_switched else shown}


def test_one_that_asks_is_told_so(srectl: Run) -> None:
    answer = srectl("runbooks", "enable", "ExpandVolume", "--yes")
    assert "it asks a human, then does expand_volume" in answer.output


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Unheard", "nothing of this name is published"),
        ("KubePodCrashLooping", f"an alert of this name is answered by runbook {NAME}"),
        ("KubeAPIDown", "is an alert that is answered with evidence only"),
        ("WorkloadCrashLooping", "disabled in its file"),
    ],
)
def test_what_is_no_runbook_that_could_act_is_not_switched(
    account: Account, srectl: Run, name: str, said: str
) -> None:
    answer = srectl("runbooks", "enable", name, "--yes")
    assert answer.exit_code == 1
    assert said in answer.output
    assert stored(account)[0] == {}


@pytest.mark.parametrize("value", ["{", "[]", '{"A": "maybe"}', '{"A": 1}'])
def test_modes_that_cannot_be_read_are_not_written_over(
    account: Account, srectl: Run, value: str
) -> None:
    account.ssm.put_parameter(Name=account.own_modes_parameter, Value=value, Overwrite=True)
    answer = srectl("runbooks", "enable", NAME, "--yes")
    assert answer.exit_code == 1
    assert "does not hold the modes of runbooks" in answer.output
    parameter = account.ssm.get_parameter(Name=account.own_modes_parameter)["Parameter"]
    assert parameter["Value"] == value


def test_who_writes_at_the_same_moment_is_noticed(
    account: Account, srectl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = switches._write

    def outrun(client: Any, parameter: str, value: str, *described: str) -> int:
        made = write(client, parameter, value, *described)
        write(client, parameter, '{"Other": "on"}')
        return made

    monkeypatch.setattr(switches, "_write", outrun)
    answer = srectl("runbooks", "disable", "CheckoutDown")
    assert answer.exit_code == 1
    assert "at the same moment: CheckoutDown is not switched to observe" in answer.output


def between(
    monkeypatch: pytest.MonkeyPatch, account: Account, *others: tuple[str, str], times: int = 1
) -> None:
    """Have others switch something whole between what is read and what is written over it."""
    write, left = switches._write, [times]

    def late(client: Any, parameter: str, value: str, *described: str) -> int:
        if left[0]:
            left[0] -= 1
            with monkeypatch.context() as undisturbed:
                undisturbed.setattr(switches, "_write", write)
                for name, mode in others:
                    switches.set_own_mode(client, parameter, name, mode)
        return write(client, parameter, value, *described)

    monkeypatch.setattr(switches, "_write", late)


def test_what_another_has_switched_between_reading_and_writing_is_put_back_in(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssm, parameter = account.ssm, account.own_modes_parameter
    between(monkeypatch, account, ("Other", "observe"), ("Third", "ask"), times=2)
    switches.set_own_mode(ssm, parameter, NAME, "on", "seen to help")
    assert stored(account)[0] == {NAME: "on", "Other": "observe", "Third": "ask"}
    last = ssm.get_parameter_history(Name=parameter)["Parameters"][-1]
    assert switches.described(last["Description"], NAME, "on") == "seen to help"


@pytest.mark.parametrize(
    ("theirs", "mine", "stays"),
    [("observe", "ask", "observe"), ("ask", "on", "ask"), ("ask", "observe", "observe")],
)
def test_of_two_who_switch_one_runbook_at_once_the_more_careful_is_heard(
    account: Account, monkeypatch: pytest.MonkeyPatch, theirs: str, mine: str, stays: str
) -> None:
    between(monkeypatch, account, (NAME, theirs))
    if stays == mine:
        switches.set_own_mode(account.ssm, account.own_modes_parameter, NAME, mine)
    else:
        said = f"at the same moment: {NAME} is not switched to {mine}, but to {stays}"
        with pytest.raises(CommandFailed, match=said):
            switches.set_own_mode(account.ssm, account.own_modes_parameter, NAME, mine)
    assert stored(account)[0] == {NAME: stays}


def test_where_others_write_all_the_time_nobody_is_told_that_it_worked(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    between(monkeypatch, account, ("Other", "observe"), times=99)
    with pytest.raises(CommandFailed, match=r"others write parameter .* all the time"):
        switches.set_own_mode(account.ssm, account.own_modes_parameter, NAME, "on")
    assert stored(account)[0]["Other"] == "observe"


def test_more_than_the_parameter_holds_is_refused(account: Account) -> None:
    many = {f"Runbook{number:090}": "observe" for number in range(36)}
    account.ssm.put_parameter(
        Name=account.own_modes_parameter, Value=json.dumps(many), Overwrite=True
    )
    with pytest.raises(CommandFailed, match="37 runbooks are more than parameter"):
        switches.set_own_mode(account.ssm, account.own_modes_parameter, "R" * 100, "on")
    assert stored(account)[0] == many


def test_a_plan_against_the_deployment_says_whether_it_observes(
    account: Account, srectl: Run
) -> None:
    alert = {
        "alert_name": "KubeHpaMaxedOut",
        "severity": "warning",
        "labels": {"namespace": "apps", "horizontalpodautoscaler": "checkout"},
    }
    catalogue = runbooks.load_all(shipped.RUNBOOKS).selected()
    assert decide(alert, catalogue, Limits()).observes
    srectl("runbooks", "enable", "RaiseAutoscalerMaximum", "--yes")
    modes = switches.read_own_modes(account.ssm, account.own_modes_parameter)
    decision = decide(alert, catalogue, Limits(own_modes=modes))
    assert (decision.observes, decision.eligible) == (False, True)


def test_a_runbook_whose_answers_are_not_published_is_told_as_changed(
    account: Account, srectl: Run
) -> None:
    def states() -> dict[str, str]:
        answer = srectl("runbooks", "list", "--folder", str(shipped.RUNBOOKS), "--json")
        return {each["name"]: each["state"] for each in json.loads(answer.stdout)}

    first = states()
    assert set(first.values()) == {"same"}
    # The alerts that a runbook answers are told with it, those with evidence only by themselves.
    assert "KubeHpaMaxedOut" not in first
    assert "KubeAPIDown" in first
    for name in ("KubeHpaMaxedOut", "KubeAPIDown"):
        account.dynamodb.delete_item(TableName=account.runbooks_table, Key={"name": {"S": name}})
    changed = {name: state for name, state in states().items() if state != "same"}
    assert changed == {"RaiseAutoscalerMaximum": "changed", "KubeAPIDown": "new"}
    printed = srectl("runbooks", "list", "--folder", str(shipped.RUNBOOKS)).output
    assert re.search(r"\d+ alerts with evidence only, \d+ of them published as here", printed)
    answer = srectl("runbooks", "publish", "--folder", str(shipped.RUNBOOKS))
    assert "RaiseAutoscalerMaximum: published" in answer.output
    assert "DrainNode: unchanged" in answer.output
    assert set(states().values()) == {"same"}


def test_a_runbook_that_is_disabled_in_its_file_is_listed_as_that(
    account: Account, srectl: Callable[..., Result], tmp_path: Path
) -> None:
    definition = {**CATALOGUE_FILE, "enabled": False}
    (tmp_path / "off.yaml").write_text(json.dumps(definition))
    published = srectl("runbooks", "publish", "--folder", str(tmp_path))
    assert published.exit_code == 0, published.output
    rows = json.loads(srectl("runbooks", "list", "--folder", str(tmp_path), "--json").output)
    modes = {row["name"]: row["mode"] for row in rows}
    assert modes["Off"] == "disabled"
    assert modes[NAME] == "observe"
    assert modes["CPUThrottlingHigh"] is None


CATALOGUE_FILE = {
    "name": "Off",
    "description": "Restarts checkout.",
    "severities": ["critical"],
    "action": "restart_deployment",
    "target": {"kind": "deployment", "namespace": "apps", "name": "checkout"},
    "on_failure": "keep",
    "guard": {"cooldown_seconds": 300, "max_actions": 3, "window_seconds": 3600},
}
