"""What a drill acts on: a running stack, real alerts through its Alertmanager, and eyes."""

from __future__ import annotations

import datetime
import http.client
import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from onemachine.demo.world import World
from onemachine.drill.commands import CommandUnknown, Refused, Terminal
from onemachine.drill.report import Account, Kind, NotMet, Step, Teller
from onemachine.stack.function_logs import Follower, FunctionLogs
from onemachine.stack.names import CLUSTER_NAME
from onemachine.stack.state import StackFolder, StackState
from srectl import runbooks
from srectl.operate import incidents
from srectl.operate.account import Account as Deployment
from srectl.operate.queues import QUEUES

__all__ = ["Alert", "Scene"]

T = TypeVar("T")

RUNBOOK = "PlatformDrill"
_POLL_SECONDS = 0.5
_HTTP_SECONDS = 15.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# Acts on checkout as the catalogue's own runbooks do, without the pauses between two actions that
# several drills in a row would run into.
DEFINITION = {
    "name": RUNBOOK,
    "description": "Only for drills: a rolling restart of checkout, as often as drills want it.",
    "severities": ["critical"],
    "action": "restart_deployment",
    "target": {"kind": "deployment", "namespace": "apps", "name": "checkout"},
    "parameters": {"min_ready": 1},
    "on_failure": "keep",
    "guard": {"cooldown_seconds": 0, "max_actions": 20, "window_seconds": 3600},
}


@dataclass(frozen=True)
class Alert:
    """An alert that Alertmanager has.

    Parameters
    ----------
    name : str
        Its name, used once.
    started_at : datetime
        When it began.
    """

    name: str
    started_at: datetime.datetime


@dataclass(frozen=True)
class Target:
    """What a remediation could change of the service under care."""

    generation: int
    annotations: Mapping[str, str]


