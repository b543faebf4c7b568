"""A record with anything in the place of anything takes no page from whoever is on call."""

from __future__ import annotations

import copy
import datetime
import json
from collections.abc import Iterator
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from srectl.commands import story as told
from srectl.console import overview, story, timeline
from srectl.console.history import days
from srectl.operate.incidents import HIDDEN, opened, plain, shown
from srectl.operate.leftovers import left
from srectl.operate.plans import Limits, decide
from srectl.operate.track_record import tallies
from srectl.postmortem.chapters import chapters
from srectl.postmortem.sources import Story
from srectl.postmortem.timeline import timeline as post_mortem
from tests.unit.srectl.postmortem.example import record

NOW = datetime.datetime(2026, 11, 28, 7, tzinfo=datetime.UTC)
Path = tuple[str | int, ...]


def at_work() -> dict[str, Any]:
    """Give one that waits for an answer, with every part that a page reads."""
    step = {"index": 1, "name": "a", "action": "scale", "target": {"name": "x"}, "lends": True}
    return record(
        status="remediating",
        in_hand={
            "runbook": "R",
            "of": 1,
            "locks": ["target#a"],
            "steps": [{**step, "approval": {"timeout_seconds": 900}}],
        },
        approval={
            "token": "t",
            "step": 1,
            "requested_at": "2026-11-28T06:43:00Z",
            "plan": [{"field": "replicas", "from": 1, "to": 2}],
            "first": {"by": "a", "at": "2026-11-28T06:43:00Z"},
        },
        warnings=["one"],
        labels={"a": "b"},
        links={"generator": "http://x.example"},
    )


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """Give the way to each value within a value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in parts:
        yield (*at, key)
        if isinstance(one, dict | list):
            yield from paths(one, (*at, key))


def changed(value: Any, path: Path, to: Any) -> Any:
    whole = copy.deepcopy(value)
    inner = whole
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = to
    return whole


#: Kept by the table itself, or never absent: the keys and the status of an index.
_KEYS = {("incident_id",), ("timestamp",), ("status",)}
_WHOLE = [at_work(), record(in_hand=json.loads(record()["in_hand"]))]
_PLACES = [(one, path) for one in _WHOLE for path in paths(one) if path not in _KEYS]
_ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**12),
    st.text(max_size=8),
    st.just([]),
    st.just({}),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=3)), max_size=2),
    st.just(10**30),
    st.just({"a": [None]}),
)


def as_kept(one: dict[str, Any]) -> dict[str, Any]:
    """Read it as it comes from the table, where the steps' parts are texts."""
    return plain({key: TypeSerializer().serialize(value) for key, value in one.items()})


@given(st.sampled_from(_PLACES), _ODD)
def test_no_reader_fails(place: tuple[dict[str, Any], Path], odd: Any) -> None:
    kept = as_kept(changed(*place, odd))
    seen = overview.of_records([kept], [kept], NOW)
    assert seen["others"] or seen["at_work"] or seen["waiting"]
    timeline.events(kept)
    story.deadline(kept), left(kept), tallies([kept]), days([kept], NOW)
    whole = Story(kept)
    assert post_mortem(whole)
    assert chapters(whole)
    told.tell(kept)


def test_what_is_left_out_is_told_and_the_rest_stays() -> None:
    odd = as_kept(changed(at_work(), ("in_hand", "locks"), {"a": 1}))
    assert "locks" not in odd["in_hand"]
    assert odd["in_hand"]["steps"] == at_work()["in_hand"]["steps"]
    assert odd["warnings"] == [
        "one",
        "this record holds something else than it should in in_hand; that is not shown",
    ]


def test_a_good_record_stays_as_it_is() -> None:
    assert as_kept(at_work()) == at_work()
    absent = as_kept({**at_work(), "approval": None, "evidence": None})
    assert (absent["approval"], absent["evidence"]) == (None, None)
    assert absent["warnings"] == ["one"]


def test_a_list_with_one_odd_action_keeps_the_others() -> None:
    one = at_work()
    one["actions_taken"].append("no action")
    assert as_kept(one)["actions_taken"] == at_work()["actions_taken"]


def test_a_label_that_is_no_text_is_none_and_no_time_is_longer_than_there_are_years() -> None:
    one = {**at_work(), "labels": {"a": "b", "namespace": [], "pod": 1}, "mttr_seconds": 10**30}
    kept = as_kept(one)
    assert kept["labels"] == {"a": "b"}
    assert "mttr_seconds" not in kept
    assert "in labels, mttr_seconds" in kept["warnings"][-1]
    told.tell(kept)
    assert decide(kept, {}, Limits(["critical"], ["apps"], "sre-platform")).refusals


def test_a_text_that_is_nested_too_deep_stays_a_text() -> None:
    assert opened("[" * 100_000) == "[" * 100_000


def test_who_may_answer_is_shown_of_no_record_whatever_else_it_lacks() -> None:
    one = at_work()
    one["approval"]["first"]["proof"] = "signed"
    assert shown(one)["approval"]["first"]["proof"] == HIDDEN
    del one["approval"]["token"]
    assert shown(one)["approval"]["first"] == {**one["approval"]["first"], "proof": HIDDEN}
    assert "token" not in shown(one)["approval"]


def test_who_stopped_it_and_who_gave_it_back_stand_in_both_timelines() -> None:
    kept = as_kept(
        record(
            stopped_by="ada",
            stopped_at="2026-11-28T06:43:00Z",
            stopped_because="sale",
            released_by="bob",
            released_at="2026-11-28T06:44:00Z",
        )
    )
    seen = {each["kind"]: (each["words"], each["who"]) for each in timeline.events(kept)}
    assert seen["stopped"] == ("the runbook was stopped: sale", "ada")
    assert seen["released"] == ("given back: nobody has it", "bob")
    told_ = [each.text for each in post_mortem(Story(kept))]
    assert "ada stopped the runbook: sale." in told_
    assert "bob gave it back." in told_
