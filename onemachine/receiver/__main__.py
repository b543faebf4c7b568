"""Command line of the receiver: ``python -m onemachine.receiver --help``."""

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from onemachine.receiver.server import ReceiverServer


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m onemachine.receiver", description="Keeps the notifications of a topic."
    )
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument("--file", type=Path, required=True, help="file that they are appended to")
    parser.add_argument("--aws-endpoint-url", required=True, help="where to confirm subscriptions")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    server = ReceiverServer(
        ("127.0.0.1", arguments.port), arguments.file, arguments.aws_endpoint_url
    )
    # shutdown() waits for serve_forever(), so it must not run in the thread that serves.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    with server:
        server.serve_forever(poll_interval=0.1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
