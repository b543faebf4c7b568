"""The compiled JSONata engine gives what the emulator's own gives, or leaves the word to it."""

from __future__ import annotations

import json
import threading
from typing import Any

import jsonata
import pytest
from ministack.services import stepfunctions

from onemachine.aws import jsonata_quickly as module
from onemachine.aws.jsonata_quickly import UNDECIDED, evaluated

_INPUT: dict[str, Any] = {
    **{"text": "a", "zero": 0, "no": False, "nothing": None, "empty": {}, "one": [1]},
    **{"many": [1, 2], "none": [], "half": 1.5, "big": 1795831600463, "wide": "zä😀 b"},
    **{"deep": {"list": [{"x": 1}, {"x": 2}], "x": {"y": "z"}}, "nested": [[1, 2], [3]]},
    **{"some": [None, 1], "when": "2026-11-28T02:00:00Z", "json": '{"a": [1, null]}'},
}
_CASES = (
    *("$x", "$x.gone", "$string($x.deep)", "$x.many[0]", "$x.one", "$x.one.$string()", "$x.none"),
    *("$count($x.many)", "$substring($x.wide, 1, 2)", "$length($x.wide)", "$sort([3, 1, 2])"),
    *("$keys($x.deep)", "[$each($x.deep, function($v, $k) {$k})]", "$x.big / 1000", "$string(1.0)"),
    *("$floor($x.big / 1000)", "$string($x.big)", "$x.some", "[$x.some]", "[$x.nested]", "1 / 3"),
    *("$append($x.one, [])", "[$append($x.none, $x.none)]", "$string(0.1 + 0.2)", "$x.half + 1"),
    *("[$map($x.none, function($v) {$v})]", "[$filter($x.many, function($v) {$v > 5})]"),
    *("$merge([{}, $x.empty])", "$merge([{'a': 1}, $x.gone])", "{'a': $x.gone}", "[$x.gone]"),
    *("$x.text & $x.gone & null", "$x.text in ['a']", "$x.gone in ['a']", "$x.nothing = null"),
    *("$x.gone = null", "$not($x.gone)", "$max($x.many)", "$contains('abc', /b/)", "$x.many & ''"),
    *("$replace('abc', /b|c/, 'x')", "$replace('aab', /a/, 'x', 1)", "$x.one.{'v': $}"),
    *("$substringBefore('a-b', '-')", "$trim(' a  b ')", "$pad('a', 3)", "$x.many.{'v': $}"),
    *("$reduce($x.many, function($a, $b) {$a + $b})", "$toMillis($x.when)", "$x.text ? 1"),
    *("$toMillis('2026-01-01 00:00:00')", "$fromMillis($x.big)", "$x.no ? 1 : 2", "$x.text > 1"),
    *("$sift($x, function($v, $k) {$k in ['text']})", "$lookup($x, 'text')", "1 + '1'", "1 +"),
    *("$x.many[[0..0]]", "[0..3]", "$x.many[$ > 1]", "$x.many[-1]", "$x.many[5]", "$round(2.5)"),
    *("$x.deep.list[x = 2]", "$x.deep.list^(>x).x", "$x.**.y", "($y := 1; $y + 1)", "$type(null)"),
    *("'a' ~> $uppercase", "$x.deep.list{$string(x): x}", "$split('a1b', /\\d/)", "$join([], '-')"),
    *("[$append($x.gone, ['n', 'n'])[[0..1]]]", "$exists($x.nothing)", "$boolean([0])", "{}"),
    *("$parse($x.json)", "$parse($x.text)", "$hash('a', 'SHA-256')", "$x.nothing.a", "$f(1)"),
    *("1 / 0", "$x.half / $x.zero", "[1 / $x.zero]", "5 % $x.zero", "$x.many[0..1]", "1e21"),
    *("{'f': function() {1}}", "function() {1}", "$replace('a', /x*/, '')", "$eval('1')", "x"),
    *("$states.input.text", "$states.context.Execution.Id", "$states.context", "$states"),
    *("$x.deep.x.y & $x.text", "[$x.deep.x, $x.deep.x.y, $x.deep]", "$x.deep.x.*", "$x.deep.**.y"),
    *("$x.`deep`.x", "$x.deep .x.y", "$x.deep. list.x", "$x.(deep.x)", "$x.deep.x.{'v': y}"),
    *("$keys($x.deep.x)", "$x.deep.x.%.list.x", "$x.one.deep.x", "$x.many.text", "$x.deep.gone.x"),
    *("$x.deep.list.x & $x.deep.list[0].x", "$x.deep.x ~> $keys", "$x.some.a", "[$x.nested.x]"),
    *("($x := {'deep': 5}; $x.deep)", "$x.deep.list.(x + $x.half)", "$exists($x.deep.x.y.z)"),
    *("$states.input.deep.x.y & $states.input.text", "$states.input.deep.x = $x.deep.x"),
)


