"""DynamoDB: what a template says of a table holds."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from srectl.local.aws.process import LocalAws
from tests.integration.localaws.probes.registry import shows
from tests.integration.localaws.probes.support import deploy


@shows("table_settings")
def table_settings_from_cloudformation(aws: LocalAws, name: str) -> None:
    """TTL, recovery, encryption and deletion protection are set, and can be taken back."""

    def template(protected: bool) -> dict[str, Any]:
        table = {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "SSESpecification": {
                "SSEEnabled": True,
                "SSEType": "KMS",
                "KMSMasterKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
            },
            "DeletionProtectionEnabled": "true" if protected else "false",
        }
        key = {"KeyPolicy": {"Version": "2012-10-17", "Statement": []}}
        return {
            "Key": {"Type": "AWS::KMS::Key", "Properties": key},
            "Table": {"Type": "AWS::DynamoDB::Table", "Properties": table},
        }

    deploy(aws, name, template(protected=True))
    dynamodb = aws.client("dynamodb")

    described = dynamodb.describe_table(TableName=name)["Table"]
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert described["DeletionProtectionEnabled"] is True
    assert described["SSEDescription"]["SSEType"] == "KMS"
    assert ":key/" in described["SSEDescription"]["KMSMasterKeyArn"]
    assert (ttl["AttributeName"], ttl["TimeToLiveStatus"]) == ("expires_at", "ENABLED")
    recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    assert recovery == "ENABLED"
    try:
        dynamodb.delete_table(TableName=name)
    except ClientError as error:
        assert "protected against deletion" in str(error)  # noqa: PT017 - either way it is checked
    else:
        raise AssertionError("a protected table was deleted")
    deploy(aws, name, template(protected=False))
    assert not dynamodb.describe_table(TableName=name)["Table"]["DeletionProtectionEnabled"]
    dynamodb.delete_table(TableName=name)
