"""The artifact that would be deployed, run as Lambda runs it, for every wrapped sample."""

from __future__ import annotations

import copy
import json
import subprocess
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onemachine.aws.local_aws import LocalAws
from onemachine.aws.managed_runtime import isolated_python
from tests.integration.rie.harness import (
    ALERT_INGEST,
    ROOT,
    Emulator,
    build,
    emulator,
    function_environment,
    runtime_folder,
)
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = [pytest.mark.rie, pytest.mark.localaws]

BUS = "rie-alert-ingest"
#: What Slack posts is for chat-actions, and what an investigator answers tells of no alert.
PROXY_EVENTS = sorted(
    path
    for path in (ROOT / "events").glob("*/api-*.json")
    if path.parent.name not in ("slack", "investigator")
)
ANSWER = json.loads((ROOT / "events" / "investigator" / "api-answer.json").read_text("utf-8"))
# What EventBridge and SNS hand over, which is an error where it cannot be used.
OF_AWS = sorted(
    path
    for pattern in ("cloudwatch/*.json", "aws_health/*.json", "sns/topic-*.json")
    for path in (ROOT / "events").glob(pattern)
)
# Nothing becomes of these, and they are answered like the others.
TOLD_OF_NOTHING = {"insufficient-data", "ok-after-no-data", "deleted", "own-alarm"}
COMPLETE = {
    "ACCOUNT_ID": "000000000000",
    "OWN_ALARMS": "sre-dlq-runbook,sre-parked-events",
    "POWERTOOLS_SERVICE_NAME": "alert-ingest",
    "POWERTOOLS_METRICS_NAMESPACE": "SREPlatform",
}


@pytest.fixture(scope="module")
def artifact() -> Path:
    return build(ALERT_INGEST)


class Sink:
    """A queue behind a rule for everything on the bus, and the parking queue."""

    def __init__(self, aws: LocalAws, name: str) -> None:
        self.sqs, self.events, self.name = aws.client("sqs"), aws.client("events"), name
        self.url = self._queue(f"{name}-sink")
        self.parking_url = self._queue(f"{name}-parking")
        arn = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])[
            "Attributes"
        ]["QueueArn"]
        self.events.create_event_bus(Name=name)
        self.events.put_rule(
            Name=f"{name}-all",
            EventBusName=name,
            EventPattern=json.dumps({"source": [{"prefix": "sre."}]}),
        )
        self.events.put_targets(
            Rule=f"{name}-all", EventBusName=name, Targets=[{"Id": "sink", "Arn": arn}]
        )

    def _queue(self, name: str) -> str:
        url: str = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        return url

    def take(self, count: int, url: str | None = None) -> list[dict[str, Any]]:
        """Wait for `count` messages, and see that no more come."""
        taken: list[dict[str, Any]] = []
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            answer = self.sqs.receive_message(
                QueueUrl=url or self.url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=0 if len(taken) >= count else 1,
            )
            messages = answer.get("Messages", [])
            for message in messages:
                taken.append(json.loads(message["Body"]))
                self.sqs.delete_message(
                    QueueUrl=url or self.url, ReceiptHandle=message["ReceiptHandle"]
                )
            if len(taken) >= count and not messages:
                break
        return taken

    def close(self) -> None:
        self.events.remove_targets(Rule=f"{self.name}-all", EventBusName=self.name, Ids=["sink"])
        self.events.delete_rule(Name=f"{self.name}-all", EventBusName=self.name)
        self.events.delete_event_bus(Name=self.name)


@pytest.fixture(scope="module")
def sink(local_aws: LocalAws) -> Iterator[Sink]:
    sink = Sink(local_aws, BUS)
    yield sink
    sink.close()


def variables_for(aws: LocalAws, sink: Sink) -> dict[str, str]:
    return {
        **COMPLETE,
        **aws.operator_environment(),
        "EVENT_BUS_NAME": BUS,
        "PARKING_QUEUE_URL": sink.parking_url,
        "ALARM_ACCOUNTS": "111122223333",
        "INVESTIGATOR_KEY_ID": "investigator",
    }


@pytest.fixture(scope="module")
def function(
    artifact: Path, local_aws: LocalAws, sink: Sink, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Emulator]:
    folder = tmp_path_factory.mktemp("rie")
    with emulator(ALERT_INGEST, artifact, variables_for(local_aws, sink), folder) as running:
        yield running


def answer_of(function: Emulator, event: object) -> tuple[int, dict[str, Any]]:
    result = function.invoke(event)
    assert "statusCode" in result, result
    return result["statusCode"], json.loads(result["body"])


