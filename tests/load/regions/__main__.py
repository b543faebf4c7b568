"""The command line: ``python -m tests.load.regions``."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import yaml

from onemachine.aws.local_aws import LocalAws, LocalAwsError
from onemachine.binaries import find
from onemachine.processes.errors import StartFailed
from onemachine.processes.ports import free_port
from onemachine.stack.children import Children
from onemachine.stack.state import StackFolder
from tests.load.regions.stacks import STANDBY_SECONDS, Region, deploy_both

_ALERTS = 6
_LONGEST_SECONDS = 180.0
# No proxy: every address here is this machine's own.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main() -> int:
    """Deploy both, kill one, and say what became of each alert."""
    try:
        return _rehearsed()
    except (StartFailed, LocalAwsError) as failed:  # with the end of the log, or where it is
        raise SystemExit(str(failed)) from None


def _rehearsed() -> int:
    began = time.monotonic()

    def tell(what: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {what}", flush=True)

    with tempfile.TemporaryDirectory(prefix="regions-") as scratch, _aws(Path(scratch)) as aws:
        children = Children(StackFolder(Path(scratch) / "stack"))
        children.folder.logs.mkdir(parents=True)
        tell("deploying the template to us-west-2, which stands by, and to us-east-1, which acts")
        east, west = deploy_both(aws, Path(scratch), children)
        with _alertmanager(Path(scratch), east, west) as alertmanager:
            first = _fire(alertmanager, _ALERTS)
            tell(f"{len(first)} alerts by Alertmanager to both webhooks")
            _until(lambda: _taken(east, first) == len(first), "the east has taken each")
            time.sleep(STANDBY_SECONDS + 3)
            doubled = west.in_hand()
            tell(f"  in the hand of the east: {east.in_hand()}, of the west: {doubled}")
            _stop(east)
            tell("the east starts nothing any more; its webhook still takes what it gets")
            second = _fire(alertmanager, _ALERTS)
            _until(lambda: _taken(west, second) == len(second), "the west has taken each")
            tell(f"{len(second)} more alerts, accepted by both, taken by the west alone")
            _close(east)
            tell("the east takes no call any more, either")
            third = _fire(alertmanager, _ALERTS)
            _until(lambda: _taken(west, third) == len(third), "the west has taken each")
            tell(f"{len(third)} more alerts, of which only the west hears")
            hands = east.in_hand(), west.in_hand()
            tell(f"  in the hand of the east: {hands[0]}, of the west: {hands[1]}")
    once = not doubled and hands == (len(first), len(second) + len(third))
    tell("nothing was lost, " + ("each is in one hand" if once else "NOT every one in one hand"))
    return int(not once)


@contextmanager
def _aws(folder: Path) -> Iterator[LocalAws]:
    aws = LocalAws("127.0.0.1", free_port(), folder / "aws", secrets.token_urlsafe(24))
    with (folder / "aws.log").open("wb") as log:
        process = subprocess.Popen(
            aws.command(), env=aws.environment(), stdout=log, stderr=subprocess.STDOUT
        )
    try:
        aws.wait_ready(120, alive=lambda: process.poll() is None)
        yield aws
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def _alertmanager(folder: Path, *regions: Region) -> Iterator[str]:
    """Run an Alertmanager whose one receiver posts to every region; give its address."""
    webhooks = [
        {
            "url": region.webhook,
            "http_config": {"http_headers": {"X-Api-Key": {"secrets": [region.api_key]}}},
        }
        for region in regions
    ]
    route = {"receiver": "both", "group_by": ["..."], "group_wait": "0s", "group_interval": "2s"}
    config = {"route": route, "receivers": [{"name": "both", "webhook_configs": webhooks}]}
    file = folder / "alertmanager.yaml"
    file.write_text(yaml.safe_dump(config), "utf-8")
    address = f"127.0.0.1:{free_port()}"
    command = [
        str(find("alertmanager") / "alertmanager"),
        f"--config.file={file}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    with (folder / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(20)


def _fire(alertmanager: str, number: int) -> list[str]:
    """Give Alertmanager some alerts; returns their names, which are unique."""
    names = [f"Regions{uuid.uuid4().hex[:8]}" for _ in range(number)]
    started = datetime.now(UTC).isoformat()
    alerts = [
        {
            "labels": {"alertname": name, "severity": "critical", "namespace": "apps"},
            "annotations": {"summary": "an alert of a rehearsal"},
            "startsAt": started,
        }
        for name in names
    ]
    request = urllib.request.Request(
        f"{alertmanager}/api/v2/alerts",
        json.dumps(alerts).encode(),
        {"Content-Type": "application/json"},
    )

    def taken() -> bool:
        try:
            with _OPENER.open(request, timeout=10) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    _until(taken, "Alertmanager takes alerts")
    return names


def _taken(region: Region, names: list[str]) -> int:
    """Count the alerts that a human has, by the records as this region sees them."""
    pages = region.aws.client("dynamodb").get_paginator("scan")
    found = [
        item["alert_name"]["S"]
        for page in pages.paginate(TableName=region.outputs["IncidentTableName"])
        for item in page["Items"]
        if item.get("status", {}).get("S") == "escalated" and "alert_name" in item
    ]
    ours = [name for name in found if name in names]
    if len(ours) != len(set(ours)):
        raise SystemExit("an alert has two records")
    return len(ours)


def _stop(region: Region) -> None:
    """Let a region start nothing more."""
    events, bus = region.aws.client("events"), region.outputs["EventBusName"]
    for rule in events.list_rules(EventBusName=bus)["Rules"]:
        events.disable_rule(Name=rule["Name"], EventBusName=bus)


def _close(region: Region) -> None:
    """Let a region take no call."""
    region.aws.client("apigateway").delete_stage(
        restApiId=region.outputs["WebhookApiId"], stageName="live"
    )


def _until(met: Callable[[], object], what: str) -> None:
    until = time.monotonic() + _LONGEST_SECONDS
    while not met():
        if time.monotonic() > until:
            raise SystemExit(f"waited {_LONGEST_SECONDS:.0f} s in vain until {what}")
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
