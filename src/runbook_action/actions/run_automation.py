"""``run_automation``: a document of AWS Systems Manager Automation, from the stack's allow-list.

It is started with a client token made of incident and step, by which Systems Manager itself knows
a repeated start as the same one; then it is watched, and its outputs are recorded. What a document
does is its author's business: it cannot be taken back here, so a runbook with it has to be
approved. Undo stops a run that still goes on.

The target has no mark of it: it only says what is locked, and may be anything. So that it has begun
is noted before the start, and the run's id after it (``Services.runs``): what has begun is watched
to its end, whatever becomes of the target or its consent meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args
from uuid import NAMESPACE_URL, uuid5

from runbook_action.actions.base import Defaults
from runbook_action.errors import (
    ActionRefused,
    AwsRejected,
    FinalError,
    RolloutFailed,
    StateUnknown,
)
from runbook_action.fields import Field, TextField, TextMapField
from runbook_action.outcome import Change, Outcome, Undo
from runbook_action.ports import AutomationRun, Automations, Right, Services
from runbook_action.request import Request, TargetKind

POLL_SECONDS = 2.0
_RUN = "execution_id"
# The state of an execution is small: the whole outputs stand in Systems Manager.
_OUTPUTS_RECORDED = 20
_CHARACTERS_RECORDED = 200
#: Noted before the start; an id is noted after it.
_STARTING = "starting"


@dataclass(frozen=True)
class RunAutomation(Defaults):
    """Start a document, and see how it ends."""

    name: str = "run_automation"

    @property
    def target_kinds(self) -> frozenset[TargetKind]:
        """Any: the target says what is locked while it runs."""
        return frozenset(get_args(TargetKind))

    @property
    def rights(self) -> Mapping[TargetKind, Sequence[Right]]:
        """None: it does not look at the cluster."""
        return {}

    @property
    def aws_rights(self) -> Sequence[str]:
        """Start, watch and stop."""
        return (
            "ssm:StartAutomationExecution",
            "ssm:GetAutomationExecution",
            "ssm:StopAutomationExecution",
        )

    @property
    def asks(self) -> bool:
        """Nobody here knows what a document does."""
        return True

    @property
    def fields(self) -> Mapping[str, Field]:
        """The document's name, and what it is given."""
        return {"document": TextField(128, required=True), "inputs": TextMapField()}

    @property
    def can_undo(self) -> bool:
        """As far as a run that still goes on can be stopped."""
        return True

    @property
    def undo_fields(self) -> Mapping[str, Field]:
        """The run to stop."""
        return {_RUN: TextField(36, required=True)}

    def has_begun(self, request: Request, services: Services) -> bool:
        """Whether it was noted that it is started; the target is not looked at."""
        return services.runs.read(request.token) != ""

    def plan(self, request: Request, services: Services) -> Outcome:
        """Show the document, if it may be run."""
        _allowed(request, services)
        return Outcome(
            "planned",
            f"run the automation document {request.parameters['document']}; what it does cannot "
            f"be undone.",
            plan=[_change(request, None)],
        )

    def execute(self, request: Request, services: Services) -> Outcome:
        """Start it, or go on with what an earlier call started, and watch it.

        Raises
        ------
        RolloutFailed
            If it ended otherwise than well.
        """
        automations = _allowed(request, services)
        document = str(request.parameters["document"])
        run_id = _started(request, services) or _start(request, services, automations)
        run = automations.look(run_id)
        while not run.finished and services.clock.remaining() >= POLL_SECONDS:
            services.clock.sleep(POLL_SECONDS)
            run = automations.look(run_id)
        if run.finished and not run.succeeded:
            raise RolloutFailed(
                f"automation {document} ({run_id}) ended as {run.status}: "
                f"{run.failure[:_CHARACTERS_RECORDED] or 'no reason given'}. See 'aws ssm "
                f"get-automation-execution --automation-execution-id {run_id}'."
            )
        return Outcome(
            "succeeded" if run.finished else "in_progress",
            f"automation {document} ({run_id}) is {run.status}.",
            changed=True,
            details={_RUN: run_id, "outputs": _bounded(run)},
            plan=[_change(request, run_id)],
            undo=Undo(self.name, {_RUN: run_id}),
        )

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: what a document was for cannot be seen here, so only the alert can judge."""
        _allowed(request, services)
        return Outcome(
            "succeeded",
            f"automation {request.parameters['document']} leaves nothing to look at: the alert "
            f"says whether it helped.",
            healthy=True,
        )

    def undo(self, request: Request, services: Services) -> Outcome:
        """Stop it, if it still runs."""
        run_id = (request.undo or {}).get(_RUN) or _started(request, services)
        if not run_id and self.has_begun(request, services):
            document = request.parameters["document"]
            raise StateUnknown(
                f"automation {document} may run or not: the answer to its start was lost. See 'aws "
                f"ssm describe-automation-executions --filters "
                f"Key=DocumentNamePrefix,Values={document}', and stop it there."
            )
        if not run_id:
            return Outcome("unchanged", "no automation is known to have been started.")
        automations = _allowed(request, services)
        ended = Outcome(
            "unchanged", f"automation {run_id} has ended: what it did is not taken back."
        )
        if automations.look(run_id).finished:
            return ended
        try:
            automations.stop(run_id)
        except AwsRejected:
            if not automations.look(run_id).finished:
                raise
            return ended  # since it was looked at
        return Outcome(
            "succeeded",
            f"automation {run_id} was stopped; what it did is not taken back.",
            changed=True,
        )


def _allowed(request: Request, services: Services) -> Automations:
    document, automations = request.parameters["document"], services.automations
    if automations is None or document not in automations.documents:
        known = sorted(automations.documents) if automations else []
        raise ActionRefused(
            f"automation document {document} is not on the deployment's list "
            f"({', '.join(known) or 'it is empty'}). The stack's parameter AutomationDocumentArns "
            f"adds one."
        )
    return automations


def _started(request: Request, services: Services) -> str:
    """Give the run that an earlier call of this step started; empty if none is known."""
    noted = services.runs.read(request.token)
    return "" if noted == _STARTING else noted


def _start(request: Request, services: Services, automations: Automations) -> str:
    """Start it, and note so before and after: a call that dies in between is repeated."""
    document, inputs = str(request.parameters["document"]), request.parameters.get("inputs") or {}
    services.runs.keep(request.token, _STARTING)
    try:
        run_id = automations.start(document, inputs, _token(request))
    except FinalError:
        services.runs.keep(request.token, "")  # it was not started
        raise
    services.runs.keep(request.token, run_id)
    return run_id


def _token(request: Request) -> str:
    return str(uuid5(NAMESPACE_URL, f"sre-platform/{request.token}/{request.action}"))


def _bounded(run: AutomationRun) -> dict[str, Any]:
    return {
        name: [value[:_CHARACTERS_RECORDED] for value in values[:_OUTPUTS_RECORDED]]
        for name, values in sorted(run.outputs.items())[:_OUTPUTS_RECORDED]
    }


def _change(request: Request, run_id: str | None) -> Change:
    return Change("Automation", str(request.parameters["document"]), "execution", None, run_id)


ACTION = RunAutomation()
