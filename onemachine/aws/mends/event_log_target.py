"""Mends rules whose target is a log group.

EventBridge writes the event as one log line into a stream of its own. The emulator knows no such
target and drops the event with a warning.
"""

from __future__ import annotations

import json
import time
from typing import Any

from ministack.core.arn import parse_arn
from ministack.core.responses import new_uuid
from ministack.services import cloudwatch_logs, eventbridge

from onemachine.aws.mends.support import require_success


def log_group_name(arn: str) -> str | None:
    """Return the log group that a target ARN names, or None for another service's ARN."""
    if not arn.startswith("arn:") or ":logs:" not in arn:
        return None
    resource: str = parse_arn(arn).resource
    return resource.removeprefix("log-group:").removesuffix(":*")


def _line(target: dict[str, Any], rule: Any, view: Any) -> str:
    if target.get("InputTransformer"):
        transformed = eventbridge._apply_input_transformer(target["InputTransformer"], rule, view)
        return str(transformed)
    return str(target.get("Input") or json.dumps(view.event_with_detail()))


def apply() -> None:
    """Write into the log group before the stock targets are tried."""
    stock = eventbridge._invoke_target

    def invoke_target(target: Any, event: Any, rule: Any, view: Any = None) -> Any:
        group = log_group_name(target.get("Arn", ""))
        if group is None:
            return stock(target, event, rule, view)
        view = view or eventbridge._pattern_event_view(event)
        stream = new_uuid()
        where = {"logGroupName": group, "logStreamName": stream}
        require_success(cloudwatch_logs._create_log_stream(where))
        line = {"timestamp": int(time.time() * 1000), "message": _line(target, rule, view)}
        require_success(cloudwatch_logs._put_log_events({**where, "logEvents": [line]}))
        return None

    eventbridge._invoke_target = invoke_target
