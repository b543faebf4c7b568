"""Mends the default encryption of a bucket that a template makes: the emulator leaves it out.

``srectl adopt`` asks a bucket which key it has, and takes none up that has another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import s3
from ministack.services.cloudformation import provisioners


def _document(rules: list[Mapping[str, Any]]) -> str:
    """As PutBucketEncryption takes it."""
    parts = []
    for rule in rules:
        default = rule.get("ServerSideEncryptionByDefault") or {}
        inner = "".join(f"<{name}>{escape(str(text))}</{name}>" for name, text in default.items())
        parts.append(
            f"<Rule><ApplyServerSideEncryptionByDefault>{inner}"
            "</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>"
            f"{str(rule.get('BucketKeyEnabled', False)).lower()}</BucketKeyEnabled></Rule>"
        )
    inside = "".join(parts)
    name = "ServerSideEncryptionConfiguration"
    return f'<{name} xmlns="{s3.S3_NS}">{inside}</{name}>'


def apply() -> None:
    """Keep what the property BucketEncryption says."""
    stock = provisioners._s3_apply_configurations

    def configured(name: str, props: dict[str, Any], *before: Any) -> None:
        stock(name, props, *before)
        wanted = props.get("BucketEncryption") or {}
        if rules := wanted.get("ServerSideEncryptionConfiguration"):
            s3._bucket_encryption[name] = _document(rules)

    provisioners._s3_apply_configurations = configured
