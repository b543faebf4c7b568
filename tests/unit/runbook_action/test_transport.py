"""What is sent to a cluster's API, to whom, and by which way."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest
import urllib3

from runbook_action.adapters.eks import Endpoint
from runbook_action.adapters.transport import Transport

BEARER = {"Authorization": "Bearer t", "Content-Type": "application/merge-patch+json"}


class Api(HTTPServer):
    """Answers with where it sends on, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Asked(BaseHTTPRequestHandler):
    server: Api

    def do_PATCH(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        self.send_response(307)
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PATCH  # noqa: N815 - as the server looks it up

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def to(url: str) -> Transport:
    return Transport(Endpoint("test", url, ""))


def test_path_query_headers_and_json_arrive_as_given(api: Api) -> None:
    query = [("labelSelector", "app in (a,b), c=d&e"), ("match", "x"), ("match", "y z+")]
    answer = to(api.url + "/").send("PATCH", "/apis/a%2Fb", query, BEARER, {"ä": [1]}, (3, 3))
    assert answer.status == 307
    ((method, path, headers, body),) = api.asked
    assert (method, urlsplit(path).path) == ("PATCH", "/apis/a%2Fb")
    assert parse_qsl(urlsplit(path).query) == query
    assert "+" not in path  # a blank, to some readers
    assert headers.items() >= BEARER.items()
    assert json.loads(body) == {"ä": [1]}


def test_a_token_follows_no_redirect(api: Api) -> None:
    assert to(api.url).send("GET", "/a", (), BEARER, None, (3, 3)).status == 307
    assert [(path, body) for _, path, _, body in api.asked] == [("/a", b"")]


def test_a_proxy_of_the_environment_is_used_except_where_it_says_no(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", api.url)
    monkeypatch.setenv("no_proxy", "")
    to("http://cluster.invalid").send("GET", "/a", (), BEARER, None, (3, 3))
    assert [path for _, path, _, _ in api.asked] == ["http://cluster.invalid/a"]
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    to(api.url).send("GET", "/b", (), BEARER, None, (3, 3))
    assert [path for _, path, _, _ in api.asked][1:] == ["/b"]


def test_who_does_not_answer_is_asked_once() -> None:
    with pytest.raises(urllib3.exceptions.NewConnectionError):
        to("http://127.0.0.1:1").send("GET", "/a", (), BEARER, None, (0.5, 0.5))
