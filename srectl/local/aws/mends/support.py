"""Small helpers that several mends share."""

from __future__ import annotations

import json
from typing import Any


def require_success(response: tuple[int, Any, bytes | str]) -> dict[str, Any]:
    """Return the JSON body of an emulator's internal answer, or raise what it refused.

    CloudFormation handlers of the emulator report a failed resource by raising.

    Raises
    ------
    ValueError
        If the status is 400 or above; the message is the service's own.
    """
    status, _headers, body = response
    text = body.decode() if isinstance(body, bytes) else body
    if status >= 400:
        raise ValueError(text)
    parsed: dict[str, Any] = json.loads(text or "{}")
    return parsed


def is_true(value: Any) -> bool:
    """Read a CloudFormation boolean, which arrives as a bool or as the text ``"true"``."""
    return str(value).lower() == "true"
