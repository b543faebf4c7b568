"""Only the platform speaks on its bus and writes its tables, and what they keep is encrypted."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.template import ROOT, identity_statements, listed, read

# What writes an item, by DynamoDB's service authorization reference; a transaction is of these.
WRITES = {
    f"dynamodb:{name}"
    for name in (
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "BatchWriteItem",
        "PartiQLInsert",
        "PartiQLUpdate",
        "PartiQLDelete",
    )
}
STORES = ("IncidentTable", "RunbookTable", "GuardTable", "EventBus")
#: A stack beside this one, with roles that this one names.
BESIDE = read(ROOT / "eks" / "standby.yaml")["Resources"]
#: How a grant names a store: the table of incidents may be another region's.
NAMED = {"IncidentTable": "table/${Incidents}"}


def statement_of(template: dict[str, Any], store: str) -> dict[str, Any]:
    resources = template["Resources"]
    if store == "EventBus":
        policy = resources["EventBusPolicy"]["Properties"]
        assert policy["EventBusName"] == {"Ref": store}
        found: dict[str, Any] = policy["Statement"]
        return found
    document = resources[store]["Properties"]["ResourcePolicy"]["PolicyDocument"]
    (found,) = document["Statement"]
    return found


def spared(template: dict[str, Any], store: str) -> tuple[set[str], list[Any]]:
    """Give the roles that a store's policy spares, by logical id, and whatever else it does."""
    condition = statement_of(template, store)["Condition"]["StringNotLike"]["aws:PrincipalArn"]
    joined = condition["Fn::Split"][1]
    named = joined["Fn::Join"][1] if "Fn::Join" in joined else [joined]
    by_name = {
        resource["Properties"]["RoleName"]["Fn::Sub"]: name
        for name, resource in {**template["Resources"], **BESIDE}.items()
        if "Fn::Sub" in str(resource.get("Properties", {}).get("RoleName"))
        and resource["Type"] == "AWS::IAM::Role"
    }
    roles, others = set(), []
    for each in named:
        arn = each.get("Fn::Sub", "")
        if "Fn::GetAtt" in each:
            roles.add(each["Fn::GetAtt"][0])
        elif arn:
            account, _, name = arn.partition(":role/")
            assert account == "arn:${AWS::Partition}:iam::${AWS::AccountId}"
            roles.add(by_name[name])
        else:
            others.append(each)
    return roles, others


@pytest.mark.parametrize("store", STORES)
def test_who_is_not_of_the_platform_is_refused(template: dict[str, Any], store: str) -> None:
    statement = statement_of(template, store)
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert set(listed(statement["Action"])) == (
        {"events:PutEvents"} if store == "EventBus" else WRITES
    )
    # A service that acts for the table's owner has no ARN that could be spared.
    assert statement["Condition"]["Bool"] == {"aws:PrincipalIsAWSService": "false"}
    assert spared(template, store)[1] == [{"Ref": "OperatorArns"}]
    if store != "EventBus":
        name = template["Resources"][store]["Properties"]["TableName"]["Fn::Sub"]
        assert statement["Resource"]["Fn::Sub"].endswith(f":table/{name}")


@pytest.mark.parametrize("store", STORES)
def test_those_and_only_those_who_are_granted_to_write_are_spared(
    template: dict[str, Any], store: str
) -> None:
    writes = WRITES | {"events:PutEvents"}
    granted = {
        role
        for place, statement in identity_statements(template)
        for role in having(template, place)
        if writes & set(listed(statement["Action"]))
        and any(is_store(each, store) for each in listed(statement["Resource"]))
    }
    beside = {"IncidentStandbyRole"} if store == "EventBus" else set()
    assert spared(template, store)[0] == granted | beside


def having(template: dict[str, Any], place: str) -> list[str]:
    """Give the roles that have what stands in a role, or in a policy apart."""
    resource = template["Resources"][place]
    if resource["Type"] == "AWS::IAM::Role":
        return [place]
    return [role["Ref"] for role in resource["Properties"]["Roles"]]


