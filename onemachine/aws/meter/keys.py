"""KMS as we ask it ourselves or by a SecureString, secrets, and metrics that are put by a call."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import cloudwatch, kms, secretsmanager, ssm

from onemachine.aws.meter import Meter

_OPERATIONS = ("_encrypt", "_decrypt", "_generate_data_key", "_generate_mac")


def apply(meter: Meter) -> None:
    """Count where each of them passes."""

    def every(module: Any, name: str, unit: str) -> None:
        stock = getattr(module, name)

        def operation(*arguments: Any, **named: Any) -> Any:
            meter.add(unit, of=name.strip("_"))
            return stock(*arguments, **named)

        setattr(module, name, operation)

    for name in _OPERATIONS:
        every(kms, name, "key_calls")
    every(secretsmanager, "_get_secret_value", "secret_calls")
    every(cloudwatch, "_put_metric_data", "metric_calls")

    def secure_strings(name: str) -> None:
        stock = getattr(ssm, name)

        def operation(data: dict[str, Any]) -> Any:
            answer = stock(data)
            if answer[0] == 200 and data.get("WithDecryption"):
                document = json.loads(answer[2])
                found = [document.get("Parameter", {}), *document.get("Parameters", [])]
                secure = sum(each.get("Type") == "SecureString" for each in found)
                if secure:
                    meter.add("key_calls", secure, of="SecureString")
            return answer

        setattr(ssm, name, operation)

    for name in ("_get_parameter", "_get_parameters"):
        secure_strings(name)
    stock_put = ssm._put_parameter

    def put_parameter(data: dict[str, Any]) -> Any:
        if data.get("Type") == "SecureString":
            meter.add("key_calls", of="SecureString")
        return stock_put(data)

    ssm._put_parameter = put_parameter
