"""Which runbook an alert would select, whether it may act, and on what.

Follows the states ChooseAction to MayAct of statemachine/incident-response-runbook.asl.yaml, as far
as that can be known without the cluster; with it, the function itself resolves and plans.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from srectl.errors import CommandFailed
from srectl.operate.plan_targets import target_of, why_not_on
from srectl.operate.refusals import calling
from srectl.steps import no_value, steps_of, strategy_of, value_of

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

# Errors of runbook-action that say that it must not act, in contrast to: could not find out.
_REFUSALS = frozenset(
    {"ActionRefused", "InvalidRequest", "ParameterRefused", "TargetAmbiguous", "TargetNotFound"}
)
# Defaults of ReadGuards for a runbook that leaves them out.
_GUARD = {"cooldown_seconds": 300, "max_actions": 3, "window_seconds": 3600}


@dataclass(frozen=True)
class Limits:
    """What the deployment allows.

    Attributes
    ----------
    namespaces
        AllowedNamespaces; None: they are not known here, the deployment itself judges.
    mode
        on, observe, off; None where it was not looked up.
    maintenance
        Reason of an open maintenance window, empty for none.
    held
        Reasons of the windows that are open for single targets, by ``namespace/name``.
    own_modes
        Runbooks that were switched otherwise than they were published, by name.
    """

    severities: Sequence[str] = ("critical", "warning")
    namespaces: Sequence[str] | None = ("apps",)
    default_cluster: str = "sre-platform"
    mode: str | None = None
    maintenance: str = ""
    held: Mapping[str, str] = field(default_factory=dict)
    own_modes: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Decision:
    """What would become of one alert.

    Attributes
    ----------
    steps
        Of the runbook, in the one shape of ``srectl.steps``; parameters have their values, and a
        target has what is known of it without asking the cluster.
    refusals
        Every reason why nothing would be done; empty if the runbook would act.
    evidence_only
        Why the catalogue has no runbook for an alert that it knows; empty for any other.
    observes
        Whether the runbook would only say what it would do, until it is switched on.
    asks
        Whether somebody has switched it to ask before each step that changes something.
    """

    alert_name: str
    severity: str
    incident_id: str
    runbook: str
    strategy: str = "ladder"
    steps: list[dict[str, Any]] = field(default_factory=list)
    guard: dict[str, int] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    evidence_only: str = ""
    observes: bool = False
    asks: bool = False

    @property
    def answered(self) -> bool:
        """Whether all is as the catalogue means it: a runbook may act, or none is meant to."""
        return self.eligible or bool(self.evidence_only)

    @property
    def eligible(self) -> bool:
        """Whether the runbook would act, as far as the guard of its target lets it."""
        return not self.refusals


def wanted_by(alert: Mapping[str, Any]) -> str:
    """Give the name of the runbook that an alert selects: what it says, else its own name."""
    selected = alert.get("runbook")
    return selected if isinstance(selected, str) else str(alert.get("alert_name"))


def not_chosen(
    alert: Mapping[str, Any], runbook: Mapping[str, Any] | None, severities: Sequence[str]
) -> Iterator[str]:
    """Say why an alert starts no runbook, as states ChooseAction and EvaluateAlert would.

    Parameters
    ----------
    alert
        ``data`` of an incident event.
    runbook
        What the catalogue has by the name that the alert wants.
    severities
        EligibleSeverities of the stack.
    """
    name, severity = wanted_by(alert), str(alert.get("severity"))
    if alert.get("status") == "resolved":
        yield "the alert is over: its end is recorded and starts no runbook"
    if runbook is not None and "evidence_only" in runbook:
        yield f"evidence only: {runbook['evidence_only']}"
        return
    if severity not in severities:
        yield f"severity {severity} is not eligible (eligible: {', '.join(severities)})"
    if alert.get("notice") is True:
        yield "it is a notice: it is recorded and told, and no runbook acts on it"
    if runbook is None:
        yield f"no runbook named {name} is in the catalogue"
        return
    name = str(runbook.get("name", name))
    if runbook.get("enabled") is False:
        yield f"runbook {name} is disabled"
    if severity not in runbook["severities"]:
        yield f"runbook {name} is not for severity {severity}"


def own_mode(runbook: Mapping[str, Any], switched: Mapping[str, str]) -> str:
    """Give a runbook's own mode, as state ReadSwitches has it: anything but on and ask observes.

    Parameters
    ----------
    runbook
        Its definition.
    switched
        What ``srectl runbooks enable``, ``ask`` and ``disable`` have said, by name.
    """
    return str(switched.get(str(runbook.get("name")), runbook.get("mode", "on")))


def shown_mode(runbook: Mapping[str, Any], switched: Mapping[str, str]) -> str:
    """Give a runbook's mode as lists show it: one that is disabled in its file says so."""
    return "disabled" if runbook.get("enabled") is False else own_mode(runbook, switched)