def _stock(expression: str, variables: dict[str, Any]) -> tuple[str, Any]:
    """What the emulator says: a value, or that it is none for AWS."""
    expr = jsonata.Jsonata.jsonata(expression, timeout=1000)
    stepfunctions._register_sfn_jsonata_functions(expr)
    null = jsonata.utils.Utils.NULL_VALUE
    given = {name: null if value is None else value for name, value in variables.items()}
    value = expr.evaluate(None, {**given, "states": _states(variables)})
    return json.dumps(value, default=str), value


def _states(variables: dict[str, Any]) -> dict[str, Any]:
    context = {"Execution": {"Id": "arn"}, "variables": variables}
    return {"input": _INPUT, "result": None, "errorOutput": None, "context": context}


@pytest.mark.parametrize("expression", _CASES)
def test_a_value_is_that_of_the_emulators_engine(expression: str) -> None:
    for variables in ({"x": _INPUT}, {"x": [_INPUT, _INPUT]}, {"x": None}, {}):
        quick = evaluated(expression, _states(variables), variables)
        if quick is UNDECIDED:
            continue
        if "$states.context" in expression or expression == "$states":
            # It alone knows of the variables there, which are none of AWS's.
            assert "variables" not in json.dumps(quick)
            continue
        expected, _ = _stock(expression, variables)
        assert json.dumps(quick) == expected, variables


def test_most_expressions_are_decided() -> None:
    states = _states({"x": _INPUT})
    decided = [one for one in _CASES if evaluated(one, states, {"x": _INPUT}) is not UNDECIDED]
    assert len(decided) > 0.75 * len(_CASES), set(_CASES) - set(decided)


@pytest.mark.parametrize(
    "expression",
    [
        *("1 / 0", "$x.half / $x.zero", "{'a': [1 / $x.zero]}", "5 % $x.zero", "$x.many[0..1]"),
        *("{'f': function() {1}}", "function() {1}", "[$uppercase(?)]", "$eval('1')", "1e21"),
        *("$x.gone", "$gone", "1 +", "$x.text > 1", "$f(1)", "$parse($x.text)", "$random()"),
        *("$toMillis('2026-01-01 00:00:00')", "$replace('a', /x*/, '')", "$error('no')"),
    ],
)
def test_what_aws_would_refuse_is_left_to_the_emulators_engine(expression: str) -> None:
    assert evaluated(expression, _states({"x": _INPUT}), {"x": _INPUT}) is UNDECIDED


def test_only_what_is_named_of_a_value_is_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[dict[str, Any]] = []

    class Engine:
        def evaluate_json_or_none(self, _: None, bindings: dict[str, Any]) -> str:
            handed.append(bindings)
            return "1"

    monkeypatch.setattr(module, "_compiled", lambda _: Engine())
    evaluated("$x.deep.x.y & $states.input.text & $x.gone", _states({}), {"x": _INPUT, "z": 1})
    assert handed == [{"x": {"deep": {"x": {"y": "z"}}}, "states": {"input": {"text": "a"}}}]


def test_text_within_text_is_written_as_it_is() -> None:
    """As jsonata-js does; the emulator's engine writes it with escapes."""
    assert evaluated("$string({'a': 'zä'})", {}, {}) == '{"a":"zä"}'


def test_an_expression_that_never_ends_is_left_to_the_emulators_engine() -> None:
    endless = "($f := function($n) { $f($n + 1) }; $f(0))"
    assert evaluated(endless, _states({}), {}) is UNDECIDED


def test_a_value_shares_nothing_with_what_was_given() -> None:
    given = {"x": {"list": [1]}}
    value = evaluated("{'own': $x.list}", _states(given), given)
    value["own"].append(2)
    assert given == {"x": {"list": [1]}}


def test_each_thread_has_an_engine_of_its_own() -> None:
    wrong = []

    def work(factor: int) -> None:
        for _ in range(50):
            mine = {"factor": factor}
            sum_ = evaluated("$sum($map([1..50], function($v) {$v * $factor}))", {}, mine)
            if sum_ != 1275 * factor:
                wrong.append((factor, sum_))

    threads = [threading.Thread(target=work, args=(factor,)) for factor in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
