"""An alert must not name another object than the one that a runbook is about to act on.

A runbook that names its target is selected by name alone: the alert of staging/checkout selects
the runbook of apps/checkout as well as that of apps/checkout does. And one that takes its target
from the alert does so by some of the labels. Each label that names an object has to lead to the
target or its kin (``kinship``), whichever way the target was found; else a human has to tell which
of them is meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from runbook_action.errors import ActionRefused
from runbook_action.kinds import KindWord
from runbook_action.ports import Cluster
from runbook_action.request import NAME, TargetKind
from runbook_action.resolve.finding import Found
from runbook_action.resolve.kinship import Kinship
from runbook_action.resolve.labels import NAMES, all_named, as_name, meant_by, named_by
from runbook_action.resolve.owners import name_of
from runbook_action.resolve.uids import another_of_its_name
from runbook_action.rights import WORKLOADS

# Kinds that are never kin of one another: no cluster needs to be asked.
_NEVER: Mapping[str, Sequence[KindWord]] = {
    **{each: (*(other for other in WORKLOADS if other != each), "job") for each in WORKLOADS},
    "horizontalpodautoscaler": ("job",),
    "job": (*WORKLOADS, "horizontalpodautoscaler"),
}
# A node's label may hold an address instead of its name.
_IS_ADDRESS = re.compile(r"[0-9.]+|.*:.*")
# Of whoever exported the metric, where an alert is about a node.
_OF_THE_EXPORTER: Sequence[KindWord] = ("pod",)


def refuse_other_labels(runbook: str, target: Mapping[str, Any], labels: Mapping[str, str]) -> None:
    """Stop where the labels alone name another object than a runbook's named target.

    Parameters
    ----------
    target
        As the catalogue writes it. What takes its name from the alert is looked at once it is
        found (``refuse_other_object``).

    Raises
    ------
    ActionRefused
        The message names both.
    """
    kind, name = cast(TargetKind, target.get("kind")), target.get("name")
    if "from_alert" in target or not isinstance(name, str):
        return
    namespace = None if kind == "node" else target.get("namespace")
    _refuse_labels(labels, kind, namespace, name, _Sentence(runbook, named=True))


def refuse_other_object(
    runbook: str, found: Found, cluster: Cluster, labels: Mapping[str, str], *, named: bool
) -> None:
    """Stop where any label leads to another object than the target that was found, or its kin.

    Parameters
    ----------
    named
        Whether the runbook names the target; else it was found by the alert.

    Raises
    ------
    ActionRefused
        The message names both.
    """
    target, sentence = found.target, _Sentence(runbook, named=named)
    _refuse_labels(labels, found.kind, target.namespace or None, target.name, sentence)
    if other := another_of_its_name(target, labels):
        raise ActionRefused(sentence.of(other, name_of(target)))
    kinship = Kinship(cluster, target, found.kin, labels)
    if other := kinship.another_node():
        raise ActionRefused(sentence.of(other, name_of(target)))
    if found.kind == "node":
        return
    for word, text in all_named(labels):
        if other := kinship.another(word, text):
            raise ActionRefused(sentence.of(other, name_of(target)))


class _Sentence:
    """What an operator is told."""

    def __init__(self, runbook: str, *, named: bool) -> None:
        self.runbook = runbook
        self.named = named

    def of(self, theirs: str, ours: str) -> str:
        """Name both."""
        more = ", or let the runbook take its target from the alert (from_alert)"
        return (
            f"the alert names {theirs}, and runbook {self.runbook} acts on {ours}: nothing is "
            f"done. Correct the alert's labels{more if self.named else ''}."
        )


def _refuse_labels(
    labels: Mapping[str, str], kind: TargetKind, namespace: str | None, name: str, told: _Sentence
) -> None:
    # The labels of a node's alert often carry the namespace of the exporter that saw it.
    spaces = [text for _, text in named_by(labels, "namespace")] if namespace else []
    elsewhere = [text for text in spaces if text != namespace]
    theirs: dict[str, str] = {}
    same: dict[str, str] = {}
    for word, text in all_named(labels):
        if not _may_be_kin(word, text, kind, name, labels):
            theirs[word] = text
        elif word == kind:
            same[word] = text
    if not elsewhere and not theirs:
        return
    place = f"{as_name((elsewhere or spaces)[0])}/" if spaces else ""
    words = theirs or same
    named = " and ".join(f"{word} {place}{as_name(text)}" for word, text in words.items())
    ours = f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"
    raise ActionRefused(
        told.of(named or f"namespace {as_name(elsewhere[0]) if elsewhere else ''}", ours)
    )


def _may_be_kin(
    word: str, text: str, kind: TargetKind, name: str, labels: Mapping[str, str]
) -> bool:
    if word == "node":
        # Of which one an address is, only the cluster knows.
        return kind != "node" or text == name or bool(_IS_ADDRESS.fullmatch(text))
    if not NAME.fullmatch(text):
        return False
    if word == kind:
        return text == name
    if kind == "node":
        # An alert may name a node and what runs on it; without the node it is about the latter.
        return word in _OF_THE_EXPORTER or bool(meant_by(labels, "node"))
    if word not in NAMES:
        # What an autoscaler governs, or a pod is of, the cluster knows.
        return word == "workload" and (text == name or kind not in WORKLOADS)
    return word not in _NEVER.get(kind, ())
