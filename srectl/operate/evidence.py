"""The evidence of an incident: all of it, its numbers as a picture, and taking it away for good."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from srectl.errors import CommandFailed
from srectl.operate.account import Account
from srectl.operate.picture import Points, drawn
from srectl.operate.refusals import calling

__all__ = ["erase", "no_object", "picture_of", "read", "why_no_numbers"]

#: As many as are collected; what has more was not written by the platform.
_MOST_SERIES, _MOST_POINTS = 5, 200


def read(account: Account, incident: dict[str, Any]) -> dict[str, Any]:
    """Read the whole evidence of an incident.

    Parameters
    ----------
    account
        The deployment.
    incident
        Its record.

    Raises
    ------
    CommandFailed
        None was collected, or it is gone, or it cannot be read.
    """
    noted = incident.get("evidence") or {}
    key = noted.get("key")
    if not key:
        why = noted.get("why_not") or "none was collected (yet)"
        raise CommandFailed(
            f"there is no evidence of incident {incident['incident_id']}: {why}",
            "'srectl incidents show' tells what stands on its record",
        )
    s3 = account.client("s3")
    with calling(f"the evidence could not be read from bucket {account.evidence_bucket}"):
        try:
            body = s3.get_object(Bucket=account.evidence_bucket, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            raise CommandFailed(
                f"the evidence of incident {incident['incident_id']} is gone",
                "it is kept for 30 days; its findings still stand on the record",
            ) from None
    whole: dict[str, Any] = json.loads(body)
    return whole


def no_object(evidence: Mapping[str, Any]) -> str:
    """Give why the alert leads to no object of the cluster; empty where it leads to one."""
    return str(evidence.get("no_target_because") or "")


def why_no_numbers(incident: Mapping[str, Any], evidence: Mapping[str, Any]) -> str:
    """Say why there is nothing to draw: what Prometheus lacked, else what became of asking it.

    Parameters
    ----------
    incident, evidence
        Its record, and the whole, as :func:`read` gives it.
    """
    try:
        why = evidence["facts"]["measurements"]["numbers"].get("why_not")
    except (AttributeError, KeyError, TypeError):
        why = None
    state = ((incident.get("evidence") or {}).get("sources") or {}).get("measurements")
    if why or state == "read":
        return str(why or "Prometheus was asked and gave no number")
    return f"of measurements the record says {state or 'not asked'!r}"


def picture_of(evidence: Mapping[str, Any]) -> str:
    """Draw the numbers of an incident's own query as an SVG, whoever may have written them.

    It is drawn anew from what are numbers, so that it may stand in a page as it is: the text that
    is kept beside them is not used.

    Parameters
    ----------
    evidence
        The whole, as :func:`read` gives it.

    Returns
    -------
    str
        Some kilobytes of SVG without any text; empty where there are no numbers.
    """
    try:
        series = evidence["facts"]["measurements"]["numbers"]["series"]
        began = datetime.fromisoformat(evidence["alert_began_at"]).timestamp()
        return drawn([_points(each["points"]) for each in series[:_MOST_SERIES]], began)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return ""


def _points(kept: Any) -> Points:
    """Leave out where there was no number (None: NaN)."""
    return [(float(at), float(value)) for at, value in kept[:_MOST_POINTS] if value is not None]


def erase(account: Account, incident: dict[str, Any]) -> None:
    """Delete every version of an incident's evidence.

    Raises
    ------
    CommandFailed
        It could not be deleted; the command may be repeated.
    """
    key = (incident.get("evidence") or {}).get("key")
    if not key:
        return
    s3, bucket = account.client("s3"), account.evidence_bucket
    with calling(f"the evidence could not be erased from bucket {bucket}"):
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
        for page in pages:
            for each in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