@dataclass
class Scene:
    """A stack during one drill.

    Parameters
    ----------
    folder : StackFolder
        The stack's files.
    state : StackState
        Where its parts are.
    account : Account
        Gets every step.
    teller : Teller
        Is told of every step.
    """

    folder: StackFolder
    state: StackState
    account: Account
    teller: Teller
    world: World = field(init=False)
    deployment: Deployment = field(init=False)
    _terminal: Terminal = field(init=False)
    _begun: float = field(init=False)
    _alerts: list[Alert] = field(default_factory=list, init=False)
    _audit: Follower | None = field(default=None, init=False)
    _heals: list[tuple[str, Callable[[], None]]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.world = World(self.folder, self.state, since=time.time())
        self._terminal = Terminal(self.folder, self.state)
        self._begun = time.monotonic()

    # ------------------------------------------------------------------ steps
    def do(self, kind: Kind, what: str, *words: str) -> Any:
        """Type a command; one that fails ends the drill.

        Raises
        ------
        NotMet
            It failed.
        """
        began = time.monotonic()
        try:
            answer = self._terminal.run(words)
        except (Refused, CommandUnknown) as error:
            self._add(Step(kind, what, False, self._now(), time.monotonic() - began, "", words))
            raise NotMet(
                what, str(error), "the command's own answer", "do what it says, then go on by hand"
            ) from error
        self._add(Step(kind, what, True, self._now(), time.monotonic() - began, "", words))
        return answer

    def refused(self, kind: Kind, what: str, because: str, *words: str) -> None:
        """Type a command that must be refused, with ``because`` in the answer.

        Raises
        ------
        NotMet
            It was carried out, or refused for another reason.
        """
        try:
            self._terminal.run(words)
        except Refused as error:
            if because in error.answer:
                self._add(Step(kind, what, True, self._now(), 0.0, error.answer, words))
                return
            seen = error.answer
        else:
            seen = "it was carried out"
        self._add(Step(kind, what, False, self._now(), 0.0, seen, words))
        raise NotMet(what, seen, "template.yaml", "the protection is not what the guide promises")

    def did(self, kind: Kind, what: str, detail: str = "") -> None:
        """Note something that was done without a command."""
        self._add(Step(kind, what, True, self._now(), 0.0, detail))

    def expect(
        self,
        kind: Kind,
        what: str,
        probe: Callable[[], T | None],
        *,
        within: float,
        where: str,
        next_step: str,
        shown: Callable[[T], str] = str,
    ) -> T:
        """Wait until a probe gives something.

        Parameters
        ----------
        what : str
            The expectation, as a sentence.
        probe : callable
            Looks; None or False means "not yet", as does a service that does not answer.
        within : float
            Seconds.
        where : str
            Where to look if it does not come.
        next_step : str
            What to do then.
        shown : callable
            Makes the detail of what was given.

        Raises
        ------
        NotMet
            It did not come in time.
        """
        began = time.monotonic()
        last = "nothing of it was seen"
        while True:
            try:
                found = probe()
                if found:
                    took = time.monotonic() - began
                    self._add(Step(kind, what, True, self._now(), took, shown(found)))
                    return found
            except (OSError, http.client.HTTPException, BotoCoreError, ClientError) as error:
                last = f"{type(error).__name__}: {error}"
            if time.monotonic() - began > within:
                self._add(Step(kind, what, False, self._now(), within, last))
                raise NotMet(what, f"not within {within:.0f} s; {last}", where, next_step)
            time.sleep(_POLL_SECONDS)

    def check(
        self, kind: Kind, what: str, holds: bool, detail: str, *, where: str, next_step: str
    ) -> None:
        """Note whether something holds now.

        Raises
        ------
        NotMet
            It does not.
        """
        self._add(Step(kind, what, holds, self._now(), 0.0, detail))
        if not holds:
            raise NotMet(what, detail, where, next_step)

    def heal_with(self, what: str, heal: Callable[[], None]) -> None:
        """Say how to take back what is about to be broken, however the drill ends."""
        self._heals.append((what, heal))

    def healed(self) -> None:
        """Say that recovery has taken back what was broken last."""
        self._heals.pop()

    def clean_up(self) -> list[str]:
        """Take back what is still broken and end the alerts; gives what could not be done."""
        failed = []
        ends = [(f"end of alert {alert.name}", self._ender(alert)) for alert in self._alerts]
        for what, heal in [*reversed(self._heals), *ends]:
            try:
                heal()
            except (OSError, http.client.HTTPException, BotoCoreError, ClientError) as error:
                failed.append(f"{what}: {error}")
            else:
                if (what, heal) in self._heals:
                    self._add(Step("heal", what, True, self._now(), 0.0))
        self._heals.clear()
        self._alerts.clear()
        return failed

    # ------------------------------------------------------------------ alerts
    def publish_runbook(self) -> None:
        """Put the drill's runbook into the catalogue table."""
        runbook = runbooks.Runbook(RUNBOOK, dict(DEFINITION), Path(__file__))
        runbooks.publish(self.client("dynamodb"), Deployment().runbooks_table, [runbook])

    def remove_runbook(self) -> None:
        """Take the drill's runbook out of the catalogue table."""
        self.client("dynamodb").delete_item(
            TableName=Deployment().runbooks_table, Key={"name": {"S": RUNBOOK}}
        )

    def fire(self, about: str) -> Alert:
        """Let Alertmanager have a critical alert on checkout, under a name of its own."""
        started = datetime.datetime.now(datetime.UTC)
        alert = Alert(f"Drill{about}{secrets.token_hex(3)}", started)
        self._alerts.append(alert)
        self._tell_alertmanager(alert, ends=started + datetime.timedelta(hours=1))
        self.did("look", f"alert {alert.name} fires", "severity critical, deployment apps/checkout")
        return alert

    def end(self, alert: Alert) -> None:
        """Let the alert resolve."""
        self._ender(alert)()
        self._alerts.remove(alert)
        self.did("look", f"alert {alert.name} resolves")

    def _ender(self, alert: Alert) -> Callable[[], None]:
        return lambda: self._tell_alertmanager(alert, ends=datetime.datetime.now(datetime.UTC))

    def _tell_alertmanager(self, alert: Alert, ends: datetime.datetime) -> None:
        body = [
            {
                "labels": {
                    "alertname": alert.name,
                    "severity": "critical",
                    "cluster": CLUSTER_NAME,
                    "namespace": self.state.settings["namespace"],
                    "deployment": self.state.settings["deployment"],
                    "runbook": RUNBOOK,
                },
                "annotations": {"summary": "A drill: nothing is wrong with checkout."},
                "startsAt": alert.started_at.isoformat(),
                "endsAt": ends.isoformat(),
            }
        ]
        self._post(f"{self.state.endpoints['alertmanager_url']}/api/v2/alerts", body, {})

    def post_webhook(self, body: object) -> int:
        """Post to the webhook as any sender does; gives the status."""
        key = self.folder.api_key_file.read_text("utf-8").strip()
        return self._post(self.state.endpoints["webhook_url"], body, {"X-Api-Key": key})

    def post_finding(self, body: object) -> int:
        """Post to where answers go as the investigator does; gives the status."""
        [key] = self.client("apigateway").get_api_keys(
            nameQuery="sre-investigator", includeValues=True
        )["items"]
        url = self.state.endpoints["webhook_url"].removesuffix("/webhook") + "/findings"
        return self._post(url, body, {"X-Api-Key": key["value"]})

    def _post(self, url: str, body: object, headers: Mapping[str, str]) -> int:
        request = urllib.request.Request(  # noqa: S310 - always http:// on loopback
            url,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers},
        )
        try:
            with _OPENER.open(request, timeout=_HTTP_SECONDS) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    # ------------------------------------------------------------------ eyes
    def client(self, service: str) -> Any:
        """Give a boto3 client of the stack, as the operator."""
        return self.world.client(service)

    def events(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """Give the data of the bus' events of a type since the drill began, from the audit log."""
        if self._audit is None:
            logs = FunctionLogs(self.client("logs"))
            self._audit = Follower(logs, Deployment().audit_log_group, self.world.since)
        wanted = f'"{kind}"'
        for _at, message in self._audit.events():
            # Decoded only where its kind stands in it: most of a log is of other kinds.
            if wanted in message and (event := json.loads(message)).get("detail-type") == kind:
                yield event["detail"]["data"]

    def incident_id(self, alert: Alert) -> str | None:
        """Give the incident that an alert became; None while the bus has not seen it."""
        for data in self.events("incident.created"):
            if data["alert_name"] == alert.name:
                return str(data["incident_id"])
        return None

    def record(self, incident_id: str) -> dict[str, Any] | None:
        """Give an incident's record; None where there is none."""
        answer = self.client("dynamodb").query(
            TableName=Deployment().incidents_table,
            KeyConditionExpression="incident_id = :id",
            ExpressionAttributeValues={":id": {"S": incident_id}},
            ConsistentRead=True,
        )
        return incidents.plain(answer["Items"][0]) if answer["Items"] else None

    def record_that(
        self, incident_id: str, holds: Callable[[Mapping[str, Any]], bool]
    ) -> dict[str, Any] | None:
        """Give an incident's record if it is there and as wanted."""
        record = self.record(incident_id)
        return record if record is not None and holds(record) else None

    def executions(self, incident_id: str) -> int:
        """Count how often an incident's action was carried out, by the reports on the bus."""
        return sum(
            data["incident_id"] == incident_id
            and data["operation"] == "execute"
            and data["status"] == "succeeded"
            for data in self.events("action.completed")
        )

    def queued(self, queue: str) -> int:
        """Count the messages of a queue by its short name."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=QUEUES[queue])["QueueUrl"]
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(answer[name]) for name in names)

    def alarm_state(self, name: str) -> str | None:
        """Give an alarm's state; None where there is no such alarm."""
        found = self.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return str(found[0]["StateValue"]) if found else None

    def told(self, *words: str) -> str | None:
        """Give the first line of a notification since the drill began that has all these words."""
        for notification in self.world.notifications():
            text = json.dumps(notification.message)
            if all(word in text or word in notification.subject for word in words):
                return notification.subject or text[:120]
        return None

    def target(self) -> Target:
        """Give the service under care as a remediation would have changed it."""
        metadata = self.world.deployment()["metadata"]
        annotations = {
            name: value
            for name, value in metadata.get("annotations", {}).items()
            if name.startswith("sre-platform/")
        }
        return Target(metadata["generation"], annotations)

    def delivery_attempts(self) -> tuple[int, int]:
        """Give how many webhooks Alertmanager has sent, and how many of them failed."""
        url = f"{self.state.endpoints['alertmanager_url']}/metrics"
        with _OPENER.open(url, timeout=_HTTP_SECONDS) as answer:
            lines = answer.read().decode().splitlines()

        def total(metric: str) -> int:
            return int(
                sum(
                    float(line.rsplit(" ", 1)[1])
                    for line in lines
                    if line.startswith(f"{metric}{{") and 'integration="webhook"' in line
                )
            )

        return (
            total("alertmanager_notification_requests_total"),
            total("alertmanager_notification_requests_failed_total"),
        )

    def role_of(self, logical_id: str) -> str:
        """Give the name of a role of the template."""
        answer = self.client("cloudformation").describe_stack_resource(
            StackName="sre-platform", LogicalResourceId=logical_id
        )
        return str(answer["StackResourceDetail"]["PhysicalResourceId"])

    def policy_of(self, role: str, policy: str) -> dict[str, Any]:
        """Give an inline policy of a role."""
        answer = self.client("iam").get_role_policy(RoleName=role, PolicyName=policy)
        document: dict[str, Any] = answer["PolicyDocument"]
        return document

    def _now(self) -> float:
        return time.monotonic() - self._begun

    def _add(self, step: Step) -> None:
        self.account.steps.append(step)
        self.teller.step(step)

    # ------------------------------------------------------------------ what several drills do
    def calm(self, *alarms: str) -> None:
        """Wait until a drill can begin: alarms quiet, queues empty, checkout healthy."""

        def quiet() -> bool:
            states = {name: self.alarm_state(name) for name in alarms}
            missing = [name for name, state in states.items() if state is None]
            if missing:
                raise NotMet(
                    "the alarms of this drill are deployed",
                    f"there is no alarm {', '.join(missing)}",
                    "template.yaml",
                    "deploy the template of this version",
                )
            return not any(state == "ALARM" for state in states.values())

        self.expect(
            "look",
            "no alarm that this drill is about is up, no undelivered event waits",
            lambda: quiet() and not any(self.queued(queue) for queue in QUEUES),
            within=330,
            where="'srectl dlq list', 'srectl status'",
            next_step="bring the stack in order first; an alarm of an earlier drill ends by itself",
            shown=lambda _: ", ".join(alarms),
        )
        self.expect_healthy("look")

    def expect_healthy(self, kind: Kind) -> None:
        """Wait until every pod of checkout is ready."""

        def healthy() -> str | None:
            wanted = self.world.deployment()["spec"]["replicas"]
            ready = [pod for pod in self.world.pods() if pod.ready]
            return f"{len(ready)} pods" if len(ready) == wanted else None

        self.expect(
            kind,
            "every pod of checkout is ready",
            healthy,
            within=120,
            where="'srectl local logs node-agent'",
            next_step="'kubectl -n apps get pods' tells which is not",
        )

    def expect_alarm(self, name: str, within: float = 60) -> None:
        """Wait until an alarm fires and the on-call engineer was told of it."""
        self.expect(
            "detect",
            f"alarm {name} fires and the on-call engineer is told",
            lambda: self.alarm_state(name) == "ALARM" and self.told(name, "ALARM"),
            within=within,
            where=f"'aws cloudwatch describe-alarms --alarm-names {name}'",
            next_step="the alarm does not see this fault: look at its metric and threshold",
            shown=lambda _: "",
        )

    def expect_remediated(self, alert: Alert, kind: Kind) -> str:
        """Wait until an alert is an incident and its action has been carried out."""
        incident_id = self.expect(
            kind,
            f"{alert.name} is an incident",
            lambda: self.incident_id(alert),
            within=60,
            where="'srectl local logs alert-ingest'",
            next_step="'srectl dlq list': an alert that was answered 202 is there or on the bus",
        )
        self.expect(
            kind,
            "its runbook has restarted checkout",
            lambda: self.executions(incident_id),
            within=120,
            where=f"'srectl incidents show {incident_id}'",
            next_step="the record says why it was not remediated",
            shown=lambda count: f"{count} time" if count == 1 else f"{count} times",
        )
        return incident_id

    def expect_closed(self, alert: Alert, incident_id: str) -> None:
        """End an alert and wait until its incident is resolved."""
        self.end(alert)
        self.expect(
            "prove",
            "its incident is resolved, with the action on record",
            lambda: self.record_that(
                incident_id, lambda r: r["status"] == "resolved" and len(r["actions_taken"]) > 0
            ),
            within=90,
            where=f"'srectl incidents show {incident_id}'",
            next_step="'srectl dlq list': what is missing in the record may wait there",
            shown=lambda record: f"{incident_id}, MTTR {record.get('mttr_seconds')} s",
        )

    def expect_once(self, incident_ids: Sequence[str], before: Target) -> None:
        """Check that each incident was acted on exactly once and nothing else changed checkout."""
        counts = {incident_id: self.executions(incident_id) for incident_id in incident_ids}
        now = self.target()
        restarts = now.generation - before.generation
        self.check(
            "prove",
            "nothing was remediated twice",
            set(counts.values()) <= {1} and restarts == len(incident_ids),
            f"{len(incident_ids)} incidents, {sum(counts.values())} actions, "
            f"{restarts} changes of the Deployment",
            where="'srectl incidents list'",
            next_step="compare actions_taken of the incidents with the executions of the runbook",
        )

    def expect_empty(self) -> None:
        """Check that nothing undelivered is left."""
        left = {queue: count for queue in QUEUES if (count := self.queued(queue))}
        self.check(
            "prove",
            "nothing was lost: no queue holds anything any more",
            not left,
            ", ".join(f"{count} in {queue}" for queue, count in left.items()),
            where="'srectl dlq list'",
            next_step="'srectl dlq show QUEUE' says what it is; 'srectl dlq redrive QUEUE'",
        )
