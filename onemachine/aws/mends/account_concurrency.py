"""Mends the account's quota of concurrent executions: not all of it can be reserved.

Lambda keeps 100 executions of an account for the functions that reserve none (all of its quota
where that is smaller), and refuses a reservation that would leave less; so a template that reserves
fails in a new account, whose quota may be 10. The emulator takes any number, and tells of a quota
that its machine's memory gives. The quota is 1000, or what ``LAMBDA_ACCOUNT_CONCURRENCY`` says.
"""

from __future__ import annotations

import json
import os
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from onemachine.aws.variables import CONCURRENCY_QUOTA_VARIABLE

_USUAL_QUOTA = 1000
_KEPT_FOR_ALL = 100


def _quota() -> int:
    return int(os.environ.get(CONCURRENCY_QUOTA_VARIABLE) or _USUAL_QUOTA)


def _unreserved(but: str | None = None) -> int:
    """Give what is left of the quota, without the reservation of one function."""
    functions = lambda_svc._functions
    reserved = [functions[name].get("concurrency") or 0 for name in functions if name != but]
    return _quota() - sum(int(each) for each in reserved)


def _refusal(name: str, wanted: Any) -> str:
    """Say why a function may not reserve so much; '' if it may."""
    least = min(_KEPT_FOR_ALL, _quota())
    if wanted is None or int(wanted) == 0 or _unreserved(name) - int(wanted) >= least:
        return ""
    return (
        "Specified ReservedConcurrentExecutions for function decreases account's "
        f"UnreservedConcurrentExecution below its minimum value of [{least}]."
    )


def _require(name: str, properties: dict[str, Any]) -> None:
    refusal = _refusal(name, properties.get("ReservedConcurrentExecutions"))
    if refusal:
        raise ValueError(f"{refusal} (Service: Lambda, Status Code: 400)")


def apply() -> None:
    """Ask before a reservation, from a template or by the API, and tell of the quota."""
    handler = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    stock_create, stock_update = handler["create"], handler["update"]
    stock_put, stock_settings = (
        lambda_svc._put_function_concurrency,
        lambda_svc._get_account_settings,
    )

    def create(logical_id: str, properties: dict[str, Any], *more: Any) -> Any:
        _require(str(properties.get("FunctionName", "")), properties)
        return stock_create(logical_id, properties, *more)

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], *more: Any) -> Any:
        _require(physical_id, new)
        return stock_update(physical_id, old, new, *more)

    def put(name: str, data: dict[str, Any]) -> Any:
        refusal = _refusal(name, data.get("ReservedConcurrentExecutions", 0))
        if refusal:
            return lambda_svc.error_response_json("InvalidParameterValueException", refusal, 400)
        return stock_put(name, data)

    def settings() -> Any:
        status, headers, body = stock_settings()
        told = json.loads(body)
        told["AccountLimit"] |= {
            "ConcurrentExecutions": _quota(),
            "UnreservedConcurrentExecutions": _unreserved(),
        }
        return status, headers, json.dumps(told).encode()

    provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"] = {
        **handler,
        "create": create,
        "update": update,
    }
    lambda_svc._put_function_concurrency = put
    lambda_svc._get_account_settings = settings
