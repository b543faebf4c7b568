"""Mends ``MessageAttributes`` and object messages of the ``sns:publish`` integration.

Step Functions passes both on. The emulator hands the task's arguments to a parser of query strings,
which knows neither maps nor objects, so that filter policies on attributes never match.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services import stepfunctions


def as_query(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments as SNS' query protocol spells them."""
    query = dict(arguments)
    attributes = query.pop("MessageAttributes", None) or {}
    for number, (name, attribute) in enumerate(attributes.items(), 1):
        prefix = f"MessageAttributes.entry.{number}"
        query[f"{prefix}.Name"] = name
        for key, value in attribute.items():
            text = value if isinstance(value, str) else json.dumps(value)
            query[f"{prefix}.Value.{key}"] = text
    if not isinstance(query.get("Message", ""), str):
        query["Message"] = json.dumps(query["Message"])
    return query


def apply() -> None:
    """Translate before the stock integration publishes."""
    stock = stepfunctions._invoke_sns_publish

    def publish(resource: str, arguments: dict[str, Any]) -> Any:
        return stock(resource, as_query(arguments))

    stepfunctions._invoke_sns_publish = publish
    for prefix, handler in list(stepfunctions._SERVICE_DISPATCH.items()):
        if handler is stock:
            stepfunctions._SERVICE_DISPATCH[prefix] = publish
