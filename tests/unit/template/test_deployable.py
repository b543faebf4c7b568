"""The template deploys to an account as AWS gives it, with every answer left as it is."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest
from samtranslator.translator.transform import transform

from tests.support.machines import machines
from tests.support.template import ROOT

RECORDS = "THE-RECORDS"


def test_nothing_is_reserved_of_a_quota_of_ten_unless_somebody_asks_for_it(
    template: dict[str, Any],
) -> None:
    for function, parameter, condition in (
        ("AlertIngestFunction", "AlertIngestConcurrency", "ReservesForIngest"),
        ("RunbookActionFunction", "RunbookActionConcurrency", "ReservesForAction"),
    ):
        reserved = template["Resources"][function]["Properties"]["ReservedConcurrentExecutions"]
        assert reserved == {"Fn::If": [condition, {"Ref": parameter}, {"Ref": "AWS::NoValue"}]}
        assert template["Parameters"][parameter]["Default"] == 0
        asked = {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, 0]}]}
        assert template["Conditions"][condition] == asked


def test_nothing_is_selected_from_a_list_that_may_be_empty(template: dict[str, Any]) -> None:
    lists = [
        name
        for name, each in template["Parameters"].items()
        if each["Type"] == "CommaDelimitedList" and each["Default"] == ""
    ]
    whole = json.dumps({**template, "Mappings": {}})
    assert lists
    selected = re.findall(r'"Fn::Select": \[[^\]]*"Ref": "(\w+)"', whole)
    assert [name for name in selected if name in lists] == []


def test_whoever_answers_every_question_with_return_is_asked_each_once(
    template: dict[str, Any],
) -> None:
    """SAM CLI repeats a question without a default, and has none for what is NoEcho."""
    for name, each in template["Parameters"].items():
        assert "Default" in each, name
        assert not each.get("NoEcho"), name
    config = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    # Its own question ("Deploy this changeset?") means no when it is answered with return.
    assert not config["default"]["deploy"]["parameters"].get("confirm_changeset")
    # Roles have names, and guided deployments take what stands here.
    assert config["default"]["deploy"]["parameters"]["capabilities"][0] == "CAPABILITY_NAMED_IAM"


def test_the_webhook_speaks_tls_1_2_and_newer_only(
    template: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    api = template["Resources"]["WebhookApi"]
    asked = {
        "Transform": template["Transform"],
        "Resources": {"Api": {"Type": api["Type"], "Properties": dict(api["Properties"])}},
    }
    for name in ("Auth", "Models", "AccessLogSetting", "Description", "Name"):
        del asked["Resources"]["Api"]["Properties"][name]
    asked["Resources"]["Api"]["Properties"]["DefinitionBody"] = {"swagger": "2.0", "paths": {}}

    made = transform(asked, {}, None)["Resources"]["Api"]["Properties"]

    assert made["SecurityPolicy"] == "SecurityPolicy_TLS13_1_2_2021_06"
    assert made["EndpointAccessMode"] == "BASIC"


def test_what_is_optional_can_be_left_out(template: dict[str, Any]) -> None:
    dashboards = {
        name: each.get("Condition")
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::CloudWatch::Dashboard"
    }
    assert set(dashboards.values()) == {"HasDashboards"}


def test_functions_ask_the_sts_of_their_own_region(template: dict[str, Any]) -> None:
    """The runtime's boto3 is none of ours, and a VPC has an endpoint for its own region alone."""
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["AWS_STS_REGIONAL_ENDPOINTS"] == "regional"


def test_no_machine_reads_more_of_a_record_than_it_looks_at() -> None:
    """A record may have 400 KB, and an answer of more than 256 KiB ends a machine uncaught."""
    found = []
    for kind, machine in machines().items():
        given = machine.substitutions()
        marked = {name: RECORDS for name in given if name in ("Incidents", "IncidentTable")}
        for name, state in machine.definition(given | marked)["States"].items():
            asked = json.dumps(state.get("Arguments", {}))
            if RECORDS not in asked:
                continue
            reads = str(state["Resource"]).endswith((":getItem", ":query", ":transactGetItems"))
            if (reads and "ProjectionExpression" not in asked) or "ALL_NEW" in asked:
                found.append((kind, name))
    # Of an alert that the platform sends itself, with one step.
    assert found == [("platform-canary", "ReadRecord")]
