"""What a sender's module has to offer, and the steps that are the same for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlsplit

from alert_ingest.model import Reading
from alert_ingest.redaction import redact_map, redact_text, uncovered
from alert_ingest.text import clean, cut

NAME_LIMIT = 256
SUMMARY_LIMIT = 500
RUNBOOK_LIMIT = 128
URL_LIMIT = 4096
# What may name an object or be its address, or a number or word that a runbook takes as parameter.
_NAME = re.compile(r"[A-Za-z0-9._:\[\]-]+")
# These name no object; a repaired one calls whom it is meant to call.
_READ_BY_PEOPLE = frozenset({"alertname", "severity"})


@runtime_checkable
class Sender(Protocol):
    """One format of webhook body.

    Attributes
    ----------
    name
        Lower-case word; the event source becomes ``sre.<name>``.
    shape
        One sentence saying how the body looks, shown to whoever sends an unknown one.
    """

    name: str
    shape: str

    def recognises(self, body: Mapping[str, Any]) -> bool:
        """Tell by its shape alone whether this body is of this sender."""
        ...

    def read(self, body: Mapping[str, Any], received_at: datetime) -> Reading:
        """Turn a body into alerts.

        Raises
        ------
        BodyRejected
            Nothing in the body can be used.
        """
        ...


@runtime_checkable
class EventSender(Protocol):
    """One service of AWS that speaks by EventBridge; nobody else can, and never by the webhook.

    Attributes
    ----------
    name
        Lower-case word; the event source becomes ``sre.<name>``.
    source, detail_types
        What its events have as ``source`` and ``detail-type``.
    """

    @property
    def name(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def detail_types(self) -> frozenset[str]: ...

    def read(self, event: Mapping[str, Any], received_at: datetime) -> Reading:
        """Turn an event into alerts, also into none.

        Raises
        ------
        BodyRejected
            It is no valid event of this service.
        """
        ...


def tidy_map(texts: Mapping[str, str]) -> dict[str, str]:
    """Clean labels or annotations of broken text, of secrets, and of keys DynamoDB cannot hold."""
    return redact_map(
        {
            # Nearly all text is ASCII, which is clean.
            (key if key.isascii() else clean(key)): (value if value.isascii() else clean(value))
            for key, value in texts.items()
            if key
        }
    )


def tidy_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Clean labels, as `tidy_map` does, and make no name of what was none.

    What a word loses so that nobody overlooks a secret in it (`unseen`) would make another word of
    it, on which a runbook then acts. Such a word keeps it, escaped: it can be read, and is no name.

    Examples
    --------
    >>> tidy_labels({"deployment": "check\\u200bout"})
    {'deployment': 'check\\\\u200bout'}
    """
    tidied = tidy_map(labels)
    for key, given in labels.items():
        if given.isascii() and given.isprintable():  # nearly all: nothing is taken out of them
            continue
        named = clean(key)
        seen = tidied.get(named, given)
        unmasked = seen != given and seen == uncovered(given)
        if unmasked and named not in _READ_BY_PEOPLE and _NAME.fullmatch(seen):
            tidied[named] = _escaped(given)
    return tidied


def _escaped(text: str) -> str:
    return "".join(
        char if char.isascii() and char.isprintable() else ascii(char)[1:-1] for char in text
    )


def tidy_text(text: str, limit: int) -> str:
    """Clean one text of broken characters and secrets, and bound its length."""
    return cut(redact_text(clean(text)).strip(), limit)


def runbook_name(labels: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the runbook that the labels select by name, and a note if it was unusable.

    A name that is too long is dropped and not cut: a shortened name could select another runbook.
    """
    name = labels.get("runbook", "").strip()
    if len(name) > RUNBOOK_LIMIT:
        return None, f"label runbook is longer than {RUNBOOK_LIMIT} characters and was ignored"
    return name or None, None


def links_from(candidates: Iterable[tuple[str, object]]) -> dict[str, str]:
    """Keep the candidates that are http(s) URLs, without credentials and not cut in half."""
    links: dict[str, str] = {}
    for name, url in candidates:
        if isinstance(url, str) and url and len(url) <= URL_LIMIT:
            link = _link(url)
            if link is not None:
                links[name] = link
    return links


@lru_cache(256)  # the alerts of a group share most of theirs
def _link(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:  # e.g. an unclosed bracket in the host
        return None
    if parts.scheme in {"http", "https"} and parts.netloc and url.isprintable():
        return redact_text(clean(url))
    return None