@pytest.mark.parametrize(
    "path", PROXY_EVENTS, ids=[f"{path.parent.name}-{path.stem}" for path in PROXY_EVENTS]
)
def test_every_wrapped_sample_is_answered(function: Emulator, sink: Sink, path: Path) -> None:
    event = json.loads(path.read_text("utf-8"))
    status, answer = answer_of(function, event)
    assert answer["correlation_id"] == event["requestContext"]["requestId"]
    if path.name.startswith("api-invalid-"):
        assert status == 400
        assert answer["errors"]
        assert sink.take(0) == []
        return
    assert status == 202
    arrived = sink.take(answer["accepted"])
    assert len(arrived) == answer["accepted"] >= 1
    assert {item["detail"]["data"]["incident_id"] for item in arrived} == set(
        answer["incident_ids"]
    )
    assert {item["source"] for item in arrived} == {f"sre.{path.parent.name}"}
    assert all(
        item["detail"]["metadata"]["correlation_id"] == answer["correlation_id"] for item in arrived
    )


def test_what_an_investigator_answers_is_read_by_what_was_built(
    function: Emulator, sink: Sink
) -> None:
    """There is no table here in which its incident could be known."""
    assert answer_of(function, ANSWER)[0] == 403
    known = copy.deepcopy(ANSWER)
    known["requestContext"]["identity"]["apiKeyId"] = "investigator"
    assert answer_of(function, known)[0] == 503
    known["body"] = json.dumps(json.loads(known["body"]) | {"status": "resolved"})
    status, answer = answer_of(function, known)
    assert (status, [each["pointer"] for each in answer["errors"]]) == (400, ["/status"])
    assert sink.take(0) == []


@pytest.mark.parametrize("path", OF_AWS, ids=[f"{path.parent.name}-{path.stem}" for path in OF_AWS])
def test_every_sample_of_aws_is_taken_or_an_error(
    function: Emulator, sink: Sink, path: Path
) -> None:
    """As ``sam local invoke AlertIngestFunction -e events/cloudwatch/alarm.json`` would."""
    event = json.loads(path.read_text("utf-8"))
    if path.name.startswith("invalid-"):
        assert function.invoke(event)["errorType"] == "BodyRejected"
        assert sink.take(0) == []
        return
    status, answer = answer_of(function, event)
    told = 0 if path.stem in TOLD_OF_NOTHING else 1
    assert (status, len(answer["incident_ids"])) == (202, told)
    arrived = sink.take(told)
    assert [item["detail"]["data"]["incident_id"] for item in arrived] == answer["incident_ids"]
    assert {item["source"] for item in arrived} <= {f"sre.{path.parent.name}"}


def test_fifty_alerts_in_one_body_all_arrive(function: Emulator, sink: Sink) -> None:
    event = json.loads((ROOT / "events/alertmanager/api-firing.json").read_text("utf-8"))
    body = json.loads(event["body"])
    body["alerts"] = [
        {**body["alerts"][0], "fingerprint": f"{number:016x}"} for number in range(50)
    ]
    status, answer = answer_of(function, {**event, "body": json.dumps(body)})
    assert (status, answer["accepted"]) == (202, 50)
    arrived = sink.take(50)
    assert {item["detail"]["data"]["incident_id"] for item in arrived} == set(
        answer["incident_ids"]
    )
    assert len(arrived) == 50


@pytest.mark.parametrize("levels", [600, 20_000])
def test_a_body_nested_too_deeply_is_refused(function: Emulator, sink: Sink, levels: int) -> None:
    event = json.loads((ROOT / "events/alertmanager/api-firing.json").read_text("utf-8"))
    deep = "[" * levels + "]" * levels
    body = f'{event["body"][:-1]},"password":"hunter2hunter2","extra":{deep}}}'
    status, answer = answer_of(function, {**event, "body": body})
    assert (status, answer["errors"][0]["message"]) == (400, "is not JSON: nested too deeply")
    assert sink.take(0) == []


def test_the_log_is_json_with_correlation_id_and_metrics(function: Emulator, sink: Sink) -> None:
    event = json.loads((ROOT / "events/datadog/api-triggered.json").read_text("utf-8"))
    answer_of(function, event)
    sink.take(1)
    records = [json.loads(line) for line in function.log().splitlines() if line.startswith("{")]
    mine = [
        record
        for record in records
        if record.get("correlation_id") == event["requestContext"]["requestId"]
    ]
    assert {"alerts received", "alerts accepted"} <= {record["message"] for record in mine}
    metrics = [record for record in records if "AlertsAccepted" in record]
    assert metrics[-1]["sender"] == "datadog"
    assert metrics[-1]["service"] == "alert-ingest"


