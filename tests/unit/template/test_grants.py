"""Every grant has a probe that misses it, or a reason why only AWS does (tests/e2e/iam)."""

from __future__ import annotations

import pytest

from tests.e2e.iam.aws_only import AWS_ONLY
from tests.e2e.iam.flows import PROBES
from tests.e2e.iam.grants import Grant, grants


def test_every_grant_of_the_template_has_a_probe_or_a_reason() -> None:
    wanted = {grant.name for grant in grants() if grant.statement not in AWS_ONLY}
    assert sorted(wanted - set(PROBES)) == [], "add a flow to tests/e2e/iam/flows.py"
    assert sorted(set(PROBES) - wanted) == [], "these probes are of no grant any more"
    assert sorted(set(AWS_ONLY) - {grant.statement for grant in grants()}) == []


@pytest.mark.parametrize(
    "grant", [one for one in grants() if one.statement in AWS_ONLY], ids=lambda one: one.name
)
def test_what_only_aws_asks_for_is_asked_for_by_aws(grant: Grant) -> None:
    assert AWS_ONLY[grant.statement](grant)
