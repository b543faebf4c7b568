"""Mends the audience of a web identity token, by which pods become IAM roles (IRSA).

Kubernetes writes ``aud`` as a list (RFC 7519 allows both), and STS compares the one entry of it
with the trust policy's ``StringEquals`` on ``<provider>:aud``. The emulator compares the list as a
whole, which equals no string: no pod can assume any role whose trust names an audience.
"""

from __future__ import annotations

from typing import Any

from ministack.services import sts


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def apply() -> None:
    """Give the condition keys of a token with one audience that audience as a string."""
    stock = sts._web_identity_principal

    def web_identity_principal(*arguments: Any) -> Any:
        principal, keys = stock(*arguments)
        return principal, {name: _single(value) for name, value in keys.items()}

    sts._web_identity_principal = web_identity_principal
