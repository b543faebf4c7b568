"""A headless Chromium that opens a page, and the small server that the page comes from."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

_BINARIES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--no-proxy-server"),
)


class PageServer(ThreadingHTTPServer):
    """Serves one page on loopback and keeps what its script posts to ``/report``."""

    daemon_threads = True

    def __init__(self, page: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.page = page
        self.reported = threading.Event()
        self.report: Any = None

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: PageServer

    def do_GET(self) -> None:
        self._answer(self.server.page.encode() if self.path == "/" else b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"")
        if self.path == "/report":
            self.server.report = json.loads(body)
            self.server.reported.set()

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def open_page(server: PageServer, profile: Path, seconds: float = 90.0) -> Any:
    """Open the page in Chromium, and give what its script reports.

    Parameters
    ----------
    server : PageServer
        Serves it.
    profile : Path
        Folder for the browser's files; must be new.
    seconds : float
        Longest wait for the report.
    """
    binary = next(filter(None, map(shutil.which, _BINARIES)), None)
    if binary is None:
        pytest.fail("no Chromium on PATH; on Debian: apt-get install -y chromium")
    command = [binary, *_FLAGS, f"--user-data-dir={profile}", server.url]
    log = profile.with_suffix(".log")
    with log.open("wb") as output:
        browser = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            if not server.reported.wait(seconds):
                pytest.fail(
                    f"the page reported nothing:\n{log.read_text(errors='replace')[-3000:]}"
                )
        finally:
            browser.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                browser.wait(10)
            browser.kill()
            browser.wait()
    return server.report
