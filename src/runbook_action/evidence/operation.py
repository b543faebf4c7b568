"""The operation itself: every source side by side, each with its own time, and one answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from time import monotonic
from typing import Any

from runbook_action.errors import RunbookActionError
from runbook_action.evidence.ports import Store, Tools
from runbook_action.evidence.redaction import redact_json
from runbook_action.evidence.request import CollectRequest
from runbook_action.evidence.scene import Finding, Gathered, Scene, Source
from runbook_action.evidence.sources import SOURCES
from runbook_action.evidence.subject import Subject, subject_of
from runbook_action.evidence.words import plain

SCHEMA_VERSION = "1"
FINDINGS = 10  # that the record keeps
DOCUMENT_BYTES = 262_144
_WHY = 300  # characters


def collect(
    asked: CollectRequest,
    tools: Tools,
    namespaces: frozenset[str],
    now: datetime,
    sources: Sequence[Source] = SOURCES,
) -> dict[str, Any]:
    """Gather what is known about an alert. Changes nothing in the cluster.

    Parameters
    ----------
    tools
        Of the alert's cluster.
    namespaces
        Where the deployment may look.
    now
        The time.

    Returns
    -------
    dict
        The function's output: ``findings``, sentences with the most telling first; ``sources``,
        what became of each, ``read`` or why not; ``target``; ``evidence``, where the whole of it
        lies, or ``why_not``.

    Raises
    ------
    RetryableError
        The cluster or the catalogue did not answer at all.
    """
    subject = subject_of(asked, tools, namespaces)
    scene = Scene(
        tools=tools,
        alert=asked.alert,
        began=min(asked.began, now) if asked.began else now,
        now=now,
        subject=subject.found,
        node=subject.node,
        pod=subject.pod,
        namespaces=sorted(namespaces),
    )
    gathered, states = _gather(scene, sources)
    findings = _ranked(gathered.values())
    target = _target(asked, subject)
    document = _document(
        {
            "schema_version": SCHEMA_VERSION,
            "incident_id": asked.incident_id,
            "collected_at": now.isoformat(),
            "alert_began_at": scene.began.isoformat(),
            "target": target,
            "no_target_because": subject.why_not or None,
            "findings": findings,
            "states": states,
        },
        {name: each.facts for name, each in gathered.items()},
    )
    missing = [name for name, state in states.items() if state not in ("read", "not asked")]
    what = str(target["name"] or "no object of the cluster") if target else "no object"
    return {
        "operation": asked.operation,
        "status": "collected",
        "action": asked.action,
        "changed": False,
        "incident_id": asked.incident_id,
        "summary": f"{len(findings)} findings about {what}"
        + (f"; without {', '.join(missing)}" if missing else ""),
        "collected_at": now.isoformat(),
        "target": target,
        "findings": findings,
        "sources": states,
        "evidence": _kept(asked.incident_id, document, tools.store),
    }


def _gather(scene: Scene, sources: Sequence[Source]) -> tuple[dict[str, Gathered], dict[str, str]]:
    """Ask the sources side by side; who is late or fails is left behind with its reason."""
    states = {each.name: "not asked" for each in sources}
    asked = [each for each in sources if each.about(scene)]
    gathered: dict[str, Gathered] = {}
    if not asked:
        return gathered, states
    pool = ThreadPoolExecutor(len(asked), thread_name_prefix="evidence")
    began = monotonic()
    running: dict[str, Future[Gathered]] = {
        each.name: pool.submit(each.gather, scene) for each in asked
    }
    # Nobody waits for who is late: its answer is dropped when it comes.
    pool.shutdown(wait=False)
    for source in sorted(asked, key=lambda each: each.seconds):
        future = running[source.name]
        wait([future], timeout=max(0.0, source.seconds - (monotonic() - began)))
        if not future.done():
            future.cancel()
            states[source.name] = f"late: no answer within {source.seconds:g} s"
            continue
        try:
            gathered[source.name] = future.result()
            states[source.name] = "read"
        except RunbookActionError as error:
            states[source.name] = plain(f"{type(error).__name__}: {error}", _WHY)
        except Exception as error:  # noqa: BLE001 - objects are others' text: it loses only itself
            states[source.name] = plain(f"not understood: {type(error).__name__}: {error}", _WHY)
    return gathered, states


def _ranked(gathered: Any) -> list[str]:
    found: list[Finding] = sorted(
        (finding for each in gathered for finding in each.findings),
        key=lambda each: each.rank,
    )
    return list(dict.fromkeys(plain(each.text) for each in found))[:FINDINGS]


def _target(asked: CollectRequest, subject: Subject) -> dict[str, str | None] | None:
    found = subject.found
    if found is None:
        return None
    return {
        "cluster": asked.cluster,
        "namespace": found.namespace or None,
        "kind": found.kind,
        "name": found.name,
    }


def _document(head: Mapping[str, Any], facts: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Write it as one JSON object without secrets; what is too large is left out, which it says."""
    kept: dict[str, Any] = {name: redact_json(_plain_json(each)) for name, each in facts.items()}
    while True:
        written = _encoded({**head, "facts": kept})
        if len(written) <= DOCUMENT_BYTES:
            return written
        largest = max(kept, key=lambda name: len(_encoded(kept[name])))
        kept[largest] = {"left_out": f"{len(_encoded(kept[largest]))} bytes were too many"}


def _plain_json(value: object) -> object:
    # Dates and the like as text: what a fact is made of must not keep the rest from being written.
    return json.loads(json.dumps(value, default=str))


def _encoded(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _kept(incident_id: str, document: bytes, store: Store | None) -> dict[str, Any]:
    if store is None:
        return {"key": None, "bytes": len(document), "why_not": "the deployment keeps no evidence"}
    try:
        key = store.keep(incident_id, document)
    except RunbookActionError as error:
        why = plain(f"{type(error).__name__}: {error}", _WHY)
        return {"key": None, "bytes": len(document), "why_not": why}
    return {"key": key, "bytes": len(document), "why_not": None}
