"""Where the evidence of incidents is kept: an object of S3 for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from botocore.config import Config

from runbook_action.adapters.aws_errors import translated

# Whoever is called waits for it: rather none than late.
STORE_CONFIG = Config(
    connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2}
)


class Puts(Protocol):
    """What is used of a client of S3."""

    @property
    def put_object(self) -> Callable[..., Any]:
        """Put an object."""


class EvidenceStore:
    """A bucket that encrypts by itself what is put into it.

    Parameters
    ----------
    client
        S3 client of the function's own role.
    bucket
        Name of the bucket.
    """

    def __init__(self, client: Puts, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(self, incident_id: str, document: bytes) -> str:
        """Put the evidence of an incident, over what there was: the bucket keeps versions."""
        key = f"incidents/{incident_id}.json"
        with translated(f"writing s3://{self._bucket}/{key}"):
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=document, ContentType="application/json"
            )
        return key
