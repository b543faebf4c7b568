"""DynamoDB: what a template says of a table holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.registry import shows
from tests.integration.localaws.probes.support import (
    deploy,
    eventually,
    invoke,
    make_function,
    make_machine,
    run_machine,
)


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


@shows("table_replicas")
def a_global_table_is_there_in_each_of_its_regions(aws: LocalAws, name: str) -> None:
    """What is written in one region is read in the other, where it is protected likewise."""
    regions = ("us-east-1", "us-west-2")
    table = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"},
        "Replicas": [
            {
                "Region": region,
                "DeletionProtectionEnabled": True,
                "SSESpecification": {"KMSMasterKeyId": f"arn:aws:kms:{region}:000000000000:key/k"},
            }
            for region in regions
        ],
    }
    deploy(aws, name, {"Table": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": table}})
    aws.client("dynamodb").put_item(TableName=name, Item={"k": {"S": "written in the east"}})
    west = replace(aws, region=regions[1]).client("dynamodb")
    assert west.scan(TableName=name)["Items"] == [{"k": {"S": "written in the east"}}]
    described = west.describe_table(TableName=name)["Table"]
    assert described["DeletionProtectionEnabled"] is True
    assert regions[1] in described["SSEDescription"]["KMSMasterKeyArn"]


@shows("table_atomic_writes")
def no_update_of_an_item_is_lost(aws: LocalAws, name: str) -> None:
    """Of many executions that count up the same item at once, every one counts."""
    executions = 16
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
    )
    # A large item takes long to copy, which is when the others come.
    filling = {"L": [{"M": {"n": {"N": str(number)}}} for number in range(6000)]}
    dynamodb.put_item(TableName=name, Item={"k": {"S": "item"}, "filling": filling})
    count = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:updateItem",
        "Parameters": {
            "TableName": name,
            "Key": {"k": {"S": "item"}},
            "UpdateExpression": "ADD taken :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        },
        "End": True,
    }
    grant = {"Effect": "Allow", "Action": "dynamodb:UpdateItem", "Resource": "*"}
    machine = make_machine(aws, name, {"Count": count}, [grant])
    steps = aws.client("stepfunctions")
    for _ in range(executions):
        steps.start_execution(stateMachineArn=machine)

    def all_ended() -> bool:
        found = steps.list_executions(stateMachineArn=machine)["executions"]
        return len(found) == executions and all(one["status"] == "SUCCEEDED" for one in found)

    eventually(all_ended, "every execution succeeds", 60)
    item = dynamodb.get_item(TableName=name, Key={"k": {"S": "item"}}, ConsistentRead=True)["Item"]
    assert item["taken"]["N"] == str(executions)


@shows("table_system_backup")
def a_deleted_table_can_be_restored_under_its_own_name(aws: LocalAws, name: str) -> None:
    """A deleted table with point-in-time recovery leaves a SYSTEM backup with all its items."""
    dynamodb = aws.client("dynamodb")

    def create(table: str, recovery: bool) -> None:
        dynamodb.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        )
        dynamodb.update_continuous_backups(
            TableName=table,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": recovery},
        )

    def backups(table: str, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = dynamodb.list_backups(TableName=table, BackupType=kind)[
            "BackupSummaries"
        ]
        return found

    create(name, recovery=True)
    create(f"{name}-bare", recovery=False)
    dynamodb.put_item(TableName=name, Item={"k": {"S": "incident-1"}, "n": {"N": "1"}})
    dynamodb.delete_table(TableName=name)
    dynamodb.delete_table(TableName=f"{name}-bare")

    kept = backups(name, "SYSTEM")
    assert [each["BackupName"] for each in kept] == [f"{name}$DeletedTableBackup"]
    assert backups(name, "USER") == backups(f"{name}-bare", "ALL") == []
    dynamodb.restore_table_from_backup(TargetTableName=name, BackupArn=kept[0]["BackupArn"])
    eventually(
        lambda: dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE",
        "the table is restored",
    )
    assert dynamodb.scan(TableName=name)["Items"] == [{"k": {"S": "incident-1"}, "n": {"N": "1"}}]


@shows("resource_policies")
def a_policy_of_table_or_bus_refuses_whom_it_does_not_name(aws: LocalAws, name: str) -> None:
    """Whatever IAM allows a role: another role than the one that a Deny spares is refused."""
    role = f"arn:aws:iam::000000000000:role/{name}-spared-*"
    arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{name}"

    def denying(action: str, resource: Any) -> dict[str, Any]:
        others = {"aws:PrincipalArn": [role, "arn:*:iam::*:root"]}
        service = {"aws:PrincipalIsAWSService": "false"}
        return {
            "Sid": "Ours",
            "Effect": "Deny",
            "Principal": "*",
            "Action": action,
            "Resource": resource,
            "Condition": {"StringNotLike": others, "Bool": service},
        }

    bus = {"Fn::GetAtt": ["Bus", "Arn"]}
    document = {"Version": "2012-10-17", "Statement": [denying("dynamodb:PutItem", arn)]}
    table = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "ResourcePolicy": {"PolicyDocument": document},
    }
    policy = {
        "EventBusName": {"Ref": "Bus"},
        "StatementId": "Ours",
        "Statement": denying("events:PutEvents", bus),
    }
    deploy(
        aws,
        name,
        {
            "Table": {"Type": "AWS::DynamoDB::Table", "Properties": table},
            "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": name}},
            "Policy": {"Type": "AWS::Events::EventBusPolicy", "Properties": policy},
        },
    )
    item = {"TableName": name, "Item": {"k": {"S": "item"}}}
    entry = {"EventBusName": name, "Source": "s", "DetailType": "d", "Detail": "{}"}
    tasks = {
        "Put": {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", **_with(item)},
        "Tell": {
            "Type": "Task",
            "Resource": "arn:aws:states:::events:putEvents",
            **_with({"Entries": [entry]}),
        },
    }
    grant = {"Effect": "Allow", "Action": ["dynamodb:*", "events:*"], "Resource": "*"}
    for who, status in (("spared", "SUCCEEDED"), ("other", "FAILED")):
        for task, state in tasks.items():
            machine = make_machine(aws, f"{name}-{who}-{task}", {task: state}, [grant])
            assert run_machine(aws, machine)["status"] == status, (who, task)
    # The owner is spared, and another statement of the bus is left alone.
    aws.client("dynamodb").put_item(**item)
    assert aws.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def _with(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"Parameters": arguments, "End": True}


@shows("table_leading_keys")
def a_function_touches_the_items_whose_keys_its_role_names_and_no_others(
    aws: LocalAws, name: str
) -> None:
    """By itself, in a query, in a batch and in a transaction; a scan names none, as on AWS."""
    dynamodb = aws.client("dynamodb")
    attributes = ("k", "s", "g")
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in attributes],
        KeySchema=[
            {"AttributeName": "k", "KeyType": "HASH"},
            {"AttributeName": "s", "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    arn = f"arn:aws:dynamodb:{aws.region}:{aws.account_id}:table/{name}"
    statement = {
        "Effect": "Allow",
        "Action": "dynamodb:*",
        "Resource": [arn, f"{arn}/index/*"],
        "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["mine#*"]}},
    }
    code = (
        "import boto3\n"
        "def handler(event, _):\n"
        "    client = boto3.client('dynamodb')\n"
        "    refused = []\n"
        "    for call, arguments in event:\n"
        "        try:\n"
        "            getattr(client, call)(**arguments)\n"
        "            refused.append(False)\n"
        "        except client.exceptions.ClientError as error:\n"
        "            refused.append(error.response['Error']['Code'] == 'AccessDeniedException')\n"
        "    return refused\n"
    )
    make_function(aws, name, code, [statement])

    def calls(key: str) -> list[tuple[str, dict[str, Any]]]:
        item = {"k": {"S": key}, "s": {"S": "1"}, "g": {"S": key}}
        where = {"TableName": name, "Key": {"k": item["k"], "s": item["s"]}}
        by = {"ExpressionAttributeValues": {":k": {"S": key}}}
        check = {**where, "ConditionExpression": "attribute_exists(k)"}
        mine = {"TableName": name, "Item": {"k": {"S": "mine#0"}, "s": {"S": "1"}}}
        return [
            ("put_item", {"TableName": name, "Item": item}),
            ("get_item", where),
            ("update_item", where),
            ("query", {"TableName": name, "KeyConditionExpression": "k = :k", **by}),
            (
                "query",
                {
                    "TableName": name,
                    "KeyConditionExpression": "#k = :k AND s > :s",
                    "ExpressionAttributeNames": {"#k": "k"},
                    "ExpressionAttributeValues": {":k": {"S": key}, ":s": {"S": "0"}},
                },
            ),
            (
                "query",
                {
                    "TableName": name,
                    "IndexName": "by-g",
                    "KeyConditionExpression": "g=:k",
                    **by,
                },
            ),
            ("batch_get_item", {"RequestItems": {name: {"Keys": [where["Key"]]}}}),
            ("batch_write_item", {"RequestItems": {name: [{"PutRequest": {"Item": item}}]}}),
            ("transact_write_items", {"TransactItems": [{"Put": mine}, {"ConditionCheck": check}]}),
            ("transact_get_items", {"TransactItems": [{"Get": where}]}),
            ("delete_item", where),
        ]

    allowed, others = calls("mine#1"), calls("other#1")
    assert invoke(aws, name, [*allowed, ("scan", {"TableName": name})]) == (
        None,
        [False] * (len(allowed) + 1),
    )
    assert invoke(aws, name, others) == (None, [True] * len(others))
