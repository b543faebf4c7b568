"""The environment is checked at once, and whom it lists."""

from __future__ import annotations

import pytest

from chat_actions.errors import Refused
from chat_actions.people import people_from
from chat_actions.settings import InvalidSettings, Settings

GOOD = {
    "SLACK_APP_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:sre/slack-Ab1",
    "SLACK_CHANNEL": "C024BE91L",
    "SLACK_PEOPLE": "U024=arn:aws:iam::123456789012:user/ada,U025=grace@example.com",
    "SLACK_API_URL": "https://slack.com/api/",
    "INCIDENTS_TABLE": "i",
    "GUARD_TABLE": "g",
    "RESTORER_ARN": "arn:aws:states:eu-central-1:123456789012:stateMachine:incident-restorer",
    "MAINTENANCE_PARAMETER": "/sre-platform/maintenance-windows",
    "EVENT_BUS_NAME": "b",
    "ACCOUNT_ID": "123456789012",
    "AWS_REGION": "eu-central-1",
    "AWS_LAMBDA_FUNCTION_NAME": "chat-actions",
}


def test_people_are_known_by_their_user_of_slack() -> None:
    people = Settings.from_environment(GOOD).people
    assert people.person("U024").told == "arn:aws:iam::123456789012:user/ada (in Slack, as U024)"
    with pytest.raises(Refused, match="U026"):
        people.person("U026")


def test_without_a_list_nobody_may_answer() -> None:
    with pytest.raises(Refused):
        Settings.from_environment({**GOOD, "SLACK_PEOPLE": ""}).people.person("U024")


@pytest.mark.parametrize(
    "text", ["ada", "U024", "U024=", "u024=ada", "U024=a b", "U024=a|b", "U024=a,U024=b"]
)
def test_a_list_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"U024|u024|ada"):
        people_from(text)


def test_teams_have_channels_where_both_are_named() -> None:
    # As the template writes it of three teams, of which one has both.
    text = "payments=C0PAYMENTS,web=,="
    found = Settings.from_environment({**GOOD, "SLACK_TEAM_CHANNELS": text}).team_channels
    assert found == {"payments": "C0PAYMENTS"}
    assert Settings.from_environment(GOOD).team_channels == {}
    with pytest.raises(InvalidSettings, match="SLACK_TEAM_CHANNELS: '#web'"):
        Settings.from_environment({**GOOD, "SLACK_TEAM_CHANNELS": "web=#web"})


def test_every_fault_is_named_at_once() -> None:
    bad = {
        **GOOD,
        "SLACK_CHANNEL": "#incidents",
        "SLACK_API_URL": "http://evil/",
        "GUARD_TABLE": "",
    }
    with pytest.raises(InvalidSettings) as refused:
        Settings.from_environment({**bad, "SLACK_PEOPLE": "ada"})
    for name in ("SLACK_CHANNEL", "SLACK_API_URL", "GUARD_TABLE", "SLACK_PEOPLE"):
        assert name in str(refused.value)
