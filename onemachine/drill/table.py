"""Drill: the table of incidents is deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onemachine.drill.scene import Scene
from srectl.operate.account import Account
from srectl.operate.incidents import opened

NAME = "table"
WHAT = "the table sre-incidents is deleted"


def run(scene: Scene) -> None:
    """Break it, see it, bring it back.

    Raises
    ------
    NotMet
        An expectation did not hold.
    """
    scene.calm("sre-dlq-recorder", "sre-recorder-failed")
    table = Account().incidents_table
    before = scene.target()
    alert = scene.fire("Table")
    incident_id = scene.expect_remediated(alert, "look")
    scene.expect_closed(alert, incident_id)
    kept = scene.record(incident_id)
    settings = _settings(scene, table)

    scene.heal_with(f"there is a table {table} again", lambda: _make_again(scene, settings))
    _delete(scene, table)
    lost = scene.fire("NoTable")
    lost_id = scene.expect(
        "detect",
        f"{lost.name} is on the bus all the same",
        lambda: scene.incident_id(lost),
        within=60,
        where="'srectl local logs alert-ingest'",
        next_step="intake needs no table: look at 'srectl dlq list'",
    )
    scene.expect(
        "detect",
        "its runbook cannot claim it, does nothing and calls a human",
        lambda: scene.told(lost_id, "escalated"),
        within=60,
        where="'srectl local logs receiver'",
        next_step="'srectl dlq list': an escalation that could not be sent is in notifications",
    )
    scene.expect(
        "detect",
        "the recorder parks the event",
        lambda: scene.queued("recorder"),
        within=60,
        where="'srectl dlq show recorder'",
        next_step="'srectl replay' has it for 7 days",
        shown=lambda count: f"{count} in sre-dlq-recorder",
    )
    scene.check(
        "detect",
        "nothing was done for it: what cannot be claimed is not acted on",
        scene.executions(lost_id) == 0,
        lost_id,
        where=f"'srectl incidents show {lost_id}'",
        next_step="a runbook that acts without a claim may act twice",
    )
    scene.expect_alarm("sre-dlq-recorder")
    scene.expect_alarm("sre-recorder-failed")
    _restore(scene, table, settings)
    scene.check(
        "prove",
        "the record of before is as it was, to the letter",
        scene.record(incident_id) == kept,
        incident_id,
        where=f"'srectl incidents show {incident_id}'",
        next_step="'srectl replay --from 7d' fills in what the archive has",
    )
    scene.expect(
        "prove",
        "the incident of meanwhile has its record",
        lambda: scene.record_that(lost_id, lambda r: r.get("alert_name") == lost.name),
        within=30,
        where="'srectl dlq show recorder'",
        next_step="'srectl replay --from 1h' fills in what the archive has",
        shown=lambda record: f"status {record['status']}",
    )
    scene.do(
        "recover",
        "whatever else the archive has is filled in, without starting or telling anything",
        *("srectl", "replay", "--from", "1h"),
    )
    # Its alert still fires, so Alertmanager tells of it again, and this time it can be claimed.
    scene.expect_remediated(lost, "prove")
    scene.expect_closed(lost, lost_id)
    scene.check(
        "prove",
        "the replay changed nothing on what was complete",
        scene.record(incident_id) == kept,
        incident_id,
        where=f"'srectl incidents show {incident_id}'",
        next_step="the recorder must only fill in what is missing",
    )
    scene.expect_once([incident_id, lost_id], before)
    scene.expect_empty()


def _settings(scene: Scene, table: str) -> Mapping[str, Any]:
    described = scene.client("dynamodb").describe_table(TableName=table)["Table"]
    found: Mapping[str, Any] = described
    return found


def _delete(scene: Scene, table: str) -> None:
    named = ("--table-name", table)
    scene.do(
        "look",
        "deletion protection is on, as in production",
        *("aws", "dynamodb", "update-table", *named, "--deletion-protection-enabled"),
    )
    scene.refused(
        "look",
        "deleting the table is refused",
        "deletion protection",
        *("aws", "dynamodb", "delete-table", *named),
    )
    scene.do(
        "break",
        "somebody insists: the protection is taken off",
        *("aws", "dynamodb", "update-table", *named, "--no-deletion-protection-enabled"),
    )
    scene.do("break", "the table is deleted", "aws", "dynamodb", "delete-table", *named)


def _restore(scene: Scene, table: str, settings: Mapping[str, Any]) -> None:
    named = ("--table-name", table)
    backups = scene.do(
        "recover",
        "DynamoDB has kept what it was when it was deleted",
        *("aws", "dynamodb", "list-backups", *named, "--backup-type", "SYSTEM"),
        *("--query", "BackupSummaries[].BackupArn"),
    )
    scene.check(
        "recover",
        "there is a system backup",
        bool(backups),
        f"{len(backups)} found",
        where=f"'aws dynamodb list-backups --table-name {table} --backup-type SYSTEM'",
        next_step="without one, make the table anew and fill it in with 'srectl replay --from 7d', "
        "see docs/disaster-recovery.md",
    )
    key = settings.get("SSEDescription", {}).get("KMSMasterKeyArn", "")
    encrypted = f"Enabled=true,SSEType=KMS,KMSMasterKeyId={key}"
    scene.do(
        "recover",
        "it is restored under its own name",
        *("aws", "dynamodb", "restore-table-from-backup", "--target-table-name", table),
        *("--backup-arn", backups[-1]),
        *(("--sse-specification-override", encrypted) if key else ()),
    )
    scene.do("recover", "it is there", "aws", "dynamodb", "wait", "table-exists", *named)
    scene.healed()
    scene.do(
        "recover",
        "it is protected again",
        *("aws", "dynamodb", "update-table", *named, "--deletion-protection-enabled"),
    )
    scene.do(
        "recover",
        "point-in-time recovery is on again",
        *("aws", "dynamodb", "update-continuous-backups", *named),
        *("--point-in-time-recovery-specification", "PointInTimeRecoveryEnabled=true"),
    )
    scene.do(
        "recover",
        "old incidents expire again",
        *("aws", "dynamodb", "update-time-to-live", *named),
        *("--time-to-live-specification", "Enabled=true,AttributeName=expires_at"),
    )
    answer = opened(
        scene.do(
            "recover",
            "the events of meanwhile go to the recorder, and to nobody else",
            *("srectl", "dlq", "redrive", "recorder", "--json"),
        )
    )
    scene.did("recover", "the queue was redriven", f"{len(answer[0]['delivered'])} delivered")
    if not settings.get("DeletionProtectionEnabled"):
        scene.do(
            "look",
            "the protection is as it was before the drill",
            *("aws", "dynamodb", "update-table", *named, "--no-deletion-protection-enabled"),
        )


def _make_again(scene: Scene, settings: Mapping[str, Any]) -> None:
    """Leave no stack without the table: from the backup, or empty where there is none."""
    dynamodb, table = scene.client("dynamodb"), settings["TableName"]
    if table in dynamodb.list_tables()["TableNames"]:
        return
    backups = dynamodb.list_backups(TableName=table, BackupType="SYSTEM")["BackupSummaries"]
    if backups:
        dynamodb.restore_table_from_backup(
            TargetTableName=table, BackupArn=backups[-1]["BackupArn"]
        )
        return
    described = ("IndexName", "KeySchema", "Projection")
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=settings["KeySchema"],
        AttributeDefinitions=settings["AttributeDefinitions"],
        GlobalSecondaryIndexes=[
            {name: index[name] for name in described}
            for index in settings["GlobalSecondaryIndexes"]
        ],
    )
