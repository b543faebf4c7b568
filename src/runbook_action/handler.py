"""Entry point of the ``runbook-action`` Lambda: input → action → output, nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from runbook_action.actions import REGISTRY
from runbook_action.adapters.automations import SsmAutomations
from runbook_action.adapters.aws_errors import CLIENT_CONFIG
from runbook_action.adapters.catalogue import CatalogueTable
from runbook_action.adapters.checks import TeamChecks
from runbook_action.adapters.clock import LambdaContext, SystemClock
from runbook_action.adapters.cluster import KubernetesCluster
from runbook_action.adapters.eks import EksClusters
from runbook_action.adapters.evidence_store import STORE_CONFIG, EvidenceStore
from runbook_action.adapters.identities import StsIdentities, sts_host
from runbook_action.adapters.late import Late
from runbook_action.adapters.lease_table import LeaseTable
from runbook_action.adapters.lock_table import LockTable
from runbook_action.adapters.note_table import APPROVALS, RUNS, NoteTable
from runbook_action.adapters.parameters import SsmParameters
from runbook_action.adapters.place_table import PlaceTable
from runbook_action.adapters.prometheus_service import ServiceProxy
from runbook_action.adapters.prometheus_workspace import Workspace
from runbook_action.approval import Approval
from runbook_action.decided import plan_hash, plan_parts
from runbook_action.entitlement import Entitlement
from runbook_action.errors import FinalError, PlanChanged, Refusal, RunbookActionError
from runbook_action.evidence import CollectRequest, Tools, collect, parse_collect
from runbook_action.gitops import asks_a_human
from runbook_action.inspection import InspectRequest, inspect, parse_inspect
from runbook_action.kubernetes_events import tell_of
from runbook_action.objects import KubernetesObject
from runbook_action.operate import on_its_target, operate
from runbook_action.outcome import Outcome
from runbook_action.ports import Services
from runbook_action.prometheus.measured import Measures
from runbook_action.prometheus.reader import Reader
from runbook_action.prometheus.recovery import recovery_of, seen_at_the_beginning
from runbook_action.request import Request, Target, parse_request
from runbook_action.resolve import Policy, ResolveRequest, lock_of, parse_resolve, resolve
from runbook_action.settings import Settings
from runbook_action.topology import RelateRequest, hang_target, parse_relate, relate, stand_alone
from runbook_action.trust import Trust, asking_where_untrusted, said_with
from runbook_action.when import parse_when

# Defaults, because a missing variable must cost a label and never a remediation.
SERVICE = os.environ.get("POWERTOOLS_SERVICE_NAME", "runbook-action")
logger = Logger(service=SERVICE)
NAMESPACE = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "SREPlatform")
metrics = Metrics(namespace=NAMESPACE, service=SERVICE)


class Container:
    """What one Lambda container keeps between invocations: clients and what they cached."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        session = boto3.session.Session(region_name=settings.region)

        def late(service: Any, config: Any = CLIENT_CONFIG) -> Any:
            return Late(lambda: session.client(service, config=config))

        ssm = late("ssm")
        self._parameters = SsmParameters(ssm, settings.degraded_mode_key_id)
        self._automations = SsmAutomations(ssm, settings.automation_documents)
        self._checks = TeamChecks(late("lambda"), settings.check_functions, settings.check_urls)
        dynamodb = session.client("dynamodb", config=CLIENT_CONFIG)
        self._leases = LeaseTable(dynamodb, settings.guard_table)
        self._locks = LockTable(dynamodb, settings.guard_table)
        self._places = PlaceTable(dynamodb, settings.guard_table)
        self._runs = NoteTable(dynamodb, settings.guard_table, RUNS)
        self._catalogue = CatalogueTable(dynamodb, settings.runbooks_table)
        sts = session.client("sts", config=CLIENT_CONFIG)
        self.approval = Approval(
            StsIdentities(sts.meta.endpoint_url, sts_host(settings.region)),
            NoteTable(dynamodb, settings.guard_table, APPROVALS),
            settings.remediation_role_arn.split(":")[4],
            settings.chat_role,
        )
        self._access = EksClusters(
            eks=session.client("eks", config=CLIENT_CONFIG),
            sts=sts,
            clusters=settings.clusters,
            default_cluster=settings.default_cluster,
            role_arn=settings.remediation_role_arn,
            region=settings.region,
        )
        self._clusters: dict[str, KubernetesCluster] = {}
        self._workspace = (
            Workspace(settings.prometheus_workspace, session.get_credentials)
            if settings.prometheus_workspace
            else None
        )
        bucket = settings.evidence_bucket
        self._evidence = bucket and EvidenceStore(late("s3", STORE_CONFIG), bucket)

    def evidence_tools(self, cluster: str | None) -> Tools:
        """Everything that evidence is gathered with on a cluster; None is the default one."""
        found = self._cluster(self._access.name_of(cluster))
        prometheus = self._prometheus(found)
        measures = Measures(prometheus, lambda: datetime.now(UTC)) if prometheus else None
        return Tools(
            found, found, self._catalogue, measurements=measures, store=self._evidence or None
        )

    def _cluster(self, name: str) -> KubernetesCluster:
        if name not in self._clusters:
            self._clusters[name] = KubernetesCluster(self._access, name)
        return self._clusters[name]

    def services(self, cluster: str | None, context: LambdaContext) -> Services:
        """Everything an action on a cluster may use; None is the default one."""
        name = self._access.name_of(cluster)
        return Services(
            cluster=self._cluster(name),
            parameters=self._parameters,
            clock=SystemClock(context),
            degraded_mode_parameter=self.settings.degraded_mode_parameter,
            leases=self._leases,
            cluster_name=name,
            automations=self._automations,
            checks=self._checks,
            catalogue=self._catalogue,
            locks=self._locks,
            runs=self._runs,
            only_annotated=self.settings.only_annotated,
            places=self._places,
            prometheus=self._prometheus(self._clusters[name]),
            git_policy=self.settings.gitops_policy,
        )

    def _prometheus(self, cluster: KubernetesCluster) -> Reader | None:
        if self._workspace:
            return Reader(self._workspace)
        if self.settings.prometheus_service:
            return Reader(ServiceProxy(cluster, self.settings.prometheus_service))
        return None


