"""Mends CloudFormation's ``AWS::DynamoDB::GlobalTable``: its replicas.

CloudFormation makes a table in each region of ``Replicas``, with recovery, encryption, deletion
protection and resource policy of that region, and DynamoDB brings each write to all of them. The
emulator makes the table of its own region alone and drops what stands in ``Replicas``. Once it is
there, it does replicate: at once, where AWS takes about a second.
"""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners

from onemachine.aws.mends import table_settings
from onemachine.aws.mends.support import require_success

_TYPE = "AWS::DynamoDB::GlobalTable"
# What a table has once, and a global table for each of its regions.
_OF_A_REGION = (
    "PointInTimeRecoverySpecification",
    "DeletionProtectionEnabled",
    "ResourcePolicy",
)


def _of_region(properties: dict[str, Any], replica: dict[str, Any]) -> dict[str, Any]:
    """Give the properties that a plain table would have."""
    own = {name: replica[name] for name in _OF_A_REGION if name in replica}
    key = (replica.get("SSESpecification") or {}).get("KMSMasterKeyId")
    encryption = {**(properties.get("SSESpecification") or {}), "KMSMasterKeyId": key}
    return {**properties, **own, "SSESpecification": encryption}


def _set_up(name: str, properties: dict[str, Any]) -> None:
    table = dynamodb._tables[name]
    for replica in properties.get("Replicas") or []:
        region = replica["Region"]
        if region != get_region() and region not in dynamodb._replica_group(table):
            update = {"ReplicaUpdates": [{"Create": {"RegionName": region}}]}
            require_success(dynamodb._update_table({"TableName": name, **update}))
        with request_scope(get_account_id(), region):
            table_settings._set(name, _of_region(properties, replica))


def apply() -> None:
    """Make the replicas after the stock handler has made the table, and set up each."""
    handler = provisioners._RESOURCE_HANDLERS[_TYPE]
    stock_create, stock_update = handler["create"], handler["update"]

    def plain(properties: dict[str, Any]) -> dict[str, Any]:
        return {key: each for key, each in properties.items() if key != "SSESpecification"}

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        made = stock_create(logical_id, plain(properties), stack)
        _set_up(made[0], properties)
        return made

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> Any:
        made = stock_update(physical_id, plain(old), plain(new), stack)
        _set_up(made[0], new)
        return made

    provisioners._RESOURCE_HANDLERS[_TYPE] = {**handler, "create": create, "update": update}
