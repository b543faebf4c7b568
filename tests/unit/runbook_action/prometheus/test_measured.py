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


def then(answer: Any) -> Any:
    """Answer what the rule's query gave when the alert fired, beside what fires beside it."""

    def answered(query: dict[str, str]) -> Any:
        if query["query"].startswith("sum by (alertname)"):
            return beside("PodCrashLooping", LABELS["alertname"])
        assert SINCE.timestamp() - 10 < float(query["time"]) <= SINCE.timestamp()
        if isinstance(answer, Unanswered):
            return answer
        result = [{"metric": OWN, "value": [float(query["time"]), answer]}] if answer else []
        return {"status": "success", "data": {"resultType": "vector", "result": result}}

    return answered


def asked(numbers: Any, alert: Any = None, fired: Any = None, **answers: Any) -> tuple[Any, Canned]:
    canned = Canned(
        {
            "/api/v1/rules": answers.get("rules", rules(active())),
            "/api/v1/query_range": numbers,
            "/api/v1/query": then(fired),
        }
    )
    began = answers.get("since", SINCE)
    return Measures(canned.reader, lambda: AT).about(alert or ALERT, began), canned


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
    assert found.finding == (
        "the alert's query gave at most 0.42 from half an hour before it on, 0.1 at 15:14:52 UTC"
    )
    (_, ranged), _, (_, instant) = canned.asked[1:]
    assert ranged["query"] == "errors > 0.05"
    assert float(ranged["end"]) - float(ranged["start"]) == 2400
    assert float(ranged["end"]) == NOW
    assert instant["query"] == ('sum by (alertname) (ALERTS{alertstate="firing",namespace="apps"})')
    assert found.picture.count("<polyline") == 1


def test_what_it_was_when_it_fired_is_told_in_the_words_of_the_alert() -> None:
    """A number that lasted shorter than a step of the picture is in none of its points."""
    points = matrix((OWN, [0.01, 0.08038]))
    said = {**ALERT, "summary": "Checkout fails 27.94% of its requests"}
    found, _ = asked(points, said, fired="0.27941")
    assert found.finding == (
        "the alert's query gave 27.94% when it fired, at most 27.94% from half an hour before it "
        "on, 8.038% at 15:14:52 UTC"
    )
    assert (found.numbers["fired"], found.numbers["highest"]) == (0.27941, 0.27941)
    plain, _ = asked(points, fired="0.27941")
    assert "gave 0.2794 when it fired, at most 0.2794 from" in plain.finding
    lost, _ = asked(points, said, fired=Unanswered("too slow"))
    assert "gave at most 0.08038 from half an hour" in lost.finding


def test_a_number_that_is_below_its_threshold_by_now_is_none_of_now() -> None:
    def ended(query: Any) -> Any:
        answer = matrix((OWN, [0.3, 0.08]))(query)
        for each in answer["data"]["result"][0]["values"]:
            each[0] -= 120
        return answer

    found, _ = asked(ended, fired="0.3")
    assert found.finding.endswith("from half an hour before it on, nothing at 15:14:52 UTC")
    assert found.numbers["last"] is None


def test_the_last_point_is_of_now_however_long_it_was_looked_at() -> None:
    _, canned = asked(matrix((OWN, [1])), since=SINCE - timedelta(seconds=7))
    ranged = canned.asked[1][1]
    steps = (float(ranged["end"]) - float(ranged["start"])) / float(ranged["step"])
    assert steps == int(steps)


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
