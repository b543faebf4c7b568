"""A new account, and somebody who answers every question of the deployment with return.

The real SAM CLI and the whole template, on a local AWS whose quota of concurrent executions is 10.
The first deployment fails in the middle, the second one stands; the stack is deleted, and is made
again of what it has left.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onemachine.aws.local_aws import LocalAws
from onemachine.aws.variables import CONCURRENCY_QUOTA_VARIABLE
from onemachine.project import PROJECT_ROOT
from onemachine.stack.children import Children
from onemachine.stack.deploy import Application, build, sam_environment
from onemachine.stack.state import StackFolder
from srectl import LAZILY
from tests.integration.local_aws_fixtures import StartLocalAws
from tests.support.stacks import srectl

pytestmark = pytest.mark.localaws

STACK = "sre-platform"
# One of the last that are made: its policy names tables, queues, the topic and other machines.
LATE = "sre-incident-response-runbook"
INCIDENT = {"incident_id": {"S": "i-1"}, "timestamp": {"S": "2026-01-31T22:00:00Z"}}


@pytest.fixture
def aws(start_local_aws: StartLocalAws) -> Iterator[LocalAws]:
    with start_local_aws(**{CONCURRENCY_QUOTA_VARIABLE: "10"}) as running:
        yield running


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Return the built template; nothing is built where it was built before."""
    children = Children(StackFolder(tmp_path / "stack"))
    children.folder.logs.mkdir(parents=True)
    template = PROJECT_ROOT / "template.yaml"
    return build(Application(PROJECT_ROOT, template, PROJECT_ROOT / "build" / "sam"), children)[0]


def _deploy_guided(aws: LocalAws, built: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the very command of the README, with returns for answers."""
    # It writes the answers into its configuration.
    config = Path(shutil.copy(PROJECT_ROOT / "samconfig.toml", folder))
    environment = {
        **aws.operator_environment(),
        **sam_environment(),
        "PYTHONPATH": str(LAZILY),
    }
    # The AWS CLI and srectl know it; SAM CLI does not.
    del environment["AWS_REGION"]
    return subprocess.run(
        [
            *(sys.executable, "-m", "samcli", "deploy", "--guided", "--no-progressbar"),
            *("--template-file", str(built), "--config-file", str(config)),
        ],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
        input="\n" * 200,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def _status(aws: LocalAws) -> str:
    (stack,) = aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    return str(stack["StackStatus"])


def _failures(aws: LocalAws) -> str:
    """Return why resources were not made: what SAM CLI shows in narrow columns."""
    pages = aws.client("cloudformation").get_paginator("describe_stack_events")
    events = [each for page in pages.paginate(StackName=STACK) for each in page["StackEvents"]]
    failed = [each for each in events if each["ResourceStatus"] == "CREATE_FAILED"]
    return "\n".join(each["ResourceStatusReason"] for each in failed)


def _delete(aws: LocalAws) -> None:
    cloudformation = aws.client("cloudformation")
    cloudformation.delete_stack(StackName=STACK)
    waiter = cloudformation.get_waiter("stack_delete_complete")
    waiter.wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def _left(aws: LocalAws) -> tuple[list[str], list[str]]:
    groups = aws.client("logs").describe_log_groups()["logGroups"]
    return (
        sorted(aws.client("dynamodb").list_tables()["TableNames"]),
        sorted(each["logGroupName"] for each in groups),
    )


def _deploy_again(aws: LocalAws) -> None:
    """Do what 'sam deploy' does with the template that it has uploaded, as an update."""
    cloudformation, bucket = aws.client("cloudformation"), aws.client("s3")
    buckets = [each["Name"] for each in bucket.list_buckets()["Buckets"]]
    (name,) = (each for each in buckets if "sre-evidence" not in each)
    uploaded = bucket.list_objects_v2(Bucket=name, Prefix=f"{STACK}/")["Contents"]
    (template,) = (each["Key"] for each in uploaded if each["Key"].endswith(".template"))
    names = {"StackName": STACK, "ChangeSetName": "again"}
    cloudformation.create_change_set(
        **names,
        ChangeSetType="UPDATE",
        TemplateURL=f"{aws.endpoint_url}/{name}/{template}",
        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    wait: dict[str, Any] = {"WaiterConfig": {"Delay": 1, "MaxAttempts": 60}}
    cloudformation.get_waiter("change_set_create_complete").wait(**names, **wait)
    cloudformation.execute_change_set(**names)
    cloudformation.get_waiter("stack_update_complete").wait(StackName=STACK, **wait)


def test_it_deploys_with_returns_only_after_a_failure_and_beside_what_was_kept(
    aws: LocalAws, built: Path, tmp_path: Path
) -> None:
    iam, table = aws.client("iam"), aws.client("dynamodb")
    iam.create_role(RoleName=LATE, AssumeRolePolicyDocument='{"Statement": []}')

    failed = _deploy_guided(aws, built, tmp_path)

    assert failed.returncode != 0
    assert _status(aws) == "ROLLBACK_COMPLETE", failed.stderr
    assert "already exists" in _failures(aws)
    assert _left(aws) == ([], [])

    iam.delete_role(RoleName=LATE)
    _delete(aws)
    stands = _deploy_guided(aws, built, tmp_path)

    assert stands.returncode == 0, stands.stdout[-2000:] + stands.stderr
    limits = aws.client("lambda").get_account_settings()["AccountLimit"]
    assert set(limits.values()) >= {10}
    assert limits["UnreservedConcurrentExecutions"] == 10
    table.put_item(TableName="sre-incidents", Item=INCIDENT)
    before = _left(aws)
    key = table.describe_table(TableName="sre-incidents")["Table"]["SSEDescription"]
    _delete(aws)
    assert _left(aws) == before

    adopted = srectl("adopt", exports={**aws.operator_environment(), "SRECTL_PREFIX": ""})
    assert adopted.returncode == 0, adopted.stdout + adopted.stderr
    assert _status(aws) == "IMPORT_COMPLETE"
    _deploy_again(aws)

    assert _status(aws) == "UPDATE_COMPLETE"
    assert table.scan(TableName="sre-incidents")["Items"] == [INCIDENT]
    again = table.describe_table(TableName="sre-incidents")["Table"]["SSEDescription"]
    assert again["KMSMasterKeyArn"] == key["KMSMasterKeyArn"]
    assert iam.get_role(RoleName=LATE)
