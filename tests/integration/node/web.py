"""What a pod of the tests runs: an HTTP server that ends gracefully and can be made unwell.

Arguments: ``serve`` (default) or ``crash``. Files in the folder ``FAULTS`` switch faults on:
``unready`` and ``unwell`` make ``/ready`` and ``/live`` answer 503.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FAULTS = Path(os.environ.get("FAULTS", "/nonexistent"))


class Handler(BaseHTTPRequestHandler):
    """Answers with who answers."""

    def do_GET(self) -> None:
        name = os.environ["POD_NAME"]
        status = 200
        if self.path == "/ready":
            status = 503 if (FAULTS / "unready").exists() else 200
        elif self.path == "/live":
            status = 503 if (FAULTS / "unwell").exists() else 200
        elif self.path == "/slow":
            print("slow answer begun", flush=True)
            time.sleep(1.0)
        elif self.path == "/env":
            name = json.dumps(dict(os.environ))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(name.encode())

    def log_message(self, format: str, *args: object) -> None:
        print(format % args, flush=True)


class Server(ThreadingHTTPServer):
    """Waits for requests under way when it closes."""

    daemon_threads = False
    request_queue_size = 64


def main() -> None:
    if "crash" in sys.argv:
        sys.exit(3)
    server = Server((os.environ["POD_IP"], 8080), Handler)

    def end(*_: object) -> None:
        print("ending on SIGTERM", flush=True)
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    print("serving", flush=True)
    server.serve_forever(poll_interval=0.05)
    server.server_close()


if __name__ == "__main__":
    main()
