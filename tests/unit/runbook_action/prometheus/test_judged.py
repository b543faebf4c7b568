"""What an answer of Prometheus means: in doubt the incident is not over."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_action.prometheus.criterion import Criterion
from runbook_action.prometheus.judged import Verdict, by_query
from runbook_action.prometheus.port import Unanswered
from tests.unit.runbook_action.prometheus.canned import NOW, Canned, matrix

BELOW = Criterion("errors", "below", 0.05, 60)
PATH = "/api/v1/query_range"
GOOD = [0.01] * 31


def judged(answer: Any, criterion: Criterion = BELOW) -> Verdict:
    return by_query(Canned({PATH: answer}).reader, criterion, criterion.promql, NOW)


def test_what_has_held_for_its_time_has_recovered() -> None:
    canned = Canned({PATH: matrix(({}, GOOD))})
    verdict = by_query(canned.reader, BELOW, "errors", NOW)
    assert verdict.state == "recovered"
    assert verdict.text == "the query has been below 0.05 for 60 seconds, now 0.01"
    ((_, asked),) = canned.asked
    assert (asked["end"], asked["start"], asked["step"]) == ("1795446892", "1795446832", "2")
    assert asked["lookback_delta"] == "90s"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (matrix(), "no data, which is no recovery"),
        (matrix(({}, [0.2, *GOOD[1:]])), "was not below 0.05 all of 60 seconds, it was 0.2"),
        (matrix(({}, [*GOOD[1:], 0.05])), "it was 0.05"),
        (matrix(({}, [*GOOD[1:], "NaN"])), "was no number (NaN)"),
        (matrix(({}, ["NaN", *GOOD[1:]])), "was no number (NaN)"),
        (matrix(({}, [*GOOD[1:], "+Inf"])), "it was inf"),
        (matrix(({}, GOOD[1:])), "has data for 30 of 31 moments"),
        (matrix(({"pod": "a"}, GOOD), ({"pod": "b"}, [*GOOD[1:], 0.3])), "of pod=b was not"),
        (matrix(({"pod": "a"}, GOOD), ({"pod": "b"}, GOOD[:9])), "of pod=b has data for 9 of 31"),
    ],
    ids=range(9),
)
def test_nothing_a_gap_no_number_and_one_bad_series_are_no_recovery(answer: Any, why: str) -> None:
    verdict = judged(answer)
    assert verdict.state in ("not-recovered", "recovering")
    assert verdict.since == 0
    assert why in verdict.text


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (matrix(({}, [0.2, *GOOD[1:]])), "recovering"),
        (matrix(({}, ["NaN", *GOOD[1:]])), "recovering"),
        (matrix(({}, GOOD[1:])), "recovering"),
        (matrix(({}, [*GOOD[1:], 0.2])), "not-recovered"),
        (matrix(({}, [*GOOD[1:], "NaN"])), "not-recovered"),
        (matrix(), "not-recovered"),
        (matrix(({"pod": "a"}, GOOD), ({"pod": "b"}, [0.2] * 31)), "not-recovered"),
    ],
    ids=range(7),
)
def test_what_is_well_now_but_not_for_long_is_on_its_way(answer: Any, state: str) -> None:
    assert judged(answer).state == state


def test_what_has_ended_is_not_well_now() -> None:
    """Its last sample is good, and older than the end of the time that was asked for."""
    verdict = judged(
        lambda query: {
            "status": "success",
            "data": {
                "resultType": "matrix",
                "result": [{"metric": {}, "values": [[float(query["end"]) - 20, "0.01"]]}],
            },
        }
    )
    assert verdict.state == "not-recovered"


def test_several_series_have_to_hold_all_of_them() -> None:
    verdict = judged(matrix(({"pod": "a"}, GOOD), ({"pod": "b"}, [0.02] * 31)))
    assert verdict.state == "recovered"
    assert "in all of 2 series, now 0.01 to 0.02" in verdict.text


@pytest.mark.parametrize(
    ("comparison", "value", "holds"),
    [
        ("below", 0.01, False),
        ("at most", 0.01, True),
        ("above", 0.01, False),
        ("at least", 0.01, True),
        ("above", 0.009, True),
        ("at least", 0.011, False),
    ],
)
def test_each_comparison(comparison: str, value: float, holds: bool) -> None:
    verdict = judged(matrix(({}, GOOD)), Criterion("errors", comparison, value, 60))
    assert (verdict.state == "recovered") is holds


@pytest.mark.parametrize("seconds", [1, 7, 59, 60, 61, 1800])
def test_the_whole_time_is_looked_at_in_at_most_31_moments(seconds: int) -> None:
    canned = Canned({PATH: matrix()})
    by_query(canned.reader, Criterion("errors", "below", 1, seconds), "errors", NOW)
    ((_, asked),) = canned.asked
    length = int(asked["end"]) - int(asked["start"])
    assert seconds <= length < seconds + int(asked["step"])
    assert length // int(asked["step"]) <= 30


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Unanswered("nobody"), "nobody"),
        ((503, b"<html>"), "answered 503, and it was not Prometheus's answer"),
        ((403, {"kind": "Status", "message": "forbidden: services/proxy"}), "services/proxy"),
        ((400, {"status": "error", "errorType": "bad_data", "error": "parse error"}), "bad_data"),
        ((200, b'{"status":"succ'), "not Prometheus's answer"),
        ({"status": "success", "data": None}, "another shape"),
        ({"status": "success", "data": {"resultType": "matrix"}}, "another shape"),
        (
            {"status": "success", "data": {"resultType": "string", "result": [0, "x"]}},
            "gives a string",
        ),
        (
            {
                "status": "success",
                "warnings": ["fetch series: one store did not answer"],
                "data": {"resultType": "matrix", "result": []},
            },
            "warnings: fetch series",
        ),
        (matrix(*[({"pod": str(n)}, GOOD) for n in range(51)]), "51 series, more than 50"),
    ],
    ids=range(10),
)
def test_half_an_answer_is_none(answer: Any, why: str) -> None:
    with pytest.raises(Unanswered) as caught:
        judged(answer)
    assert why in str(caught.value)
