"""When the morning digest is started, by whom, and what its first line may be."""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonata import Jsonata
from ministack.services.cloudformation.engine import _evaluate_rules

from alert_ingest.speakers import CANARY
from srectl.operate import incidents
from tests.support.machines import machines
from tests.support.template import read


@pytest.fixture(scope="module")
def is_time() -> Jsonata:
    """Whether a value is a time, as the machine asks."""
    return Jsonata(f"({read()['Mappings']['Shared']['Text']['IsTime']})($)")


def test_without_an_hour_there_is_no_schedule_and_the_machine_is_there_all_the_same(
    template: dict[str, Any],
) -> None:
    assert template["Parameters"]["MorningDigestHour"]["Default"] == ""
    given = {
        name: template["Resources"][name].get("Condition")
        for name in ("MorningDigestSchedule", "MorningDigestScheduleRole", "MorningDigest")
    }
    assert [*given.values()] == ["HasMorningDigest", "HasMorningDigest", None]


@pytest.mark.parametrize(
    ("parameter", "taken", "refused"),
    [
        ("MorningDigestHour", ["", "0", "7", "23"], ["24", "07", "7:30", "-1", "7 "]),
        (
            "MorningDigestTimeZone",
            ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"],
            ["", "Europe/Berlin)", "a b", "/UTC", "7"],
        ),
    ],
)
def test_an_hour_is_one_of_a_day_and_a_zone_a_name(
    template: dict[str, Any], parameter: str, taken: list[str], refused: list[str]
) -> None:
    pattern = template["Parameters"][parameter]["AllowedPattern"]
    assert [each for each in taken if not re.fullmatch(pattern, each)] == []
    assert [each for each in refused if re.fullmatch(pattern, each)] == []


def test_an_hour_without_a_mail_is_refused_before_anything_is_made(
    template: dict[str, Any],
) -> None:
    values = {
        name: {"Value": str(each["Default"])} for name, each in template["Parameters"].items()
    }
    hour = values | {"MorningDigestHour": {"Value": "7"}}
    with pytest.raises(ValueError, match="MorningDigestHour needs NotificationEmail"):
        _evaluate_rules(template, hour, {})
    _evaluate_rules(template, hour | {"NotificationEmail": {"Value": "a@example.com"}}, {})


def test_the_heartbeat_has_one_name_for_the_door_the_mail_and_the_commands() -> None:
    assert incidents.CANARY == CANARY
    asked = machines()["morning-digest"].definition()["States"]["ReadIncidents"]["Arguments"]
    assert f"'sender_name <> :canary', {{':canary': {{'S': '{CANARY}'}}}}" in " ".join(
        asked.split()
    )


@given(at=st.datetimes().filter(lambda at: at.year >= 1000))
def test_every_time_there_is_can_be_reckoned_with(is_time: Jsonata, at: datetime.datetime) -> None:
    for written in (f"{at:%Y-%m-%dT%H:%M:%S}Z", f"{at:%Y-%m-%dT%H:%M:%S}.704Z"):
        assert is_time.evaluate(written) is True


@given(
    parts=st.tuples(st.integers(0, 9999), *[st.integers(0, 99)] * 5).map(
        lambda each: "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*each)
    )
)
@example(parts="2026-19-39T03:00:00Z")
@example(parts="2100-02-29T03:00:00Z")
@example(parts="2026-11-31T03:00:00Z")
def test_what_is_taken_for_a_time_is_one(is_time: Jsonata, parts: str) -> None:
    if is_time.evaluate(parts):
        assert datetime.datetime.fromisoformat(parts)


@pytest.mark.parametrize(
    "value", [None, 7, True, {}, [], "", "soon", "2026-11-28", ["2026-11-28T07:00:00Z"]]
)
def test_what_is_no_time_is_none(is_time: Jsonata, value: object) -> None:
    assert is_time.evaluate(value) is False


def test_the_schedule_starts_it_in_the_region_that_acts_and_keeps_what_it_could_not_start(
    template: dict[str, Any],
) -> None:
    schedule = template["Resources"]["MorningDigestSchedule"]["Properties"]
    assert schedule["State"] == {"Fn::If": ["StandsBy", "DISABLED", "ENABLED"]}
    assert schedule["ScheduleExpression"] == {"Fn::Sub": "cron(0 ${MorningDigestHour} * * ? *)"}
    assert schedule["ScheduleExpressionTimezone"] == {"Ref": "MorningDigestTimeZone"}
    target = schedule["Target"]
    assert target["Arn"] == {"Ref": "MorningDigest"}
    queue = {"Fn::GetAtt": ["NotificationDeadLetters", "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": queue}
    # What srectl dlq redrive knows it by, and what the machine takes its hours from.
    assert json.loads(target["Input"]) == {
        "event": "morning-digest.due",
        "at": "<aws.scheduler.scheduled-time>",
    }
    role = template["Resources"]["MorningDigestScheduleRole"]["Properties"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert [(each["Action"], each["Resource"]) for each in statements] == [
        ("states:StartExecution", {"Ref": "MorningDigest"}),
        ("sqs:SendMessage", queue),
        (["kms:GenerateDataKey", "kms:Decrypt"], {"Fn::GetAtt": ["PlatformKey", "Arn"]}),
    ]


def test_it_reads_and_tells_and_writes_nothing(template: dict[str, Any]) -> None:
    [policy] = template["Resources"]["MorningDigestRole"]["Properties"]["Policies"]
    actions = {
        action
        for statement in policy["PolicyDocument"]["Statement"]
        for action in [statement["Action"]]
        if isinstance(action, str)
    }
    assert actions == {
        "dynamodb:Query",
        "dynamodb:GetItem",
        "ssm:GetParameters",
        "sns:Publish",
        "sqs:SendMessage",
    }


@pytest.mark.parametrize("problems", [[], ["x"]])
@pytest.mark.parametrize("count", [0, 1, 12_000])
def test_the_first_line_fits_a_lock_screen(problems: list[str], count: int) -> None:
    title = machines()["morning-digest"].definition()["States"]["SumUp"]["Assign"]["title"]
    counts = {"needs": count, "begun": count, "automation": count}
    variables = {"counts": counts, "problems": problems, "more": False}
    said = Jsonata(title.strip()[2:-2]).evaluate(None, variables)
    assert re.fullmatch(r"MORNING[ -~]{1,53}", said)
    assert ("not all read" in said) is bool(problems)
    assert "1 incidents" not in said
