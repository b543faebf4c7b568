"""What a role may do in the guard table, key kind by key kind, as IAM itself decides it.

That it needs each of them is shown by running it without (tests/e2e/iam); that it may do no more
stands here, for those whose condition names several kinds.
"""

from __future__ import annotations

from typing import Any

import pytest
from ministack.core import iam_evaluator

from tests.e2e.iam.grants import keys_of
from tests.support.template import identity_statements

_TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/sre-remediation-guard"
_GUARD = {"Fn::GetAtt": ["GuardTable", "Arn"]}
_ACTIONS = (
    *("GetItem", "BatchGetItem", "Query", "Scan", "ConditionCheckItem"),
    *("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"),
)
_LEASES = {"lease#", "approval#", "run#"}
_PLACES = {"place#", "relation#"}
#: Each role → action → the kinds of keys that it is allowed for.
ALLOWED: dict[str, dict[str, set[str]]] = {
    "IncidentRecorderRole": {"UpdateItem": {"incident#", "target#", "thing#"}},
    "IncidentRestorerRole": {"UpdateItem": {"target#", "thing#"}},
    "RunbookActionRole": {
        "GetItem": {"target#", "incident#", *_LEASES, *_PLACES},
        "PutItem": _LEASES,
        "DeleteItem": _LEASES,
        "UpdateItem": _PLACES,
    },
}


def _kinds(template: dict[str, Any]) -> set[str]:
    """Give the beginning of each key that any role names, and of one that none does."""
    named = [key for _, statement in identity_statements(template) for key in keys_of(statement)]
    return {*(key.removesuffix("*") for key in named), "sender#"}


def _is_allowed(statements: list[dict[str, Any]], action: str, key: str) -> bool:
    asked = iam_evaluator.EvalContext(
        principal_arn="arn:aws:sts::000000000000:assumed-role/role/one",
        principal_type="AssumedRole",
        principal_account="000000000000",
        action=f"dynamodb:{action}",
        resource_arn=_TABLE,
        region="us-east-1",
        service_context={"dynamodb:leadingkeys": [key]},  # as the evaluator compares names
    )
    policy = iam_evaluator.parse_policy_document({"Statement": statements})
    return bool(iam_evaluator.evaluate(asked, [policy]).decision == "Allow")


@pytest.mark.parametrize("role", ALLOWED)
def test_a_role_reaches_the_kinds_of_keys_that_it_needs_and_no_other(
    template: dict[str, Any], role: str
) -> None:
    statements = [
        {**each, "Resource": _TABLE}
        for name, each in identity_statements(template)
        if name == role and each["Resource"] == _GUARD
    ]
    kinds = _kinds(template)
    assert len(kinds) > 10
    found = {
        action: {kind for kind in kinds if _is_allowed(statements, action, f"{kind}one")}
        for action in _ACTIONS
    }
    assert {action: kinds for action, kinds in found.items() if kinds} == ALLOWED[role]


def test_every_other_statement_of_several_kinds_is_known_here_or_stands_alone(
    template: dict[str, Any],
) -> None:
    """A role whose condition is widened is looked at once more."""
    wide = {
        name for name, statement in identity_statements(template) if len(keys_of(statement)) > 1
    }
    assert wide - set(ALLOWED) == {"IncidentNotifierRole", "IncidentEvidenceRole"}
