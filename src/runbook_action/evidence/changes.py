"""What differs between two pod templates, without what they are set to where that may be secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runbook_action.evidence.words import plain
from runbook_action.objects import Json

_MOST = 25
# What of a container may be shown, before and after; of the rest only that it differs.
_SHOWN = ("image", "resources")
_NAMED = ("env", "volumeMounts", "ports", "volumes", "envFrom")


def differences(before: Json, after: Json) -> list[dict[str, Any]]:
    """Say where two pod templates differ.

    Returns
    -------
    list of dict
        ``{container, field, before?, after?, names?}``; ``container`` is empty for the pod itself.
        The value of an environment variable is never among them, only its name.
    """
    old, new = before.get("spec") or {}, after.get("spec") or {}
    found: list[dict[str, Any]] = []
    for key in ("initContainers", "containers"):
        olds, news = _by_name(old.get(key)), _by_name(new.get(key))
        for name in [*news, *(each for each in olds if each not in news)]:
            if name not in olds or name not in news:
                what = "was added" if name in news else "was taken away"
                found.append({"container": name, "field": what})
            else:
                found += _within(name, olds[name], news[name])
    rest = ("initContainers", "containers")
    found += _within("", *({k: v for k, v in each.items() if k not in rest} for each in (old, new)))
    for key in ("labels", "annotations"):
        one, two = ((each.get("metadata") or {}).get(key) or {} for each in (before, after))
        names = sorted(k for k in {**one, **two} if one.get(k) != two.get(k))
        if names:
            found.append({"container": "", "field": key, "names": [plain(n, 100) for n in names]})
    return found[:_MOST]


def _within(name: str, old: Json, new: Json) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for field in sorted({**old, **new}):
        before, after = old.get(field), new.get(field)
        if before == after:
            continue
        told: dict[str, Any] = {"container": name, "field": field}
        if field in _SHOWN:
            told.update(before=before, after=after)
        elif field in _NAMED:
            told["names"] = _differing(before, after)
        found.append(told)
    return found


def _differing(before: object, after: object) -> list[str]:
    """Names of the items of two lists that are not the same in both."""
    olds, news = _by_name(before), _by_name(after)
    names = [name for name in {**olds, **news} if olds.get(name) != news.get(name)]
    return sorted(plain(name, 100) for name in names)[:_MOST]


def _by_name(items: object) -> dict[str, Mapping[str, Any]]:
    found = {}
    for each in items if isinstance(items, Sequence) else ():
        if isinstance(each, Mapping):
            found[_name(each)] = each
    return found


def _name(item: Mapping[str, Any]) -> str:
    """Name an item: of ``envFrom`` it is that of the ConfigMap or Secret."""
    for key in ("configMapRef", "secretRef"):
        if isinstance(item.get(key), Mapping):
            return f"{key.removesuffix('Ref')} {item[key].get('name')}"
    return str(item.get("name") or item.get("containerPort") or "")
