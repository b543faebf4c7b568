"""The deployment as data: template.yaml and the state machine files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode.cfn_yaml import load as load_template

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """Return template.yaml with its intrinsic functions in long form."""
    loaded: dict[str, Any] = json.loads(json.dumps(load_template(str(ROOT / "template.yaml"))))
    return loaded


@pytest.fixture(scope="session")
def machines(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each state machine's resource, with its definition under ``definition``."""
    found = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::StateMachine":
            text = (ROOT / resource["Properties"]["DefinitionUri"]).read_text()
            found[name] = {**resource["Properties"], "text": text, "definition": json.loads(text)}
    return found