def test_without_its_bus_everything_is_parked_and_can_be_redriven(
    artifact: Path, local_aws: LocalAws, sink: Sink, tmp_path: Path
) -> None:
    """The function cannot reach the bus; what it parked is put on the bus as it is."""
    variables = {
        **variables_for(local_aws, sink),
        "AWS_ENDPOINT_URL_EVENTBRIDGE": "http://127.0.0.1:9",  # nothing listens on the discard port
    }
    event = json.loads((ROOT / "events/alertmanager/api-group-mixed.json").read_text("utf-8"))
    with emulator(ALERT_INGEST, artifact, variables, tmp_path) as running:
        status, answer = answer_of(running, event)
    assert (status, answer["accepted"]) == (202, 2)
    parked = sink.take(2, sink.parking_url)
    assert len(parked) == 2
    assert sink.take(0) == []
    assert sink.events.put_events(Entries=parked)["FailedEntryCount"] == 0
    arrived = sink.take(2)
    assert {item["detail"]["data"]["incident_id"] for item in arrived} == set(
        answer["incident_ids"]
    )


def test_without_bus_and_queue_the_sender_is_asked_to_repeat(
    artifact: Path, local_aws: LocalAws, sink: Sink, tmp_path: Path
) -> None:
    variables = {**variables_for(local_aws, sink), "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    variables["PARKING_QUEUE_URL"] = "http://127.0.0.1:9/000000000000/parking"
    event = json.loads((ROOT / "events/alertmanager/api-firing.json").read_text("utf-8"))
    with emulator(ALERT_INGEST, artifact, variables, tmp_path) as running:
        status, answer = answer_of(running, event)
    assert status == 503
    assert answer["correlation_id"] == event["requestContext"]["requestId"]


def test_a_deployment_without_its_environment_fails_naming_what_is_missing(
    artifact: Path, tmp_path: Path
) -> None:
    variables = {**COMPLETE, "AWS_REGION": "us-east-1"}
    with emulator(ALERT_INGEST, artifact, variables, tmp_path) as running:
        with pytest.raises(urllib.error.URLError):
            running.invoke({})
        log = running.log()
    assert "SettingsError: alert_ingest cannot start" in log
    assert "EVENT_BUS_NAME is missing" in log
    assert "PARKING_QUEUE_URL is missing" in log


def probe(artifact: Path, tmp_path: Path, code: str) -> str:
    """Run code as the function's process would, without the emulator."""
    variables = {
        **COMPLETE,
        "AWS_REGION": "us-east-1",
        "EVENT_BUS_NAME": "bus",
        "PARKING_QUEUE_URL": "http://127.0.0.1:9/0/q",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    runtime = runtime_folder(tmp_path / "runtime")
    result = subprocess.run(
        [*isolated_python(), "-c", code],
        cwd=artifact,
        env=function_environment(ALERT_INGEST, artifact, runtime, variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_the_function_sees_only_its_artifact_and_the_runtime(
    artifact: Path, tmp_path: Path
) -> None:
    code = """
import importlib.util, json
names = ["alert_ingest", "jsonschema", "aws_lambda_powertools", "boto3", "pytest", "yaml", "moto"]
specs = {name: importlib.util.find_spec(name) for name in names}
print(json.dumps({name: spec.origin if spec else None for name, spec in specs.items()}))
"""
    origins = json.loads(probe(artifact, tmp_path, code))
    for name in ("alert_ingest", "jsonschema", "aws_lambda_powertools"):
        assert origins[name].startswith(str(artifact)), name
    assert origins["boto3"].startswith(str(tmp_path))
    assert [origins[name] for name in ("pytest", "yaml", "moto")] == [None, None, None]


def test_a_cold_start_loads_generated_validators_and_not_jsonschema(
    artifact: Path, tmp_path: Path
) -> None:
    code = """
import os, sys, alert_ingest.handler
print([name for name in ("jsonschema", "boto3", "aws_xray_sdk", "pydantic") if name in sys.modules])
print(sorted(name.rpartition(".")[2] for name in sys.modules if ".generated." in name))
import gc
print(gc.isenabled(), gc.get_freeze_count() > 10_000)
files = [module.__cached__ for module in list(sys.modules.values())
         if "ARTIFACT" in str(getattr(module, "__cached__", None))]
print(len(files) > 30, [name for name in files if not os.path.exists(name)])
""".replace("ARTIFACT", artifact.name)
    heavy, generated, collector, uncompiled = probe(artifact, tmp_path, code).splitlines()
    assert collector == "True True"  # off during the start, on for what invocations make
    assert heavy == "[]"
    assert generated == str(
        [
            "alertmanager",
            "alertmanager__alert",
            "aws_health",
            "cloudwatch",
            "datadog",
            "grafana",
            "grafana__alert",
            "sns",
        ]
    )
    assert uncompiled == "True []"
    assert (artifact / "alert_ingest" / "__pycache__" / "handler.cpython-311.pyc").is_file()


def test_the_artifact_is_small(artifact: Path) -> None:
    size = sum(path.stat().st_size for path in artifact.rglob("*") if path.is_file())
    assert size < 7_000_000
    assert not (artifact / "fastjsonschema").exists()  # only the build needs it
    assert not (artifact / "boto3").exists()
    assert not (artifact / "tests").exists()
