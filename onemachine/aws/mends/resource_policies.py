"""Mends the resource policies of tables and event buses: CloudFormation sets them, all ask them.

AWS refuses whoever such a policy denies, whatever IAM allows. The emulator keeps the policies of
both, but asks those of other services only, and knows no ``AWS::Events::EventBusPolicy``. In its
conditions ``aws:PrincipalArn`` is the session of a role where AWS has the role's own ARN, and
``aws:PrincipalIsAWSService`` is missing.
"""

from __future__ import annotations

from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import dynamodb, eventbridge, iam
from ministack.services.cloudformation import provisioners


def _of_table(arn: str) -> tuple[Any, str] | None:
    kept = dynamodb._resource_policies.get(arn.partition("/index/")[0])
    return (kept["Policy"], get_account_id()) if kept else None


def _of_bus(arn: str) -> tuple[Any, str] | None:
    kept = eventbridge._event_bus_policies.get(arn.partition(":event-bus/")[2])
    return (kept, get_account_id()) if kept else None


def _set(bus: str, statement_id: str, statement: dict[str, Any] | None) -> None:
    kept = eventbridge._event_bus_policies.get(bus) or {"Version": "2012-10-17", "Statement": []}
    others = [each for each in kept["Statement"] if each.get("Sid") != statement_id]
    ours = [] if statement is None else [{**statement, "Sid": statement_id}]
    # AccountRegionScopedDict keeps what is assigned.
    eventbridge._event_bus_policies[bus] = {**kept, "Statement": [*others, *ours]}


def _create(
    _logical_id: str, properties: dict[str, Any], _stack: str
) -> tuple[str, dict[str, Any]]:
    bus, statement_id = properties.get("EventBusName", "default"), properties["StatementId"]
    _set(bus, statement_id, properties["Statement"])
    return f"{bus}|{statement_id}", {}


def _update(
    physical_id: str, _old: dict[str, Any], new: dict[str, Any], stack: str
) -> tuple[str, dict[str, Any]]:
    return _create(physical_id, new, stack)


def _delete(physical_id: str, _properties: dict[str, Any]) -> None:
    bus, _, statement_id = physical_id.partition("|")
    _set(bus, statement_id, None)


def _role_arn(session: str) -> str:
    name = session.partition(":assumed-role/")[2].partition("/")[0]
    role = iam._roles.get(name) or {}
    return str(role.get("Arn") or f"arn:aws:iam::{session.split(':')[4]}:role/{name}")


def apply() -> None:
    """Register the resource type, have the policies asked, and name principals as AWS does."""
    stock_key = iam_evaluator._resolve_condition_key

    def key(name: str, context: Any) -> Any:
        if name.lower() == "aws:principalisawsservice":
            return "false"
        if name.lower() == "aws:principalarn" and ":assumed-role/" in context.principal_arn:
            return _role_arn(context.principal_arn)
        return stock_key(name, context)

    iam_evaluator._resolve_condition_key = key
    dynamodb.policy_for_arn = _of_table
    eventbridge.policy_for_arn = _of_bus
    iam_evaluator._RESOURCE_POLICY_LOOKUPS |= {
        "dynamodb": ("dynamodb", "policy_for_arn"),
        "events": ("eventbridge", "policy_for_arn"),
    }
    provisioners._RESOURCE_HANDLERS["AWS::Events::EventBusPolicy"] = {
        "create": _create,
        "update": _update,
        "delete": _delete,
    }
