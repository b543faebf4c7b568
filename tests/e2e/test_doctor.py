"""``srectl doctor`` on a stack that is well, and on one in which thing after thing is broken."""

from __future__ import annotations

import io
import json
import os
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from onemachine.project import PROJECT_ROOT
from onemachine.stack.clients import aws_of
from onemachine.stack.state import StackFolder
from srectl.operate.account import Account
from srectl.operate.doctor import CHECKS, Deployment, Finding, Severity, examine
from srectl.operate.doctor.policy import policy_of
from tests.support.stacks import srectl, state_of
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

# The local AWS asks these for other rights than AWS does, or refuses what is no TLS.
ASKED_OTHERWISE = ("quotas", "routes", "code")
WELL = {Severity.OK, Severity.NOTE}


@pytest.fixture
def look(exports: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Finding]]:
    """Run some checks on the stack as its operator, with the key file of a sender."""
    for name, value in exports.items():
        monkeypatch.setenv(name, value)

    account = Account()

    def looked(*names: str, key_file: Path | None = None) -> list[Finding]:
        deployment = Deployment(account, PROJECT_ROOT, key_file=key_file)
        return list(examine(deployment, [each for each in CHECKS if each.name in names]))

    return looked


@pytest.fixture
def least(stack: StackFolder, exports: dict[str, str]) -> Iterator[dict[str, str]]:
    """The exports of a user who may do what ``srectl doctor --policy`` prints, and no more."""
    names = {"partition": "aws", "region": exports["AWS_REGION"], "account": "000000000000"}
    policy = policy_of(CHECKS, {**names, "prefix": "", "stack": "sre-platform"})
    iam = aws_of(state_of(stack)).client("iam")
    made = iam.create_policy(PolicyName="doctor", PolicyDocument=json.dumps(policy))["Policy"]
    iam.create_user(UserName="doctor")
    iam.attach_user_policy(UserName="doctor", PolicyArn=made["Arn"])
    key = iam.create_access_key(UserName="doctor")["AccessKey"]
    yield {
        **exports,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    iam.delete_access_key(UserName="doctor", AccessKeyId=key["AccessKeyId"])
    iam.detach_user_policy(UserName="doctor", PolicyArn=made["Arn"])
    iam.delete_policy(PolicyArn=made["Arn"])
    iam.delete_user(UserName="doctor")


@pytest.mark.fresh_stack
def test_a_healthy_stack_is_well_for_whoever_may_read_and_no_more(
    least: dict[str, str], look: Callable[..., list[Finding]]
) -> None:
    skipped = [word for name in ASKED_OTHERWISE for word in ("--skip", name)]
    shown = srectl("doctor", "--output", "json", *skipped, exports=least)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    told = json.loads(shown.stdout)
    assert told["as"].endswith(":user/doctor")
    found = {each["check"]: each for each in told["findings"]}
    assert found.keys() == {each.name for each in CHECKS} - set(ASKED_OTHERWISE)
    rest = look(*ASKED_OTHERWISE)
    assert {each.severity for each in rest} <= WELL, rest


@pytest.mark.breaks_the_stack
def test_each_thing_that_is_broken_is_named_with_what_to_type(
    stack: StackFolder,
    exports: dict[str, str],
    look: Callable[..., list[Finding]],
    tmp_path: Path,
) -> None:
    aws = aws_of(state_of(stack))
    (described,) = aws.client("cloudformation").describe_stacks(StackName="sre-platform")["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}
    load: Any = config.new_client_from_config
    admin = load(exports["KUBECONFIG"])

    def named(check: str, words: str, then: str, severity: Severity = Severity.FAILED) -> None:
        """See that a check finds what was just broken, and what it tells to type."""

        def found() -> list[Finding]:
            return [
                each
                for each in look(check, key_file=keys)
                if each.severity is severity
                and words in f"{each.where} {each.what}"
                and then in each.next
            ]

        keys = tmp_path / "key" if (tmp_path / "key").exists() else None
        assert eventually(f"{check} to name {words!r} and {then!r}", found, 20)

    sns = aws.client("sns")
    topic = outputs["NotificationTopicArn"]
    for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        if each["Protocol"] == "email":
            sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])
    named("subscriptions", "email oncall@example.com", f"aws sns subscribe --topic-arn {topic}")

    alarms = aws.client("cloudwatch")
    alarms.disable_alarm_actions(AlarmNames=["sre-runbook-failed"])
    named("alarms", "sre-runbook-failed", "enable-alarm-actions --alarm-names sre-runbook-failed")
    alarms.delete_alarms(AlarmNames=["sre-step-failed"])
    named("alarms", "sre-step-failed is not there", "srectl local up")

    queues = aws.client("sqs")
    dead = queues.get_queue_url(QueueName="sre-dlq-audit")["QueueUrl"]
    queues.send_message(QueueUrl=dead, MessageBody="{}")
    named("dead-letters", "sre-dlq-audit holds", "srectl dlq show audit")

    aws.client("events").disable_rule(Name="sre-audit", EventBusName="sre-platform-events")
    named("routes", "rule sre-audit is disabled", "aws events enable-rule --name sre-audit")

    aws.client("ssm").put_parameter(
        Name="/sre-platform/remediation-mode", Value="off", Overwrite=True
    )
    named("switches", "off: no runbook acts", "srectl mode on", Severity.WARNING)

    admission: Any = client.AdmissionregistrationV1Api(admin)
    admission.delete_validating_admission_policy_binding("sre-remediation-fields")
    named("admission", "does not hold", "kubectl apply -f eks/apps/base/remediation-policy.yaml")

    rbac: Any = client.RbacAuthorizationV1Api(admin)
    rbac.delete_namespaced_role_binding("checkout-remediation", "apps")
    named("rights", "remediation may not", "srectl runbooks rbac --part namespaces")
    (lost,) = [each for each in look("rights") if each.severity is Severity.FAILED]
    typed = lost.next.partition(";")[0]
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", typed],
        cwd=PROJECT_ROOT,
        env={**os.environ, **exports},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{typed}: {done.stderr}"
    assert eventually(
        "what was typed to help", lambda: {each.severity for each in look("rights")} <= WELL, 20
    )

    gateway = aws.client("apigateway")
    key_id = outputs["WebhookApiKeyId"]
    (tmp_path / "key").write_text("the-key-of-before-the-rotation")
    named("intake", f"API key in {tmp_path}", f"get-api-key --include-value --api-key {key_id}")
    gateway.update_api_key(
        apiKey=key_id,
        patchOperations=[{"op": "replace", "path": "/enabled", "value": "false"}],
    )
    named("intake", "is disabled", f"update-api-key --api-key {key_id}")
    gateway.update_api_key(
        apiKey=key_id, patchOperations=[{"op": "replace", "path": "/enabled", "value": "true"}]
    )

    functions = aws.client("lambda")
    functions.put_function_concurrency(FunctionName="alert-ingest", ReservedConcurrentExecutions=0)
    named("quotas", "takes no call at all", "--reserved-concurrent-executions 20")
    named("intake", "answers 50", "sam logs -n AlertIngestFunction --stack-name sre-platform")

    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("runbook_action/handler.py", "def handler(event, context): return {}")
    functions.update_function_code(FunctionName="runbook-action", ZipFile=other.getvalue())
    named("cluster", "no inspection: it answered {}", "sam logs -n RunbookActionFunction")
    named("code", "runbook-action runs code that no deployment put there", "update-function-code")

    gateway.delete_stage(restApiId=outputs["WebhookApiId"], stageName="live")
    named("intake", "the API or its stage 'live' is not there", "get-stages --rest-api-id")
