"""A wrong environment is told completely, and before anything is done."""

from __future__ import annotations

import pytest

from runbook_action.settings import InvalidSettings, Settings
from tests.unit.runbook_action.environment import GOOD


def test_a_good_environment_is_read() -> None:
    settings = Settings.from_environment(GOOD)
    assert settings.clusters == {"sre-platform": "sre-platform-eks"}
    assert settings.allowed_namespaces == {"apps", "shop"}


def test_clusters_go_by_name_by_label_or_by_arn() -> None:
    clusters = "sre-platform, eu=platform-eu,arn:aws:eks:us-east-1:000000000000:cluster/spare,"
    settings = Settings.from_environment({**GOOD, "CLUSTERS": clusters})
    assert settings.clusters == {
        "sre-platform": "sre-platform",
        "eu": "platform-eu",
        "spare": "spare",
    }


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(InvalidSettings, match=f"{name} is missing"):
        Settings.from_environment({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("CLUSTERS", "a/b", "'a/b' is not NAME"),
        ("CLUSTERS", "sre-platform,x=", "'x=' is not NAME"),
        ("CLUSTERS", "sre-platform,x y=eks", "'x y=eks' is not NAME"),
        ("CLUSTERS", "arn:aws:s3:::cluster/eks", "'arn:aws:s3:::cluster/eks' is not NAME"),
        ("CLUSTERS", ",", "'sre-platform' is not among CLUSTERS"),
        ("DEFAULT_CLUSTER", "other", "'other' is not among CLUSTERS"),
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
