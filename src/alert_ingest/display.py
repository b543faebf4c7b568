"""What people read of an alert, cleaned and worded once; it travels in its event as ``display``.

State machines only put these texts together. Alert text is data: each comes out as one line without
control characters, without what turns the direction of writing, and of bounded length; a link is a
plain http(s) address. Nothing here is escaped: what shows a text knows what is markup to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from alert_ingest import unseen
from alert_ingest.model import Alert, Target, iso
from alert_ingest.subject import subject_of

NAME_LIMIT = 200
PLACE_LIMIT = 300
SUMMARY_LIMIT = 500
MAX_LINKS = 5
LINK_LIMIT = 1_000

# Blanks and controls of any kind, what turns the direction of writing, and what nobody sees but the
# selectors that make an emoji one. The template's OneLine has the same; a test compares them.
_NOT_ONE_LINE = re.compile(
    f"[\\s{unseen.CONTROLS}{unseen.IGNORABLE}{unseen.FORMATS}{unseen.BLANKS}]+"
)
# What would end an address, or begin another text, where it is put into chat or a mail.
_NOT_IN_A_LINK = re.compile(r"[\x00-\x20\x7f-\U0010ffff<>|\\\"`]")


class Link(NamedTuple):
    """One address and what it leads to."""

    text: str
    href: str


@dataclass(slots=True)  # not frozen, for the same reason as `Alert`
class Display:
    """The block of an event that is for people.

    Attributes
    ----------
    name
        The alert's name.
    headline
        The first line: how bad, what, where, and since when or after how long.
    place
        What is affected, e.g. ``apps/checkout in sre-platform``, or the namespace that it is in;
        empty if the alert does not say.
    subject
        The object alone, e.g. ``apps/checkout``; empty where the alert names none.
    summary
        One sentence of the alert's own.
    links
        At most five.
    """

    name: str
    headline: str
    place: str
    subject: str
    summary: str
    links: tuple[Link, ...]


def display_of(alert: Alert) -> Display:
    """Word an alert, firing or resolved, for whoever is told of it."""
    name = one_line(alert.alert_name, NAME_LIMIT) or "an alert without a name"
    subject = one_line(subject_of(alert.labels, alert.target), PLACE_LIMIT)
    place = place_of(subject, alert.target)
    return Display(
        name,
        _headline(alert, name, f" on {place}" if place else ""),
        place,
        subject,
        one_line(alert.summary, SUMMARY_LIMIT),
        links_of(tuple(alert.links.items())),
    )


def one_line(text: str, limit: int) -> str:
    """Return text as one line of at most `limit` characters."""
    # Most texts need nothing: of printable ASCII the expression finds only blanks.
    if not (text.isascii() and text.isprintable()) or "  " in text:
        text = _NOT_ONE_LINE.sub(" ", text)
    return text.strip()[:limit]


@lru_cache(256)  # the alerts of a group are often about one target
def place_of(subject: str, target: Target) -> str:
    """Say where an object is, or else in which namespace; empty if the labels name neither."""
    what = subject or (f"namespace {target.namespace}" if target.namespace else "")
    if not what:
        return ""
    return one_line(what + (f" in {target.cluster}" if target.cluster else ""), PLACE_LIMIT)


@lru_cache(256)  # and often of one rule
def links_of(links: tuple[tuple[str, str], ...]) -> tuple[Link, ...]:
    """Return the first links that can be shown: short ones that nothing would be cut out of."""
    shown = [Link(one_line(name, 100), url) for name, url in links if can_be_shown(url)]
    return tuple(shown[:MAX_LINKS])


def can_be_shown(url: str) -> bool:
    """Whether it is an http(s) address that leads where it seems to: to a host, as nobody."""
    if len(url) >= LINK_LIMIT or _NOT_IN_A_LINK.search(url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    named = bool(parts.hostname) and "@" not in parts.netloc
    return named and url.startswith(("https://", "http://"))


def _headline(alert: Alert, name: str, where: str) -> str:
    if alert.status == "firing":
        return f"{alert.severity.upper()}: {name}{where} since {iso(alert.occurred_at)}."
    seconds = alert.duration_seconds
    after = "" if seconds is None else f" after {_words(seconds)}"
    return f"Resolved{after}: {name} ({alert.severity}){where}."


def _words(seconds: float) -> str:
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
