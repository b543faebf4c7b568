"""The objects' own history: every change of the Deployments that runbooks may act on, as watched.

The API server tells it, so it holds whatever the platform says of itself. A watch that breaks goes
on where it was. Where the API server has forgotten that place (it does when it starts anew), the
objects are listed: their generation counts the changes of their specs, and where more than the one
that is seen was missed, that is written down as a hole.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import kubernetes
import urllib3

from tests.faults.journal import Journal

__all__ = ["Audit", "change", "missed", "seen_of"]

_WATCH_SECONDS = 60
_GONE = 410
_INCIDENT = "sre-platform/incident-id"
_ACTION = "sre-platform/action"
_OURS = "sre-platform/"
_RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_RESTARTED_BY = "sre-platform/restarted-by"
_UNDONE_FOR = "sre-platform/undone-for"


def seen_of(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the history keeps of a Deployment (a dict as the API gives it)."""
    metadata, spec = deployment["metadata"], deployment["spec"]
    annotations = metadata.get("annotations") or {}
    template = json.loads(json.dumps(spec["template"]))
    marks = template["metadata"].get("annotations") or {}
    template["metadata"]["annotations"] = {
        name: value
        for name, value in marks.items()
        if not name.startswith(_OURS) and name != _RESTARTED_AT
    }
    template["metadata"].pop("creationTimestamp", None)
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:16]
    return {
        "replicas": spec.get("replicas"),
        "restarted_at": marks.get(_RESTARTED_AT, ""),
        "restarted_by": marks.get(_RESTARTED_BY, ""),
        "undone_for": marks.get(_UNDONE_FOR, ""),
        "template": digest,
        "incident": annotations.get(_INCIDENT, ""),
        "action": annotations.get(_ACTION, ""),
        "managers": sorted({each["manager"] for each in metadata.get("managedFields") or []}),
    }


def change(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give what of the spec changed between two versions; None if nothing that counts did.

    Returns
    -------
    dict or None
        ``field``, ``before``, ``after`` and ``incident``, whose mark the new version carries.
    """
    if before is None:
        return None
    for name in ("template", "replicas", "restarted_at"):
        if before[name] != after[name]:
            return {
                "field": name,
                "before": before[name],
                "after": after[name],
                "incident": after["incident"],
                "restarted_by": after["restarted_by"],
                "undone_for": after["undone_for"],
            }
    return None


def missed(known: Mapping[str, int], listed: Iterable[Mapping[str, Any]]) -> list[str]:
    """Name the objects of a list of whose history something can no longer be seen.

    Parameters
    ----------
    known : mapping
        Name of an object → its generation when it was last seen.
    listed : iterable of mapping
        All objects as they are now.
    """
    now = {each["metadata"]["name"]: each["metadata"]["generation"] for each in listed}
    return sorted(
        name
        for name in known.keys() | now.keys()
        if name not in known or name not in now or now[name] - known[name] not in (0, 1)
    )


@dataclass
class Audit:
    """Watches Deployments and journals each change of their specs as ``changed``.

    Parameters
    ----------
    kubeconfig : str
        Whoever may watch.
    namespace : str
        Where.
    journal : Journal
        Gets ``changed`` and ``hole`` entries.
    on_change : callable
        Is told of each change at once: object and change.
    """

    kubeconfig: str
    namespace: str
    journal: Journal
    on_change: Callable[[str, Mapping[str, Any]], None] = lambda _name, _change: None
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)
    _known: dict[str, dict[str, Any]] = field(default_factory=dict, init=False)
    _generations: dict[str, int] = field(default_factory=dict, init=False)

    def start(self) -> dict[str, dict[str, Any]]:
        """Begin to watch; gives how the objects are now."""
        # Typed Any: the client's annotations know neither dicts nor raw answers.
        kube: Any = kubernetes
        self._apps: Any = kube.client.AppsV1Api(kube.config.new_client_from_config(self.kubeconfig))
        listed = self._list()
        self._version = listed["metadata"]["resourceVersion"]
        for each in listed["items"]:
            self._note(each)
        threading.Thread(target=self._follow, daemon=True, name="audit").start()
        return dict(self._known)

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()

    def _list(self) -> dict[str, Any]:
        answer = self._apps.list_namespaced_deployment(
            self.namespace, _preload_content=False, _request_timeout=30
        )
        listed: dict[str, Any] = json.loads(answer.data)
        return listed

    def _follow(self) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(urllib3.exceptions.HTTPError, OSError, ValueError):
                self._watch()
                continue
            time.sleep(0.2)  # the API server is away; it goes on where it was

    def _watch(self) -> None:
        kube: Any = kubernetes
        try:
            answer = self._apps.list_namespaced_deployment(
                self.namespace,
                watch=True,
                # Else a few minutes without a change are enough for the place to be forgotten.
                allow_watch_bookmarks=True,
                resource_version=self._version,
                timeout_seconds=_WATCH_SECONDS,
                _preload_content=False,
                _request_timeout=_WATCH_SECONDS + 10,
            )
        except kube.client.ApiException as error:
            if error.status == _GONE:
                self._fill_hole()
            else:
                time.sleep(0.2)
            return
        rest = b""
        for chunk in answer.stream(amt=None, decode_content=True):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line and not self._take(json.loads(line)):
                    return
            if self._stopped.is_set():
                return

    def _take(self, event: Mapping[str, Any]) -> bool:
        thing = event["object"]
        if event["type"] == "ERROR":
            if thing.get("code") == _GONE:
                self._fill_hole()
            return False
        self._version = thing["metadata"]["resourceVersion"]
        if event["type"] in ("ADDED", "MODIFIED"):
            self._note(thing)
        return True

    def _note(self, thing: Mapping[str, Any]) -> None:
        name = thing["metadata"]["name"]
        now = seen_of(thing)
        found = change(self._known.get(name), now)
        self._known[name] = now
        self._generations[name] = thing["metadata"]["generation"]
        if found is not None:
            self.journal.note("changed", object=name, **found)
            self.on_change(name, found)

    def _fill_hole(self) -> None:
        listed = self._list()
        self._version = listed["metadata"]["resourceVersion"]
        if names := missed(self._generations, listed["items"]):
            text = "the API server has forgotten where the watch was, and more than one change of "
            self.journal.note("hole", text=text + ", ".join(names))
        for each in listed["items"]:
            self._note(each)
