"""The templates that the local AWS can deploy are deployed as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from onemachine.aws.local_aws import LocalAws

pytestmark = pytest.mark.localaws

EKS = Path(__file__).parents[3] / "eks"


def deploy(aws: LocalAws, template: str, stack: str, **parameters: str) -> dict[str, str]:
    cloudformation: Any = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName=stack,
        TemplateBody=(EKS / template).read_text("utf-8"),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    (described,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def test_the_key_of_the_cluster_is_found_by_the_alias_in_the_cluster_configuration(
    local_aws: LocalAws, unique: str
) -> None:
    outputs = deploy(local_aws, "keys.yaml", f"keys-{unique}", ClusterName=unique)

    kms: Any = local_aws.client("kms")
    alias = f"alias/{unique}-cluster"
    assert outputs["KeyAliasArn"].endswith(f":{alias}")
    key = kms.describe_key(KeyId=alias)["KeyMetadata"]
    assert key["KeyState"] == "Enabled"
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"] is True


def test_images_are_scanned_encrypted_and_their_tags_stay(local_aws: LocalAws, unique: str) -> None:
    outputs = deploy(local_aws, "registry.yaml", f"registry-{unique}", RepositoryName=unique)

    ecr: Any = local_aws.client("ecr")
    (repository,) = ecr.describe_repositories(repositoryNames=[unique])["repositories"]
    assert repository["repositoryUri"] == outputs["RepositoryUri"]
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["encryptionConfiguration"]["encryptionType"] == "KMS"
