"""A deployed stack whose grants can be taken away one by one, and flows through it."""

from __future__ import annotations

import copy
import datetime
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator

from onemachine.drill.report import Account, Teller
from onemachine.drill.scene import Scene
from onemachine.stack.clients import aws_of
from onemachine.stack.cluster_admin import admin_of
from onemachine.stack.state import StackFolder, StackState
from srectl import runbooks
from srectl.operate.account import Account as Deployment
from srectl.operate.queues import QUEUES
from tests.e2e.iam.grants import Grant, grants, keys_of, of_keys
from tests.integration.statemachine.platform import incident
from tests.support.entitled import entitled
from tests.support.queues import take_all
from tests.support.template import listed

WINDOW_SECONDS = 300  # FloodWindowSeconds
_COUNTERS = frozenset({"all", "notify"})
_STANDARD = (
    "IncidentResponseRunbook",
    "RemediationStep",
    "IncidentRestorer",
    "IncidentClimber",
    "IncidentDigest",
    "MorningDigest",
    "PlatformCanary",
)
_COLD_TRIES = 3
_BUSY_SECONDS = 60
_POLL_SECONDS = 0.3
#: What the names of the runbooks begin with that flows publish for themselves.
_OWN_RUNBOOKS = "Iam-"
# What a flow has left to come through all the same, on another way, once it has been refused.
_AFTER_REFUSAL_SECONDS = 2.0

Event = dict[str, Any]
# What a role is left with whose last statement is taken: a role without any policy is not asked.
_INERT = {"Sid": "Nothing", "Effect": "Deny", "Action": "sns:Publish", "Resource": "arn:aws:sns:*"}


@dataclass
class Missed:
    """Whether the local AWS has refused a call that one statement would have allowed.

    Parameters
    ----------
    denials : Path
        What it has refused; of this, what it refuses from now on counts.
    role : str
        Name of the role that the statement is taken from.
    statement : dict
        The statement as deployed, with one action.
    """

    denials: Path
    role: str
    statement: Event
    _read: int = field(init=False)
    _seen: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._read = self.denials.stat().st_size if self.denials.exists() else 0

    def seen(self) -> bool:
        """Read on until it has."""
        if not self._seen and self.denials.exists():
            with self.denials.open("rb") as denials:
                denials.seek(self._read)
                whole, _, _ = denials.read().rpartition(b"\n")
            self._read += len(whole) + bool(whole)
            self._seen = any(self._would_allow(json.loads(line)) for line in whole.splitlines())
        return self._seen

    def _would_allow(self, question: dict[str, Any]) -> bool:
        if f":assumed-role/{self.role}/" not in question["principal_arn"]:
            return False
        policy = iam_evaluator.parse_policy_document({"Statement": [self.statement]})
        asked = iam_evaluator.EvalContext(**question)
        return bool(iam_evaluator.evaluate(asked, [policy]).decision == "Allow")


