"""JSONata that is parsed once gives what the engine alone gives."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import jsonata
import pytest

from onemachine.aws.jsonata_quickly import UNDECIDED
from onemachine.aws.mends.jsonata_compiled import _compiled, _looked_up, _plain_path

_INPUT = {
    "text": "a",
    "zero": 0,
    "no": False,
    "nothing": None,
    "empty": {},
    "one": [1],
    "many": [1, 2],
    "deep": {"list": [{"x": 1}, {"x": 2}], "x": {"y": "z"}},
    "in": 1,
}


def _engine(expression: str, bindings: dict[str, Any]) -> Any:
    return jsonata.Jsonata.jsonata(expression).evaluate(None, bindings)


@pytest.mark.parametrize(
    "expression",
    [
        *("$states.input.text", "$states.input.zero", "$states.input.no", "$states.input.empty"),
        *("$states.input.nothing", "$states.input.one", "$states.input.many", "$states.input.gone"),
        *("$states.input.deep.list.x", "$states.input.deep.x.y", "$states.input.text.more"),
        *("$states.input", "$states.input.deep", "$mine", "$mine.text", "$unknown", "$states"),
    ],
)
def test_a_plain_path_is_what_the_engine_makes_of_it(expression: str) -> None:
    path = _plain_path(expression)
    assert path is not None
    states = {"input": _INPUT, "result": None, "errorOutput": None, "context": {}}
    found = _looked_up(path, states, {"variables": {"mine": {"text": "b"}}})
    if found is not UNDECIDED:
        assert found == _engine(expression, {"states": states, "mine": {"text": "b"}})
        assert found is not None


@pytest.mark.parametrize(
    "expression",
    [
        *("$states.input.in", "$a.b[0]", "$a.`b c`", "$f(1)", "$a + 1", "a.b", "$", "$$.a", "$a."),
        *("$a.b and $c", "$a.%", "$a.*", '"text"', "$a ~> $f", ""),
    ],
)
def test_anything_else_is_left_to_the_engine(expression: str) -> None:
    assert _plain_path(expression) is None


@pytest.mark.parametrize(
    "expression",
    [
        *("$x.text", "$x.zero", "$x.no", "$x.nothing", "$x.nothing.more", "$x.empty", "$x.gone"),
        *("$x.one", "$x.many", "$x.many.y", "$x.deep.list.x", "$x.deep.x.y", "$x.gone.more"),
        *("$x.text.more", "$x.deep.x[]", "$x.deep[0].x", "$x.deep.(x).y", "$x.deep.x{y: 1}"),
        *("$x.deep.list.{'a': x}", "$x.deep.list[x = 2].x", "$x.one.$string()", "$.text"),
        *("$x.deep.list.x.$", "$x.deep.$.x.y", "$map($x.many, function($v) { $ })", "$x.$"),
        *("$exists($x.nothing)", "$exists($x.gone)", "$x.deep.list@$l.$l.x", "$x.deep.*.y"),
        *("$f := function($a) { $a.text }; $f($x)", "$x ~> $string", "$x.text ~> $uppercase"),
        *("($y := $x.nothing; $y)", "[$x.nothing, $x.gone, $x.one]", "$type($x.nothing)", "$x"),
    ],
)
def test_a_path_gives_what_the_engine_gives(expression: str) -> None:
    def told(evaluated: Callable[[], Any]) -> str:
        try:
            return json.dumps(evaluated(), default=str)
        except Exception as error:  # noqa: BLE001 - whatever it is, both have to say it
            return str(getattr(error, "error", error))

    for bindings in ({"x": _INPUT}, {"x": [_INPUT, _INPUT]}, {"x": None}, {}):
        expected = told(lambda given=bindings: _engine(f"({expression})", given))  # type: ignore[misc]
        made = told(
            lambda given=bindings: _compiled(f"({expression})", 1000).evaluate(None, given)  # type: ignore[misc]
        )
        assert made == expected, bindings


@pytest.mark.parametrize(
    "expression",
    [
        *('{"a": $x, "b": {"c": [$x]}, "gone": $gone, "null": null}', '{"a": 1, "a": $x}'),
        *("{$string($x): 1}", "[1, 2]{$string($): $}", '[{"k": "v"}].{"n": k, "x": $x}', "{}"),
        *('$x.{"a": $}', '{"a": $x}.a', '$merge([{"a": 1}, {"b": $x}])', '{"f": $sum([1, $x])}'),
        *(
            "$x + 1",
            "$map([1, 2], function($v) { $v * $x })",
            '($y := $x; "v" & $string($y))',
            "$each",
        ),
    ],
)
def test_each_evaluation_is_a_new_one(expression: str) -> None:
    for value in (1, 5):
        mine, bindings = _compiled(expression, timeout=1000), {"x": value}
        try:
            expected = json.dumps(_engine(expression, bindings), default=str)
        except Exception as error:  # noqa: BLE001 - whatever it is, both have to say it  # noqa: BLE001 - the same must come out of both
            with pytest.raises(type(error)):
                mine.evaluate(None, bindings)
        else:
            again = _compiled(expression, timeout=1000).evaluate(None, bindings)
            assert json.dumps(again, default=str).split(" at ")[0] == expected.split(" at ")[0]


def test_a_variable_of_one_evaluation_is_not_seen_by_the_next() -> None:
    assert _compiled("($leak := 1; $leak)", 1000).evaluate(None, {}) == 1
    assert _compiled("$leak", 1000).evaluate(None, {}) is None


def test_an_evaluation_ends_after_its_time() -> None:
    endless = "($f := function($n) { $f($n + 1) }; $f(0))"
    with pytest.raises(jsonata.JException) as raised:
        _compiled(endless, timeout=100).evaluate(None, {})
    assert raised.value.error == "D1012"


def test_time_in_which_others_had_the_machine_is_not_counted() -> None:
    def nap() -> int:
        time.sleep(0.001)
        return 0

    slow = "$reduce([1..200], function($sum, $n) { $sum + $n + $nap() })"
    compiled = _compiled(slow, timeout=100)
    compiled.register_lambda("nap", nap)
    assert compiled.evaluate(None, {}) == 20100


def test_threads_do_not_disturb_each_other() -> None:
    expression = "$sum($map([1..50], function($v) { $v * $factor }))"
    wrong = []

    def work(factor: int) -> None:
        for _ in range(20):
            if _compiled(expression, 10_000).evaluate(None, {"factor": factor}) != 1275 * factor:
                wrong.append(factor)

    threads = [threading.Thread(target=work, args=(factor,)) for factor in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
