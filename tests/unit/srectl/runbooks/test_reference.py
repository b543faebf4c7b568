"""The reference of the guide is what the code takes, and says what an author must know."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from runbook_action.actions import REGISTRY
from srectl.cli import cli
from srectl.runbooks.reference import markdown
from srectl.runbooks.schema import SCHEMA_FILE
from tests.support.template import ROOT

GUIDE = (ROOT / "docs" / "writing-a-runbook.md").read_text("utf-8")


def test_the_table_of_actions_is_what_their_code_says() -> None:
    written = re.search(r"<!-- written by: [^>]*-->\n(.*?)<!-- end -->", GUIDE, re.DOTALL)
    assert written is not None
    assert written[1] == markdown(REGISTRY), "srectl runbooks actions --markdown prints it anew"


@pytest.mark.parametrize("name", REGISTRY)
def test_an_action_tells_each_parameter_with_its_bounds(name: str) -> None:
    answer = CliRunner().invoke(cli, ["runbooks", "actions", name], env={"COLUMNS": "300"})
    assert answer.exit_code == 0, answer.output
    for parameter in REGISTRY[name].fields:
        (line,) = (line for line in answer.output.splitlines() if f" {parameter} " in line)
        assert re.search(r" to \d|texts? |true", line), line
    assert ("has to be approved" in answer.output) is REGISTRY[name].asks


def test_json_and_an_unknown_name_are_answered_as_everywhere() -> None:
    told = json.loads(CliRunner().invoke(cli, ["runbooks", "actions", "--json"]).stdout)
    assert [each["name"] for each in told] == sorted(REGISTRY)
    answer = CliRunner().invoke(cli, ["runbooks", "actions", "reboot"])
    assert answer.exit_code == 1
    assert "there is no action reboot" in answer.output


def test_the_guide_explains_every_key_of_a_runbook_and_every_result() -> None:
    reference = GUIDE[GUIDE.index("## Reference") :]
    schema = json.loads(SCHEMA_FILE.read_text("utf-8"))
    keys = {*schema["properties"], *schema["$defs"]["step"]["properties"]}
    keys |= {*schema["properties"]["guard"]["properties"], "from_label", "one_of"}
    keys |= {*schema["properties"]["restore"]["properties"], "info", "warning", "critical"}
    assert [key for key in sorted(keys) if not re.search(rf"\b{key}\b", reference)] == []
    tests = json.loads((SCHEMA_FILE.parent / "runbook-test.schema.json").read_text("utf-8"))
    for result in tests["$defs"]["step"]["properties"]["result"]["enum"]:
        assert f"`{result}`" in reference
