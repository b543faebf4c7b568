"""The senders that are understood, each found by the shape of its body.

A sender is one module of this package with a `SENDER`, one `schemas/<name>.json`, and samples under
`events/<name>/`. Modules are found by being here, so that adding one changes nothing else
(docs/senders.md says how).
"""

from __future__ import annotations

import importlib
import pkgutil

from alert_ingest.senders.base import Sender

# Modules that several senders share; every other one is a sender.
_SHARED = frozenset({"base", "blind", "groups"})


def _discover() -> tuple[Sender, ...]:
    found: list[Sender] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        if module.name in _SHARED:
            continue
        sender = importlib.import_module(f"{__name__}.{module.name}").SENDER
        if not isinstance(sender, Sender):
            raise TypeError(f"{module.name}.SENDER must be a Sender, see senders/base.py")
        found.append(sender)
    return tuple(found)


SENDERS = _discover()

__all__ = ["SENDERS", "Sender"]
