"""Refused: a service of AWS answers AccessDenied to the part of the platform that needs it.

``bus-refused``
    The bus takes no alert, so each is parked.
``full-queue``
    Nor does the queue in which it would be parked, so the sender must be told.
``record-refused``
    No record can be written.
``kms-denied``
    The key of the tables is denied, which DynamoDB answers to every call.
``ssm-denied``
    Nobody can read whether remediation is on.
``unheard``
    Nobody can be told.
"""

from __future__ import annotations

from tests.faults.nemesis.base import Denial

__all__ = ["FAULTS"]

_INGEST = "sre-alert-ingest"
_RECORDER = "sre-incident-recorder"
_RUNBOOK = "sre-incident-response-runbook"
_ACTION = "sre-runbook-action"
_STEP = "sre-remediation-step"
_NOTIFIER = "sre-incident-notifier"

FAULTS = (
    Denial("bus-refused", ("intake",), (_INGEST,), ("events:PutEvents",)),
    Denial("full-queue", ("intake",), (_INGEST,), ("events:PutEvents", "sqs:SendMessage")),
    Denial("record-refused", ("intake", "close"), (_RECORDER,), ("dynamodb:UpdateItem",)),
    Denial(
        "kms-denied",
        ("claim", "guard", "act", "verify", "close"),
        (_INGEST, _RECORDER, _RUNBOOK, _ACTION),
        ("dynamodb:*", "kms:*"),
    ),
    Denial("ssm-denied", ("claim", "act"), (_RUNBOOK, _ACTION), ("ssm:*",)),
    Denial("unheard", ("intake", "close"), (_RUNBOOK, _NOTIFIER, _STEP), ("sns:Publish",)),
)
