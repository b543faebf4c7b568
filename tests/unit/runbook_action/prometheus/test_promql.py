"""What a query looks like, as far as that can be told without Prometheus."""

from __future__ import annotations

import json
import re

import pytest

from runbook_action.prometheus.promql import escaped, faults_of, filled, seconds_of


@pytest.mark.parametrize(
    "query",
    [
        'sum(rate(http_requests_total{code=~"5..",namespace="$namespace"}[1m]))',
        "sum(x > 0)",
        "up == bool 1",
        """label_replace(up, "a", "$name", 'b', `(.*)`)""",
        'max_over_time(x{path=~"/a(b|c)$"}[5m:30s] offset 1m)',
        "a / on (namespace) group_left b",
    ],
)
def test_a_query_without_faults(query: str) -> None:
    assert faults_of(query) == []


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("", "it is empty"),
        ("x" * 1001, "longer than 1000"),
        ("sum(x", "( is never closed"),
        ("sum(x))", ") has nothing to close"),
        ("sum(x]", "] has nothing to close"),
        ('x{a="b}', '" is never closed'),
        ("x # all", "a comment"),
        ("x > 0.05", "it compares by >"),
        ("sum(x) != 0", "it compares by !="),
        ("x{a=$namespace}", "put it between double quotes"),
        ("x{a='$namespace'}", "only between double quotes"),
        ('x{a="$labels"}', "$labels is not known"),
    ],
)
def test_a_fault_is_found(query: str, fault: str) -> None:
    assert any(fault in each for each in faults_of(query)), faults_of(query)


def test_a_name_stands_for_itself_whatever_is_in_it() -> None:
    names = {"name": 'a"} or vector(1) or x{b="\\', "namespace": "apps"}
    query = filled('x{n="$namespace",d="$name"} # $name'.replace(" # $name", ""), names)
    assert query == 'x{n="apps",d="a\\"} or vector(1) or x{b=\\"\\\\"}'
    assert faults_of(query) == []
    assert escaped("a\nb") == "a\\nb"


@pytest.mark.parametrize(
    ("query", "filled_in"),
    [
        ('x{pod=~"$name-.+"}', r'x{pod=~"a\\.b-.+"}'),
        ('x{pod !~ "$name|other"}', r'x{pod !~ "a\\.b|other"}'),
        ('x{pod="$name"}', 'x{pod="a.b"}'),
        ('x{pod!="$name"}', 'x{pod!="a.b"}'),
        (
            'label_replace(x{a="$name"}, "to", "$name", "from", "($name)-.+")',
            r'label_replace(x{a="a.b"}, "to", "a.b", "from", "(a\\.b)-.+")',
        ),
        (
            'label_replace(max(a, b) or y{c=~"$name"}, "to", "x", "from" , "$name") / x{d="$name"}',
            r'label_replace(max(a, b) or y{c=~"a\\.b"}, "to", "x", "from" , "a\\.b") / x{d="a.b"}',
        ),
    ],
)
def test_a_name_with_a_dot_is_no_pattern_of_others(query: str, filled_in: str) -> None:
    assert faults_of(query) == []
    assert filled(query, {"name": "a.b"}) == filled_in


def test_a_name_stands_for_itself_in_a_pattern_whatever_is_in_it() -> None:
    odd = r"a.+*?()|[]{}^$\"b"
    query = filled('x{n=~"$name"}', {"name": odd})
    inside = query.removeprefix('x{n=~"').removesuffix('"}')
    pattern = json.loads(f'"{inside}"')
    assert re.fullmatch(pattern, odd)
    assert not re.fullmatch(pattern, odd.replace(".", "x"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60s", 60), ("30m", 1800), ("31m", None), ("0s", None), ("1h", None), ("", None)],
)
def test_a_time_has_a_unit_and_an_end(text: str, seconds: int | None) -> None:
    assert seconds_of(text) == seconds
