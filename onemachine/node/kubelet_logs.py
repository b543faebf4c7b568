"""The part of a kubelet that the API server asks for the logs of containers.

As on a real node it answers nobody but the API server, which shows a certificate of the cluster's
authority. It listens on the nodes' own loopback addresses, at a kubelet's usual port.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from onemachine.node.recent_lines import RecentLines

__all__ = ["API_SERVER", "KUBELET_PORT", "KubeletLogs"]

log = logging.getLogger(__name__)

KUBELET_PORT = 10250
#: The common name of the certificate that the API server shows to kubelets (as kubeadm names it).
API_SERVER = "kube-apiserver-kubelet-client"
_PATIENCE_SECONDS = 10.0

#: Namespace, pod, container → its lines; None for one that does not run here.
Find = Callable[[str, str, str], RecentLines | None]


class KubeletLogs:
    """Answers ``/containerLogs/NAMESPACE/POD/CONTAINER`` for one node.

    Parameters
    ----------
    address : str
        The node's address.
    find : callable
        Gives a container's lines.
    silent : callable
        Says whether the node is cut off; then it answers nobody.
    authority : Path
        PEM; whose certificates are believed.
    certificate, key : Path
        PEM, of the agent.
    """

    def __init__(
        self,
        address: str,
        find: Find,
        silent: Callable[[], bool],
        *,
        authority: Path,
        certificate: Path,
        key: Path,
    ) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority)
        context.load_cert_chain(certificate, key)

        class Answer(BaseHTTPRequestHandler):
            timeout = _PATIENCE_SECONDS

            def setup(self) -> None:
                # Here, in the thread of the connection: one that dawdles keeps nobody waiting.
                self.request.settimeout(_PATIENCE_SECONDS)
                self.request.do_handshake()
                super().setup()

            def do_GET(self) -> None:
                if silent():
                    self.close_connection = True
                    return
                status, body = _answer(self.request.getpeercert(), self.path, find)
                self.send_response(status)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self) -> tuple[socket.socket, Any]:
                plain, peer = super().get_request()
                wrapped = context.wrap_socket(
                    plain, server_side=True, do_handshake_on_connect=False
                )
                return wrapped, peer

            def handle_error(self, *_: Any) -> None:
                log.info("node %s: a connection was not one of the API server's", address)

        self._server = Server((address, KUBELET_PORT), Answer)
        self._address = address

    def start(self) -> None:
        """Begin to answer."""
        name = f"kubelet {self._address}"
        threading.Thread(target=self._server.serve_forever, name=name, daemon=True).start()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


def _answer(peer: Mapping[str, Any] | None, path: str, find: Find) -> tuple[int, bytes]:
    subject = {key: value for part in (peer or {}).get("subject", ()) for key, value in part}
    if subject.get("commonName") != API_SERVER:
        return 403, b"only the API server asks a kubelet\n"
    asked = urlsplit(path)
    parts = asked.path.split("/")[1:]
    if len(parts) != 4 or parts[0] != "containerLogs":
        return 404, b"only /containerLogs is here\n"
    lines = find(parts[1], parts[2], parts[3])
    if lines is None:
        return 404, f"container {parts[3]} of pod {parts[1]}/{parts[2]} is not here\n".encode()
    options = {key: values[-1] for key, values in parse_qs(asked.query).items()}
    previous = options.get("previous") == "true"
    try:
        found = lines.tail(
            previous=previous,
            lines=int(options["tailLines"]) if "tailLines" in options else None,
            most=int(options["limitBytes"]) if "limitBytes" in options else None,
            timestamps=options.get("timestamps") == "true",
        )
    except ValueError:
        return 400, b"tailLines and limitBytes are numbers\n"
    if found is None:
        which = "previous terminated container" if previous else "container"
        return 400, f"{which} {parts[3]!r} in pod {parts[2]!r} not found\n".encode()
    return 200, found
