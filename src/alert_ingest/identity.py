"""Names for incidents and events that come out the same however often an alert is delivered.

An incident is one firing: sender, what fires, and since when. UUIDv5 (RFC 9562) of these makes
repeats, HA duplicates and replays meet in one record without asking a database.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii as _quoted

# Fixed for ever: another value would give every open incident a second identity.
NAMESPACE = uuid.UUID("6f1c1c54-6d3e-5f0a-9a55-0c9f6f3f4b11")
_NAMESPACE = NAMESPACE.bytes


def incident_id(sender: str, *parts: str) -> str:
    """Return the incident's UUIDv5.

    Parameters
    ----------
    sender
        Name of the sender.
    parts
        What makes one firing unique at this sender, in a fixed order.
    """
    return _uuid("incident", sender, *parts)


def fingerprint_of(labels: Mapping[str, str]) -> str:
    """Return what stands in for a fingerprint that is missing or that other labels have, too."""
    return _uuid("labels", *(part for item in sorted(labels.items()) for part in item))


def alert_key(sender: str, *parts: str) -> str:
    """Return the UUIDv5 of what fires, which is the same for every firing of it.

    Parameters
    ----------
    sender, parts
        As for `incident_id`, without the start.
    """
    return _uuid("incident", sender, *parts)


def event_id(incident: str, alert_event: str, occurred_at: str, severity: str) -> str:
    """Return the UUIDv5 of one event of an incident, so that a repeat carries the same id.

    A severity that rises in the same second is no repeat.
    """
    return _uuid("event", incident, alert_event, occurred_at, severity)


def answer_id(incident: str, said: str) -> str:
    """Return the UUIDv5 of what was said of an incident, so that who says it twice says it once."""
    return _uuid("answer", incident, said)


def _uuid(*parts: str) -> str:
    # A JSON array, as json.dumps writes it, keeps ("a", "bc") and ("ab", "c") apart, which joining
    # with a separator would not.
    # What `str(uuid.uuid5(...))` gives, at a quarter of its cost: two are made for every alert.
    text = f"[{', '.join([_quoted(part) for part in parts])}]"
    digest = hashlib.sha1(_NAMESPACE + text.encode("ascii"), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
