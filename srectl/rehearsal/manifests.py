"""From manifests as people keep them to objects as a cluster would hold them.

What only a cluster knows is filled in where a manifest leaves it out: identities, versions, the
identities in owner references, and a status that says that all is well. A test that needs an object
that is ill writes the status itself.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from runbook_action.kinds import KINDS, KindWord

__all__ = ["Key", "ManifestRefused", "healthy_status", "objects_of"]

Key = tuple[KindWord, str, str]
_WORDS: Mapping[tuple[str, str], KindWord] = {
    (kind.group, kind.kind): word for word, kind in KINDS.items()
}

_READY = {"type": "Ready", "status": "True"}
_COUNTS: Mapping[str, Sequence[str]] = {
    "deployment": ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"),
    "statefulset": (
        "replicas",
        "currentReplicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
    ),
    "daemonset": (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "updatedNumberScheduled",
        "numberReady",
        "numberAvailable",
    ),
}


class ManifestRefused(ValueError):
    """A manifest cannot be an object of the rehearsal's cluster; the message says why."""


def objects_of(
    files: Iterable[Mapping[str, Any]], manifests: Iterable[Mapping[str, Any]]
) -> dict[Key, dict[str, Any]]:
    """Give the objects that manifests describe; a later one replaces one of the same name.

    Parameters
    ----------
    files
        Manifests as a team deploys them, with much that no action looks at: that is left out.
    manifests
        What a test states itself; a ``List`` gives its items.

    Returns
    -------
    dict
        Kind, namespace and name → object.

    Raises
    ------
    ManifestRefused
        A manifest is of a kind that no action looks at, or has no name.
    """
    found: dict[Key, dict[str, Any]] = {}
    known = [each for each in _flat(files) if _word(each) is not None]
    for manifest in (*known, *_flat(manifests)):
        raw = copy.deepcopy(dict(manifest))
        found[_key(raw)] = raw
    for namespace in {key[1] for key in found if key[1]}:
        found.setdefault(
            ("namespace", "", namespace),
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        )
    for key, raw in found.items():
        _fill_in(key, raw)
    for raw in found.values():
        for owner in raw["metadata"].get("ownerReferences") or []:
            _complete(owner, raw["metadata"].get("namespace", ""), found)
    return found


def healthy_status(word: KindWord, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Give the status of an object that is as it should be; empty for a kind that has none."""
    spec, generation = raw.get("spec") or {}, raw["metadata"].get("generation", 1)
    if word in _COUNTS:
        asked = spec.get("replicas", 1)
        if word == "daemonset":  # as many as there are nodes for it
            asked = (raw.get("status") or {}).get("desiredNumberScheduled", 1)
        return {"observedGeneration": generation, **dict.fromkeys(_COUNTS[word], asked)}
    if word == "node":
        return {"conditions": [_READY]}
    if word == "pod":
        running = {"ready": True, "restartCount": 0, "state": {"running": {}}}
        names = [container.get("name") for container in spec.get("containers") or []]
        return {
            "phase": "Running",
            "conditions": [_READY],
            "containerStatuses": [{"name": name, **running} for name in names],
        }
    if word == "persistentvolumeclaim":
        storage = (spec.get("resources") or {}).get("requests") or {}
        return {"phase": "Bound", "capacity": dict(storage)}
    if word == "horizontalpodautoscaler":
        lowest = spec.get("minReplicas", 1)
        return {"currentReplicas": lowest, "desiredReplicas": lowest}
    return {}


def _flat(manifests: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    for manifest in manifests:
        if not isinstance(manifest, Mapping):
            raise ManifestRefused(f"a manifest must be a mapping, not {manifest!r}")
        if str(manifest.get("kind", "")).endswith("List"):
            yield from _flat(manifest.get("items") or [])
        else:
            yield manifest


def _word(raw: Mapping[str, Any]) -> KindWord | None:
    group = str(raw.get("apiVersion", "")).rpartition("/")[0]
    return _WORDS.get((group, str(raw.get("kind"))))


def _key(raw: dict[str, Any]) -> Key:
    kind, word = raw.get("kind"), _word(raw)
    metadata = raw.get("metadata") or {}
    name = metadata.get("name")
    if word is None:
        known = ", ".join(sorted(f"{each.api_version} {each.kind}" for each in KINDS.values()))
        raise ManifestRefused(
            f"no action looks at a {raw.get('apiVersion')} {kind} ({name}): known are {known}"
        )
    if not isinstance(name, str) or not name:
        raise ManifestRefused(f"a {kind} has no metadata.name")
    namespace = str(metadata.get("namespace", "")) if KINDS[word].namespaced else ""
    if KINDS[word].namespaced and not namespace:
        raise ManifestRefused(f"{kind} {name} has no metadata.namespace")
    return word, namespace, name


def _fill_in(key: Key, raw: dict[str, Any]) -> None:
    metadata = raw["metadata"]
    metadata.setdefault("uid", str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(key))))
    metadata.setdefault("resourceVersion", "1")
    metadata.setdefault("generation", 1)
    healthy = healthy_status(key[0], raw)
    # What a test says of the status stands, also where it says only a part of it.
    raw["status"] = {**healthy, **(raw.get("status") or {})}


def _complete(
    owner: dict[str, Any], namespace: str, found: Mapping[Key, Mapping[str, Any]]
) -> None:
    """Fill in what a person leaves out of an owner reference: the version and the identity."""
    for (word, where, name), raw in found.items():
        if (KINDS[word].kind, name) == (owner.get("kind"), owner.get("name")) and where in (
            "",
            namespace,
        ):
            owner.setdefault("apiVersion", KINDS[word].api_version)
            owner.setdefault("uid", raw["metadata"]["uid"])
            owner.setdefault("controller", True)
