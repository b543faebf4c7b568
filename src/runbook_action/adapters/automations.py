"""AWS Systems Manager Automation, for the documents of the deployment's allow-list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from runbook_action.adapters.aws_errors import translated
from runbook_action.ports import AutomationRun

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

# Every other status is one on the way.
_ENDED = frozenset(
    {
        "Success",
        "CompletedWithSuccess",
        "CompletedWithFailure",
        "Failed",
        "TimedOut",
        "Cancelled",
        "Rejected",
        "ChangeCalendarOverrideRejected",
        "Exited",
    }
)
_WELL = frozenset({"Success", "CompletedWithSuccess"})


class SsmAutomations:
    """Starts documents, once for each token, and sees how they end.

    Parameters
    ----------
    client
        SSM client of the function's own role.
    documents
        Name of each that may be started → its version.
    """

    def __init__(self, client: SSMClient, documents: Mapping[str, str]) -> None:
        self._client = client
        self._documents = documents

    @property
    def documents(self) -> frozenset[str]:
        """Names that may be started."""
        return frozenset(self._documents)

    def start(self, document: str, inputs: Mapping[str, str], token: str) -> str:
        """Start a document, and give the id of its run; a token starts one run."""
        with translated(f"starting automation {document}"):
            answer = self._client.start_automation_execution(
                DocumentName=document,
                DocumentVersion=self._documents[document],
                Parameters={name: [value] for name, value in inputs.items()},
                ClientToken=token,
            )
        return answer["AutomationExecutionId"]

    def look(self, run_id: str) -> AutomationRun:
        """How far a run is."""
        with translated(f"reading automation {run_id}"):
            found = self._client.get_automation_execution(AutomationExecutionId=run_id)
        run = found["AutomationExecution"]
        status = str(run.get("AutomationExecutionStatus", "Pending"))
        return AutomationRun(
            status=status,
            finished=status in _ENDED,
            succeeded=status in _WELL,
            outputs={name: tuple(values) for name, values in run.get("Outputs", {}).items()},
            failure=run.get("FailureMessage", ""),
        )

    def stop(self, run_id: str) -> None:
        """Stop a run where it is."""
        with translated(f"stopping automation {run_id}"):
            self._client.stop_automation_execution(AutomationExecutionId=run_id, Type="Cancel")