def decide(
    alert: Mapping[str, Any], catalogue: Mapping[str, Mapping[str, Any]], limits: Limits
) -> Decision:
    """Find out what would become of an alert.

    Parameters
    ----------
    alert
        ``data`` of an incident event.
    catalogue
        What an alert may want → definition.
    limits
        What the deployment allows.
    """
    name = wanted_by(alert)
    severity = str(alert.get("severity"))
    decision = Decision(str(alert.get("alert_name")), severity, str(alert.get("incident_id")), name)
    refuse = decision.refusals.append
    runbook = catalogue.get(name)
    if limits.mode is not None and limits.mode not in ("on", "observe"):
        refuse(f"automatic remediation is {limits.mode}")
    if limits.mode == "observe":
        refuse("automatic remediation only observes: the plan is recorded, nothing is done")
    if limits.maintenance:
        refuse(f"a maintenance window is open ({limits.maintenance})")
    decision.refusals += not_chosen(alert, runbook, limits.severities)
    if runbook is None:
        return decision
    if "evidence_only" in runbook:
        decision.evidence_only = str(runbook["evidence_only"])
        return decision
    name = decision.runbook = str(runbook.get("name", name))
    mode = own_mode(runbook, limits.own_modes)
    decision.observes, decision.asks = mode not in ("on", "ask"), mode == "ask"
    decision.guard = {key: runbook.get("guard", {}).get(key, _GUARD[key]) for key in _GUARD}
    decision.strategy = strategy_of(runbook)
    labels = alert.get("labels") or {}
    for step in steps_of(runbook):
        given, target = step["parameters"], step["target"]
        step["parameters"] = {key: value_of(value, labels) for key, value in given.items()}
        step["target"] = target_of(alert, target, limits.default_cluster)
        decision.steps.append(step)
        found = step["target"]
        held = limits.held.get(f"{found.get('namespace') or ''}/{found.get('name')}")
        if held:
            refuse(f"a maintenance window of its target is open ({held})")
        for parameter, value in step["parameters"].items():
            if value is None:
                refuse(f"{no_value(parameter, given[parameter], labels)}.")
        decision.refusals += why_not_on(name, step["action"], target, labels, limits.namespaces)
    decision.refusals = list(dict.fromkeys(decision.refusals))
    return decision


def live_plan(
    client: LambdaClient, function: str, decision: Decision, runbook: Mapping[str, Any], alert: Any
) -> list[dict[str, Any]]:
    """Let the function resolve the runbook and plan each step, which changes nothing.

    Parameters
    ----------
    client, function
        The deployment's ``runbook-action``.
    decision
        Of ``decide``; its steps get the targets that the function resolves, and its refusals those
        of the function.
    runbook, alert
        The definition, and ``data`` of the incident event.

    Returns
    -------
    list of dict
        The function's answer for each step. Later steps are planned on what is there now: what an
        earlier one would change is not yet to be seen.

    Raises
    ------
    CommandFailed
        It cannot be called, or could not find out.
    """
    incident = {"incident_id": decision.incident_id}

    def asked(what: str, request: Mapping[str, Any]) -> dict[str, Any]:
        with calling(f"function {function} could not be called"):
            payload = json.dumps({**request, **incident}).encode()
            answer = client.invoke(FunctionName=function, Payload=payload)
            result = dict(json.loads(answer["Payload"].read()))
        if not answer.get("FunctionError"):
            return result
        said = str(result.get("errorMessage"))
        if result.get("errorType") in _REFUSALS:
            return {"refused": said}
        raise CommandFailed(
            f"the {what} of runbook {decision.runbook} failed with "
            f"{result.get('errorType')}: {said}",
            f"the log of {function} has more",
        )

    found = asked("target", {"operation": "resolve", "runbook": runbook, "alert": alert})
    if "refused" in found:
        # What the labels alone forbid, the function says once more.
        decision.refusals = list(dict.fromkeys([*decision.refusals, found["refused"]]))
        return []
    decision.steps = found["steps"]
    answers = [
        asked(
            f"plan of step {step['name']}",
            {
                "operation": "plan",
                "action": step["action"],
                "target": step["target"],
                "parameters": step["parameters"],
                "step": step["index"],
                "when": step["when"],
                "undo": None,
            },
        )
        for step in decision.steps
    ]
    decision.refusals += _refused(decision.strategy, decision.steps, answers)
    return answers


def _refused(
    strategy: str, steps: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Say what keeps a runbook from its work: one refusal ends a sequence, not a ladder.

    As in state AfterStep of the runbook's machine: a ladder goes on past a rung that is refused or
    does not apply, as long as there is another.
    """
    refused = [
        (step, str(answer["refused"]))
        for step, answer in zip(steps, answers, strict=True)
        if "refused" in answer
    ]
    would = [each for each in answers if "refused" not in each and each.get("applies") is not False]
    if len(steps) == 1 or (strategy != "sequence" and not would):
        return list(dict.fromkeys(why for _, why in refused))
    if strategy != "sequence":
        return []
    return [
        f"step {step['index']}, {step['name']}, is refused as things are, and a sequence ends with "
        f"it: {why}"
        for step, why in refused[:1]
    ]
