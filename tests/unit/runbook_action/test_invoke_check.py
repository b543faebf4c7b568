"""invoke_check: who may be asked, what is taken of the answer, and every way to get none."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
import urllib3
from botocore.response import StreamingBody
from botocore.stub import Stubber

from runbook_action.actions import REGISTRY
from runbook_action.adapters import checks as adapter
from runbook_action.adapters.checks import MOST_BYTES, TeamChecks
from runbook_action.errors import (
    AccessDenied,
    ActionRefused,
    AwsRejected,
    AwsUnavailable,
    CheckUnavailable,
    ResourceMissing,
    StateUnknown,
)
from tests.unit.runbook_action.fakes import World, request

CHECK = REGISTRY["invoke_check"]
ARN = "arn:aws:lambda:eu-west-1:000000000000:function:queue-depth"
GOOD = {"healthy": True, "facts": {"queue_depth": 7, "leader": "b-1", "lagging": False}}


@dataclass
class Said:
    """A check that says what it is told to."""

    answer: Any = field(default_factory=lambda: GOOD)
    names: frozenset[str] = frozenset({"queue"})
    about: Any = None

    def ask(self, name: str, about: Any) -> object:
        assert name in self.names
        self.about = about
        return self.answer


def run(checks: Any, operation: str = "plan", check: str = "queue") -> Any:
    services = replace(World.new().services, checks=checks)
    asked = request(CHECK.name, operation, parameters={"check": check})  # type: ignore[arg-type]
    return getattr(CHECK, operation)(asked, services)


@pytest.mark.parametrize("operation", ["plan", "execute"])
def test_the_facts_of_a_check_stand_in_the_outcome_and_nothing_is_changed(operation: str) -> None:
    said = Said()
    outcome = run(said, operation)
    assert (outcome.status, outcome.changed) == ("unchanged", False)
    assert outcome.details == GOOD
    assert outcome.facts == {
        "check": True,
        "check.queue_depth": 7,
        "check.leader": "b-1",
        "check.lagging": False,
    }
    assert said.about == {
        "cluster": None,
        "namespace": "apps",
        "kind": "deployment",
        "name": "checkout",
    }


@pytest.mark.parametrize("healthy", [True, False])
def test_verify_says_what_the_check_says(healthy: bool) -> None:
    assert run(Said({"healthy": healthy}), "verify").healthy is healthy
    assert run(Said(), "undo").status == "unchanged"


@pytest.mark.parametrize("operation", ["plan", "execute", "verify"])
@pytest.mark.parametrize("checks", [Said(), None])
def test_a_check_that_is_not_listed_is_refused(operation: str, checks: Any) -> None:
    with pytest.raises(ActionRefused, match=r"elsewhere is not on .*CheckFunctionArns"):
        run(checks, operation, "elsewhere")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"healthy": "yes"},
        {"healthy": True, "facts": [1]},
        {"healthy": True, "facts": {str(number): 1 for number in range(21)}},
        {"healthy": True, "facts": {"Big": 1}},
        {"healthy": True, "facts": {"a b": 1}},
        {"healthy": True, "facts": {"nested": {"a": 1}}},
        {"healthy": True, "facts": {"nothing": None}},
        {"healthy": True, "facts": {"long": "x" * 201}},
        {"healthy": True, "facts": {"control": "a\nb"}},
        {"healthy": True, "facts": {"endless": float("inf")}},
    ],
)
def test_an_answer_of_another_form_is_not_used(answer: Any) -> None:
    with pytest.raises(StateUnknown, match="check queue"):
        run(Said(answer))


# A Lambda function, by botocore's model.


class Lambda:
    """A stubbed client, and the checks that ask it."""

    def __init__(self) -> None:
        self.client = boto3.client(
            "lambda", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        self.stubs = Stubber(self.client)
        self.stubs.activate()
        self.checks = TeamChecks(self.client, {"queue": ARN}, {})

    def says(self, payload: bytes, **more: Any) -> None:
        body = StreamingBody(io.BytesIO(payload), len(payload))
        self.stubs.add_response("invoke", {"StatusCode": 200, "Payload": body, **more})


def test_a_function_is_invoked_with_the_target() -> None:
    function = Lambda()
    function.says(json.dumps(GOOD).encode())
    assert run(function.checks).details["facts"] == GOOD["facts"]


def test_a_function_that_fails_or_says_too_much_or_no_json_is_named() -> None:
    function = Lambda()
    function.says(b'{"errorMessage": "no"}', FunctionError="Unhandled")
    with pytest.raises(CheckUnavailable, match=r"failed \(Unhandled\).*queue-depth"):
        run(function.checks)
    function.says(b"<html>")
    with pytest.raises(StateUnknown, match="not JSON"):
        run(function.checks)
    text = json.dumps({"x": "y" * MOST_BYTES}).encode()
    body = StreamingBody(io.BytesIO(text), None)  # type: ignore[arg-type]  # read in part
    function.stubs.add_response("invoke", {"StatusCode": 200, "Payload": body})
    with pytest.raises(StateUnknown, match="more than 65536 bytes"):
        run(function.checks)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("ExpiredTokenException", 401, AccessDenied),
        ("AccessDeniedException", 403, AccessDenied),
        ("ResourceNotFoundException", 404, ResourceMissing),
        ("ResourceConflictException", 409, AwsRejected),
        ("InvalidRequestContentException", 422, AwsRejected),
        ("TooManyRequestsException", 429, AwsUnavailable),
        ("ServiceException", 500, AwsUnavailable),
    ],
)
def test_every_refusal_of_lambda_has_its_name(
    code: str, status: int, error: type[Exception]
) -> None:
    function = Lambda()
    function.stubs.add_client_error("invoke", code, "said so", http_status_code=status)
    with pytest.raises(error, match="said so"):
        run(function.checks)


# An address, on a server of the test's own. Its scheme is what the settings check.


class Site:
    """Answers every GET in one way, and remembers what it was asked."""

    def __init__(self) -> None:
        self.status, self.body = 200, json.dumps(GOOD).encode()
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                self.send_response(site.status)
                for name, value in {
                    "Content-Length": str(len(site.body)),
                    **site.headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(site.body)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/health?of=queue"

    @property
    def checks(self) -> TeamChecks:
        return TeamChecks(NEVER, {}, {"queue": self.url})


class _Never:
    """No check of these is a function."""

    def invoke(self, **_: Any) -> Any:
        raise AssertionError("no check of these is a function")


NEVER: Any = _Never()


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    yield found
    found.server.shutdown()
    found.server.server_close()
    found.thread.join(5)


def test_an_address_is_asked_as_it_was_written_with_the_target_in_its_query(site: Site) -> None:
    assert run(site.checks).details == GOOD
    assert site.asked == ["/health?of=queue&namespace=apps&kind=deployment&name=checkout"]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, AccessDenied),
        (403, AccessDenied),
        (404, ResourceMissing),
        (409, StateUnknown),
        (422, StateUnknown),
        (429, CheckUnavailable),
        (500, CheckUnavailable),
        (503, CheckUnavailable),
        (204, StateUnknown),
    ],
)
def test_only_200_is_an_answer(site: Site, status: int, error: type[Exception]) -> None:
    site.status = status
    if status == 204:
        site.body = b""
    with pytest.raises(error, match=f"check queue answered {status}"):
        run(site.checks)


def test_no_redirect_is_followed(site: Site) -> None:
    site.status, site.headers = 302, {"Location": site.url.replace("health", "elsewhere")}
    with pytest.raises(StateUnknown, match="no redirect is followed"):
        run(site.checks)
    assert len(site.asked) == 1


def test_an_answer_without_an_end_is_cut_off(site: Site) -> None:
    site.body = b"[" + b"1," * MOST_BYTES
    with pytest.raises(StateUnknown, match="more than 65536 bytes"):
        run(site.checks)


def test_nobody_there_and_one_that_says_nothing_are_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adapter, "TIMEOUT", urllib3.Timeout(connect=0.2, read=0.2))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/health"
        with pytest.raises(CheckUnavailable, match="no answer"):
            run(TeamChecks(NEVER, {}, {"queue": url}))
    with pytest.raises(CheckUnavailable, match="Is its address reachable"):
        run(TeamChecks(NEVER, {}, {"queue": url}))
