"""The deployment as data: the template as it is deployed, and the state machine files."""

from __future__ import annotations

from typing import Any

import pytest

from onemachine.aws.definitions import read_definition
from tests.support.template import ROOT, deployed

__all__ = ["ROOT"]


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """Return the template as it is deployed, its intrinsic functions in long form."""
    return deployed()


@pytest.fixture(scope="session")
def machines(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each state machine's resource, with its definition under ``definition``."""
    found = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::StateMachine":
            text = (ROOT / resource["Properties"]["DefinitionUri"]).read_text()
            found[name] = {
                **resource["Properties"],
                "text": text,
                "definition": read_definition(text),
            }
    return found
