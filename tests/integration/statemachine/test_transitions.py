"""What an incident costs: transitions are money on AWS and time everywhere.

AWS bills a Standard machine by the states it enters, the last one included, those of a machine
that it started besides. They are counted here from the histories of real executions. Waiting again
is counted apart, because it depends on the cluster and on the alert: a question whether a rollout
is complete (3), whether it helped (3, and 2 with a look at the target), and of the canary whether
it is closed (3).
"""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from onemachine.aws.local_aws import LocalAws
from tests.integration.statemachine.platform import (
    REGION,
    Platform,
    incident,
    resolution,
    wait_for,
)

pytestmark = [pytest.mark.localaws, pytest.mark.timeout(180)]

#: State that a repetition goes through once → how many states the repetition enters in all.
REPETITIONS = {"WaitForProgress": 3, "WaitToVerifyAgain": 3}
#: The states of a look at the target, of which one counts.
LOOK = 2
#: The seven steps that the platform was ordered with.
STEPS = {
    "EvaluateAlert",
    "LogIncident",
    "ChooseAction",
    "ExecuteAction",
    "WaitForStabilization",
    "VerifyResolution",
    "UpdateStatus",
}
WAITS = {"StabilizationSeconds": "4", "VerifyIntervalSeconds": "2", "VerifyTimeoutSeconds": "30"}


@dataclass(frozen=True)
class Price:
    """What one kind of incident may cost, and what it cost in the first version."""

    most: int
    once: int


PRICES = {
    "a duplicate": Price(2, 5),
    # Two of them for the question whether it hangs on another one.
    "an alert without a runbook": Price(10, 18),
    "a remediation": Price(26, 29),
    "a remediation that the data close": Price(28, 28),
    "the canary and its runbook": Price(38, 52),
}


def entered(platform: Platform, execution: str) -> list[str]:
    """Names of the states that an execution entered, and those of the steps that it waited for."""
    return [
        event["stateEnteredEventDetails"]["name"]
        for event in platform.history(execution)
        if event["type"].endswith("StateEntered")
    ]


def without_repetitions(states: list[str]) -> int:
    """Count states as if nothing had been asked a second time."""
    times = Counter(states)
    repeated = sum(times[name] * each for name, each in REPETITIONS.items())
    repeated += LOOK * max(0, times["VerifyTarget"] - 1)
    return len(states) - repeated - 3 * max(0, times["ReadRecord"] - 2)


def of_a_duplicate(platform: Platform) -> int:
    event = incident("NoSuchRunbook")
    platform.run(event)
    return without_repetitions(entered(platform, platform.start_and_wait(event)))


def of_no_runbook(platform: Platform) -> int:
    event = incident("NoSuchRunbook")
    platform.run(event, platform.recorder_variant)
    return without_repetitions(entered(platform, platform.start_and_wait(event)))


def of_a_remediation(platform: Platform) -> int:
    event = incident(platform.runbook())
    incident_id = event["detail"]["data"]["incident_id"]
    platform.run(event, platform.recorder_variant)
    execution = platform.start(event, platform.variant(**WAITS))
    wait_for(lambda: platform.calls(incident_id, "execute"), "the action")
    platform.run(resolution(event), platform.recorder_variant)
    assert platform.wait_ended(execution)["status"] == "SUCCEEDED"
    assert platform.record(incident_id)["status"] == "resolved"
    states = entered(platform, execution)
    assert set(states) >= STEPS
    return without_repetitions(states)


def of_one_that_the_data_close(platform: Platform) -> int:
    """Its end is told instead of being heard: two states more, and minutes of waiting less."""
    event = incident(platform.runbook({"verify": ["recovered"]}))
    platform.run(event, platform.recorder_variant)
    execution = platform.start_and_wait(event, platform.variant(**WAITS))
    assert platform.record(event["detail"]["data"]["incident_id"])["status"] == "resolved"
    return without_repetitions(entered(platform, execution))


def of_the_canary(platform: Platform) -> int:
    """Its own machine, and the execution of the runbook that it set off."""
    platform.runbook(
        name="PlatformCanary",
        severities=["warning"],
        action="probe_cluster",
        on_failure="keep",
        guard={"cooldown_seconds": 0, "max_actions": 20, "window_seconds": 60},
        target={"kind": "deployment", "namespace": "apps", "name": "platform-canary"},
    )
    runbook = platform.variant(**WAITS)
    platform.route("canary", ["incident.created"], runbook)
    connection, url = webhook(platform)
    canary = platform.variant("platform-canary", WebhookUrl=url, ConnectionArn=connection, **WAITS)
    ended = platform.run({}, canary, timeout=120)
    assert ended["status"] == "SUCCEEDED", ended
    executions = platform.sfn.list_executions(stateMachineArn=runbook)["executions"]
    (of_runbook,) = [platform.wait_ended(one["executionArn"]) for one in executions]
    return sum(
        without_repetitions(entered(platform, one["executionArn"])) for one in (ended, of_runbook)
    )


def webhook(platform: Platform) -> tuple[str, str]:
    """Give connection and address of a webhook that puts one alert onto the bus."""
    name = f"{platform.name}-webhook"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        code = Path(__file__).with_name("stand_in_webhook.py")
        package.write(code, code.name)
    function = platform.aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="stand_in_webhook.handler",
        Role=platform.role_that_may_only("events:PutEvents"),
        Timeout=20,
        Code={"ZipFile": archive.getvalue()},
        Environment={
            "Variables": {"EVENT": json.dumps(incident()), "EVENT_BUS_NAME": platform.bus}
        },
    )["FunctionArn"]
    api_gateway = platform.aws.client("apigateway")
    api = api_gateway.create_rest_api(name=name)["id"]
    root = api_gateway.get_resources(restApiId=api)["items"][0]["id"]
    call: Any = {"restApiId": api, "resourceId": root, "httpMethod": "POST"}
    api_gateway.put_method(**call, authorizationType="NONE")
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations"
    api_gateway.put_integration(**call, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    api_gateway.create_deployment(restApiId=api, stageName="live")
    connection = platform.events.create_connection(
        Name=name,
        AuthorizationType="API_KEY",
        AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": "x-api-key", "ApiKeyValue": "k"}},
    )["ConnectionArn"]
    return connection, f"https://{api}.execute-api.{REGION}.amazonaws.com/live/"


def test_an_incident_costs_no_more_transitions_than_it_may(
    local_aws: LocalAws,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On a platform of its own: a rule that starts every runbook would count them twice."""
    platform = Platform(
        local_aws, f"price-{uuid.uuid4().hex[:8]}", tmp_path_factory.mktemp("calls")
    ).build(rules=("records",))
    counts = (
        of_a_duplicate,
        of_no_runbook,
        of_a_remediation,
        of_one_that_the_data_close,
        of_the_canary,
    )
    found = {kind: count(platform) for kind, count in zip(PRICES, counts, strict=True)}
    with capsys.disabled():
        print(f"\n{'transitions of':28}{'now':>5}{'at most':>9}{'once':>6}")
        for kind, price in PRICES.items():
            print(f"{kind:28}{found[kind]:>5}{price.most:>9}{price.once:>6}")
    assert {kind for kind in PRICES if found[kind] > PRICES[kind].most} == set()
