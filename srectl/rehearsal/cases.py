"""Test files of runbooks (``runbooks/tests/*.yaml``), read and checked."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srectl.runbooks.folder import named, real
from srectl.runbooks.reading import NotReadable, documents_of, text_of, yaml_of
from srectl.runbooks.schema import faults_of

__all__ = ["MANIFESTS", "SCHEMA_FILE", "Case", "CasesInvalid", "Stack", "cases_in"]

SCHEMA_FILE = Path(__file__).parents[1] / "runbook-test.schema.json"
MANIFESTS = Path(__file__).parents[1] / "manifest.schema.json"
_YEARS = range(1970, 2200)  # what is some time before or after is a time, too
_NOON = "2026-01-01T12:00:00Z"


class CasesInvalid(Exception):
    """Test files are not usable; ``problems`` has one line for each fault."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Stack:
    """Parameters of the stack that the alert arrives at; defaults are the template's."""

    severities: Sequence[str] = ("critical", "warning")
    namespaces: Sequence[str] = ("apps",)
    cluster: str = "sre-platform"
    clusters: Sequence[str] = ()
    only_annotated: bool = False


@dataclass(frozen=True)
class Case:
    """One test.

    Attributes
    ----------
    file, name
        Where it stands, and what it shows.
    alert
        Text of a sender's body, and which of its alerts is meant (from 1).
    files, objects
        Manifests of files, of which only known kinds are taken, and those that the test states.
    without
        Objects that are taken away again, as ``kind namespace/name``.
    metrics
        What Prometheus answers to which query.
    enable
        Disabled runbooks that are enabled here.
    """

    file: str
    name: str
    now: datetime.datetime
    stack: Stack
    alert: tuple[str, int]
    files: Sequence[Mapping[str, Any]]
    objects: Sequence[Mapping[str, Any]]
    without: Sequence[str]
    parameters: Mapping[str, str]
    checks: Mapping[str, object]
    automations: Sequence[str]
    metrics: Mapping[str, float | None]
    enable: Sequence[str]
    expect: Mapping[str, Any]


def cases_in(folder: Path, catalogue: Path | None = None) -> tuple[list[Case], list[str]]:
    """Read the tests of a folder.

    Parameters
    ----------
    folder
        Folder with ``*.yaml``, one test file each. What lies in folders in it is read where a test
        names it.
    catalogue
        The folder of runbooks that it belongs to, from which on its files are named; None for its
        own.

    Returns
    -------
    tuple
        The tests, and the files that look like some and that nothing reads.

    Raises
    ------
    CasesInvalid
        With every fault of every file.
    """
    problems: list[str] = []
    cases: list[Case] = []
    read: set[Path] = set()
    room = "" if catalogue in (None, folder.parent) else f"{named(folder, catalogue or folder)}/"
    for path in sorted(folder.glob("*.yaml")):
        file = f"{room}{path.name}"
        read.add(real(path))
        try:
            document = yaml_of(path, catalogue or folder)
            broken = faults_of(document, SCHEMA_FILE) or list(_objects_broken(document))
            if not broken:
                read |= {real(folder / name) for name in document.get("files", [])}
                cases += _of_file(path, file, document)
        except NotReadable as error:
            broken = [str(error)]
        problems += [f"{file}: {fault}" for fault in broken]
    if problems:
        raise CasesInvalid(problems)
    there = sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")])
    unread = [each for each in there if real(each) not in read]
    return cases, [f"{room}{named(each, folder)}" for each in unread]


def _of_file(path: Path, file: str, document: Mapping[str, Any]) -> list[Case]:
    try:
        now = datetime.datetime.fromisoformat(str(document.get("now", _NOON)))
    except ValueError as error:
        raise NotReadable(f"/now: {error}") from error
    if now.tzinfo is None:
        raise NotReadable("/now: a time needs its zone: end it with Z")
    if now.year not in _YEARS:
        raise NotReadable(f"/now: {now.year} is too far away: write a year of a running cluster")
    shared = [each for name in document.get("files", []) for each in _manifests(path, name)]
    return [
        Case(
            file=file,
            name=test["name"],
            now=now,
            stack=Stack(**{**document.get("stack", {}), **test.get("stack", {})}),
            alert=_alert(path, test["alert"], now),
            files=shared,
            objects=_set_only([*document.get("objects", []), *test.get("objects", [])]),
            without=test.get("without", []),
            parameters={**document.get("parameters", {}), **test.get("parameters", {})},
            checks={**document.get("checks", {}), **test.get("checks", {})},
            automations=[*document.get("automations", []), *test.get("automations", [])],
            metrics={**document.get("metrics", {}), **test.get("metrics", {})},
            enable=test.get("enable", []),
            expect=test["expect"],
        )
        for test in document["tests"]
    ]


def _manifests(path: Path, name: str) -> Iterator[Mapping[str, Any]]:
    """The manifests of a file beside a test file, each held to the shape of its kind."""
    try:
        documents = documents_of(path.parent / name)
    except NotReadable as error:
        raise NotReadable(f"/files: {name} {error}") from error
    for number, document in enumerate(documents, start=1):
        if document is None:
            continue
        given = _set_only(document)
        for fault in faults_of(given, MANIFESTS):
            raise NotReadable(f"/files: {name}: document {number}: {fault}")
        yield given


def _objects_broken(document: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the manifests that a test file states itself, each at its place."""
    places = {"/objects": document.get("objects", [])}
    for index, test in enumerate(document["tests"]):
        places[f"/tests/{index}/objects"] = test.get("objects", [])
    for place, objects in places.items():
        for index, each in enumerate(objects):
            for fault in faults_of(_set_only(each), MANIFESTS):
                yield f"{place}/{index}{fault}"


def _set_only(value: Any) -> Any:
    """Leave out what is null: to the API of Kubernetes a field of that value is not there."""
    if isinstance(value, Mapping):
        return {key: _set_only(each) for key, each in value.items() if each is not None}
    return [_set_only(each) for each in value] if isinstance(value, list) else value


def _alert(path: Path, given: Mapping[str, Any], now: datetime.datetime) -> tuple[str, int]:
    number = int(given.get("number", 1))
    if "body" in given:
        return json.dumps(given["body"]), number
    if "event" in given:
        file = path.parent / given["event"]
        try:
            return text_of(file), number
        except NotReadable as error:
            raise NotReadable(f"/alert/event: {file} {error}") from error
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
            raise NotReadable(f"/alert/event: {file} cannot be read: {why}") from error
    labels = {
        **given.get("labels", {}),
        "alertname": given["name"],
        "severity": given["severity"],
    }
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": given.get("annotations", {}),
        "startsAt": now.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": "0123456789abcdef",
    }
    body = {
        "version": "4",
        "groupKey": "{}",
        "status": "firing",
        "receiver": "sre-platform",
        "groupLabels": {},
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": "",
        "truncatedAlerts": 0,
        "alerts": [alert],
    }
    return json.dumps(body), number
