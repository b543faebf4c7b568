"""Fields that Git decides: what writes there is put back by Argo CD or Flux, within seconds.

Whose a field is, ``metadata.managedFields`` says and nothing else: where Git leaves the replicas
out, they are anybody's, whatever label the object has. Only where no manager of a GitOps tool is
found on an object that a tool has marked as its own, every field that somebody else wrote counts as
Git's: in doubt nothing acts. Argo CD's label ``app.kubernetes.io/instance`` is no such mark, since
Helm sets it, too.

What is done about it the deployment says (stack parameter GitOpsPolicy): ``escalate`` acts on no
such field and tells what to change in Git, ``ask`` asks a human first, whether or not the runbook
does, with a plan that says whose the field is, and ``act`` acts for as long as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from runbook_action.errors import ActionRefused
from runbook_action.objects import Json, KubernetesObject
from runbook_action.outcome import Change, Outcome
from runbook_action.reverted import FIELD_MANAGER

Policy = Literal["ask", "escalate", "act"]
POLICIES: tuple[Policy, ...] = ("ask", "escalate", "act")

#: Field managers of the tools, as they name themselves.
MANAGERS: Mapping[str, str] = {
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
}
_TRACKING = "argocd.argoproj.io/tracking-id"
_FLUX = ("kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io")
# Whose writes are no statement about Git: ours, and controllers that follow the spec.
_NOBODYS = frozenset({FIELD_MANAGER, "kube-controller-manager"})
_SAID = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._/-]{0,98}[A-Za-z0-9])?")
_PATH = re.compile(r"([^.\[\]]+)|\[([^\]]*)\]")
_ITEM = re.compile(r'k:\{.*"name":"([^"]*)".*\}')


@dataclass(frozen=True)
class Source:
    """Where a field is decided.

    Attributes
    ----------
    tool
        ``Argo CD`` or ``Flux``.
    name
        The application, or the kustomization or release with its namespace; empty where the object
        does not say, or says what is no name.
    manager
        The field manager by which it is known; empty where only a mark on the object tells.
    """

    tool: str
    name: str
    manager: str

    def __str__(self) -> str:
        """Name it for a human."""
        return f"{self.tool}{f' ({self.name})' if self.name else ''}"


@dataclass(frozen=True)
class Decided:
    """A change of a field that Git decides."""

    change: Change
    source: Source

    @property
    def what(self) -> str:
        """The field and its object."""
        return f"{self.change.field} of {self.change.kind} {self.change.name}"

    @property
    def instead(self) -> str:
        """The change to make in Git, where it can be said in a line."""
        before, after = self.change.before, self.change.after
        if isinstance(before, int | str) and isinstance(after, int | str):
            return f"change it there from {before} to {after}"
        return "change it there"


def has_a_source(found: KubernetesObject) -> bool:
    """Tell whether anything on an object is of a GitOps tool: then its fields are looked at."""
    return _marked(found) is not None or any(
        str(each.get("manager")) in MANAGERS for each in _entries(found)
    )


def source_of(found: KubernetesObject, field: str) -> Source | None:
    """Say where a field is decided in Git; None where it is not.

    Parameters
    ----------
    found
        The object as it is now.
    field
        As a plan names it: ``spec.template.spec.containers[checkout].image``.
    """
    path = [name or item for name, item in _PATH.findall(field)]
    entries = _entries(found)
    tools = [each for each in entries if str(each.get("manager")) in MANAGERS]
    for each in tools:
        if _owns(each.get("fieldsV1") or {}, path):
            manager = str(each["manager"])
            return Source(MANAGERS[manager], _name_of(found), manager)
    tool = _marked(found)
    if tools or tool is None:
        return None
    others = [each for each in entries if str(each.get("manager")) not in _NOBODYS]
    if any(_owns(each.get("fieldsV1") or {}, path) for each in others):
        return Source(tool, _name_of(found), "")
    return None


def decided_in_git(
    changes: Sequence[Change], objects: Sequence[KubernetesObject]
) -> Iterator[Decided]:
    """Give those changes of a plan that are of fields that Git decides.

    Parameters
    ----------
    changes
        Of the plan.
    objects
        The target and what the action changes besides, as they are now.
    """
    by_name = {(each.kind_name, _full_name(each)): each for each in objects}
    for change in changes:
        found = by_name.get((change.kind, change.name))
        # A roll back to an earlier revision changes the template, whatever its plan calls it.
        field = "spec.template" if change.field == "revision" else change.field
        source = None if found is None else source_of(found, field)
        if source is not None:
            yield Decided(change, source)


def said_in(outcome: Outcome, decided: Sequence[Decided]) -> Outcome:
    """Add to a plan which of its fields Git decides, and that they will be put back."""
    if not decided:
        return outcome
    told = "; ".join(f"{each.what} is decided in Git, by {each.source}" for each in decided)
    return replace(
        outcome,
        summary=f"{outcome.summary.rstrip('.')}. {told}: it will be reverted at its next look.",
        details={
            **outcome.details,
            "decided_in_git": [
                {"field": each.change.field, "by": str(each.source)} for each in decided
            ],
        },
    )


def asks_a_human(planned: Outcome, policy: Policy) -> bool:
    """Tell whether a human has to approve a plan for what of it Git decides."""
    return policy == "ask" and bool(planned.details.get("decided_in_git"))


def refuse_what_git_decides(decided: Sequence[Decided], policy: Policy, *, approved: bool) -> None:
    """Stop a step whose fields Git decides, unless the policy lets it.

    Parameters
    ----------
    approved
        Whether a human has approved the plan, which says whose its fields are.

    Raises
    ------
    ActionRefused
        Says what to change in Git.
    """
    if not decided or policy == "act" or (policy == "ask" and approved):
        return
    told = "; ".join(
        f"{each.what} is decided in Git, by {each.source}: {each.instead}" for each in decided
    )
    way = (
        "a human has to approve the plan, which has it done for a time"
        if policy == "ask"
        else "or let the platform act on it for a time"
    )
    raise ActionRefused(
        f"{told}. Nothing was done, because it would be reverted; {way} (stack parameter "
        f"GitOpsPolicy, which is {policy})"
    )


def _entries(found: KubernetesObject) -> list[Json]:
    entries: Sequence[Json] = found.metadata.get("managedFields") or []
    return [each for each in entries if each.get("subresource") != "status"]


def _marked(found: KubernetesObject) -> str | None:
    labels, annotations = _texts(found, "labels"), _texts(found, "annotations")
    if _TRACKING in annotations:
        return "Argo CD"
    return "Flux" if any(f"{prefix}/name" in labels for prefix in _FLUX) else None


def _name_of(found: KubernetesObject) -> str:
    """Return the application or kustomization that an object's marks name."""
    labels = _texts(found, "labels")
    # application:group/kind:namespace/name
    names = [_texts(found, "annotations").get(_TRACKING, "").split(":", 1)[0]]
    for prefix in _FLUX:
        name, namespace = labels.get(f"{prefix}/name"), labels.get(f"{prefix}/namespace")
        names.append("/".join(part for part in (namespace, name) if part))
    return next((name for name in names if _SAID.fullmatch(name)), "")


def _texts(found: KubernetesObject, name: str) -> Mapping[str, str]:
    texts: Mapping[str, str] = found.metadata.get(name) or {}
    return texts


def _full_name(found: KubernetesObject) -> str:
    return f"{found.namespace}/{found.name}" if found.namespace else found.name


def _owns(fields: Json, path: Sequence[str]) -> bool:
    """Tell whether an entry of managedFields has a field, or one inside of it."""
    for name in path:
        inner = fields.get(f"f:{name}")
        if inner is None:
            items = (value for key, value in fields.items() if _is_item(key, name))
            inner = next(items, None)
        if inner is None:
            return False
        fields = inner
    return True


def _is_item(key: str, name: str) -> bool:
    found = _ITEM.fullmatch(key)
    return found is not None and found[1] == name
