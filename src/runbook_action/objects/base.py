"""What every Kubernetes object has.

The API's own JSON stays underneath, so nothing an object carries is lost on the way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from runbook_action.kinds import KindWord

Json = Mapping[str, Any]
_WHOLE = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class KubernetesObject:
    """What every object has."""

    raw: Json

    @property
    def kind(self) -> KindWord:
        """Its kind's word in ``kinds.KINDS``."""
        return cast(KindWord, str(self.raw["kind"]).lower())

    @property
    def kind_name(self) -> str:
        """Its kind as manifests spell it."""
        return str(self.raw["kind"])

    @property
    def metadata(self) -> Json:
        """Its metadata, never None."""
        return self.raw.get("metadata") or {}

    @property
    def created(self) -> datetime | None:
        """When it was made, for the first time where it is a revision; None if that is no time."""
        return moment_of(self.metadata.get("creationTimestamp"))

    @property
    def spec(self) -> Json:
        """Its spec, never None."""
        return self.raw.get("spec") or {}

    @property
    def status(self) -> Json:
        """Its status, never None."""
        return self.raw.get("status") or {}

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.metadata["name"])

    @property
    def namespace(self) -> str:
        """Its namespace; empty for an object of the cluster."""
        return str(self.metadata.get("namespace") or "")

    @property
    def uid(self) -> str:
        """Its identity: a recreated object of the same name has another one."""
        return str(self.metadata.get("uid") or "")

    @property
    def resource_version(self) -> str:
        """Version to give with a write that must not overwrite someone else's."""
        return str(self.metadata.get("resourceVersion") or "")

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its annotations, never None."""
        return self.metadata.get("annotations") or {}

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels, never None."""
        return self.metadata.get("labels") or {}

    @property
    def owners(self) -> Sequence[Json]:
        """Its owner references, never None."""
        return self.metadata.get("ownerReferences") or []

    @property
    def controller(self) -> Json:
        """The owner reference of what made it and would make it again, or an empty object."""
        return next((each for each in self.owners if each.get("controller")), {})

    @property
    def generation(self) -> int:
        """Counts changes of the spec."""
        return int(self.metadata.get("generation") or 0)

    def belongs_to(self, owner: KubernetesObject) -> bool:
        """Whether that object, and not another of its name, controls this one.

        An owner that does not control an object has not made it: anybody may write such a
        reference to have it collected with its owner.
        """
        return bool(owner.uid) and self.controller.get("uid") == owner.uid

    def condition(self, kind: str) -> Json:
        """A condition of the status, or an empty object."""
        conditions: Sequence[Json] = self.status.get("conditions") or []
        return next((each for each in conditions if each.get("type") == kind), {})


def number_in(text: object) -> int | None:
    """Give the whole number that a text states in plain digits; None for anything else."""
    return int(text) if isinstance(text, str) and _WHOLE.fullmatch(text) else None


def moment_of(text: object) -> datetime | None:
    """Read a time as the API writes it; None for what is none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None


def selector_of(selector: Json) -> str:
    """A ``LabelSelector`` of the API in its query syntax."""
    terms = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or []:
        key, values = expression["key"], ",".join(expression.get("values") or [])
        terms.append(
            {
                "In": f"{key} in ({values})",
                "NotIn": f"{key} notin ({values})",
                "Exists": key,
                "DoesNotExist": f"!{key}",
            }[expression["operator"]]
        )
    return ",".join(terms)
