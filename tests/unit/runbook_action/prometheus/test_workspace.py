"""A workspace of Amazon Managed Prometheus: its address, the signature, and what is no answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from runbook_action.adapters.prometheus_workspace import Workspace
from runbook_action.prometheus.port import Unanswered

ARN = "arn:aws:aps:eu-central-1:000000000000:workspace/ws-1a2b"
CREDENTIALS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI", "a-session")
QUERY = [("query", 'sum(rate(x{a="b c+d/é~"}[1m]))'), ("time", "1")]


class Server(HTTPServer):
    """Keeps the requests; answers with ``body``."""

    body = b"{}"
    seen: list[Any]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            running.seen.append((self.path, dict(self.headers.items())))
            self.send_response(200)
            self.send_header("Content-Length", str(len(running.body)))
            self.end_headers()
            self.wfile.write(running.body)

        def log_message(self, *_: object) -> None:
            return

    running = Server(("127.0.0.1", 0), Handler)
    running.seen = []
    threading.Thread(target=running.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{running.server_port}")
    yield running
    running.shutdown()
    running.server_close()


def test_it_is_asked_with_a_signature_that_aws_would_take(server: Server) -> None:
    assert Workspace(ARN, lambda: CREDENTIALS).get("/api/v1/query", QUERY, 100, 5) == (200, b"{}")
    ((path, headers),) = server.seen
    assert path.startswith("/workspaces/ws-1a2b/api/v1/query?query=sum%28rate")
    assert headers["X-Amz-Security-Token"] == "a-session"
    assert "/eu-central-1/aps/aws4_request" in headers["Authorization"]
    # Signed anew at the time that it was, over the address that arrived.
    again = AWSRequest("GET", f"http://{headers['Host']}{path}")
    again.context["timestamp"] = headers["X-Amz-Date"]
    again.headers["X-Amz-Date"] = headers["X-Amz-Date"]
    again.headers["X-Amz-Security-Token"] = headers["X-Amz-Security-Token"]
    signer = SigV4Auth(CREDENTIALS.get_frozen_credentials(), "aps", "eu-central-1")
    text = signer.string_to_sign(again, signer.canonical_request(again))
    assert headers["Authorization"].endswith(f"Signature={signer.signature(text, again)}")


def test_its_address_is_that_of_its_region_and_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_AMP"):
        monkeypatch.delenv(name, raising=False)
    asked = []

    class Pool:
        def request(self, method: str, url: str, **_: Any) -> Any:
            asked.append(url)
            raise OSError("no network here")

    for arn in (ARN, ARN.replace(":aws:", ":aws-cn:").replace("eu-central-1", "cn-north-1")):
        workspace = Workspace(arn, lambda: CREDENTIALS, Pool())  # type: ignore[arg-type]
        with pytest.raises(Unanswered, match=r"did not answer \(OSError\): do the function"):
            workspace.get("/api/v1/query", [], 100, 5)
    assert [url.split("/api")[0] for url in asked] == [
        "https://aps-workspaces.eu-central-1.amazonaws.com/workspaces/ws-1a2b",
        "https://aps-workspaces.cn-north-1.amazonaws.com.cn/workspaces/ws-1a2b",
    ]


def test_too_much_and_no_credentials_are_no_answer(server: Server) -> None:
    server.body = b"x" * 101
    with pytest.raises(Unanswered, match="more than 100 bytes"):
        Workspace(ARN, lambda: CREDENTIALS).get("/api/v1/query", [], 100, 5)
    with pytest.raises(Unanswered, match="no AWS credentials"):
        Workspace(ARN, lambda: None).get("/api/v1/query", [], 100, 5)
