"""moto's account for another process: over HTTP on loopback, with every call that came."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

from tests.support.serving import serving

__all__ = ["Calls", "moto_over_http"]

_SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")
_ACTION = re.compile(r"\bAction=(\w+)")


class Calls(list[str]):
    """What was called, as IAM names it: ``dynamodb:Query``.

    Attributes
    ----------
    address
        Where the account is.
    """

    address = ""


@contextmanager
def moto_over_http() -> Iterator[Calls]:
    """Serve the account of moto, which must be at work in this process, while the block lasts."""
    calls = Calls()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            match = _SCOPE.search(self.headers.get("Authorization", ""))
            service = match[1] if match else "nobody"
            calls.append(f"{service}:{self._operation(service, body)}")
            # requests is answered by moto, too.
            answer = requests.request(
                self.command,
                f"https://{service}.us-east-1.amazonaws.com{self.path}",
                headers={k: v for k, v in self.headers.items() if k.lower() != "host"},
                data=body,
                timeout=10,
            )
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower().startswith(("x-amz", "content-type", "etag")):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_PUT = do_DELETE = do_HEAD = do_POST  # noqa: N815  # the names of http.server

        def _operation(self, service: str, body: bytes) -> str:
            named = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            form = _ACTION.search(body.decode("utf-8", "replace"))
            if named or form:
                return named or (form[1] if form else "")
            return "GetObject" if (service, self.command) == ("s3", "GET") else self.command

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        calls.address = f"http://127.0.0.1:{server.server_port}"
        yield calls
