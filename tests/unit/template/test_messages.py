"""Texts of alerts are cleaned at the door; machines have one expression for whatever is left."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonata import Jsonata

from alert_ingest.display import one_line
from alert_ingest.errors import BodyTooLarge
from onemachine.aws.definitions import substituted
from tests.support.template import TEMPLATE

#: What cleans a text begins with this, however it is spelled.
CONTROLS = r"\x00-"
TALKING = (
    "IncidentNotifier",
    "IncidentDigest",
    "MorningDigest",
    "IncidentResponseRunbook",
    "RemediationStep",
    "IncidentRestorer",
)


def test_gateway_and_function_say_what_makes_a_body_smaller(template: dict[str, Any]) -> None:
    responses = template["Resources"]["WebhookApi"]["Properties"]["GatewayResponses"]
    said = responses["REQUEST_TOO_LARGE"]["ResponseTemplates"]["application/json"]
    advice = json.loads(said)["message"].partition(". ")[2]
    assert "max_alerts" in advice
    assert advice in str(BodyTooLarge(6_000_000, 5_242_880))


def test_what_cleans_a_text_stands_once(machines: dict[str, dict[str, Any]]) -> None:
    assert TEMPLATE.read_text("utf-8").count(CONTROLS) == 1
    for name, machine in machines.items():
        assert CONTROLS not in machine["text"], name


@pytest.mark.parametrize("name", TALKING)
def test_machines_clean_a_text_as_alert_ingest_does(
    machines: dict[str, dict[str, Any]], name: str
) -> None:
    expression = machines[name]["DefinitionSubstitutions"]["OneLine"]
    for start in (*range(0, 0xD000, 0x1000), 0xE000, 0xF000):
        text = "".join(f"a{chr(point)}b" for point in range(start, start + 0x1000))
        cleaned = Jsonata(f"({expression})({json.dumps(text)})").evaluate(None)
        assert cleaned == one_line(text, len(text))


def test_what_is_handed_in_is_one_line(machines: dict[str, dict[str, Any]]) -> None:
    """It is put into block text before that is parsed; a second line would end the block."""
    for machine in machines.values():
        for name, value in machine["DefinitionSubstitutions"].items():
            assert not isinstance(value, str) or re.fullmatch(r"\S.*\S|\S", value), name


def test_what_holds_a_backslash_or_a_quote_is_put_into_block_text(
    machines: dict[str, dict[str, Any]],
) -> None:
    """Between double quotes YAML would read it: ``\\x00`` of an expression would be a zero byte."""
    for name, machine in machines.items():
        given = machine["DefinitionSubstitutions"]
        for quoted in re.findall(r'"[^"\n]*\$\{\w+\}[^"\n]*"', machine["text"]):
            written = substituted(quoted[1:-1], {k: v for k, v in given.items() if type(v) is str})
            assert not re.search(r'["\\\\]', written), f"{name}: {quoted}"


def test_every_mail_that_calls_somebody_names_the_incident_as_the_lists_do(
    machines: dict[str, dict[str, Any]],
) -> None:
    """What is typed at night is the beginning of an id."""
    incident = {"incident_id": "b7b0f7a4-3a3c-5f0e-9a55-111111111111", "severity": "critical"}
    shown = {"name": "Down", "summary": "s", "place": "p", "where": " on p", "links": []}
    known = {
        "incident": incident,
        "display": shown,
        "timestamp": "2026-11-28T03:00:00.000Z",
        "runbook": {"name": "R"},
        "failure": {"code": "not-resolved", "text": "it did not help"},
        "findings": [],
        "acted": True,
        "of": 1,
        "persons": 1,
        "plan": [],
        "asked": [],
        "questions": 0,
        "report": {"result": {"summary": "would restart"}},
        "step": {"index": 1, "action": "restart_workload", "target": {}},
    }
    escalated = machines["IncidentResponseRunbook"]["DefinitionSubstitutions"]
    notice = substituted("${EscalationNotice}", escalated)
    asks = machines["RemediationStep"]["definition"]["States"]["AskForApproval"]["Arguments"]
    question = asks["Message"].strip().removeprefix("{%").removesuffix("%}")
    for message in (
        Jsonata(f"({notice}).Message").evaluate(None, known),
        Jsonata(question).evaluate(None, known),
    ):
        assert re.search("^Id: +b7b0f7a4$", json.loads(message)["email"], re.MULTILINE)
