"""Which runbook an alert would select, whether it may act, and on what.

Follows the states ChooseAction to MayAct of statemachine/incident-response-runbook.asl.yaml; a
test runs those states' own expressions against this.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from srectl.errors import CommandFailed
from srectl.operate.refusals import calling
from srectl.steps import value_of

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

# Defaults of ReadGuard for a runbook that leaves them out.
_GUARD = {"cooldown_seconds": 300, "max_actions": 3, "window_seconds": 3600}


@dataclass(frozen=True)
class Limits:
    """What the deployment allows.

    Attributes
    ----------
    mode
        on, observe, off; None where it was not looked up.
    maintenance
        Reason of an open maintenance window, empty for none.
    """

    severities: Sequence[str] = ("critical", "warning")
    namespaces: Sequence[str] = ("apps",)
    default_cluster: str = "sre-platform"
    mode: str | None = None
    maintenance: str = ""


@dataclass
class Decision:
    """What would become of one alert.

    Attributes
    ----------
    refusals
        Every reason why nothing would be done; empty if the runbook would act.
    """

    alert_name: str
    severity: str
    incident_id: str
    runbook: str
    action: str | None = None
    target: dict[str, Any] | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    guard: dict[str, int] = field(default_factory=dict)
    approval: bool = False
    on_failure: str | None = None
    refusals: list[str] = field(default_factory=list)

    @property
    def eligible(self) -> bool:
        """Whether the runbook would act, as far as the guard of its target lets it."""
        return not self.refusals


def decide(
    alert: Mapping[str, Any], catalogue: Mapping[str, Mapping[str, Any]], limits: Limits
) -> Decision:
    """Find out what would become of an alert.

    Parameters
    ----------
    alert
        ``data`` of an incident event.
    catalogue
        Name → definition.
    """
    selected = alert.get("runbook")
    name = selected if isinstance(selected, str) else str(alert.get("alert_name"))
    severity = str(alert.get("severity"))
    decision = Decision(str(alert.get("alert_name")), severity, str(alert.get("incident_id")), name)
    refuse = decision.refusals.append
    if alert.get("status") == "resolved":
        refuse("the alert is over: its end is recorded and starts no runbook")
    if limits.mode is not None and limits.mode not in ("on", "observe"):
        refuse(f"automatic remediation is {limits.mode}")
    if limits.mode == "observe":
        refuse("automatic remediation only observes: the plan is recorded, nothing is done")
    if limits.maintenance:
        refuse(f"a maintenance window is open ({limits.maintenance})")
    if severity not in limits.severities:
        refuse(f"severity {severity} is not eligible (eligible: {', '.join(limits.severities)})")
    runbook = catalogue.get(name)
    if runbook is None:
        refuse(f"no runbook named {name} is in the catalogue")
        return decision
    decision.action = str(runbook["action"])
    decision.parameters = parameters_of(alert, runbook)
    decision.guard = {key: runbook["guard"].get(key, _GUARD[key]) for key in _GUARD}
    decision.approval = bool((runbook.get("approval") or {}).get("required"))
    decision.on_failure = str(runbook["on_failure"])
    decision.target = target_of(alert, runbook, limits.default_cluster)
    if runbook.get("enabled") is False:
        refuse(f"runbook {name} is disabled")
    if severity not in runbook["severities"]:
        refuse(f"runbook {name} is not for severity {severity}")
    for parameter, value in decision.parameters.items():
        if value is None:
            label = runbook["parameters"][parameter]["from_label"]
            refuse(f"label {label} for parameter {parameter} is missing or out of bounds")
    if not decision.target["name"]:
        refuse(f"the alert has no label {runbook['target']['name']['from_label']}")
    namespace = decision.target["namespace"]
    if namespace is not None and namespace not in limits.namespaces:
        refuse(f"namespace {namespace} may not be changed ({', '.join(limits.namespaces)} may)")
    return decision


def target_of(
    alert: Mapping[str, Any], runbook: Mapping[str, Any], default_cluster: str
) -> dict[str, Any]:
    """Resolve what a runbook acts on, as state ChooseAction does."""
    cluster = (alert.get("target") or {}).get("cluster")
    target = runbook["target"]
    name = target["name"]
    if isinstance(name, dict):
        name = (alert.get("labels") or {}).get(name["from_label"])
    return {
        "cluster": cluster if isinstance(cluster, str) else default_cluster,
        "namespace": target.get("namespace"),
        "kind": target["kind"],
        "name": name,
    }


def parameters_of(alert: Mapping[str, Any], runbook: Mapping[str, Any]) -> dict[str, Any]:
    """Resolve the parameters of a runbook, as state ChooseAction does.

    Returns
    -------
    dict
        Parameter → value; None where the label is missing or out of the runbook's bounds.
    """
    labels = alert.get("labels") or {}
    return {
        name: value_of(given, labels) for name, given in (runbook.get("parameters") or {}).items()
    }


def live_plan(client: LambdaClient, function: str, decision: Decision) -> dict[str, Any]:
    """Let the function plan, which changes nothing.

    Raises
    ------
    CommandFailed
        It cannot be called, or refuses.
    """
    request = {
        "operation": "plan",
        "action": decision.action,
        "target": decision.target,
        "parameters": decision.parameters,
        "incident_id": decision.incident_id,
        "undo": None,
    }
    with calling(f"function {function} could not be called"):
        answer = client.invoke(FunctionName=function, Payload=json.dumps(request).encode())
        payload = answer["Payload"].read()
    result = json.loads(payload)
    if answer.get("FunctionError"):
        raise CommandFailed(
            f"the plan of runbook {decision.runbook} failed with {result.get('errorType')}: "
            f"{result.get('errorMessage')}",
            f"the log of {function} has more",
        )
    return dict(result)
