"""Mends TTL, recovery, encryption, deletion protection and resource policies of tables.

CloudFormation sets them, and DynamoDB refuses to delete a protected table, whoever asks. The
emulator's handler of ``AWS::DynamoDB::Table`` drops the others and stores the text ``"false"``
of the last one, which then counts as true; its stack deletion ignores the protection.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners

from onemachine.aws.mends.support import is_true, require_success


def _set(name: str, properties: dict[str, Any]) -> None:
    table = dynamodb._tables[name]
    table["DeletionProtectionEnabled"] = is_true(properties.get("DeletionProtectionEnabled"))
    ttl = properties.get("TimeToLiveSpecification")
    if ttl:
        wanted = {**ttl, "Enabled": is_true(ttl.get("Enabled", True))}
        require_success(
            dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": wanted})
        )
    recovery = properties.get("PointInTimeRecoverySpecification") or {}
    require_success(
        dynamodb._update_continuous_backups(
            {
                "TableName": name,
                "PointInTimeRecoverySpecification": {
                    "PointInTimeRecoveryEnabled": is_true(
                        recovery.get("PointInTimeRecoveryEnabled")
                    )
                },
            }
        )
    )
    _set_policy(table["TableArn"], properties.get("ResourcePolicy"))
    encryption = properties.get("SSESpecification") or {}
    if is_true(encryption.get("SSEEnabled")):
        table["SSEDescription"] = dynamodb._sse_description_from_spec(
            {
                "Enabled": True,
                "SSEType": encryption.get("SSEType", "KMS"),
                "KMSMasterKeyId": encryption.get("KMSMasterKeyId"),
            }
        )


def _set_policy(arn: str, policy: dict[str, Any] | None) -> None:
    if policy is None:
        dynamodb._resource_policies.pop(arn, None)
        return
    document = json.dumps(policy["PolicyDocument"])
    require_success(dynamodb._put_resource_policy({"ResourceArn": arn, "Policy": document}))


def _for_stock(properties: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the stock handler gets wrong; it is set afterwards."""
    wrong = {"SSESpecification", "DeletionProtectionEnabled"}
    return {key: value for key, value in properties.items() if key not in wrong}


def apply() -> None:
    """Set the properties after the stock handler has made the table."""
    handler = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    stock_create, stock_update, stock_delete = (
        handler["create"],
        handler["update"],
        handler["delete"],
    )

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        made = stock_create(logical_id, _for_stock(properties), stack)
        _set(made[0], properties)
        return made

    def update(
        physical_id: str,
        old: dict[str, Any],
        new: dict[str, Any],
        stack: str,
        logical_id: str | None = None,
    ) -> Any:
        made = stock_update(physical_id, _for_stock(old), _for_stock(new), stack, logical_id)
        _set(made[0], new)
        return made

    def delete(physical_id: str, properties: dict[str, Any]) -> Any:
        table = dynamodb._tables.get(physical_id)
        if table is not None and table.get("DeletionProtectionEnabled"):
            raise ValueError(
                "Resource cannot be deleted as it is currently protected against deletion. "
                f"Disable deletion protection first. ({physical_id})"
            )
        return stock_delete(physical_id, properties)

    provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"] = {
        **handler,
        "create": create,
        "update": update,
        "delete": delete,
    }
