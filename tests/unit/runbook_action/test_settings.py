"""A wrong environment is told completely, and before anything is done."""

from __future__ import annotations

import pytest

from runbook_action.settings import InvalidSettings, Settings
from tests.unit.runbook_action.environment import GOOD


def test_a_good_environment_is_read() -> None:
    settings = Settings.from_environment(GOOD)
    assert settings.clusters == {"sre-platform": "sre-platform-eks"}
    assert settings.allowed_namespaces == {"apps", "shop"}
    assert settings.ask_after_unhelped == 3


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
        ("PROMETHEUS_WORKSPACE_ARN", "ws-1", "'ws-1' is not the ARN of a workspace"),
        ("ASK_AFTER_UNHELPED", "21", "no number from 0 to 20"),
        ("ASK_AFTER_UNHELPED", "-1", "no number from 0 to 20"),
        ("PROMETHEUS_SERVICE", "prometheus:9090", "is not NAMESPACE/NAME:PORT"),
        ("PROMETHEUS_SERVICE", "a/../b:9090", "is not NAMESPACE/NAME:PORT"),
        ("PROMETHEUS_SERVICE", "monitoring/prometheus:9090/x", "is not NAMESPACE/NAME:PORT"),
    ],
)
def test_a_malformed_variable_is_named(name: str, value: str, fault: str) -> None:
    with pytest.raises(InvalidSettings, match=fault):
        Settings.from_environment({**GOOD, name: value})


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InvalidSettings) as caught:
        Settings.from_environment({})
    assert all(name in str(caught.value) for name in GOOD)


def test_one_prometheus_is_asked_or_none() -> None:
    none = Settings.from_environment(GOOD)
    assert (none.prometheus_workspace, none.prometheus_service) == ("", None)
    service = {**GOOD, "PROMETHEUS_SERVICE": "monitoring/http:prometheus-operated:http-web"}
    assert Settings.from_environment(service).prometheus_service == (
        "monitoring",
        "http:prometheus-operated:http-web",
    )
    arn = "arn:aws:aps:us-east-1:000000000000:workspace/ws-1"
    assert Settings.from_environment({**GOOD, "PROMETHEUS_WORKSPACE_ARN": arn})
    with pytest.raises(InvalidSettings, match="are both given"):
        Settings.from_environment({**service, "PROMETHEUS_WORKSPACE_ARN": arn})


def test_what_git_decides_is_left_alone_unless_the_deployment_says_otherwise() -> None:
    assert Settings.from_environment(GOOD).gitops_policy == "escalate"
    assert Settings.from_environment({**GOOD, "GITOPS_POLICY": "ask"}).gitops_policy == "ask"
    with pytest.raises(InvalidSettings, match="GITOPS_POLICY 'yes' is none of ask, escalate, act"):
        Settings.from_environment({**GOOD, "GITOPS_POLICY": "yes"})


def test_what_runbooks_may_use_besides_is_listed_and_may_be_nothing() -> None:
    none = Settings.from_environment(GOOD)
    assert (none.automation_documents, none.check_functions, none.check_urls) == (
        {},
        {},
        {},
    )
    arn = "arn:aws:lambda:eu-west-1:000000000000:function:queue-depth"
    found = Settings.from_environment(
        {
            **GOOD,
            "AUTOMATION_DOCUMENT_ARNS": (
                "arn:aws:ssm:eu-west-1:000000000000:automation-definition/Team-Restart:*,"
                "arn:aws:ssm:eu-west-1::automation-definition/AWS-RestartEC2Instance:$DEFAULT,"
                "arn:aws:ssm:eu-west-1:000000000000:automation-definition/Team-Purge:3"
            ),
            "CHECK_FUNCTION_ARNS": arn,
            "CHECK_URLS": "site=https://checks.example/health?deep=1, other=https://10.0.0.1:8443",
        }
    )
    assert found.automation_documents == {
        "Team-Restart": "$DEFAULT",
        "AWS-RestartEC2Instance": "$DEFAULT",
        "Team-Purge": "3",
    }
    assert found.check_functions == {"queue-depth": arn}
    assert found.check_urls == {
        "site": "https://checks.example/health?deep=1",
        "other": "https://10.0.0.1:8443",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTOMATION_DOCUMENT_ARNS", "Team-Restart"),
        ("CHECK_FUNCTION_ARNS", "queue-depth"),
        ("CHECK_URLS", "https://checks.example"),
        ("CHECK_URLS", "site=http://checks.example/health"),
        ("CHECK_URLS", "site=https://user:secret@checks.example/"),
        ("CHECK_URLS", "site=file:///etc/passwd"),
    ],
)
def test_an_entry_of_another_form_is_named_with_the_form(name: str, value: str) -> None:
    with pytest.raises(InvalidSettings, match=f"{name}: .*is not of the form"):
        Settings.from_environment({**GOOD, name: value})


def test_of_a_document_one_version_is_started() -> None:
    arn = "arn:aws:ssm:eu-west-1:000000000000:automation-definition/Team-Purge"
    with pytest.raises(InvalidSettings, match="two versions of Team-Purge"):
        Settings.from_environment({**GOOD, "AUTOMATION_DOCUMENT_ARNS": f"{arn}:3,{arn}:4"})


def test_a_check_has_one_meaning() -> None:
    arn = "arn:aws:lambda:eu-west-1:000000000000:function:site"
    both = {**GOOD, "CHECK_FUNCTION_ARNS": arn, "CHECK_URLS": "site=https://checks.example"}
    with pytest.raises(InvalidSettings, match="site is both"):
        Settings.from_environment(both)
