"""The chat_actions artifact under the Runtime Interface Emulator: all that it imports is in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onemachine.aws.local_aws import LocalAws
from tests.integration.rie.harness import CHAT_ACTIONS, ROOT, build, emulator
from tests.support.slack import CHANNEL, SECRET, TOKEN, signed

pytestmark = [pytest.mark.rie, pytest.mark.localaws]


def test_what_slack_signed_is_taken_and_the_sample_is_too_old(
    local_aws: LocalAws, tmp_path: Path
) -> None:
    secret = local_aws.client("secretsmanager").create_secret(
        Name="rie-slack", SecretString=json.dumps({"signing_secret": SECRET, "bot_token": TOKEN})
    )
    variables = {
        **local_aws.operator_environment(),
        "SLACK_APP_SECRET_ARN": secret["ARN"],
        "SLACK_CHANNEL": CHANNEL,
        "SLACK_PEOPLE": "U024BE7LH=ada",
        "SLACK_API_URL": "http://127.0.0.1:9/api/",
        "INCIDENTS_TABLE": "rie-no-incidents",
        "RESTORER_ARN": "arn:aws:states:us-east-1:000000000000:stateMachine:incident-restorer",
        "MAINTENANCE_PARAMETER": "/rie-no/windows",
        "GUARD_TABLE": "rie-no-guard",
        "EVENT_BUS_NAME": "rie-no-bus",
        "ACCOUNT_ID": "000000000000",
        "POWERTOOLS_SERVICE_NAME": "chat-actions",
    }
    sample = json.loads((ROOT / "events" / "slack" / "api-approve.json").read_text("utf-8"))
    with emulator(CHAT_ACTIONS, build(CHAT_ACTIONS), variables, tmp_path) as function:
        assert function.invoke(sample)["statusCode"] == 401
        assert function.invoke(signed("payload=x"))["statusCode"] == 400
        of_another = sample["body"].replace("sre-approve", "another-button")
        assert function.invoke(signed(of_another))["statusCode"] == 200
        assert function.invoke({"kind": "slack.click"})["errorType"] == "NotFromSlack"