#: The lock of degraded mode, one thing for all clusters.
_SWITCH = "thing#parameter#/checkout/degraded_mode"


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
    #: The grant that is taken away, where a flow is to be seen to fail for want of it.
    missed: Missed | None = None
    left_running: list[str] = field(default_factory=list)
    scene: Scene = field(init=False)
    baselines: set[object] = field(default_factory=set, init=False)
    _counting: threading.RLock = field(default_factory=threading.RLock, init=False)
    _flooding: set[str] = field(default_factory=set, init=False)
    _kept: list[tuple[str, str]] = field(default_factory=list, init=False)
    _receiving: threading.Lock = field(default_factory=threading.Lock, init=False)
    _mutating: dict[tuple[str, str], threading.Lock] = field(default_factory=dict, init=False)

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
    def missing(self, grant: Grant) -> Iterator[Lab]:
        """Take a grant away while the block lasts; gives a lab that notices when it is missed."""
        role = self.role_name(grant.role)
        watching = copy.copy(self)
        watching.left_running = []
        # A policy is put as a whole, so of two lanes that try grants of one policy one waits.
        with self._mutating.setdefault((role, grant.policy), threading.Lock()):
            taken = only(self.scene.policy_of(role, grant.policy), grant)
            watching.missed = Missed(aws_of(self.state).denials_file, role, taken)
            with self._without(grant):
                yield watching
        # What was not waited for goes on with the grant, and must not get in the next flow's way.
        for execution in watching.left_running:
            self.ended(execution)

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
        if logical_id in ("AssumeRemediationRole", "AskPrometheusPolicy"):
            return self.physical["RunbookActionRole"]
        if logical_id == "TakeAnswersPolicy":
            return self.physical["AlertIngestRole"]
        return self.physical[logical_id]

    def named(self, name: str) -> Grant:
        """Give a grant by its name."""
        (found,) = [grant for grant in grants() if grant.name == name]
        return found

    # ------------------------------------------------------------ sending
    def event(self, runbook: str | None = None, **changes: Any) -> Event:
        """Give an incident.created event of now about an alert that nothing else knows."""
        with self._counting:
            for counter in _COUNTERS - self._flooding:
                self._count(counter, self.scene.client("dynamodb").delete_item)
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
                # One with a runbook leaves it to that to name the object: it acts on no other.
                "namespace": None if runbook else "apps",
                "kind": None if runbook else "deployment",
                "name": None if runbook else name.lower(),
            },
            **changes,
        )
        made["detail"]["metadata"]["received_at"] = now.isoformat()
        return made

    @contextmanager
    def flooded(self, counter: str) -> Iterator[None]:
        """Let there be a flood while the block lasts; without it, there never is one.

        Parameters
        ----------
        counter : str
            ``all``, which runbooks ask, or ``notify``, which the notifier asks.
        """
        dynamodb = self.scene.client("dynamodb")
        with self._counting:
            self._flooding.add(counter)
            self._count(counter, dynamodb.put_item)
        try:
            yield
        finally:
            with self._counting:
                self._count(counter, dynamodb.delete_item)
                self._flooding.discard(counter)

    def _count(self, counter: str, change: Callable[..., object]) -> None:
        """Change a counter of this window and, because it may begin meanwhile, of the next."""
        window = int(time.time()) // WINDOW_SECONDS
        for at in (window, window + 1):
            key = {"guard_key": {"S": f"flood#{counter}#{at}"}}
            row = {"Item": {**key, "critical#": {"N": "1000"}}}
            asked = row if change.__name__ == "put_item" else {"Key": key}
            change(TableName=self.deployment.guard_table, **asked)

    def free_checkout(self) -> None:
        """End what earlier flows left under way, and take the lock and leases they did not let go.

        A restorer of one of them would take the lock again, and who finds it taken waits for long.
        """
        for machine in ("IncidentResponseRunbook", "RemediationStep", "IncidentRestorer"):
            for execution in self.running(machine):
                about = self.states.describe_execution(executionArn=execution)["input"]
                if f'"{_OWN_RUNBOOKS}' in about:
                    self.states.stop_execution(executionArn=execution)
        for key in (
            "target#sre-platform#apps#deployment#checkout",
            _SWITCH,
            f"lease#{_SWITCH[6:]}",
        ):
            self.scene.client("dynamodb").delete_item(
                TableName=self.deployment.guard_table, Key={"guard_key": {"S": key}}
            )

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
        execution = str(answer["executionArn"])
        if machine in _STANDARD:  # an Express one cannot be described, nor does it last
            self.left_running.append(execution)
        return execution

    def ended(self, execution: str, within: float = 180) -> str:
        """Wait until a Standard execution has ended; gives its status.

        Where the grant that is taken away is missed, its retries are not waited for.
        """

        def status() -> str:
            return str(self.states.describe_execution(executionArn=execution)["status"])

        ended = self.seen(lambda: status() != "RUNNING", within)
        assert ended or self.refused(), self.standstill(execution)
        return status()

    def running(self, machine: str) -> list[str]:
        """Give the executions of a Standard machine that have not ended."""
        found = self.states.list_executions(
            stateMachineArn=self.physical[machine], statusFilter="RUNNING"
        )
        return [str(each["executionArn"]) for each in found["executions"]]

    def standstill(self, execution: str) -> str:
        """Say where an execution that does not end stands, and what is locked meanwhile."""
        history = self.states.get_execution_history(
            executionArn=execution, maxResults=6, reverseOrder=True
        )["events"]
        rows = self.scene.client("dynamodb").scan(TableName=self.deployment.guard_table)["Items"]
        locks = [row for row in rows if "holder" in row or "thing#" in str(row["guard_key"])]
        running = {machine: self.running(machine) for machine in _STANDARD}
        return json.dumps([execution, history, locks, running], default=str, indent=1)

    def patient(self) -> Lab:
        """Give a lab that waits to the end, whatever is refused."""
        waiting = copy.copy(self)
        waiting.missed = None
        return waiting

    def runbook(self, **changes: Any) -> str:
        """Publish a runbook under a name of its own."""
        name = f"{_OWN_RUNBOOKS}{uuid.uuid4().hex[:8]}"
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
        return self._invoked(_COLD_TRIES, request)

    def invoke(self, **request: Any) -> tuple[str | None, dict[str, Any]]:
        """Invoke runbook-action in whatever process there is; gives the same."""
        return self._invoked(0, request)

    def _invoked(
        self, cold_tries: int, request: Mapping[str, Any]
    ) -> tuple[str | None, dict[str, Any]]:
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
        if payload["operation"] in ("execute", "undo"):
            payload = entitled(
                self.scene.client("dynamodb"),
                self.deployment.runbooks_table,
                self.deployment.guard_table,
                payload,
            )
        for _ in range(max(1, cold_tries)):
            if cold_tries:
                # A changed configuration starts new processes; this one changes nothing else.
                functions.update_function_configuration(
                    FunctionName="runbook-action", MemorySize=512
                )
            answer = self._invoke(functions, payload)
            body: dict[str, Any] = json.loads(answer["Payload"].read())
            # A process that another flow was just starting may be ended by the change: not asked.
            if "Worker process exited" not in str(body.get("errorMessage")):
                break
        return (body.get("errorType") if answer.get("FunctionError") else None), body

    @staticmethod
    def _invoke(functions: Any, payload: dict[str, Any]) -> Any:
        """Invoke it, in its turn: other flows' steps may be as many as run at once."""
        deadline = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                return functions.invoke(FunctionName="runbook-action", Payload=json.dumps(payload))
            except functions.exceptions.TooManyRequestsException:
                if time.monotonic() > deadline:
                    raise
            time.sleep(_POLL_SECONDS)

    # ------------------------------------------------------------ looking
    def first(self, looks: Mapping[str, Callable[[], object]], within: float = 90) -> str | None:
        """Wait until one of several things is seen; gives its name, None if none is.

        Once the grant that is taken away has been missed, they have only a moment left.
        """
        deadline = time.monotonic() + within
        hurried = False
        while time.monotonic() < deadline:
            for name, look in looks.items():
                if look():
                    return name
            if not hurried and self.refused():
                hurried = True
                deadline = min(deadline, time.monotonic() + _AFTER_REFUSAL_SECONDS)
            time.sleep(_POLL_SECONDS)
        return None

    def seen(self, look: Callable[[], object], within: float = 90) -> bool:
        """Wait until one thing is seen; tells whether it is.

        That it is in a dead-letter queue instead is no sign that it will not be: a rule's targets
        share one, and another lane may have taken away what another target of the rule needs.
        """
        return self.first({"seen": look}, within) is not None

    def never(self, look: Callable[[], object], within: float) -> bool:
        """Tell whether something is not seen in all that time, whatever is refused."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if look():
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def refused(self) -> bool:
        """Tell whether the local AWS refused a call for want of the grant that is taken away."""
        return self.missed is not None and self.missed.seen()

    def queued(self, queue: str, about: str) -> bool:
        """Tell whether a queue has a message with these words, and take it out.

        The others are taken out, too, and remembered: a queue shows ten at once, and behind ten
        that nobody looks for the eleventh would not be seen.
        """
        url = self.sqs.get_queue_url(QueueName=QUEUES[queue])["QueueUrl"]
        with self._receiving:
            self._kept.extend((queue, body) for body in take_all(self.sqs, url))
            found = [each for each in self._kept if each[0] == queue and about in each[1]]
            for each in found:
                self._kept.remove(each)
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

    def escalated(self, incident_id: str) -> bool:
        """Tell whether incident.escalated about an incident went over the bus."""
        return any(
            data["incident_id"] == incident_id for data in self.scene.events("incident.escalated")
        )

    def service_account_token(self, name: str) -> str:
        """Give a token of a service account of checkout's namespace, for AWS."""
        answer = admin_of(self.state).call(
            "POST",
            f"/api/v1/namespaces/apps/serviceaccounts/{name}/token",
            {"spec": {"audiences": ["sts.amazonaws.com"], "expirationSeconds": 600}},
        )
        return str(answer.body["status"]["token"])


