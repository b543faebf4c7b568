"""One probe for each mend: it shows what AWS does, and fails on the emulator without the mend.

A probe takes a running local AWS and a name that no other test uses; it raises ``AssertionError``
or a botocore ``ClientError`` where the behaviour is missing.
"""

from __future__ import annotations

from tests.integration.localaws.probes import (
    api_gateway,
    cloudformation,
    cloudwatch,
    dynamodb,
    eks,
    eventbridge,
    lambda_functions,
    s3,
    services,
    sns,
    sqs,
    step_functions,
    strictness,
    sts,
)
from tests.integration.localaws.probes.registry import PROBES, Probe

__all__ = [
    "PROBES",
    "Probe",
    "api_gateway",
    "cloudformation",
    "cloudwatch",
    "dynamodb",
    "eks",
    "eventbridge",
    "lambda_functions",
    "s3",
    "services",
    "sns",
    "sqs",
    "step_functions",
    "strictness",
    "sts",
]
