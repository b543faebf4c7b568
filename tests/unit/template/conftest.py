"""The deployment as data: the template as it is deployed, and the state machine files."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import machines as support
from tests.support.template import ROOT, deployed

__all__ = ["ROOT"]


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """Return the template as it is deployed, its intrinsic functions in long form."""
    return deployed()


@pytest.fixture(scope="session")
def machines() -> dict[str, dict[str, Any]]:
    """Return each state machine's resource, with its definition under ``definition``."""
    return {
        machine.logical_id: {
            **machine.properties,
            "DefinitionSubstitutions": machine.substitutions(),
            "text": machine.text,
            "definition": machine.definition(),
        }
        for machine in support.machines().values()
    }
