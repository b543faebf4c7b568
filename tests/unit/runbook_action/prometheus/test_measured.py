"""The numbers around an alert, as its evidence takes them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runbook_action.prometheus.measured import Measures
from runbook_action.prometheus.picture import drawn
from runbook_action.prometheus.port import Unanswered
from tests.unit.runbook_action.prometheus.canned import (
    LABELS,
    NOW,
    Canned,
    active,
    matrix,
    rules,
)

AT = datetime.fromtimestamp(NOW, UTC)
SINCE = AT - timedelta(minutes=10)
ALERT = {"alert_name": LABELS["alertname"], "labels": {**LABELS, "cluster": "c"}}
OWN = {"namespace": "apps", "deployment": "checkout"}


def beside(*names: str) -> dict[str, Any]:
    found = [{"metric": {"alertname": name}, "value": [NOW, "1"]} for name in names]
    return {"status": "success", "data": {"resultType": "vector", "result": found}}


def asked(numbers: Any, alert: Any = None, **answers: Any) -> tuple[Any, Canned]:
    canned = Canned(
        {
            "/api/v1/rules": answers.get("rules", rules(active())),
            "/api/v1/query_range": numbers,
            "/api/v1/query": beside("PodCrashLooping", LABELS["alertname"]),
        }
    )
    return Measures(canned.reader, lambda: AT).about(alert or ALERT, SINCE), canned


def test_an_alert_that_names_no_object_has_no_numbers_of_another() -> None:
    found, _ = asked(matrix((OWN, [0.01])), {"alert_name": LABELS["alertname"], "labels": {}})
    assert "no active alert of this name and labels" in found.numbers["why_not"]


def test_the_query_of_the_rule_is_evaluated_around_the_alert() -> None:
    found, canned = asked(matrix((OWN, [0.01, 0.42, "NaN", 0.1]), ({"namespace": "shop"}, [9])))
    assert (found.numbers["lowest"], found.numbers["highest"], found.numbers["last"]) == (
        0.01,
        0.42,
        0.1,
    )
    assert [each["labels"] for each in found.numbers["series"]] == [OWN]
    assert json.loads(json.dumps(found.numbers, allow_nan=False))["firing_beside"] == [
        "PodCrashLooping"
    ]
    assert found.finding == "the number that the alert is about went up to 0.42, 0.1 now"
    (_, ranged), (_, instant) = canned.asked[1:]
    assert ranged["query"] == "errors > 0.05"
    assert float(ranged["end"]) - float(ranged["start"]) == 2400
    assert instant["query"] == ('sum by (alertname) (ALERTS{alertstate="firing",namespace="apps"})')
    assert found.picture.count("<polyline") == 1


@pytest.mark.parametrize(
    "answer", [rules(), rules(active(), active(more="1")), rules(active(namespace="shop"))]
)
def test_an_alert_that_prometheus_does_not_know_has_no_numbers(answer: Any) -> None:
    found, canned = asked(matrix(), rules=answer)
    assert "why_not" in found.numbers
    assert (found.picture, found.finding, len(canned.asked)) == ("", "", 1)


def test_text_of_an_alert_is_in_no_query() -> None:
    evil = 'x"} or vector(1) #'
    _, canned = asked(matrix(), {"alert_name": evil, "labels": {"namespace": evil}})
    assert all(evil not in query.get("query", "") for _, query in canned.asked)


def test_who_does_not_answer_is_said() -> None:
    with pytest.raises(Unanswered, match="nobody"):
        asked(Unanswered("nobody"))


def test_a_picture_has_lines_and_the_beginning_and_no_text() -> None:
    picture = drawn([[(0, 1.0), (10, float("nan")), (20, 3.0)], []], began=10)
    assert picture.count("<polyline") == 1
    assert 'points="0.0,53.3 320.0,0.0"' in picture
    assert '<line x1="160.0"' in picture
    # Nothing stands between its elements.
    assert re.sub("<[^<>]*>", "", picture) == ""
    assert drawn([[(0, float("nan"))]], 0) == ""
    assert "nan" not in drawn([[(5, 2.0)]], 5)
