"""Of two incidents that overlap each takes its part back: real API server, real stores."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from onemachine.aws.local_aws import LocalAws
from runbook_action.actions import REGISTRY
from runbook_action.adapters.lease_table import LeaseTable
from runbook_action.adapters.parameters import SsmParameters
from runbook_action.errors import AwsUnavailable
from runbook_action.outcome import Outcome
from runbook_action.ports import Services
from runbook_action.request import Operation
from tests.integration.runbook_action.support import Place

pytestmark = pytest.mark.kubernetes
FIRST, SECOND = ("11111111-1111-5111-9111-111111111111", "22222222-2222-5222-9222-222222222222")
ENDS = pytest.mark.parametrize("ends", [(FIRST, SECOND), (SECOND, FIRST)], ids=["first", "second"])


@pytest.fixture
def services(place: Place, local_aws: LocalAws, unique: str) -> Services:
    """What the function has, with a parameter and a table of the test's own."""
    dynamodb, ssm = local_aws.client("dynamodb"), local_aws.client("ssm")
    dynamodb.create_table(
        TableName=unique,
        AttributeDefinitions=[{"AttributeName": "guard_key", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "guard_key", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    parameters = SsmParameters(ssm, local_aws.client("kms").create_key()["KeyMetadata"]["KeyId"])
    parameters.put(f"/{unique}/degraded_mode", "false")
    return replace(
        place.services(60),
        parameters=parameters,
        degraded_mode_parameter=f"/{unique}/degraded_mode",
        leases=LeaseTable(dynamodb, unique),
    )


def run(
    place: Place, services: Services, action: str, operation: Operation, incident: str
) -> Outcome:
    """One call, as the machine makes it; what undo is given came from an execute that died."""
    parameters = {"step": 1, "max_replicas": 9} if action == "scale_deployment" else {}
    asked = place.request(action, operation, incident_id=incident, parameters=parameters)
    outcome: Outcome = getattr(REGISTRY[action], operation)(asked, services)
    return outcome


@ENDS
def test_degraded_mode_ends_off(place: Place, services: Services, ends: tuple[str, str]) -> None:
    name = services.degraded_mode_parameter
    run(place, services, "enable_degraded_mode", "execute", FIRST)
    services.parameters.put(name, "true")  # once more, so that no pod has read that one
    # Also repeated, the second one records what it changed itself: nothing of the setting.
    for _ in range(2):
        second = run(place, services, "enable_degraded_mode", "execute", SECOND)
        assert [each.kind for each in second.plan] == ["Deployment"]
        assert second.summary.startswith(
            f"Degraded mode was on already, held by {FIRST}, too, and not "
        )
    pods = place.pod_uids()
    kept = run(place, services, "enable_degraded_mode", "undo", ends[0])
    assert (kept.status, services.parameters.get(name)) == ("unchanged", "true")
    assert ends[1] in kept.summary
    assert place.pod_uids() == pods
    assert run(place, services, "enable_degraded_mode", "undo", ends[1]).status == "succeeded"
    assert services.parameters.get(name) == "false"
    assert not place.pod_uids() & pods


class SecondsApart(SsmParameters):
    """Whoever starts after a write starts in another second, as far as the cluster counts."""

    loses_an_answer = False

    def put(self, name: str, value: str) -> None:
        super().put(name, value)
        time.sleep(1)
        if self.loses_an_answer:
            self.loses_an_answer = False
            raise AwsUnavailable("no answer")


@ENDS
def test_pods_that_have_read_that_it_is_on_stay_until_the_last_one_lets_go(
    place: Place, services: Services, local_aws: LocalAws, ends: tuple[str, str]
) -> None:
    name = services.degraded_mode_parameter
    key = local_aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    parameters = SecondsApart(local_aws.client("ssm"), key)
    services = replace(services, parameters=parameters)
    run(place, services, "enable_degraded_mode", "execute", FIRST)
    pods = place.pod_uids()
    for _ in range(2):
        second = run(place, services, "enable_degraded_mode", "execute", SECOND)
        assert (second.status, second.plan) == ("succeeded", [])
        assert "each pod was started since, so none was restarted" in second.summary
    kept = run(place, services, "enable_degraded_mode", "undo", ends[0])
    assert (kept.status, services.parameters.get(name)) == ("unchanged", "true")
    assert place.pod_uids() == pods
    # It brings it back, and dies before it restarts them: then its repeat does.
    parameters.loses_an_answer = True
    with pytest.raises(AwsUnavailable):
        run(place, services, "enable_degraded_mode", "undo", ends[1])
    assert (services.parameters.get(name), place.pod_uids()) == ("false", pods)
    assert run(place, services, "enable_degraded_mode", "undo", ends[1]).status == "succeeded"
    assert services.parameters.get(name) == "false"
    assert not place.pod_uids() & pods


@ENDS
def test_replicas_end_as_they_began(
    place: Place, services: Services, ends: tuple[str, str]
) -> None:
    for incident, found in ((FIRST, 3), (SECOND, 4)):
        for _ in range(2):
            outcome = run(place, services, "scale_deployment", "execute", incident)
            assert [(each.before, each.after) for each in outcome.plan] == [(found, found + 1)]
    assert place.deployment().spec.replicas == 5
    run(place, services, "scale_deployment", "undo", ends[0])
    # The first one leaves what the second wants; the second takes back what only it had added.
    assert place.deployment().spec.replicas == (5 if ends[0] == FIRST else 4)
    run(place, services, "scale_deployment", "undo", ends[1])
    assert place.deployment().spec.replicas == 3


def test_replicas_that_a_human_chose_in_between_stay(place: Place, services: Services) -> None:
    run(place, services, "scale_deployment", "execute", FIRST)
    place.apps.patch_namespaced_deployment("checkout", place.namespace, {"spec": {"replicas": 2}})
    place.wait_until_ready()
    run(place, services, "scale_deployment", "execute", SECOND)
    for incident in (FIRST, SECOND):
        run(place, services, "scale_deployment", "undo", incident)
    assert place.deployment().spec.replicas == 2
