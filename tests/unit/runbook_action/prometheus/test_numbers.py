"""A condition of a step may ask Prometheus for a number; in doubt it does not hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.errors import InvalidRequest
from runbook_action.operate import operate
from runbook_action.outcome import Outcome
from runbook_action.prometheus.port import Unanswered
from runbook_action.steps import steps_of
from runbook_action.when import parse_when
from tests.unit.runbook_action.fakes import World, request
from tests.unit.runbook_action.prometheus.canned import Canned

QUERY = 'sum(queue{namespace="$namespace",worker="$name"})'


def vector(*values: float | str) -> dict[str, Any]:
    found = [{"metric": {"n": str(n)}, "value": [1, str(each)]} for n, each in enumerate(values)]
    return {"status": "success", "data": {"resultType": "vector", "result": found}}


def planned(answer: Any, **compared: Any) -> tuple[Outcome, Canned]:
    runbook = {
        "action": "restart_workload",
        "target": {},
        "on_failure": "keep",
        "when": [{"promql": QUERY, **compared}],
    }
    (step,) = steps_of(runbook)
    canned = Canned({"/api/v1/query": answer})
    services = replace(World.new().services, prometheus=canned.reader)
    call = replace(request("restart_workload", "plan"), when=parse_when(step["when"]))
    return operate(REGISTRY["restart_workload"], call, services), canned


def test_a_step_is_done_where_its_number_is_as_it_should_be() -> None:
    outcome, canned = planned(vector(7), at_least=5)
    assert not outcome.why_not
    assert outcome.facts[f"promql {QUERY}"] == 7
    assert canned.asked[0][1]["query"] == 'sum(queue{namespace="apps",worker="checkout"})'
    outcome, _ = planned(vector(7), below=5)
    assert outcome.why_not == f"promql {QUERY} below 5: it is 7.0"


@pytest.mark.parametrize(
    "answer", [vector(), vector(7, 8), vector("NaN"), Unanswered("nobody"), (503, b"")]
)
@pytest.mark.parametrize("compared", [{"below": 5}, {"at_least": 5}, {"is": 7}])
def test_no_number_several_and_no_answer_are_unknown(answer: Any, compared: Any) -> None:
    outcome, _ = planned(answer, **compared)
    assert outcome.why_not.endswith(": unknown")


def test_without_a_prometheus_it_is_unknown() -> None:
    call = replace(
        request("restart_workload", "plan"),
        when=parse_when([{"fact": f"promql {QUERY}", "below": 5}]),
    )
    outcome = operate(REGISTRY["restart_workload"], call, World.new().services)
    assert outcome.why_not.endswith(": unknown")


def test_a_query_that_is_none_is_no_request() -> None:
    with pytest.raises(InvalidRequest, match=r"when\[0\].promql cannot be asked: it compares by >"):
        parse_when([{"fact": "promql up > 1", "below": 5}])
