"""Who took a change of ours back: GitOps, an operator, another human.

``metadata.managedFields`` is the only exact answer to whose a field is. It names the software that
wrote it, not the person; and a field that was removed belongs to nobody, so then it is whoever
wrote the object last, after us.
"""

from __future__ import annotations

from collections.abc import Sequence

from runbook_action.objects import Json, KubernetesObject

#: Our own writes carry this name: Flux takes back what managers called ``kubectl*`` wrote.
FIELD_MANAGER = "sre-platform-runbook-action"
_SOMEBODY = "somebody whom no field manager names"
# It answers to what others change: taints after a cordon, revisions after a template.
_ANSWERS_TO_OTHERS = "kube-controller-manager"


def reverted_by(found: KubernetesObject, *path: str) -> str:
    """Say who took a field back, as the end of a sentence: ``reverted by argocd-controller``.

    Parameters
    ----------
    found
        The object as it is now.
    path
        Names of fields, from the top: ``"spec", "template"``.

    Examples
    --------
    >>> entry = {"manager": "argocd-controller", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    >>> raw = {"kind": "Deployment", "metadata": {"managedFields": [entry]}}
    >>> reverted_by(KubernetesObject(raw), "spec", "replicas")
    'reverted by argocd-controller'
    """
    entries: Sequence[Json] = found.metadata.get("managedFields") or []
    ours = max((_time(each) for each in entries if _manager(each) == FIELD_MANAGER), default="")
    others = [
        each
        for each in entries
        if _manager(each) != FIELD_MANAGER and each.get("subresource") != "status"
    ]
    owners = [each for each in others if _owns(each, path)]
    later = [
        each
        for each in others
        if _time(each) >= ours and not _manager(each).startswith(_ANSWERS_TO_OTHERS)
    ]
    candidates = owners or later
    latest = max(candidates, key=_time, default={})
    return f"reverted by {_manager(latest) or _SOMEBODY}"


def _manager(entry: Json) -> str:
    return str(entry.get("manager") or "")


def _time(entry: Json) -> str:
    return str(entry.get("time") or "")  # RFC 3339 in UTC: it sorts as text


def _owns(entry: Json, path: Sequence[str]) -> bool:
    fields: Json = entry.get("fieldsV1") or {}
    for name in path:
        if f"f:{name}" not in fields:
            return False
        fields = fields[f"f:{name}"]
    return True