@cache
def container() -> Container:
    """Made by the first invocation, so that a bad environment fails with a message of ours."""
    return Container(Settings.from_environment(os.environ))


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Run one operation of one action.

    Parameters
    ----------
    event
        ``{operation, action, target, parameters, incident_id, step, when, undo, runbook, approval,
        asked, plan_hash, plan_parts}``, see ``request``; or ``{operation: "resolve", runbook,
        alert, incident_id, timestamp}``, see ``resolve``; or ``{operation: "relate", alert,
        incident_id, timestamp}``, see ``topology``; or ``{operation: "inspect", cluster}``, see
        ``inspection``;
        or ``{operation: "collect_evidence", alert, incident_id}``, see ``evidence``.
    context
        Lambda's context.

    Returns
    -------
    dict
        The outcome, see ``outcome.Outcome``, or what the runbook is about.

    Raises
    ------
    RunbookActionError
        One of the classes in ``errors``, by whose name the state machine retries or escalates.
    """
    logger.clear_state()
    dimensions = {"action": "unknown", "operation": "unknown"}
    result = "RunbookActionFailed"
    approved_by = ""
    try:
        known = container()
        asked = _understood(event, known.settings)
        dimensions = {"action": asked.action, "operation": asked.operation}
        if isinstance(asked, ResolveRequest):
            logger.append_keys(incident_id=asked.incident_id, runbook=asked.runbook, **dimensions)
            policy = _policy(known.settings)
            seen: dict[Target, KubernetesObject] = {}
            answer = resolve(
                asked, REGISTRY, policy, lambda name: known.services(name, context), seen
            )
            target = Target(**answer["target"])
            services = known.services(target.cluster, context)
            if found := seen.get(target):  # not the canary's
                _hang_besides(event, target, found, services, known)
            answer["own_alert"] = seen_at_the_beginning(services, event["alert"])
            trust = _trust(services, known)
            answer["steps"] = asking_where_untrusted(
                answer["steps"], asked.runbook, asked.incident_id, trust
            )
        elif isinstance(asked, RelateRequest):
            logger.append_keys(incident_id=asked.incident_id, **dimensions)
            answer = relate(
                asked,
                _policy(known.settings),
                lambda name: known.services(name, context),
                known.settings.correlation_window_seconds,
            )
        elif isinstance(asked, CollectRequest):
            logger.append_keys(incident_id=asked.incident_id, **dimensions)
            answer = _collected(asked, known)
        elif isinstance(asked, InspectRequest):
            logger.append_keys(cluster=asked.cluster, **dimensions)
            services = known.services(asked.cluster, context)
            answer = inspect(services, sorted(known.settings.allowed_namespaces))
        else:
            logger.append_keys(
                incident_id=asked.incident_id,
                step=asked.step,
                target=asked.target.to_json(),
                **dimensions,
            )
            services = known.services(asked.target.cluster, context)
            asked, approved_by = _entitled(asked, services, known)
            services = replace(services, approved=bool(approved_by))
            outcome = _run(asked, services)
            answer = outcome.to_json(asked)
            if asked.operation == "plan":
                answer["plan_hash"] = plan_hash(outcome)
                answer["plan_parts"] = list(plan_parts(outcome))
                why = _why_it_asks(asked, services, known)
                answer["asks"] = bool(why) or asks_a_human(outcome, known.settings.gitops_policy)
                answer["summary"] = said_with(answer["summary"], asked.runbook, why)
            if asked.operation == "verify":
                answer |= _recovery(asked, outcome, services)
            if approved_by:
                answer["approved_by"] = approved_by
        result = "RunbookActionSucceeded"
    except RunbookActionError as error:
        if approved_by:
            # What fails has no answer that could say it.
            error.args = (f"{error} (Approved by {approved_by}.)",)
        logger.exception("The step was not done", extra={"error": type(error).__name__})
        metrics.add_metadata(key="error", value=type(error).__name__)
        # Whoever asks for an inspection reads its answer, and no incident hangs on it.
        if isinstance(error, Refusal) or dimensions["operation"] == "inspect":
            _count_refusal()
        raise
    finally:
        for name, value in dimensions.items():
            metrics.add_dimension(name, value)
        metrics.add_metric(name=result, unit=MetricUnit.Count, value=1)
    logger.info(answer["summary"], extra={key: answer[key] for key in ("status", "changed")})
    return answer


def _count_refusal() -> None:
    """Count it apart, whatever the action: Lambda counts each raised error as one of its own."""
    of = {"service": SERVICE}
    with single_metric(
        "RunbookActionRefusals", MetricUnit.Count, 1, namespace=NAMESPACE, default_dimensions=of
    ):
        pass


def _understood(
    event: object, settings: Settings
) -> Request | ResolveRequest | RelateRequest | InspectRequest | CollectRequest:
    if isinstance(event, Mapping) and event.get("operation") == "resolve":
        return parse_resolve(event)
    if isinstance(event, Mapping) and event.get("operation") == "relate":
        return parse_relate(event)
    if isinstance(event, Mapping) and event.get("operation") == "inspect":
        return parse_inspect(event)
    if isinstance(event, Mapping) and event.get("operation") == "collect_evidence":
        return parse_collect(event)
    return parse_request(event, REGISTRY, settings.allowed_namespaces)


def _hang_besides(
    event: Mapping[str, Any],
    target: Target,
    found: KubernetesObject,
    services: Services,
    known: Container,
) -> None:
    """Hang the incident on its cause, so that nobody has to ask twice; its row is read with locks.

    What is wrong for good (a right that is missing) stops no remediation; what passes does, and
    the whole is asked again.
    """
    if "timestamp" not in event:
        return
    window = known.settings.correlation_window_seconds
    try:
        hang_target(parse_relate(event), str(target.cluster), found, services, window)
    except FinalError as error:
        logger.warning("Nothing is known of a cause", extra={"error": type(error).__name__})
        with suppress(FinalError):
            stand_alone(str(event["incident_id"]), services)


def _collected(asked: CollectRequest, known: Container) -> dict[str, Any]:
    """Collect evidence in the cluster of an alert; it is not guessed which one that is."""
    policy = _policy(known.settings)
    tools = known.evidence_tools(policy.cluster_of(asked.cluster, asked.labels))
    return collect(asked, tools, known.settings.allowed_namespaces, datetime.now(UTC))


def _policy(settings: Settings) -> Policy:
    return Policy(
        settings.clusters,
        settings.default_cluster,
        settings.allowed_namespaces,
        settings.only_annotated,
    )


def _entitled(request: Request, services: Services, known: Container) -> tuple[Request, str]:
    """Stop a call that no runbook makes or nobody approved.

    Returns
    -------
    tuple of Request and str
        The call with the conditions that the published step has; who approved it, if asked.

    Raises
    ------
    PlanChanged
        A human has to be asked, and none was when it was planned.
    """
    known.approval.refuse_denied(request)
    action, lock = REGISTRY[request.action], _lock_of(request, known)
    standing = Entitlement(services.catalogue, services.locks, services.clock)
    step = standing.refuse(request, action.fields, lock)
    if not step:
        return request, ""
    wanted, who = step["approval"], ""
    # Of what Git decides, of what did not help before, and of what somebody has switched to ask, it
    # is not the runbook that asks: the machine says so, and an answer without a signature is none.
    if wanted["required"] or request.asked or request.approval.get("proofs"):
        who = known.approval.require(request, wanted)
    elif action.changes:
        trust, locks = _trust(services, known), (lock, *request.locks)
        if why := trust.why_it_must_ask(request.runbook, locks, request.incident_id):
            raise PlanChanged(f"a human has to be asked before this step is done, because {why}.")
    return replace(request, when=parse_when(step["when"])), who


def _lock_of(request: Request, known: Container) -> str:
    cluster = _policy(known.settings).canonical(request.target.cluster)
    return lock_of(replace(request.target, cluster=cluster))


def _trust(services: Services, known: Container) -> Trust:
    return Trust(services.locks, known.settings.ask_after_unhelped)


def _why_it_asks(request: Request, services: Services, known: Container) -> str:
    """Say why a runbook is not trusted with a step; empty where it is, or where that only looks."""
    if not REGISTRY[request.action].changes:
        return ""
    trust, locks = _trust(services, known), (_lock_of(request, known), *request.locks)
    return trust.why_it_asks(request.runbook, locks, request.incident_id)


def _run(request: Request, services: Services) -> Outcome:
    try:
        outcome = operate(REGISTRY[request.action], request, services)
    except PlanChanged:
        raise  # nothing has befallen the target; it is planned anew
    except FinalError as error:
        _tell_of(request, error, services)
        raise
    _tell_of(request, outcome, services)
    return outcome


def _recovery(request: Request, outcome: Outcome, services: Services) -> dict[str, Any]:
    """Ask the data, too, where the target is well: else nothing is over, whatever they say."""
    verdict = recovery_of(request, services) if outcome.healthy else None
    if verdict is None:
        return {"recovery": None}
    summary = f"{outcome.summary.rstrip('.')}. {verdict.text}."
    return {"recovery": verdict.to_json(), "summary": summary}


def _tell_of(request: Request, result: Outcome | FinalError, services: Services) -> None:
    """Write the event; what was done is done, whether it can be told of or not."""
    try:
        tell_of(request, result, on_its_target(request, services))
    except RunbookActionError:
        logger.warning("No event was written on the target", exc_info=True)
