"""An alert that fires again before its change was brought back: the restorer hands it over."""

from __future__ import annotations

from typing import Any

import pytest
from jsonata import Jsonata

from tests.support.machines import machines


def state(kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = machines()[kind].definition()["States"][name]
    return found


def evaluated(expression: str, **variables: Any) -> Any:
    return Jsonata(expression.strip().removeprefix("{%").removesuffix("%}")).evaluate(
        None, variables
    )


def chosen(name: str, **variables: Any) -> str:
    found = state("incident-restorer", name)
    for choice in found["Choices"]:
        if evaluated(choice["Condition"], **variables):
            return str(choice["Next"])
    return str(found["Default"])


@pytest.mark.parametrize(("named", "asked"), [("prod", "prod"), (None, "")])
def test_the_same_fingerprint_of_another_sender_is_another_alert(named: Any, asked: str) -> None:
    """Anybody can send it: no sender keeps another's change from being brought back."""
    query = state("incident-restorer", "FindRecurrence")["Arguments"]
    assert "sender = :sender AND" in query["FilterExpression"]
    assert "sender_name = :sender_name" in query["FilterExpression"]
    values = query["ExpressionAttributeValues"]
    incident = {"sender": "grafana", "sender_name": named}
    assert evaluated(values[":sender"]["S"], incident=incident) == "grafana"
    assert evaluated(values[":sender_name"]["S"], incident=incident) == asked


@pytest.mark.parametrize(("do", "said"), [("hand-over", True), ("restore", None)])
def test_a_report_says_that_it_was_handed_over(do: str, said: bool | None) -> None:
    given = {"status": "unchanged", "summary": "stays", "changed": False, "plan": []}
    report = evaluated(
        state("remediation-step", "Act")["Assign"]["report"],
        do=do,
        operation="undo",
        reported="restore",
        states={"result": {"Payload": given}},
    )
    assert (report["status"], report["result"].get("handed_over")) == ("skipped", said)


@pytest.mark.parametrize(
    ("watched", "recurred", "goes_to"),
    [
        (False, False, "LockTargets"),
        (False, True, "BringBack"),
        (True, True, "NoteRestoration"),
        (True, False, "NoteRestoration"),
    ],
)
def test_only_what_has_not_been_brought_back_is_handed_over(
    watched: bool, recurred: bool, goes_to: str
) -> None:
    assert chosen("HasRecurred", watched=watched, recurred=recurred) == goes_to


@pytest.mark.parametrize(
    ("recurred", "restored", "goes_to"),
    [
        (True, 1, "BringBack"),
        (True, 2, "NoteRestoration"),
        (False, 1, "BringBack"),
        (False, 2, "ReleaseTargets"),
    ],
)
def test_every_step_is_handed_over_and_no_lock_released_that_was_not_taken(
    recurred: bool, restored: int, goes_to: str
) -> None:
    told = {"stack": [{}, {}], "restored": restored, "recurred": recurred}
    assert chosen("IsAllBroughtBack", **told) == goes_to


@pytest.mark.parametrize(
    ("recurred", "operation"), [(True, "hand_over"), (False, "undo")], ids=["again", "quiet"]
)
def test_a_step_is_asked_for_it_with_what_its_execute_returned(
    recurred: bool, operation: str
) -> None:
    undo = {"action": "scale_workload", "parameters": {"before": 3, "after": 5}}
    started = evaluated(
        state("incident-restorer", "BringBack")["Arguments"],
        recurred=recurred,
        restored=0,
        stack=[{"step": {"index": 1}, "undo": undo}],
        states={
            "context": {"State": {"EnteredTime": "2026-11-23T15:14:52Z"}, "Execution": {"Id": "e"}}
        },
        incident={"incident_id": "i"},
        runbook={"name": "r"},
        timestamp="t",
        correlation_id="c",
        display={},
        of=1,
        me="me",
    )
    assert started["Input"]["undo"] == undo
    read = state("remediation-step", "ReadStep")["Assign"]
    given = {"states": {"input": started["Input"]}}
    assert evaluated(read["operation"], **given) == operation
    assert evaluated(read["reported"], **given) == "restore"


@pytest.mark.parametrize(
    ("restored", "unchanged", "recurred", "noted"),
    [
        (2, 0, False, "restored"),
        (2, 1, False, "restored"),
        (2, 0, True, "restored, then the alert came back"),
        (2, 2, False, "not restored: its steps say why"),
        (1, 1, True, "not restored: its steps say why; then the alert came back"),
    ],
)
def test_what_was_left_as_it_is_is_not_noted_as_restored(
    restored: int, unchanged: int, recurred: bool, noted: str
) -> None:
    given = state("incident-restorer", "NoteRestoration")["Arguments"]["ExpressionAttributeValues"]
    known = {"restored": restored, "unchanged": unchanged, "recurred": recurred, "watched": True}
    assert evaluated(given[":restoration"]["S"], **known) == noted


@pytest.mark.parametrize(("status", "counted"), [("unchanged", 1), ("done", 0), ("failed", 0)])
def test_what_stays_as_it_is_is_counted(status: str, counted: int) -> None:
    found = state("incident-restorer", "BringBack")["Assign"]["unchanged"]
    answer = {"result": {"Output": {"status": status}}}
    assert evaluated(found, unchanged=0, states=answer) == counted
