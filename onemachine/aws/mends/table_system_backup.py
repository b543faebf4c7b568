"""Mends what is left of a table that was deleted.

DynamoDB keeps a deleted table that had point-in-time recovery for 35 days, as a backup of type
SYSTEM named ``<table>$DeletedTableBackup``, which can be restored under the table's own name. The
emulator keeps nothing, and its list of backups does not know types.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services import dynamodb


def apply() -> None:
    """Keep a backup of what is deleted, and list backups by their type."""
    stock_delete = dynamodb._delete_table
    stock_list = dynamodb._list_backups

    def delete_table(data: dict[str, Any]) -> Any:
        name = dynamodb._normalize_table_name(data.get("TableName"))
        kept = None
        if name in dynamodb._tables and dynamodb._pitr_settings.get(name):
            answer = dynamodb._create_backup(
                {"TableName": name, "BackupName": f"{name}$DeletedTableBackup"}
            )
            kept = json.loads(answer[2])["BackupDetails"]["BackupArn"]
            dynamodb._backups[kept]["BackupDetails"]["BackupType"] = "SYSTEM"
        answer = stock_delete(data)
        if answer[0] >= 400 and kept is not None:
            dynamodb._backups.pop(kept)
        return answer

    def list_backups(data: dict[str, Any]) -> Any:
        status, headers, body = stock_list(data)
        if status >= 400:
            return status, headers, body
        kind = data.get("BackupType", "ALL")
        listed = json.loads(body)
        listed["BackupSummaries"] = [
            backup for backup in listed["BackupSummaries"] if kind in ("ALL", backup["BackupType"])
        ]
        return dynamodb.json_response(listed)

    dynamodb._delete_table = delete_table
    dynamodb._list_backups = list_backups
