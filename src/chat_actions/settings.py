"""The function's environment, checked once when the container starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from chat_actions.people import People, people_from

_ARN = re.compile(r"arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:\d{12}:\S{1,512}")
_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,30}")
_API = re.compile(r"https://[a-z0-9.-]+/api/|http://127\.0\.0\.1:\d+/api/")


class InvalidSettings(ValueError):
    """The environment of the function is not usable. The message lists every fault."""


@dataclass(frozen=True)
class Settings:
    """What the deployment decides.

    Attributes
    ----------
    secret_arn
        Secret of the Slack app: JSON with ``signing_secret`` and ``bot_token``
        (``SLACK_APP_SECRET_ARN``).
    channel
        Id of the channel that cards are posted in (``SLACK_CHANNEL``).
    team_channels
        Channels of teams with one of their own: team → id (``SLACK_TEAM_CHANNELS``, TEAM=CHANNEL
        with commas; an empty half is none).
    people
        Who may answer: user of Slack → ARN or name (``SLACK_PEOPLE``).
    api_url
        Where Slack's Web API is (``SLACK_API_URL``): ``https://slack.com/api/``, GovSlack's, or
        one on this machine.
    incidents_table, guard_table
        Tables of the records, and of the cards' rows.
    restorer_arn
        The machine that takes back what runbooks left (``RESTORER_ARN``).
    maintenance_parameter
        Name of the parameter with the maintenance windows (``MAINTENANCE_PARAMETER``).
    bus
        Name of the bus, for what people say of an incident.
    account_id, region
        Where all this is.
    function_name
        This function, which does in a second call what Slack need not wait for.
    """

    secret_arn: str
    channel: str
    team_channels: Mapping[str, str]
    people: People
    api_url: str
    incidents_table: str
    guard_table: str
    restorer_arn: str
    maintenance_parameter: str
    bus: str
    account_id: str
    region: str
    function_name: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read and check the environment.

        Raises
        ------
        InvalidSettings
            If anything is missing or malformed; all faults are in the one message.
        """
        faults: list[str] = []

        def required(name: str, form: re.Pattern[str] | None = None, what: str = "") -> str:
            value = environment.get(name, "").strip()
            if not value:
                faults.append(f"{name} is missing")
            elif form and not form.fullmatch(value):
                faults.append(f"{name} {value!r} is not {what}")
            return value

        people = People({})
        try:
            people = people_from(environment.get("SLACK_PEOPLE", ""))
        except ValueError as error:
            faults.append(f"SLACK_PEOPLE: {error}")
        team_channels: dict[str, str] = {}
        for entry in filter(None, environment.get("SLACK_TEAM_CHANNELS", "").split(",")):
            team, _, channel = entry.partition("=")
            if team and channel:
                team_channels[team] = channel
                if not _CHANNEL.fullmatch(channel):
                    faults.append(
                        f"SLACK_TEAM_CHANNELS: {channel!r} is not the id of a channel (C…)"
                    )
        found = cls(
            required("SLACK_APP_SECRET_ARN", _ARN, "the ARN of a secret"),
            required("SLACK_CHANNEL", _CHANNEL, "the id of a channel (C…)"),
            team_channels,
            people,
            required("SLACK_API_URL", _API, "https://HOST/api/"),
            required("INCIDENTS_TABLE"),
            required("GUARD_TABLE"),
            required("RESTORER_ARN", _ARN, "the ARN of a state machine"),
            required("MAINTENANCE_PARAMETER"),
            required("EVENT_BUS_NAME"),
            required("ACCOUNT_ID"),
            required("AWS_REGION"),
            required("AWS_LAMBDA_FUNCTION_NAME"),
        )
        if faults:
            raise InvalidSettings(
                "chat-actions cannot start: " + "; ".join(faults) + ". Correct the parameters of "
                "the Slack app (docs/slack.md) and deploy again."
            )
        return found
