"""``run_automation`` on a stub of Systems Manager that is as strict as botocore's own models.

``Stubber`` refuses a request or an answer whose fields the model does not have; ``Bench`` also a
state, or an error, that it does not have.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boto3
from botocore.model import ServiceModel
from botocore.stub import ANY, Stubber

from runbook_action.actions import REGISTRY
from runbook_action.adapters.automations import SsmAutomations
from runbook_action.ports import Services
from tests.unit.runbook_action.fakes import World, request

RUN = REGISTRY["run_automation"]
DOCUMENT = "Team-RestartBroker"
ID = "73c8eef8-f4ee-4a05-820c-e354fd1cdd6c"
PARAMETERS = {"document": DOCUMENT, "inputs": {"Broker": "b-1"}}
STARTED = {
    "DocumentName": DOCUMENT,
    "DocumentVersion": "$DEFAULT",
    "Parameters": {"Broker": ["b-1"]},
    "ClientToken": ANY,
}

# https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html
OF_ANY_CALL = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "UnrecognizedClientException",
    }
)


class Bench:
    """The action on a stubbed Systems Manager."""

    def __init__(self, version: str = "$DEFAULT") -> None:
        client: Any = boto3.client(
            "ssm", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        self.client, self.stubs = client, Stubber(client)
        self.world = World.new()
        self.services: Services = replace(
            self.world.services, automations=SsmAutomations(client, {DOCUMENT: version})
        )
        self.stubs.activate()

    def starts(self, run_id: str = ID, **more: str) -> None:
        self.stubs.add_response(
            "start_automation_execution", {"AutomationExecutionId": run_id}, {**STARTED, **more}
        )

    def is_now(self, status: str, **more: Any) -> None:
        """How far the run is: one of the words that Systems Manager has for it."""
        assert status in self.statuses()
        execution = {
            "AutomationExecutionId": ID,
            "AutomationExecutionStatus": status,
            "Outputs": {"Restart.Message": ["done " * 100] * 30},
            **more,
        }
        self.stubs.add_response(
            "get_automation_execution",
            {"AutomationExecution": execution},
            {"AutomationExecutionId": ID},
        )

    def refuses(self, method: str, code: str, status: int) -> None:
        """One of the errors that the call may answer, or that any call of AWS may."""
        assert code in {*self.errors_of(method), *OF_ANY_CALL}, f"{method} knows no {code}"
        self.stubs.add_client_error(method, code, "said so", http_status_code=status)

    def errors_of(self, method: str) -> set[str]:
        """What botocore's model says that a call may answer."""
        name = self.client.meta.method_to_api_mapping[method]
        return {each.name for each in self.model.operation_model(name).error_shapes}

    def statuses(self) -> set[str]:
        """What botocore's model says of a run's states."""
        return set(self.model.shape_for("AutomationExecutionStatus").enum)  # type: ignore[attr-defined]

    @property
    def model(self) -> ServiceModel:
        """Botocore's model of Systems Manager."""
        found: ServiceModel = self.client.meta.service_model
        return found

    def run(self, operation: str = "execute", parameters: Any = PARAMETERS, **more: Any) -> Any:
        asked = request(RUN.name, operation, parameters=parameters, **more)  # type: ignore[arg-type]
        return getattr(RUN, operation)(asked, self.services)
