"""Which field manager wrote a field, and when: ``metadata.managedFields``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from runbook_action.evidence.words import plain
from runbook_action.objects import Json, KubernetesObject, moment_of

_ITEM = re.compile(r'k:\{.*"name":"([^"]*)".*\}')
_MANAGER = 60  # characters of a manager's name that are shown


@dataclass(frozen=True)
class Writer:
    """Software that wrote a field: not the person who used it."""

    manager: str
    at: datetime | None


def writer_of(
    found: KubernetesObject, *paths: Sequence[str], subresource: str | None = None
) -> Writer | None:
    """Give who wrote one of some fields last.

    Parameters
    ----------
    found
        The object.
    paths
        Fields from the top: ``("spec", "template")``. Of the first that anybody owns the latest
        writer is given. An item of a list is known by its name: ``("containers", "checkout")``.
    subresource
        Only writes through this one: ``scale``.
    """
    entries: Sequence[Json] = found.metadata.get("managedFields") or []
    for path in paths:
        owners = [
            each
            for each in entries
            if each.get("subresource") != "status"
            and (subresource is None or each.get("subresource") == subresource)
            and _owns(each.get("fieldsV1") or {}, path)
        ]
        if owners:
            latest = max(owners, key=lambda each: str(each.get("time") or ""))  # RFC 3339, UTC
            manager = plain(latest.get("manager") or "an unnamed manager", _MANAGER)
            return Writer(manager, moment_of(latest.get("time")))
    return None


def _owns(fields: Json, path: Sequence[str]) -> bool:
    for name in path:
        fields = fields.get(f"f:{name}") or _item(fields, name)
        if fields is _NOTHING:
            return False
    return True


_NOTHING: Json = {"nothing": {}}


def _item(fields: Json, name: str) -> Json:
    if f"f:{name}" in fields:
        return {}  # a leaf
    for key, value in fields.items():
        found = _ITEM.fullmatch(key)
        if found and found[1] == name:
            return value or {}
    return _NOTHING
