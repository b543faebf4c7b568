"""Each validation of the shipped policies, taken out: what it forbids passes then, and only then.

Beside the shipped policies stand copies of them, one for each validation, without it, that hold
one account each. So all are there at once, and nobody else is held otherwise than before. That the
same writes are refused by the whole policies is shown in test_policy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
from kubernetes import client, utils

from tests.integration.kubernetes_fixtures import KubernetesApi
from tests.integration.runbook_action.admission.held import (
    REMEDIATION_ACCOUNT,
    as_remediation,
    shipped_policies,
)
from tests.integration.runbook_action.admission.scene import Scene
from tests.integration.runbook_action.admission.writes import FORBIDDEN
from tests.support.waiting import eventually

pytestmark = pytest.mark.kubernetes
# Refused also because there is no old, or no new, object to compare: a rule that cannot be
# evaluated refuses.
HELD_TWICE = frozenset({"a deployment", "the end of a deployment"})


@dataclass(frozen=True)
class Without:
    """A policy without one of its validations."""

    policy: str
    number: int
    message: str

    @property
    def account(self) -> str:
        """Who is held by it."""
        return f"without-{self.number}-of-{self.policy}"

    def made(self, document: dict[str, Any]) -> dict[str, Any]:
        """The policy, or its binding, for that account."""
        text = json.dumps(document).replace(self.policy, self.account)
        account = REMEDIATION_ACCOUNT["name"]
        found: dict[str, Any] = json.loads(text.replace(account, self.account))
        if found["kind"] == "ValidatingAdmissionPolicy":
            del found["spec"]["validations"][self.number]
        return found


POLICIES = [each for each in shipped_policies() if each["kind"].startswith("Validating")]
VALIDATIONS = [
    Without(policy["metadata"]["name"], number, validation["message"])
    for policy in POLICIES
    for number, validation in enumerate(policy["spec"].get("validations", []))
]


def forbidden_by(validation: Without) -> dict[str, Any]:
    """The writes that this validation is there for."""
    return {name: act for name, (why, act) in FORBIDDEN.items() if why in validation.message}


@pytest.fixture(scope="module")
def scenes(control_plane: KubernetesApi, scene: Scene) -> Iterator[dict[Without, Scene]]:
    """The scene as each account sees it."""
    create: Any = utils.create_from_dict
    for each in VALIDATIONS:
        for document in POLICIES:
            if each.policy in document["metadata"]["name"]:
                create(scene.admin, each.made(document))
    found = {
        each: replace(scene, held=as_remediation(control_plane.kubeconfig, each.account))
        for each in VALIDATIONS
    }
    for each, seen in found.items():
        eventually(f"{each.account} is held", partial(_is_held, each, seen))
    yield found
    api: Any = client.AdmissionregistrationV1Api(scene.admin)
    for each in VALIDATIONS:
        api.delete_validating_admission_policy_binding(each.account)
        api.delete_validating_admission_policy(each.account)


def _is_held(without: Without, scene: Scene) -> bool:
    """Whether another validation of the same policy refuses already what it is there for."""
    other = next(each for each in VALIDATIONS if each.policy == without.policy and each != without)
    write = next(iter(forbidden_by(other).values()))
    return not _passes(write, scene)


def _passes(write: Any, scene: Scene) -> bool:
    try:
        write(scene)
    except client.ApiException as error:
        if "ValidatingAdmissionPolicy 'without-" not in str(error.body):
            raise
        return False
    return True


def test_each_forbidden_write_is_that_of_one_validation() -> None:
    for name, (why, _) in FORBIDDEN.items():
        by = [each for each in VALIDATIONS if why in each.message]
        assert len(by) == 1, f"{name}: '{why}' is said by {by}"


@pytest.mark.parametrize("without", VALIDATIONS, ids=lambda each: each.message[:60])
def test_without_it_what_it_forbids_passes(scenes: dict[Without, Scene], without: Without) -> None:
    writes = forbidden_by(without)
    assert writes, f"a validation without a write in FORBIDDEN: {without.message}"
    held = {name for name, write in writes.items() if not _passes(write, scenes[without])}
    assert held == HELD_TWICE & writes.keys()
