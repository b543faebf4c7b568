"""What is written to S3: requests, and what lies there until it expires.

KMS is asked for a key once for many objects (the bucket has a key of its own); once for each is an
upper bound.
"""

from __future__ import annotations

from typing import Any

from ministack.services import s3

from onemachine.aws.meter import Meter

#: Days that evidence lies (template.yaml, EvidenceBucket), as a part of a month.
_MONTHS = 30 * 24 / 730


def apply(meter: Meter) -> None:
    """Count each object that is put."""
    stock = s3._put_object

    def put(bucket_name: str, key: str, body: bytes, headers: dict[str, Any]) -> Any:
        meter.add("object_writes", of=bucket_name)
        meter.add("object_byte_months", len(body) * _MONTHS, of=bucket_name)
        meter.add("service_key_calls", of="S3")
        return stock(bucket_name, key, body, headers)

    s3._put_object = put
