"""Who speaks: the API key that a body came with, and what its holder may say.

The gateway has checked the key; here its id says whose it is. A sender that has a key of its own
has incidents of its own, too: its name is part of their identity, so that no other key can end,
repeat or worsen one. Both keys of a sender (rotation) have its name. Keys that no name is given to
are one sender of any format, whose incidents have the identity they always had.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from alert_ingest.errors import SenderRefused
from alert_ingest.identity import alert_key, incident_id
from alert_ingest.model import Reading

CANARY = "platform-canary"
ANY = "any"
_ENTRY = re.compile(r"([a-z][a-z0-9-]{0,31})=([a-z][a-z0-9_]*)")
_KEY_ID = re.compile(r"[A-Za-z0-9]{1,128}")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Whoever holds a key.

    Attributes
    ----------
    key_id
        Id of the API key; empty where the request came through no gateway.
    name
        The sender's name, part of its incidents' identity; empty for a key without one.
    format
        The one sender format that its bodies may have, or ``any``.
    """

    key_id: str = ""
    name: str = ""
    format: str = ANY

    def claim(self, reading: Reading) -> Reading:
        """Make what was read the speaker's own.

        Raises
        ------
        SenderRefused
            The body is of a format that this key may not send.
        """
        if self.format not in (ANY, reading.sender):
            raise SenderRefused(self.name, self.format, reading.sender)
        for alert in reading.alerts:
            if self.name:
                alert.incident_id = incident_id(self.name, "key", alert.incident_id)
                alert.alert_key = alert_key(self.name, "key", alert.alert_key)
            if self.name == CANARY:
                alert.purpose = "canary"
        return reading


@dataclass(frozen=True, slots=True)
class Speakers:
    """The keys that have a name, by their ids."""

    known: Mapping[str, Speaker] = field(default_factory=dict)

    def of(self, key_id: str) -> Speaker:
        """Return who holds a key."""
        return self.known.get(key_id) or Speaker(key_id)


def speakers_from(senders: str, key_ids: str, canary_key_id: str) -> Speakers:
    """Read who holds which key.

    Parameters
    ----------
    senders
        ``NAME=FORMAT`` of each place, separated by commas; a place may be empty. A name that stands
        in two places has two keys.
    key_ids
        Ids of the keys, one for each place.
    canary_key_id
        Id of the canary's key; empty for none.

    Raises
    ------
    ValueError
        Says which place is wrong.
    """
    known: dict[str, Speaker] = {}
    formats: dict[str, str] = {}
    ids = [part.strip() for part in key_ids.split(",")]
    for place, entry in enumerate(part.strip() for part in senders.split(",")):
        if not entry:
            continue
        matched = _ENTRY.fullmatch(entry)
        if matched is None or matched[1] == CANARY:
            raise ValueError(f"place {place + 1}, {entry!r}, is not NAME=FORMAT")
        name, form = matched.groups()
        if formats.setdefault(name, form) != form:
            raise ValueError(f"place {place + 1}, {entry!r}, gives {name} a second format")
        if place >= len(ids) or not _KEY_ID.fullmatch(ids[place]):
            raise ValueError(f"place {place + 1}, {entry!r}, has no key")
        known[ids[place]] = Speaker(ids[place], name, form)
    if canary_key_id:
        known[canary_key_id] = Speaker(canary_key_id, CANARY, "alertmanager")
    return Speakers(known)
