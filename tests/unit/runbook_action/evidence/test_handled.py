"""Operation collect_evidence as the state machine calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runbook_action import handler as module
from runbook_action.errors import ActionRefused
from runbook_action.settings import Settings
from tests.unit.runbook_action.environment import GOOD
from tests.unit.runbook_action.fakes import World
from tests.unit.runbook_action.invocations import Context, logged

SAMPLE = Path(__file__).parents[4] / "events" / "runbook_action" / "collect_evidence-workload.json"


def test_it_is_answered_and_touches_nothing(world: World) -> None:
    before = world.state()
    answer = module.handler(json.loads(SAMPLE.read_text("utf-8")), Context())
    assert json.loads(json.dumps(answer)) == answer
    assert (answer["status"], answer["changed"]) == ("collected", False)
    assert answer["target"]["name"] == "checkout"
    assert answer["evidence"]["why_not"] == "the deployment keeps no evidence"
    assert world.state() == before
    assert all(call.startswith(("get ", "list ")) for call in world.calls.log)
    (said,) = [each for each in logged() if each["message"] == answer["summary"]]
    assert said["incident_id"] == answer["incident_id"]


def test_of_several_clusters_none_is_guessed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    container = module.container()
    two = {**GOOD, "CLUSTERS": "a=one,b=two", "DEFAULT_CLUSTER": "a"}
    container.settings = Settings.from_environment(two)
    monkeypatch.setattr(module, "container", lambda: container)
    event = json.loads(SAMPLE.read_text("utf-8"))
    event["alert"]["target"]["cluster"] = None
    with pytest.raises(ActionRefused, match="names no cluster"):
        module.handler(event, Context())


def test_nothing_is_read_of_another_cluster_than_a_label_names(world: World) -> None:
    event = json.loads(SAMPLE.read_text("utf-8"))
    event["alert"]["labels"]["exported_cluster"] = "staging"
    with pytest.raises(ActionRefused, match="another cluster, exported_cluster='staging'"):
        module.handler(event, Context())
    assert world.calls.log == []
