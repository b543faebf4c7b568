"""What comes late, or joined another: nobody is told of a beginning after its end, nobody bound."""

from __future__ import annotations

from typing import Any

import pytest
from jsonata import Jsonata

from tests.support.machines import machines


def chosen(machine: str, name: str, **variables: Any) -> str:
    state = machines()[machine].definition()["States"][name]
    for choice in state["Choices"]:
        condition = choice["Condition"].strip().removeprefix("{%").removesuffix("%}")
        if Jsonata(condition).evaluate(None, variables):
            return str(choice["Next"])
    return str(state["Default"])


@pytest.mark.parametrize(
    ("kind", "row", "goes_to"),
    [
        ("incident.created", {"told_created_critical": "me"}, "CountNotification"),
        (
            "incident.created",
            {"told_created_critical": "me", "told_resolved_critical": "x"},
            "AnnouncedBefore",
        ),
        ("incident.resolved", {"told_resolved_critical": "me"}, "CountNotification"),
        ("incident.escalated", {"told_resolved_critical": "x"}, "WhatIsToBeTold"),
    ],
)
def test_a_beginning_is_not_told_after_its_end(
    kind: str, row: dict[str, str], goes_to: str
) -> None:
    """A pager would open again what nobody closes any more."""
    data = {"severity": "critical"}
    assert chosen("incident-notifier", "IsToBeTold", kind=kind, row=row, data=data) == goes_to


@pytest.mark.parametrize(
    ("attached_to", "holding", "released", "goes_to"),
    [
        ("another", False, 0, "ReleaseTargets"),
        ("another", False, 1, "MarkEscalated"),
        ("", False, 0, "MarkEscalated"),
        ("", True, 2, "ReleaseTargets"),
        ("", True, 3, "MarkEscalated"),
    ],
)
def test_who_joined_another_in_vain_is_out_of_hand(
    attached_to: str, holding: bool, released: int, goes_to: str
) -> None:
    """So that a runbook of a severity that has risen may take the incident."""
    given = {
        "attached_to": attached_to,
        "holding": holding,
        "released": released,
        "locks": ["one", "two"],
        "acted": False,
        "failure": {"code": "not-resolved"},
        "answers": [],
        "runbook": {},
        "handed_over": False,
        "alert_resolved": False,
        "canary": False,
        "incident": {"wakes": True},
    }
    assert chosen("incident-response-runbook", "HowToEscalate", **given) == goes_to
