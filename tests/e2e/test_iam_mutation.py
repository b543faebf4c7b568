"""Least privilege, shown: without any one grant, the flow that needs it does not come through."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from onemachine.stack.control import stop_stack
from onemachine.stack.state import StackFolder
from tests.e2e.iam.aws_only import AWS_ONLY
from tests.e2e.iam.flows import PROBES
from tests.e2e.iam.grants import Grant, grants
from tests.e2e.iam.lab import Lab
from tests.support.stacks import start, state_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

# Within a lane a flow may go through several roles; lanes do not touch each other's.
LANES = {
    "IncidentResponseRunbookRole": "runbook",
    "RemediationStepRole": "runbook",
    "IncidentRestorerRole": "runbook",
    "RunbookActionRole": "runbook",
    "AssumeRemediationRole": "runbook",
    "AskPrometheusPolicy": "runbook",
    "IncidentRecorderRole": "runbook",
    "RecordOnlyRole": "runbook",
    "IncidentCreatedRole": "notifier",
    "NotifyRole": "notifier",
    "IncidentNotifierRole": "notifier",
    "IncidentDigestRole": "digest",
    "MorningDigestRole": "morning",
    "IncidentCloserRole": "runbook",
    "IncidentClimberRole": "runbook",
    "IncidentCallsRole": "runbook",
    "IncidentEvidenceRole": "evidence",
    "RunbookActionRole.KeepEvidence": "evidence",
    "IncidentCreatedRole.StartRunbookAndNotifier@IncidentEvidence": "evidence",
    "PlatformCanaryRole.SeeTheRecord": "runbook",
}
ASKED_FOR_HERE = [grant for grant in grants() if grant.statement not in AWS_ONLY]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A stack that runs without every statement that only AWS asks for."""
    folder = StackFolder.named(f"e2e-iam-{os.getpid()}")
    try:
        lab = Lab(start(folder.name), state_of(folder))
        # A policy of a list that is empty is not deployed.
        deployed = [grant for grant in grants() if grant.role in lab.physical]
        with lab.without(*(grant for grant in deployed if grant.statement in AWS_ONLY)):
            yield lab
    finally:
        stop_stack(folder, lambda _: None)


def needed(lab: Lab, grant: Grant) -> None:
    """See the flow of a grant come through, and not come through without it."""
    probe = PROBES[grant.name]
    with lab.without(*map(lab.named, probe.besides)):
        if probe not in lab.baselines:
            assert probe.flow(lab), f"with {grant.name} the flow does not come through either"
            lab.baselines.add(probe)
        with lab.missing(grant) as watching:
            assert not probe.flow(watching), f"nothing misses {grant.name}: it must go"
            assert watching.refused(), f"it is not for want of {grant.name} that the flow failed"


def _chosen(items: list[pytest.Item]) -> list[Grant]:
    """Give the grants of the tests that pytest was asked to run."""
    calls = [getattr(item, "callspec", None) for item in items]
    names = {call.params["grant"].name for call in calls if call and "grant" in call.params}
    return [grant for grant in ASKED_FOR_HERE if grant.name in names]


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, lab: Lab) -> Iterator[dict[str, Future[None]]]:
    """What became of each grant; roles that do not need each other are tried at the same time."""
    lanes: dict[str, list[Grant]] = {}
    for grant in _chosen(request.session.items):
        lane = LANES.get(grant.name) or LANES.get(grant.role, "others")
        lanes.setdefault(lane, []).append(grant)
    with ExitStack() as pools:
        found: dict[str, Future[None]] = {}
        for tried in lanes.values():
            pool = pools.enter_context(ThreadPoolExecutor(1))
            found |= {grant.name: pool.submit(needed, lab, grant) for grant in tried}
        yield found


@pytest.mark.parametrize("grant", ASKED_FOR_HERE, ids=lambda grant: grant.name)
def test_what_a_role_may_do_is_needed(outcomes: dict[str, Future[None]], grant: Grant) -> None:
    outcomes[grant.name].result()


@pytest.mark.usefixtures("outcomes")
def test_the_policies_are_as_deployed_again(lab: Lab) -> None:
    for grant in ASKED_FOR_HERE:
        policy = lab.scene.policy_of(lab.role_name(grant.role), grant.policy)
        assert grant.sid in [statement["Sid"] for statement in policy["Statement"]], grant.name
