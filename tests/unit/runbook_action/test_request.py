"""What the function understands, and how it says what it does not."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook_action.errors import ActionRefused, InvalidRequest, RunbookActionError
from runbook_action.fields import (
    BooleanField,
    Field,
    IntegerField,
    NumberField,
    TextField,
    parse_fields,
)
from runbook_action.request import Request, Signature, Target, TargetKind, parse_request
from tests.unit.runbook_action.fakes import INCIDENT


@dataclass
class Declared:
    """An action as far as a request is checked against it."""

    target_kinds: frozenset[TargetKind]
    fields: Mapping[str, Field] = field(default_factory=dict)
    undo_fields: Mapping[str, Field] = field(default_factory=dict)


ACTIONS: dict[str, Signature] = {
    "stretch": Declared(
        frozenset({"deployment"}),
        {
            "count": IntegerField(1, 5, required=True),
            "factor": NumberField(1.0, 3.0),
            "gently": BooleanField(),
            "label": TextField(5),
        },
        {"count": IntegerField(0, 5, required=True)},
    ),
    "sweep": Declared(frozenset({"node"})),
}


def event(**changes: Any) -> dict[str, Any]:
    target = {"cluster": None, "namespace": "apps", "kind": "deployment", "name": "checkout"}
    return {
        "operation": "execute",
        "action": "stretch",
        "target": {**target, **changes.pop("target", {})},
        "parameters": {"count": 2},
        "incident_id": INCIDENT,
        "undo": None,
        **changes,
    }


def parse(body: object) -> Request:
    return parse_request(body, ACTIONS, frozenset({"apps"}))


def test_a_complete_input_is_understood() -> None:
    undo = {"action": "stretch", "parameters": {"count": 1}}
    request = parse(
        event(parameters={"count": 2.0, "factor": 2, "gently": True, "label": "a"}, undo=undo)
    )
    assert request == Request(
        "execute",
        "stretch",
        Target(None, "apps", "deployment", "checkout"),
        INCIDENT,
        {"count": 2, "factor": 2.0, "gently": True, "label": "a"},
        {"count": 1},
    )


def test_a_step_is_who_acts_on_an_object_and_what_is_asked_for() -> None:
    assert parse(event()).token == f"{INCIDENT}/1"
    second = parse(event(step=2.0))  # as Step Functions writes it at times
    assert second.token == f"{INCIDENT}/2"
    assert second.action_id == f"{INCIDENT}:2:execute"


def test_a_node_has_no_namespace_whatever_the_alert_says() -> None:
    request = parse(
        event(action="sweep", parameters={}, target={"kind": "node", "namespace": "monitoring"})
    )
    assert request.target == Target(None, None, "node", "checkout")


def test_an_unknown_top_level_key_is_left_alone() -> None:
    assert parse(event(attempt=3)).action == "stretch"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"operation": "destroy"}, "operation"),
        ({"operation": None}, "operation"),
        ({"action": "rm -rf"}, "action"),
        ({"action": ["stretch"]}, "action"),
        ({"incident_id": "42"}, "incident_id"),
        ({"incident_id": None}, "incident_id"),
        ({"step": 0}, "step"),
        ({"step": 9}, "step"),
        ({"step": "1"}, "step"),
        ({"target": {"kind": "pod"}}, "target.kind"),
        ({"target": {"kind": "node"}}, "target.kind"),
        ({"target": {"name": "../nodes"}}, "target.name"),
        ({"target": {"name": None}}, "target.name"),
        ({"target": {"name": "Checkout"}}, "target.name"),
        ({"target": {"namespace": None}}, "target.namespace"),
        ({"target": {"namespace": "a/b"}}, "target.namespace"),
        ({"target": {"cluster": 3}}, "target.cluster"),
        ({"target": {"shell": "sh"}}, "target.shell"),
        ({"parameters": {}}, "parameters.count"),
        ({"parameters": []}, "parameters"),
        ({"parameters": {"count": 6}}, "parameters.count"),
        ({"parameters": {"count": "2"}}, "parameters.count"),
        ({"parameters": {"count": True}}, "parameters.count"),
        ({"parameters": {"count": 2, "factor": float("nan")}}, "parameters.factor"),
        ({"parameters": {"count": 2, "factor": 9}}, "parameters.factor"),
        ({"parameters": {"count": 2, "gently": 1}}, "parameters.gently"),
        ({"parameters": {"count": 2, "label": "too long"}}, "parameters.label"),
        ({"parameters": {"count": 2, "label": "\n"}}, "parameters.label"),
        ({"parameters": {"count": 2, "force": True}}, "parameters.force"),
        ({"undo": "yes"}, "undo"),
        ({"undo": {"action": "sweep", "parameters": {}}}, "undo.action"),
        ({"undo": {"action": "stretch", "parameters": {"count": 9}}}, "undo.parameters.count"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(event(**changes))
    assert str(caught.value).startswith(f"{field} ")


def test_a_target_that_is_no_object_is_named() -> None:
    with pytest.raises(InvalidRequest, match="target must be an object"):
        parse({**event(), "target": "checkout"})


def test_a_namespace_outside_the_allow_list_is_refused() -> None:
    with pytest.raises(ActionRefused, match=r"kube-system.*AllowedNamespaces"):
        parse(event(target={"namespace": "kube-system"}))


def test_unknown_parameters_are_told_what_is_known() -> None:
    with pytest.raises(InvalidRequest, match=r"known: count"):
        parse_fields({"count": IntegerField(1, 2)}, {"other": 1}, "parameters")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["operation", "action", "target", "parameters", "undo", "kind", "name", "x"]
            ),
            children,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.dictionaries(st.sampled_from(list(event())), JSON, max_size=3))
def test_no_input_ends_in_anything_but_an_error_of_ours(body: object, changes: Any) -> None:
    for each in (body, {**event(), **changes}):
        with contextlib.suppress(RunbookActionError):
            parse(each)
