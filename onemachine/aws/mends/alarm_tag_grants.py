"""Mends what a grant on the tags of CloudWatch's alarms is for: the alarm that the call names.

AWS asks for ``cloudwatch:ListTagsForResource``, as for the calls that set and take tags, on the
resource of the call's ``ResourceARN``. The emulator knows the names of alarms alone and asks for
every resource, which only a grant on ``*`` has.
"""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions


def apply() -> None:
    """Ask for the resource that the call names, where it names one."""
    stock = iam_actions.extract_resource_arn

    def extract(
        service: str, method: str, path: str, headers: Any, body: Any, query: Any, *more: Any
    ) -> Any:
        named = iam_actions._param(body, query, "ResourceARN") if service == "monitoring" else ""
        return named or stock(service, method, path, headers, body, query, *more)

    iam_actions.extract_resource_arn = extract
