"""The bounds that a runbook sets to what an alert may name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from runbook_action.errors import ActionRefused, InvalidRequest


@dataclass(frozen=True)
class Bounds:
    """Namespaces and names, plain or with ``*``; of a node only names count."""

    runbook: str
    namespaces: Sequence[str]
    names: Sequence[str]

    @classmethod
    def of(cls, runbook: str, target: Mapping[str, Any]) -> Bounds:
        """Read them from a target with ``from_alert``.

        Raises
        ------
        InvalidRequest
            If they are not lists of texts, or there are no names.
        """
        node = target.get("from_alert") == "node"
        return cls(
            runbook,
            () if node else _patterns(target, "namespaces"),
            _patterns(target, "names"),
        )

    def refuse_namespace(self, namespace: str) -> None:
        """Raise ActionRefused unless the runbook may act in a namespace."""
        if not _matches(namespace, self.namespaces):
            raise ActionRefused(
                f"the alert names namespace {namespace}, and runbook {self.runbook} acts in "
                f"{', '.join(self.namespaces)} only"
            )

    def refuse_name(self, what: object, name: str) -> None:
        """Raise ActionRefused unless the runbook may act on an object of this name."""
        if not _matches(name, self.names):
            raise ActionRefused(
                f"the alert leads to {what}, and runbook {self.runbook} acts on names like "
                f"{', '.join(self.names)} only"
            )


def _patterns(target: Mapping[str, Any], key: str) -> Sequence[str]:
    value = target.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(x, str) for x in value):
        raise InvalidRequest(f"target.{key} must be a list of names or patterns, not {value!r}")
    return value


def _matches(text: str, patterns: Sequence[str]) -> bool:
    return any(_compiled(pattern).fullmatch(text) for pattern in patterns)


@lru_cache(256)
def _compiled(pattern: str) -> re.Pattern[str]:
    # Only `*` means something. fnmatch would give `[` and `?` a meaning, too.
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")))
