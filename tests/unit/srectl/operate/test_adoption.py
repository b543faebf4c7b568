"""What was kept is described as the template describes it, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from srectl.errors import CommandFailed
from srectl.operate import adoption
from srectl.operate.account import Account
from srectl.operate.adoption import Kept
from tests.support.template import TEMPLATE, deployed, of_type


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return adoption.read_template(TEMPLATE)


def test_tables_and_log_groups_have_the_names_of_a_deployment(template: dict[str, Any]) -> None:
    found = adoption.kept_resources(template, "staging-")
    assert found["IncidentTable"] == "staging-sre-incidents"
    assert found["AlertIngestLogs"] == "/aws/lambda/staging-alert-ingest"
    assert found["EvidenceBucket"].startswith("staging-sre-evidence-")
    kinds = {template["Resources"][name]["Type"] for name in found}
    assert kinds == {"AWS::DynamoDB::Table", "AWS::Logs::LogGroup", "AWS::S3::Bucket"}


def test_the_import_holds_what_is_there_as_the_template_has_it(template: dict[str, Any]) -> None:
    body = adoption.import_template(template, Kept({"IncidentTable": "sre-incidents"}, "k", False))
    assert set(body["Resources"]) == {"PlatformKey", "IncidentTable"}
    assert set(body["Parameters"]) == {"NamePrefix", "OperatorArns", "DeletionProtection"}
    whole = deployed()["Resources"]
    assert body["Resources"]["PlatformKey"] == whole["PlatformKey"]
    table = {**whole["IncidentTable"]}
    del table["Condition"]  # of nothing that this template has
    assert body["Resources"]["IncidentTable"] == table


def test_all_of_it_fits_into_one_call(template: dict[str, Any]) -> None:
    everything = Kept(adoption.kept_resources(template, ""), "k", True)
    assert len(json.dumps(adoption.import_template(template, everything))) < 51_200


def test_what_is_no_template_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="cannot be read"):
        adoption.read_template(tmp_path / "none.yaml")
    (tmp_path / "other.yaml").write_text("a: 1\n")
    with pytest.raises(CommandFailed, match="is no template"):
        adoption.read_template(tmp_path / "other.yaml")


class NotFound(Exception):
    """What boto3 raises for a table that is not there."""


class Tables:
    """Stands for DynamoDB; its tables are as the template has them."""

    class exceptions:  # noqa: N801 - as boto3 calls it
        ResourceNotFoundException = NotFound

    def __init__(self, keys: dict[str, str], replicas: list[str]) -> None:
        self._keys = keys
        self._replicas = [{"RegionName": name} for name in replicas]
        self.changes: dict[str, Any] = {}
        self.recovers, self.forgets = "ENABLED", "expires_at"

    def describe_table(self, TableName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        if TableName not in self._keys:
            raise NotFound
        encryption = {"KMSMasterKeyArn": self._keys[TableName]}
        table = {"SSEDescription": encryption, "DeletionProtectionEnabled": True}
        made = {
            each["TableName"]["Fn::Sub"].removeprefix("${NamePrefix}"): each
            for each in of_type(deployed(), "AWS::DynamoDB::Table").values()
        }[TableName]
        words = ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes")
        described = {word: made[word] for word in words if word in made}
        return {"Table": {**described, **table, "Replicas": self._replicas, **self.changes}}

    def describe_continuous_backups(self, TableName: str) -> dict[str, Any]:  # noqa: N803
        recovery = {"PointInTimeRecoveryStatus": self.recovers}
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": recovery}}

    def describe_time_to_live(self, TableName: str) -> dict[str, Any]:  # noqa: N803
        said = {"TimeToLiveStatus": "ENABLED", "AttributeName": self.forgets}
        return {"TimeToLiveDescription": said if self.forgets else {"TimeToLiveStatus": "DISABLED"}}


class Keys:
    """Stands for KMS."""

    def __init__(self) -> None:
        self.state = "Enabled"

    def describe_key(self, KeyId: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        return {"KeyMetadata": {"KeyState": self.state}}


class Buckets:
    """Stands for S3; the bucket of evidence has a key, if there is one."""

    def __init__(self, key: str) -> None:
        self._key = key

    def get_bucket_encryption(self, Bucket: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        assert Bucket == "sre-evidence-000000000000-us-east-1"
        if not self._key:
            raise ClientError({"Error": {"Code": "NoSuchBucket"}}, "GetBucketEncryption")
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self._key}
        rules = [{"ApplyServerSideEncryptionByDefault": default}]
        return {"ServerSideEncryptionConfiguration": {"Rules": rules}}


class Groups:
    """Stands for CloudWatch Logs; it has a group whose name only begins like one of ours."""

    def describe_log_groups(self, **_: str) -> dict[str, Any]:
        return {"logGroups": [{"logGroupName": "/aws/lambda/alert-ingest-2", "kmsKeyId": "x"}]}


def _account(keys: dict[str, str], *replicas: str, bucket: str = "") -> Account:
    account = Account()
    account.__dict__.update(
        dynamodb=Tables(keys, list(replicas)),
        logs=Groups(),
        sts=SimpleNamespace(meta=SimpleNamespace(region_name="us-east-1")),
        _identity=("aws", "000000000000"),
        _made={"kms": Keys(), "s3": Buckets(bucket)},
    )
    return account


def test_what_is_there_is_found_with_its_key(template: dict[str, Any]) -> None:
    key = "arn:aws:kms:us-east-1:000000000000:key/k-1"
    there = {"IncidentTable": "sre-incidents", "RunbookTable": "sre-runbooks"}
    keys = dict.fromkeys(there.values(), key)
    assert adoption.find_kept(_account(keys), template) == Kept(there, "k-1", True)
    evidence = {"EvidenceBucket": "sre-evidence-000000000000-us-east-1"}
    found = adoption.find_kept(_account(keys, bucket=key), template)
    assert found == Kept({**there, **evidence}, "k-1", True)
    with pytest.raises(CommandFailed, match="does not have one key but"):
        adoption.find_kept(_account(keys, bucket="another"), template)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "nothing of an earlier deployment"),
        (
            {"sre-incidents": "a/1", "sre-runbooks": "a/2"},
            "one key but a/1: sre-incidents; a/2: sre-runbooks",
        ),
    ],
)
def test_what_cannot_be_taken_up_is_told(
    template: dict[str, Any], keys: dict[str, str], said: str
) -> None:
    with pytest.raises(CommandFailed, match=said):
        adoption.find_kept(_account(keys), template)


def test_a_table_that_regions_share_is_left_to_a_human(template: dict[str, Any]) -> None:
    with pytest.raises(CommandFailed, match="is a global table"):
        adoption.find_kept(_account({"sre-incidents": "a/1"}, "eu-west-1"), template)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}, "its key is id"),
        ({"GlobalSecondaryIndexes": []}, "it has no index by-status"),
        (
            {"AttributeDefinitions": [{"AttributeName": "timestamp", "AttributeType": "N"}]},
            "its attribute timestamp is of type N, not S",
        ),
    ],
)
def test_a_table_of_somebody_else_is_not_taken_up(
    template: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    account = _account({"sre-incidents": "a/1"})
    tables: Any = account.dynamodb
    tables.changes = changes
    with pytest.raises(CommandFailed, match="sre-incidents is no table of this platform") as caught:
        adoption.find_kept(account, template)
    assert said in caught.value.message


def test_what_was_switched_off_is_told_because_no_deployment_switches_it_on(
    template: dict[str, Any],
) -> None:
    account = _account({"sre-incidents": "a/1"})
    assert adoption.find_kept(account, template).switched_off == ()
    tables: Any = account.dynamodb
    tables.recovers, tables.forgets = "DISABLED", ""
    backups, lifetime = adoption.find_kept(account, template).switched_off
    assert backups.startswith("aws dynamodb update-continuous-backups --table-name sre-incidents")
    assert lifetime.endswith("Enabled=true,AttributeName=expires_at")


@pytest.mark.parametrize(
    ("state", "next_"), [("PendingDeletion", "cancel-key-deletion"), ("Disabled", "enable-key")]
)
def test_what_could_not_be_read_is_not_taken_up(
    template: dict[str, Any], state: str, next_: str
) -> None:
    account = _account({"sre-incidents": "a/1"})
    account.client("kms").state = state
    with pytest.raises(CommandFailed, match="the key a/1 of what was left behind") as caught:
        adoption.find_kept(account, template)
    assert next_ in caught.value.hint
