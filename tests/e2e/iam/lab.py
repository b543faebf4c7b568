"""A deployed stack whose grants can be taken away one by one, and flows through it."""

from __future__ import annotations

import copy
import datetime
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onemachine.drill.report import Account, Teller
from onemachine.drill.scene import Scene
from onemachine.kubernetes.api import ApiClient
from onemachine.kubernetes.pki import KeyPair
from onemachine.stack.state import StackFolder, StackState
from srectl import runbooks
from srectl.operate.account import Account as Deployment
from srectl.operate.queues import QUEUES
from tests.e2e.iam.grants import Grant, grants, listed
from tests.integration.statemachine.platform import incident

WINDOW_SECONDS = 300  # FloodWindowSeconds
_COLD_TRIES = 3

Event = dict[str, Any]
# What a role is left with whose last statement is taken: a role without any policy is not asked.
_INERT = {"Sid": "Nothing", "Effect": "Deny", "Action": "sns:Publish", "Resource": "arn:aws:sns:*"}


@dataclass
class Lab:
    """Drops grants, sends events, looks.

    Parameters
    ----------
    folder : StackFolder
        The stack's files.
    state : StackState
        Where its parts are.
    """

    folder: StackFolder
    state: StackState
    scene: Scene = field(init=False)
    baselines: set[object] = field(default_factory=set, init=False)
    _counting: threading.RLock = field(default_factory=threading.RLock, init=False)

    def __post_init__(self) -> None:
        self.scene = Scene(self.folder, self.state, Account("iam", ""), Teller())
        self.iam = self.scene.client("iam")
        self.states = self.scene.client("stepfunctions")
        self.sqs = self.scene.client("sqs")
        self.deployment = Deployment()
        outputs = self.scene.client("cloudformation").describe_stack_resources(
            StackName="sre-platform"
        )
        self.physical: dict[str, str] = {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for each in outputs["StackResources"]
        }

    # ------------------------------------------------------------ grants
    @contextmanager
    def without(self, *dropped: Grant) -> Iterator[None]:
        """Take grants away while the block lasts."""
        with ExitStack() as kept:
            for grant in dropped:
                kept.enter_context(self._without(grant))
            yield

    @contextmanager
    def _without(self, grant: Grant) -> Iterator[None]:
        role = self.role_name(grant.role)
        before = self.scene.policy_of(role, grant.policy)
        self._put(role, grant.policy, mutated(before, grant))
        try:
            yield
        finally:
            self._put(role, grant.policy, before)

    def _put(self, role: str, policy: str, document: dict[str, Any]) -> None:
        self.iam.put_role_policy(
            RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document)
        )

    def role_name(self, logical_id: str) -> str:
        """Give a role's name; of a policy that stands apart, that of the role it is on."""
        if logical_id == "AssumeRemediationRole":
            return self.physical["RunbookActionRole"]
        return self.physical[logical_id]

    def named(self, name: str) -> Grant:
        """Give a grant by its name."""
        (found,) = [grant for grant in grants() if grant.name == name]
        return found

    # ------------------------------------------------------------ sending
    def event(self, runbook: str | None = None, **changes: Any) -> Event:
        """Give an incident.created event of now about an alert that nothing else knows."""
        with self._counting:
            self._count(self.scene.client("dynamodb").delete_item)
        now = datetime.datetime.now(datetime.UTC)
        name = f"Iam{uuid.uuid4().hex[:8]}"
        made = incident(
            runbook,
            alert_name=name,
            headline=f"critical: {name} on apps/checkout",
            fingerprint=uuid.uuid4().hex[:16],
            timestamp=now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            warnings=[],
            target={
                "cluster": "sre-platform",
                "namespace": "apps",
                "kind": "deployment",
                "name": name.lower(),
            },
            **changes,
        )
        made["detail"]["metadata"]["received_at"] = now.isoformat()
        return made

    @contextmanager
    def flooded(self) -> Iterator[None]:
        """Let there be a flood while the block lasts; without it, there never is one."""
        dynamodb = self.scene.client("dynamodb")
        with self._counting:
            self._count(dynamodb.put_item)
            try:
                yield
            finally:
                self._count(dynamodb.delete_item)

    def _count(self, change: Callable[..., object]) -> None:
        """Change the counters of this window and, because it may begin meanwhile, of the next."""
        window = int(time.time()) // WINDOW_SECONDS
        for at in (window, window + 1):
            for counter, counted in (("all", "alerts"), ("notify", "notifications")):
                key = {"guard_key": {"S": f"flood#{counter}#{at}"}}
                row = {"Item": {**key, counted: {"N": "1000"}}}
                asked = row if change.__name__ == "put_item" else {"Key": key}
                change(TableName=self.deployment.guard_table, **asked)

    def put(self, event: Event) -> None:
        """Put an event on the bus."""
        answer = self.scene.client("events").put_events(
            Entries=[
                {
                    "EventBusName": self.deployment.bus,
                    "Source": event["source"],
                    "DetailType": event["detail-type"],
                    "Detail": json.dumps(event["detail"]),
                }
            ]
        )
        assert answer["FailedEntryCount"] == 0

    def start(self, machine: str, given: Any) -> str:
        """Start a machine by its logical id."""
        answer = self.states.start_execution(
            stateMachineArn=self.physical[machine], input=json.dumps(given)
        )
        return str(answer["executionArn"])

    def ended(self, execution: str, within: float = 60) -> str:
        """Wait until a Standard execution has ended; gives its status."""

        def status() -> str | None:
            found = str(self.states.describe_execution(executionArn=execution)["status"])
            return None if found == "RUNNING" else found

        found = self.first({"ended": status}, within)
        assert found, execution
        return str(status())

    def runbook(self, **changes: Any) -> str:
        """Publish a runbook under a name of its own."""
        name = f"Iam-{uuid.uuid4().hex[:8]}"
        definition = {
            "name": name,
            "description": "Only for one question to the roles of the platform.",
            "severities": ["critical"],
            "action": "restart_deployment",
            "target": {"kind": "deployment", "namespace": "apps", "name": f"gone-{name.lower()}"},
            "on_failure": "keep",
            "guard": {"cooldown_seconds": 0, "max_actions": 9, "window_seconds": 3600},
            **changes,
        }
        published = runbooks.Runbook(name, definition, Path(__file__))
        runbooks.publish(self.scene.client("dynamodb"), self.deployment.runbooks_table, [published])
        return name

    def invoke_cold(self, **request: Any) -> tuple[str | None, dict[str, Any]]:
        """Invoke runbook-action in a new process, so that nothing is remembered of the last call.

        Gives the name of the error, if there was one, and the answer.
        """
        functions = self.scene.client("lambda")
        target = {
            "cluster": "sre-platform",
            "namespace": "apps",
            "kind": "deployment",
            "name": "checkout",
        }
        payload = {
            "target": target,
            "parameters": {},
            "incident_id": str(uuid.uuid4()),
            "undo": None,
            **request,
        }
        for _ in range(_COLD_TRIES):
            # A changed configuration starts new processes; this one changes nothing else.
            functions.update_function_configuration(FunctionName="runbook-action", MemorySize=512)
            answer = functions.invoke(FunctionName="runbook-action", Payload=json.dumps(payload))
            body: dict[str, Any] = json.loads(answer["Payload"].read())
            # A process that another flow was just starting may be ended by the change: not asked.
            if "Worker process exited" not in str(body.get("errorMessage")):
                break
        return (body.get("errorType") if answer.get("FunctionError") else None), body

    # ------------------------------------------------------------ looking
    def first(self, looks: Mapping[str, Callable[[], object]], within: float = 30) -> str | None:
        """Wait until one of several things is seen; gives its name, None if none is."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            for name, look in looks.items():
                if look():
                    return name
            time.sleep(0.3)
        return None

    def queued(self, queue: str, about: str) -> bool:
        """Tell whether a queue has a message with these words, and take it out."""
        url = self.sqs.get_queue_url(QueueName=QUEUES[queue])["QueueUrl"]
        answer = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        found = [each for each in answer.get("Messages", []) if about in each["Body"]]
        for each in found:
            # Another lane may have received it meanwhile.
            with suppress(self.sqs.exceptions.ReceiptHandleIsInvalid):
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return bool(found)

    def started(self, machine: str, about: str) -> bool:
        """Tell whether a Standard machine was started with an input that has these words."""
        latest = self.states.list_executions(stateMachineArn=self.physical[machine], maxResults=30)[
            "executions"
        ]
        return any(
            about in self.states.describe_execution(executionArn=each["executionArn"])["input"]
            for each in latest
        )

    def announcements(self, about: str) -> int:
        """Count the notifications with these words."""
        notifications = self.scene.world.notifications()
        return sum(about in json.dumps(each.message) + each.subject for each in notifications)

    def notified(self, incident_id: str, kind: str) -> bool:
        """Tell whether incident.notified for an event of an incident went over the bus."""
        return any(
            (data["incident_id"], data["event"]) == (incident_id, kind)
            for data in self.scene.events("incident.notified")
        )

    def reported(self, incident_id: str, words: str) -> bool:
        """Tell whether action.completed with these words went over the bus."""
        return any(
            data["incident_id"] == incident_id and words in json.dumps(data)
            for data in self.scene.events("action.completed")
        )

    def service_account_token(self, name: str) -> str:
        """Give a token of a service account of checkout's namespace, for AWS."""
        pki = Path(self.state.endpoints["kubeconfig"]).parent / "pki"
        client = ApiClient(
            self.state.endpoints["kubernetes_url"],
            pki / "kubernetes-ca.crt",
            KeyPair(pki / "admin.crt", pki / "admin.key"),
        )
        answer = client.call(
            "POST",
            f"/api/v1/namespaces/apps/serviceaccounts/{name}/token",
            {"spec": {"audiences": ["sts.amazonaws.com"], "expirationSeconds": 600}},
        )
        return str(answer.body["status"]["token"])


def mutated(policy: dict[str, Any], grant: Grant) -> dict[str, Any]:
    """Give a deployed policy without one grant."""
    changed = copy.deepcopy(policy)
    (statement,) = [each for each in changed["Statement"] if each["Sid"] == grant.sid]
    others: Sequence[Any] = [each for each in changed["Statement"] if each is not statement]
    actions, resources = listed(statement["Action"]), listed(statement["Resource"])
    left = [action for action in actions if action != grant.action]
    remaining = [{**statement, "Action": left}] if left else []
    if grant.resource >= 0:
        elsewhere = [one for at, one in enumerate(resources) if at != grant.resource]
        remaining.append({**statement, "Sid": f"{grant.sid}Elsewhere", "Action": grant.action})
        remaining[-1]["Resource"] = elsewhere
    changed["Statement"] = [*others, *remaining] or [_INERT]
    return changed
