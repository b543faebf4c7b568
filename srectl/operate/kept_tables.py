"""Whether a table that an earlier deployment has left is the one that the template describes.

An import takes whatever has the name, and the next deployment changes nothing of what it has taken:
CloudFormation compares templates, not tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["misfits", "switched_off"]


def misfits(properties: Mapping[str, Any], table: Mapping[str, Any]) -> list[str]:
    """Say what of a table the platform could not work with; empty where nothing is.

    Parameters
    ----------
    properties
        Of the template's resource.
    table
        As DescribeTable tells it.
    """
    return list(_misfits(properties, table))


def _misfits(properties: Mapping[str, Any], table: Mapping[str, Any]) -> Iterator[str]:
    wanted, there = _keys(properties["KeySchema"]), _keys(table.get("KeySchema", []))
    if wanted != there:
        yield f"its key is {there or 'unknown'}, not {wanted}"
    kinds = {each["AttributeName"]: each["AttributeType"] for each in _attributes(table)}
    for each in _attributes(properties):
        name = each["AttributeName"]
        if name in kinds and kinds[name] != each["AttributeType"]:
            yield f"its attribute {name} is of type {kinds[name]}, not {each['AttributeType']}"
    indexes = {each["IndexName"]: each for each in table.get("GlobalSecondaryIndexes", [])}
    for each in properties.get("GlobalSecondaryIndexes", []):
        name = each["IndexName"]
        if name not in indexes:
            yield f"it has no index {name}"
        elif _keys(each["KeySchema"]) != _keys(indexes[name]["KeySchema"]):
            yield f"its index {name} has another key"


def switched_off(dynamodb: Any, name: str, properties: Mapping[str, Any]) -> list[str]:
    """Give what one types for each setting of a table that is off and that a deployment leaves off.

    Parameters
    ----------
    dynamodb
        A client.
    name
        Of the table.
    properties
        Of the template's resource.
    """
    found = []
    if properties.get("PointInTimeRecoverySpecification"):
        said: Any = dynamodb.describe_continuous_backups(TableName=name)
        recovery = said["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
            found.append(
                f"aws dynamodb update-continuous-backups --table-name {name} "
                "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
            )
    lifetime = properties.get("TimeToLiveSpecification")
    if lifetime:
        said = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        on = said.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
        if not on or said.get("AttributeName") != lifetime["AttributeName"]:
            found.append(
                f"aws dynamodb update-time-to-live --table-name {name} "
                "--time-to-live-specification "
                f"Enabled=true,AttributeName={lifetime['AttributeName']}"
            )
    return found


def _keys(schema: Any) -> str:
    return ", ".join(f"{each['AttributeName']} ({each['KeyType']})" for each in schema)


def _attributes(of: Mapping[str, Any]) -> list[dict[str, str]]:
    return list(of.get("AttributeDefinitions", []))
