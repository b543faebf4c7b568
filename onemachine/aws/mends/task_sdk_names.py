"""Mends the names that a task hands to an integration of the SDK (``aws-sdk:dynamodb:...``).

There Step Functions calls everything as the SDK for Java does: a set of texts is ``Ss`` and a truth
value ``Bool``, while its own integrations of DynamoDB (``dynamodb:updateItem``) take the API's
``SS`` and ``BOOL``. What is called otherwise fails the task (``States.Runtime``). The emulator
answers with the names of the SDK, and takes both.
"""

from __future__ import annotations

import functools
from typing import Any

from ministack.services import stepfunctions


def unknown(value: Any, shape: Any) -> str:
    """Give the first name in a request that the SDK does not have; '' if there is none.

    Parameters
    ----------
    value
        What is handed over.
    shape
        botocore's model of what is expected there.
    """
    if shape.type_name == "structure" and isinstance(value, dict):
        members = {_called(shape.name, name): each for name, each in shape.members.items()}
        inner = [(each, members.get(name)) for name, each in value.items()]
        found = next((name for name in value if name not in members), "")
        return found or _first(inner)
    if shape.type_name == "list" and isinstance(value, list):
        return _first([(each, shape.member) for each in value])
    if shape.type_name == "map" and isinstance(value, dict):
        return _first([(each, shape.value) for each in value.values()])
    return ""


def _first(parts: list[tuple[Any, Any]]) -> str:
    return next((found for value, shape in parts if (found := unknown(value, shape))), "")


# Each value of an item is asked for all the kinds that there are.
@functools.cache
def _called(shape: str, name: str) -> str:
    own = stepfunctions._SDK_MEMBER_NAME_OVERRIDES.get((shape, name))
    return str(own or stepfunctions._api_name_to_sfn_key(name))


def apply() -> None:
    """Refuse what the SDK does not know before it is renamed."""
    stock = stepfunctions._sdk_json_params

    def params(service_info: Any, service_key: str, action: str, given: Any) -> Any:
        model = stepfunctions._service_model(service_key)
        known = model is not None and action in model.operation_names
        shape = model.operation_model(action).input_shape if known else None
        name = "" if shape is None else unknown(given or {}, shape)
        if name:
            raise stepfunctions._ExecutionError(
                "States.Runtime",
                f"The Parameters of {action} could not be used to start the Task: "
                f'[The field "{name}" is not supported by Step Functions]',
            )
        return stock(service_info, service_key, action, given)

    stepfunctions._sdk_json_params = params
