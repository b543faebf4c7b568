"""Mends ``aws:SecureTransport`` on a machine whose local AWS speaks plain HTTP to itself.

AWS is asked over TLS, and a bucket's policy refuses what is not. The local AWS answers on loopback
alone, without TLS, so such a policy would refuse everybody: what does not leave the machine counts
as secured.
"""

from __future__ import annotations

from ministack import app


def apply() -> None:
    """Take each call for one over TLS."""
    stock = app.pin_request_origin

    def pin_request_origin(source_ip: str, secure_transport: bool) -> None:  # noqa: ARG001
        stock(source_ip, True)

    app.pin_request_origin = pin_request_origin