def is_store(resource: Any, store: str) -> bool:
    if store not in NAMED:
        return bool(resource == {"Fn::GetAtt": [store, "Arn"]})
    text = resource.get("Fn::Sub", [""])[0] if isinstance(resource, dict) else ""
    return text.endswith(NAMED[store])


def test_a_replica_is_written_by_both_platforms_and_by_dynamodb(template: dict[str, Any]) -> None:
    replicas = template["Resources"]["IncidentGlobalTable"]["Properties"]["Replicas"]
    own = spared(template, "IncidentTable")[0]
    assert len(replicas) == 2
    for replica in replicas:
        (statement,) = replica["ResourcePolicy"]["PolicyDocument"]["Statement"]
        assert set(statement["Action"]) == WRITES
        arns = statement["Condition"]["StringNotLike"]["aws:PrincipalArn"]["Fn::Split"][1]
        named = str(arns["Fn::Join"][1])
        assert "replication.dynamodb.amazonaws.com" in named
        assert {"Ref": "IncidentReplicaWriterArns"} in arns["Fn::Join"][1]
        roles = {template["Resources"][role]["Properties"]["RoleName"]["Fn::Sub"] for role in own}
        assert all(name in named for name in roles)


def test_by_default_people_may_operate_and_no_role_of_a_workload(template: dict[str, Any]) -> None:
    default = template["Parameters"]["OperatorArns"]["Default"].split(",")
    people = re.compile("|".join(re.escape(each).replace(r"\*", ".*") for each in default))
    account = "arn:aws:iam::123456789012"
    sso = f"{account}:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_Ops_0123"
    assert all(people.fullmatch(each) for each in (f"{account}:root", f"{account}:user/ann", sso))
    for stranger in (
        "shop",
        "aws-service-role/x.amazonaws.com/X",
        "aws-reserved-sso.amazonaws.com",
    ):
        assert not people.fullmatch(f"{account}:role/{stranger}")


def test_bus_and_archive_are_encrypted_with_the_key_of_the_platform(
    template: dict[str, Any],
) -> None:
    resources = template["Resources"]
    for name in ("EventBus", "EventArchive", "AlarmBus"):
        key = resources[name]["Properties"]["KmsKeyIdentifier"]
        assert key == {"Fn::GetAtt": ["PlatformKey", "Arn"]}
    policy = resources["PlatformKey"]["Properties"]["KeyPolicy"]["Statement"]
    (encrypts,) = [each for each in policy if each["Sid"] == "BusAndArchiveEncryptEvents"]
    (looks,) = [each for each in policy if each["Sid"] == "BusLooksTheKeyUp"]
    # As EventBridge's documentation asks for buses and archives.
    assert looks["Action"] == "kms:DescribeKey"
    assert {"kms:GenerateDataKey", "kms:Decrypt"} < set(encrypts["Action"])
    context = encrypts["Condition"]["StringEquals"][
        "kms:EncryptionContext:aws:events:event-bus:arn"
    ]
    buses = [resources[name]["Properties"]["Name"]["Fn::Sub"] for name in ("EventBus", "AlarmBus")]
    for found, bus in zip(context, buses, strict=True):
        assert found["Fn::Sub"].endswith(f":event-bus/{bus}")


def test_what_the_bus_cannot_encrypt_is_parked(template: dict[str, Any]) -> None:
    resources = template["Resources"]
    parking = {"Fn::GetAtt": ["ParkingQueue", "Arn"]}
    assert resources["EventBus"]["Properties"]["DeadLetterConfig"] == {"Arn": parking}
    (statement,) = resources["ParkingQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Resource"] == parking
    assert statement["Condition"]["ArnEquals"] == {
        "aws:SourceArn": {"Fn::GetAtt": ["EventBus", "Arn"]}
    }
