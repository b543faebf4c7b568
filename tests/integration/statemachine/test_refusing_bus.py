"""EventBridge refuses half of the entries at each attempt, then all: no alert is lost.

The shipped function takes the alerts. Between it and the bus stands a proxy that refuses entries
as PutEvents does: with 200, an error code for each, and their number.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import CliRunner

from onemachine.aws.local_aws import LocalAws
from srectl.cli import cli
from tests.integration.rie.harness import ALERT_INGEST, Emulator, build, emulator
from tests.integration.statemachine.platform import Platform, wait_for
from tests.integration.statemachine.webhook import request, variables

pytestmark = [pytest.mark.localaws, pytest.mark.rie, pytest.mark.timeout(280)]

ALERTS = 25
NOWHERE = "http://127.0.0.1:9"  # nothing listens on the discard port


class RefusingBus:
    """PutEvents of a real bus, but for the entries that it refuses.

    Attributes
    ----------
    refusing
        "nothing"; "half" of what comes at each attempt, so that an eighth is still refused at the
        third and ever after; "all". An entry's own attempts count: a request that the sender's
        time-out repeats changes nothing for the others.
    refused
        Refusals so far.
    """

    def __init__(self, events: Any) -> None:
        self.refusing = "nothing"
        self.refused = 0
        self._attempts: dict[str, int] = {}
        self._lock = threading.Lock()
        self._events = events
        bus = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                answer = json.dumps(bus.put(json.loads(self.rfile.read(length))["Entries"]))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def put(self, entries: list[dict[str, Any]]) -> dict[str, Any]:
        """Hand on what is not refused, and answer for all."""
        with self._lock:
            refused = [self._refuses(entry) for entry in entries]
            self.refused += sum(refused)
        wanted = [entry for entry, no in zip(entries, refused, strict=True) if not no]
        answers = iter(self._events.put_events(Entries=wanted)["Entries"] if wanted else [])
        refusal = {"ErrorCode": "ThrottlingException", "ErrorMessage": "refused"}
        results = [refusal if no else next(answers) for no in refused]
        failed = sum("ErrorCode" in result for result in results)
        return {"FailedEntryCount": failed, "Entries": results}

    def _refuses(self, entry: dict[str, Any]) -> bool:
        """Whether this attempt of an entry is refused; counts the attempt."""
        if self.refusing != "half":
            return self.refusing == "all"
        incident: str = json.loads(entry["Detail"])["data"]["incident_id"]
        attempt = self._attempts[incident] = self._attempts.get(incident, 0) + 1
        rank = list(self._attempts).index(incident) + 1
        halvings = min(attempt, 3)
        return rank % (1 << halvings) == 0

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def platform(local_aws: LocalAws, tmp_path: Any) -> Platform:
    """A platform whose table holds nothing else, so that it can be counted."""
    return Platform(local_aws, f"r-{uuid.uuid4().hex[:8]}", tmp_path).build()


@pytest.fixture
def bus(platform: Platform) -> Iterator[RefusingBus]:
    found = RefusingBus(platform.events)
    yield found
    found.stop()


@pytest.fixture
def sender(
    platform: Platform, bus: RefusingBus, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Emulator, Emulator]]:
    """The function, and the same where the parking queue cannot be reached either."""
    settings = {
        **platform.aws.operator_environment(),
        **variables(platform),
        "AWS_ENDPOINT_URL_EVENTBRIDGE": bus.url,
    }
    without_queue = {**settings, "AWS_ENDPOINT_URL_SQS": NOWHERE}
    without_queue["PARKING_QUEUE_URL"] = f"{NOWHERE}/000000000000/parking"
    artifact = build(ALERT_INGEST)
    with (
        emulator(ALERT_INGEST, artifact, settings, tmp_path_factory.mktemp("rie")) as one,
        emulator(ALERT_INGEST, artifact, without_queue, tmp_path_factory.mktemp("rie")) as other,
    ):
        yield one, other


def post(function: Emulator, event: dict[str, Any]) -> tuple[int, list[str]]:
    """Send a request; returns the answer's code and the incidents that it names."""
    answer = function.invoke(event)
    return answer["statusCode"], json.loads(answer["body"]).get("incident_ids", [])


def alerts() -> dict[str, Any]:
    """A request with alerts that nobody has sent before."""
    return request([uuid.uuid4().hex[:16] for _ in range(ALERTS)], runbook="NoSuchRunbook")


def parked(platform: Platform) -> int:
    """Messages in the parking queue."""
    found = platform.sqs.get_queue_attributes(
        QueueUrl=platform.queues["parking"], AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(found["Attributes"]["ApproximateNumberOfMessages"])


def recorded(platform: Platform) -> set[str]:
    """The incidents there are."""
    pages = platform.ddb.get_paginator("scan").paginate(
        TableName=platform.table("incidents"), ConsistentRead=True
    )
    return {item["incident_id"]["S"] for page in pages for item in page["Items"]}


def test_no_alert_is_lost_however_much_the_bus_refuses(
    platform: Platform,
    bus: RefusingBus,
    sender: tuple[Emulator, Emulator],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    function, without_queue = sender
    taken: set[str] = set()

    bus.refusing = "half"
    status, incidents = post(function, alerts())
    assert (status, len(incidents)) == (202, ALERTS)
    taken.update(incidents)
    of_the_half = parked(platform)
    # Sent three times, half of them refused each time: an eighth is left over.
    assert of_the_half == ALERTS // 8
    assert bus.refused > ALERTS // 2

    bus.refusing = "all"
    status, incidents = post(function, alerts())
    assert (status, len(incidents)) == (202, ALERTS)
    taken.update(incidents)
    assert parked(platform) == of_the_half + ALERTS

    refused = alerts()
    assert post(without_queue, refused) == (503, [])

    bus.refusing = "nothing"
    status, incidents = post(without_queue, refused)  # what a sender does after a 503
    assert (status, len(incidents)) == (202, ALERTS)
    taken.update(incidents)
    wait_for(lambda: len(recorded(platform)) == 2 * ALERTS - of_the_half, "what was published")

    for name, value in platform.aws.operator_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SRECTL_PREFIX", f"{platform.name}-")
    answer = CliRunner().invoke(cli, ["dlq", "redrive", "parked", "--max", "1000", "--json"])
    assert answer.exit_code == 0, answer.output
    (outcome,) = json.loads(answer.output)
    assert len(outcome["delivered"]) == of_the_half + ALERTS
    wait_for(lambda: recorded(platform) == taken, "every alert on record")
    assert len(taken) == 3 * ALERTS
    assert parked(platform) == 0
