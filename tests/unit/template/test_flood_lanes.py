"""What a flood may not take: critical alerts keep a reserve, and each sender its share."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonata import Jsonata

from onemachine.aws.definitions import substituted
from tests.support.machines import machines

Alert = tuple[str, str]
ALERTS = st.tuples(
    st.sampled_from(["critical", "warning", "info"]), st.sampled_from(["", "prod", "monitors"])
)
ALONE = ",,,"
#: Two keys of one sender, and one of another: three senders with the one that has no name.
SEVERAL = "prod=alertmanager,monitors=datadog,,prod=alertmanager"


@cache
def compiled(expression: str, senders: str, reserve: int) -> Any:
    texts = machines()["incident-response-runbook"].substitutions()
    given = {**texts, "Senders": senders, "KeptForCritical": str(reserve)}
    return Jsonata(substituted(expression, given))


def admitted(history: list[Alert], limit: int, senders: str, reserve: int) -> list[bool]:
    """Count each alert as a machine does, and tell for which there was room."""
    row: dict[str, Any] = {"guard_key": {"S": "flood#all#1"}, "expires_at": {"N": "1"}}
    lane_of = compiled("(${Lane})($severity, $sender)", senders, reserve)
    too_many = compiled("(${TooMany})($row, $lane, $limit, 'in all')", senders, reserve)
    found = []
    for severity, sender in history:
        lane = lane_of.evaluate(None, {"severity": severity, "sender": sender})
        row[lane] = {"N": str(int(row.get(lane, {"N": "0"})["N"]) + 1)}
        found.append(not too_many.evaluate(None, {"row": row, "lane": lane, "limit": limit}))
    return found


def passed(history: list[Alert], found: list[bool]) -> Counter[str]:
    """Count how many critical alerts and others there was room for."""
    kinds = ("critical" if severity == "critical" else "other" for severity, _ in history)
    return Counter(kind for kind, room in zip(kinds, found, strict=True) if room)


# Not shrunk: to make a failure smaller takes minutes.
@settings(max_examples=40, deadline=None, phases=[Phase.generate])
@given(st.lists(ALERTS, max_size=25), st.integers(0, 20), st.sampled_from([ALONE, SEVERAL]))
def test_no_order_of_alerts_takes_more_than_there_is_or_what_is_anothers(
    history: list[Alert], limit: int, senders: str
) -> None:
    reserve = 40
    kept = limit * reserve // 100
    several = 3 if senders is SEVERAL else 0
    own = {
        "critical": kept // (2 * several) if several else 0,
        "other": (limit - kept) // (2 * several) if several else 0,
    }
    found = admitted(history, limit, senders, reserve)
    room = passed(history, found)
    assert room["critical"] + room["other"] <= limit
    assert room["other"] <= limit - kept
    # What no other sender's critical alerts have a share of.
    sure = kept - max(0, several - 1) * own["critical"]
    count: Counter[tuple[str, str]] = Counter()
    all_critical = 0
    for (severity, sender), was_room in zip(history, found, strict=True):
        kind = "critical" if severity == "critical" else "other"
        who = sender if several else ""
        count[kind, who] += 1
        all_critical += kind == "critical"
        assert was_room or count[kind, who] > own[kind], "a share of its own"
        assert was_room or kind == "other" or all_critical > sure, "kept for critical ones"


@pytest.mark.parametrize("limit", [0, 1, 2, 10])
def test_critical_alerts_alone_may_use_all_of_it(limit: int) -> None:
    history = [("critical", "")] * (limit + 3)
    assert admitted(history, limit, ALONE, 30) == [True] * limit + [False] * 3


def test_a_storm_of_warnings_leaves_room_for_critical_ones() -> None:
    history = [("warning", "prod")] * 30 + [("critical", "prod")] * 7
    found = admitted(history, 20, ALONE, 30)
    assert passed(history, found) == {"other": 14, "critical": 6}


def test_a_sender_that_floods_leaves_the_others_their_share() -> None:
    history = [("critical", "prod")] * 50 + [("critical", "monitors")] * 3
    found = admitted(history, 50, SEVERAL, 30)
    assert found[:50].count(True) == 50 - 2 * (15 // 6) - 3 * (35 // 6)
    assert found[50:] == [True, True, False]


def test_a_limit_of_one_is_for_whichever_comes_first() -> None:
    for severity in ("critical", "warning"):
        assert admitted([(severity, "")] * 2, 1, ALONE, 30) == [True, False]


def test_two_keys_of_a_sender_have_one_share_and_an_unknown_name_has_none() -> None:
    lane = compiled("(${Lane})($severity, $sender)", SEVERAL, 30)
    asked = [("critical", "prod"), ("info", "prod"), ("warning", "pro"), ("critical", None)]
    assert [
        lane.evaluate(None, {"severity": severity, "sender": sender}) for severity, sender in asked
    ] == ["critical#prod", "other#prod", "other#", "critical#"]


@pytest.mark.parametrize(
    ("row", "lane", "senders", "words"),
    [
        ({"critical#": 51}, "critical#", ALONE, "more than 50 in all"),
        ({"other#": 36}, "other#", ALONE, "more than 35 that are not critical in all"),
        (
            {"other#prod": 36},
            "other#prod",
            SEVERAL,
            "more than 35 that are not critical, less the shares of other senders, in all",
        ),
    ],
)
def test_it_says_how_many_were_too_many(
    row: dict[str, int], lane: str, senders: str, words: str
) -> None:
    counted = {name: {"N": str(number)} for name, number in row.items()}
    too_many = compiled("(${TooMany})($row, $lane, $limit, 'in all')", senders, 30)
    assert too_many.evaluate(None, {"row": counted, "lane": lane, "limit": 50}) == [words]


def grown(held: int, limit: int) -> Any:
    texts = machines()["incident-notifier"].substitutions()
    expression = Jsonata(substituted("${Held}", {**texts, "FloodLimit": str(limit)}))
    counted = {"Attributes": {"held": {"N": str(held)}}}
    return expression.evaluate(None, {"states": {"result": counted}})


def test_a_digest_is_told_again_whenever_it_has_doubled() -> None:
    told = [
        held for held in (1, 20, 21, 39, 40, 41, 60, 80, 120, 160, 320, 640, 641) if grown(held, 20)
    ]
    assert told == [40, 80, 160, 320, 640]
    assert (grown(80, 20), grown(60, 20)) == ({"grown": 80}, {})


def test_a_limit_of_none_never_doubles() -> None:
    assert [grown(held, 0) for held in (0, 1, 2)] == [{}, {}, {}]
