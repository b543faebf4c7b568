"""Which of several incidents comes first, wherever they are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["SEVERITIES", "severity_rank"]

#: The worst first.
SEVERITIES = ("critical", "warning", "info")


def severity_rank(record: Mapping[str, Any]) -> int:
    """Give the place of its severity, the worst 0; a severity that is none comes last."""
    severity = record.get("severity")
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
