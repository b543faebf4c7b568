"""The event contract does not change unnoticed.

`golden/<schema_version>/` holds every version as it was released. A compatible change is released
by copying the schema there; an incompatible one needs a new schema_version, and so a new folder.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft202012Validator

from tests.support.template import deployed
from tests.unit.events.compatibility import incompatibilities

ROOT = Path(__file__).parents[3]
SCHEMAS = ROOT / "events" / "schemas"
GOLDEN = Path(__file__).parent / "golden"
NAMES = (
    "incident.created",
    "incident.resolved",
    "incident.escalated",
    "incident.climbed",
    "incident.investigated",
    "incident.notified",
    "incident.acknowledged",
    "incident.released",
    "incident.undo-asked",
    "incident.closed",
    "incident.paged",
    "incident.page-held",
    "action.completed",
)


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


def version_of(schema: dict[str, Any]) -> str:
    version: str = schema["properties"]["metadata"]["properties"]["schema_version"]["const"]
    return version


@pytest.mark.parametrize("name", NAMES)
def test_an_incompatible_change_needs_a_new_schema_version(name: str) -> None:
    schema = load(SCHEMAS / f"{name}.json")
    released = GOLDEN / version_of(schema) / f"{name}.json"
    assert released.is_file(), f"new schema_version: release it as {released.relative_to(ROOT)}"
    assert incompatibilities(load(released), schema) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_schemas_are_schemas_and_described(name: str) -> None:
    schema = load(SCHEMAS / f"{name}.json")
    Draft202012Validator.check_schema(schema)
    assert schema["title"] == name
    assert schema["description"]


def data(schema: dict[str, Any]) -> Any:
    return schema["properties"]["data"]


BREAKING: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "property removed": (
        lambda schema: data(schema)["properties"].pop("severity"),
        "/data/severity was removed",
    ),
    "promise withdrawn": (
        lambda schema: data(schema)["required"].remove("labels"),
        "/data/labels is no longer always there",
    ),
    "requirement added": (
        lambda schema: data(schema)["required"].append("team"),
        "/data/team is newly required",
    ),
    "type narrowed": (
        lambda schema: data(schema)["properties"]["runbook"].update(type="string"),
        "/data/runbook: type changed from ['string', 'null'] to 'string'",
    ),
    "type widened": (
        lambda schema: data(schema)["properties"]["summary"].update(type=["string", "null"]),
        "/data/summary: type changed from 'string' to ['string', 'null']",
    ),
    "value dropped": (
        lambda schema: data(schema)["properties"]["severity"]["enum"].remove("info"),
        "/data/severity: enum changed from ['critical', 'warning', 'info'] to "
        "['critical', 'warning']",
    ),
    "limit tightened": (
        lambda schema: data(schema)["properties"]["summary"].update(maxLength=10),
        "/data/summary: maxLength changed from 500 to 10",
    ),
    "closed": (
        lambda schema: data(schema).update(additionalProperties=False),
        "/data: additionalProperties changed from None to False",
    ),
    "deep inside": (
        lambda schema: data(schema)["properties"]["target"]["properties"].pop("kind"),
        "/data/target/kind was removed",
    ),
}


@pytest.mark.parametrize(("change", "message"), BREAKING.values(), ids=BREAKING.keys())
def test_breaking_changes_are_noticed(
    change: Callable[[dict[str, Any]], object], message: str
) -> None:
    old = load(GOLDEN / "1" / "incident.created.json")
    new = copy.deepcopy(old)
    change(new)
    assert incompatibilities(old, new) == [message]


def test_an_optional_property_and_better_words_are_compatible() -> None:
    old = load(GOLDEN / "1" / "incident.created.json")
    new = copy.deepcopy(old)
    data(new)["properties"]["team"] = {"type": "string"}
    data(new)["properties"]["severity"]["description"] = "How bad it is."
    data(new)["properties"]["severity"]["enum"].reverse()
    assert incompatibilities(old, new) == []


def test_the_gateway_carries_the_request_model() -> None:
    api = deployed()["Resources"]["WebhookApi"]["Properties"]
    inlined = api["Models"]["AlertWebhook"]
    model = load(SCHEMAS / "webhook-request-model.json")
    Draft4Validator.check_schema(model)
    del model["description"]
    assert inlined == model


def test_the_request_model_lets_every_sample_through_to_the_function() -> None:
    model = Draft4Validator(load(SCHEMAS / "webhook-request-model.json"))
    raw = [
        path
        for path in (ROOT / "events").glob("*/*.json")
        if path.parent.name in {"alertmanager", "datadog", "grafana", "unknown"}
        and not path.name.startswith("api-")
    ]
    assert len(raw) > 25
    for path in raw:
        assert model.is_valid(load(path)), path
    refused: list[object] = [None, [], "text", 7, {}]
    for wrong in refused:
        assert not model.is_valid(wrong)
