"""A wrong environment is told completely, and before anything is done."""

from __future__ import annotations

import pytest

from runbook_action.settings import InvalidSettings, Settings

GOOD = {
    "CLUSTERS": '{"sre-platform": "sre-platform-eks"}',
    "DEFAULT_CLUSTER": "sre-platform",
    "REMEDIATION_ROLE_ARN": "arn:aws:iam::000000000000:role/checkout-remediation-role",
    "DEGRADED_MODE_PARAMETER": "/checkout/degraded_mode",
    "DEGRADED_MODE_KMS_KEY_ID": "alias/sre-platform",
    "ALLOWED_NAMESPACES": "apps, shop",
    "AWS_REGION": "us-east-1",
}


def test_a_good_environment_is_read() -> None:
    settings = Settings.from_environment(GOOD)
    assert settings.clusters == {"sre-platform": "sre-platform-eks"}
    assert settings.allowed_namespaces == {"apps", "shop"}


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(InvalidSettings, match=f"{name} is missing"):
        Settings.from_environment({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("CLUSTERS", "{", "CLUSTERS is not JSON"),
        ("CLUSTERS", "{}", "at least one cluster"),
        ("CLUSTERS", '["a"]', "at least one cluster"),
        ("CLUSTERS", '{"sre-platform": "a/b"}', "not the name of an EKS cluster"),
        ("CLUSTERS", '{"sre-platform": 3}', "not the name of an EKS cluster"),
        ("DEFAULT_CLUSTER", "other", "'other' is not a key of CLUSTERS"),
        ("REMEDIATION_ROLE_ARN", "checkout-remediation-role", "not the ARN of an IAM role"),
        ("DEGRADED_MODE_PARAMETER", "degraded", "does not start with '/'"),
        ("ALLOWED_NAMESPACES", " ", "ALLOWED_NAMESPACES is missing"),
    ],
)
def test_a_malformed_variable_is_named(name: str, value: str, fault: str) -> None:
    with pytest.raises(InvalidSettings, match=fault):
        Settings.from_environment({**GOOD, name: value})


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InvalidSettings) as caught:
        Settings.from_environment({})
    assert all(name in str(caught.value) for name in GOOD)
