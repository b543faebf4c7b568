"""Eyes on a running stack: everything the demonstration knows, it reads here. Changes nothing."""

from __future__ import annotations

import datetime
import json
import math
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from onemachine.receiver import (
    ChatMessage,
    Mail,
    Notification,
    Page,
    read_chat,
    read_mails,
    read_notifications,
    read_pages,
)
from onemachine.stack.clients import client_of
from onemachine.stack.function_logs import FunctionLogs
from onemachine.stack.names import ALERT_NAME, DEGRADED_MODE_PARAMETER
from onemachine.stack.state import StackFolder, StackState
from onemachine.stack.under_care import CareView, Pod
from onemachine.traffic import Traffic
from srectl.operate.incidents import values_of

__all__ = ["Accepted", "World", "parse_time"]

_HTTP_SECONDS = 5.0
_INGEST_GROUP = "/aws/lambda/alert-ingest"


@dataclass(frozen=True)
class Accepted:
    """One webhook that was answered with 202."""

    at: float
    incident_ids: tuple[str, ...]


@dataclass
class World:
    """The stack as it is now.

    Parameters
    ----------
    folder : StackFolder
        The stack's files.
    state : StackState
        Where its parts are.
    since : float
        Unix time; what happened before does not count.
    alert : str
        Name of the alert that is watched.
    about : mapping
        Labels that it must carry: others of its name are none of this demonstration's.
    besides : sequence of str
        Names of other alerts that tell of the same.
    """

    folder: StackFolder
    state: StackState
    since: float = 0.0
    alert: str = ALERT_NAME
    about: Mapping[str, str] = field(default_factory=dict)
    besides: Sequence[str] = ()
    _clients: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    _incident_ids: dict[str, None] = field(default_factory=dict, init=False, repr=False)

    def traffic(self, seconds: float | None = None) -> list[Mapping[str, Any]]:
        """Give what became of the orders, second by second, as the clients saw it.

        Parameters
        ----------
        seconds : float, optional
            Only the last ones; None: all since :attr:`since`.
        """
        begin = self.since if seconds is None else time.time() - seconds
        file = Path(self.state.endpoints["traffic_file"])
        lines = Traffic(Path(), file).seconds()
        return [line for line in lines if line["time"] >= begin]

    def error_ratio(self, seconds: float) -> float | None:
        """Give the share of orders that failed within the last seconds; None without traffic."""
        lines = self.traffic(seconds)
        failed = sum(line["error"] + line["lost"] + line["not_sent"] for line in lines)
        total = failed + sum(line["ok"] + line["rejected"] for line in lines)
        return failed / total if total else None

    def scraped_pods(self) -> int:
        """Give how many pods Prometheus reaches."""
        return int(self.query('count(up{namespace="apps"} == 1)') or 0)

    def query(self, expression: str) -> float | None:
        """Ask Prometheus for one number; None where there is none."""
        answer = self._get(
            "prometheus_url", f"/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        )
        result = answer["data"]["result"]
        if not result:
            return None
        value = float(result[0]["value"][1])
        return None if math.isnan(value) else value

    def prometheus_alert(self) -> Mapping[str, Any] | None:
        """Give the alert as Prometheus has it, pending or firing."""
        answer = self._get("prometheus_url", "/api/v1/alerts")
        for alert in answer["data"]["alerts"]:
            if self._is_watched(alert["labels"]):
                found: Mapping[str, Any] = alert
                return found
        return None

    def alertmanager_alert(self) -> Mapping[str, Any] | None:
        """Give the alert as Alertmanager has it."""
        query = urllib.parse.urlencode({"filter": f'alertname="{self.alert}"'})
        for alert in self._get("alertmanager_url", f"/api/v2/alerts?{query}"):
            if self._is_watched(alert["labels"]):
                found: Mapping[str, Any] = alert
                return found
        return None

    def accepted(self) -> list[Accepted]:
        """Give the webhooks that alert-ingest accepted, the oldest first."""
        found = []
        for at, message in FunctionLogs(self.client("logs")).events(_INGEST_GROUP, self.since):
            if '"alerts accepted"' not in message:
                continue
            try:
                entry = json.loads(message)
            except ValueError:
                continue
            ids = tuple(entry.get("incident_ids") or ())
            found.append(Accepted(at, ids))
            self._incident_ids.update(dict.fromkeys(ids))
        return found

    def record(self) -> dict[str, Any] | None:
        """Give the incident record of the alert that is watched.

        Of several the first that neither joined the remediation of another nor hangs on it.
        """
        if not self._incident_ids:
            self.accepted()
        joined = None
        for incident_id in self._incident_ids:
            answer = self.client("dynamodb").query(
                TableName=self.state.settings["incident_table"],
                KeyConditionExpression="incident_id = :id",
                ExpressionAttributeValues={":id": {"S": incident_id}},
                ConsistentRead=True,
            )
            for item in answer["Items"]:
                record = values_of(item)
                labels = record.get("labels") or {}
                if self._is_watched({**labels, "alertname": record.get("alert_name", "")}):
                    if "attached_to" not in record and "caused_by" not in record:
                        return record
                    joined = joined or record
        return joined

    def notifications(self) -> list[Notification]:
        """Give what the local receiver got."""
        kept = read_notifications(self.folder.notifications_file)
        return [each for each in kept if each.received_at >= self.since]

    def mails(self) -> list[Mail]:
        """Give the e-mails that were sent."""
        kept = read_mails(Path(self.state.endpoints["mail_file"]))
        return [each for each in kept if each.sent_at >= self.since]

    def pages(self) -> list[Page]:
        """Give what the pager would have got."""
        kept = read_pages(self.folder.notifications_file)
        return [each for each in kept if each.received_at >= self.since]

    def chat(self) -> list[ChatMessage]:
        """Give what the channel would have shown."""
        kept = read_chat(self.folder.notifications_file)
        return [each for each in kept if each.received_at >= self.since]

    def execution(self, arn: str) -> Mapping[str, Any]:
        """Give one execution of the runbook."""
        answer: Mapping[str, Any] = self.client("stepfunctions").describe_execution(
            executionArn=arn
        )
        return answer

    def degraded_mode(self) -> tuple[bool, float]:
        """Give whether degraded mode is on, and when it was last set (Unix time)."""
        answer = self.client("ssm").get_parameter(
            Name=DEGRADED_MODE_PARAMETER, WithDecryption=True
        )["Parameter"]
        return answer["Value"] == "true", answer["LastModifiedDate"].timestamp()

    def deployment(self) -> Mapping[str, Any]:
        """Give the Deployment under care."""
        return self._cluster.deployment()

    def pods(self) -> list[Pod]:
        """Give the pods under care that are not on their way out."""
        return self._cluster.pods()

    def _is_watched(self, labels: Mapping[str, str]) -> bool:
        named = labels["alertname"] in (self.alert, *self.besides)
        return named and self.about.items() <= labels.items()

    @cached_property
    def _cluster(self) -> CareView:
        return CareView(self.state)

    def _get(self, endpoint: str, path: str) -> Any:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.state.endpoints[endpoint] + path, timeout=_HTTP_SECONDS) as answer:
            return json.load(answer)

    def client(self, service: str) -> Any:
        """Give a boto3 client of the stack's AWS, as the operator."""
        if service not in self._clients:
            self._clients[service] = client_of(self.state, service)
        return self._clients[service]


def parse_time(text: str) -> float:
    """Turn an ISO 8601 time into Unix time."""
    return datetime.datetime.fromisoformat(text).timestamp()
