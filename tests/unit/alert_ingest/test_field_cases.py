"""The script that posts the bodies of the field leaves none out, and mixes up none."""

from __future__ import annotations

import pytest

from tests.field import BODIES, field_body
from tests.field.cases import CASES, Case
from tests.field.posting import Fate, own


def test_every_body_belongs_to_one_case() -> None:
    named = [name for case in CASES for name in case.bodies]
    assert sorted(named) == sorted(path.stem for path in BODIES.glob("*.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.row)
def test_the_bodies_of_a_case_keep_one_identity_of_its_own(case: Case) -> None:
    sent = [own(field_body(name), case.row, "run") for name in case.bodies]
    marks = {str(body.get("alert_cycle_key") or body["alerts"][0]["fingerprint"]) for body in sent}
    assert len(marks) == 1
    assert marks.pop().endswith(f"-{case.row}-run")


def test_a_row_says_what_became_and_whether_it_must() -> None:
    (case,) = (case for case in CASES if case.row == "38")
    record = {
        "incident_id": "0123456789",
        "alert_name": "A|B",
        "status": "escalated",
        "escalation_reason": "the alert names deployment staging/checkout",
    }
    assert Fate(case, (202,), (record,)).line() == (
        "| 38 | 202 | 01234567, A/B, None, escalated, "
        "the alert names deployment staging/checkout | "
        "for a human: the runbook is about another object | yes |"
    )
    assert Fate(case, (400,), ()).line().endswith("no record | " + case.must + " | NO |")
    assert not Fate(case, (202,), ({**record, "actions_taken": [{}]},)).holds
