"""The schedule as it is deployed starts the morning digest, and one mail hears of it."""

from __future__ import annotations

import datetime
import re

import pytest

from onemachine.receiver import read_mails
from tests.integration.alarms.platform import Deployment, eventually

pytestmark = pytest.mark.localaws

_SINCE = re.compile(r"^Incidents that began since (\S+Z):", re.MULTILINE)
moment = datetime.datetime.fromisoformat


def test_what_the_schedule_starts_mails_everybodys_address_and_pages_nobody(
    deployment: Deployment,
) -> None:
    scheduler = deployment.aws.client("scheduler")
    daily = scheduler.get_schedule(Name="morning-digest")
    assert (daily["State"], daily["ScheduleExpression"]) == ("ENABLED", "cron(0 7 * * ? *)")
    before = len(deployment.pages(""))
    begun = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    day_before = begun - datetime.timedelta(days=1)
    # Nobody waits here until it is seven: the same target, now.
    scheduler.create_schedule(
        Name="morning-digest-now",
        ScheduleExpression=f"at({begun:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=daily["Target"],
    )

    def told() -> list[str]:
        mails = read_mails(deployment.aws.mail_file)
        said = [(each.to, _SINCE.search(each.body)) for each in mails]
        # One of its own, should it be seven.
        return [to for to, found in said if found and moment(found[1]) >= day_before]

    try:
        # Neither the team's nor the second contact's.
        assert eventually(told, "the mail of the morning") == ["oncall@example.com"]
    finally:
        scheduler.delete_schedule(Name="morning-digest-now")
    assert [each for each in deployment.pages("")[before:] if "MORNING" in str(each)] == []