def only(policy: dict[str, Any], grant: Grant) -> dict[str, Any]:
    """Give what one grant is in a deployed policy, as a statement of its own."""
    (statement,) = [each for each in policy["Statement"] if each["Sid"] == grant.sid]
    resources = listed(statement["Resource"])
    chosen = resources if grant.resource < 0 else [resources[grant.resource]]
    alone = {**statement, "Action": grant.action, "Resource": chosen}
    return of_keys(alone, [grant.key]) if grant.key else alone


def mutated(policy: dict[str, Any], grant: Grant) -> dict[str, Any]:
    """Give a deployed policy without one grant."""
    changed = copy.deepcopy(policy)
    (statement,) = [each for each in changed["Statement"] if each["Sid"] == grant.sid]
    others: Sequence[Any] = [each for each in changed["Statement"] if each is not statement]
    actions, resources = listed(statement["Action"]), listed(statement["Resource"])
    left = [action for action in actions if action != grant.action]
    remaining = [{**statement, "Action": left}] if left else []
    if grant.key:
        other = [key for key in keys_of(statement) if key != grant.key]
        kept = {**statement, "Sid": f"{grant.sid}Others", "Action": grant.action}
        remaining.append(of_keys(kept, other))
    elif grant.resource >= 0:
        elsewhere = [one for at, one in enumerate(resources) if at != grant.resource]
        remaining.append({**statement, "Sid": f"{grant.sid}Elsewhere", "Action": grant.action})
        remaining[-1]["Resource"] = elsewhere
    changed["Statement"] = [*others, *remaining] or [_INERT]
    return changed
