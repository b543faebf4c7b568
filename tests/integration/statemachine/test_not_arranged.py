"""Where bringing back cannot be arranged the record says so, and no view promises it."""

from __future__ import annotations

import pytest

from srectl.console import story
from srectl.operate import incidents
from srectl.operate.aftermath import return_of
from tests.integration.statemachine.platform import (
    ACCOUNT,
    REGION,
    Platform,
    incident,
    resolution,
    wait_for,
)
from tests.integration.statemachine.telling import id_of

pytestmark = pytest.mark.localaws


def test_nobody_is_promised_what_no_restorer_was_started_for(platform: Platform) -> None:
    event = incident(platform.runbook(restore={"after_seconds": 1, "watch_seconds": 1}))
    nowhere = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:no-such-restorer"
    machine = platform.variant(RestorerArn=nowhere, IfNotStarted="[]")
    platform.run(event, platform.recorder_variant)
    execution = platform.start(event, machine)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    platform.run(resolution(event), platform.recorder_variant)
    assert platform.wait_ended(execution)["status"] == "SUCCEEDED"
    told = platform.notifications(id_of(event))
    assert [one["reason_code"] for one in told] == ["restore-failed"]

    record = incidents.read(platform.ddb, platform.table("incidents"), id_of(event))
    noted = f"could not be arranged; to do it by hand: srectl incidents undo {id_of(event)}"
    assert noted in str(record.get("restoration"))
    by_itself, words = return_of(record, story.lends(record))
    assert (by_itself, noted in words) == (False, True)
