"""The senders that are understood: those of the webhook, and those whose events AWS delivers.

A sender is one module of this package with a `SENDER`, one `schemas/<name>.json`, and samples under
`events/<name>/`. Modules are found by being here, so that adding one changes nothing else
(docs/senders.md says how). A body of the webhook is told by its shape among `SENDERS` alone: it is
never read as what AWS says, whatever it looks like.
"""

from __future__ import annotations

import importlib
import pkgutil

from alert_ingest.senders.base import EventSender, Sender

# Modules that several senders share; every other one is a sender.
_SHARED = frozenset({"base", "blind", "groups"})
# Read as messages of a topic, each of which is a notice.
_OF_TOPICS = frozenset({"sns"})


def _discover() -> tuple[tuple[Sender, ...], tuple[EventSender, ...]]:
    posting: list[Sender] = []
    telling: list[EventSender] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        if module.name in _SHARED | _OF_TOPICS:
            continue
        sender = importlib.import_module(f"{__name__}.{module.name}").SENDER
        if isinstance(sender, EventSender):
            telling.append(sender)
        elif isinstance(sender, Sender):
            posting.append(sender)
        else:
            raise TypeError(f"{module.name}.SENDER must be a Sender, see senders/base.py")
    return tuple(posting), tuple(telling)


SENDERS, EVENT_SENDERS = _discover()

__all__ = ["EVENT_SENDERS", "SENDERS", "EventSender", "Sender"]
