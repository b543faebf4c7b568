"""What an operator's shell may say to ``srectl``, and no test is to hear."""

from __future__ import annotations

from collections.abc import MutableMapping

__all__ = ["VARIABLES", "forget"]

#: Variables that stand for options of commands; a test of ``srectl`` holds the list complete.
VARIABLES = ("REALISTIC", "SCENARIO", "SRECTL_NAMESPACES", "SRECTL_PREFIX", "SRECTL_SEVERITIES")


def forget(environment: MutableMapping[str, str]) -> None:
    """Take what stands for options of commands out of an environment."""
    for name in VARIABLES:
        environment.pop(name, None)
