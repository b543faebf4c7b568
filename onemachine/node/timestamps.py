"""Timestamps in the two forms Kubernetes uses."""

from datetime import UTC, datetime


def now() -> str:
    """Return the present time as ``metav1.Time`` (whole seconds)."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def now_micro() -> str:
    """Return the present time as ``metav1.MicroTime``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
