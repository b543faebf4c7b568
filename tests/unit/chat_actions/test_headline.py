"""A card begins as every other message does, in whatever way its alert is written."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonata import Jsonata

from chat_actions.headline import MOST, headline, symptom
from onemachine.aws.definitions import substituted
from tests.support.machines import machines

#: Names and sentences as intake leaves them: one line each.
_NAMES = st.one_of(st.none(), st.just(""), st.text("abc-XYZ.09 é😀", max_size=70).map(str.strip))
_RECORDS = st.fixed_dictionaries(
    {
        "alert_name": _NAMES,
        "subject": _NAMES,
        "summary": _NAMES,
        "target": st.fixed_dictionaries(
            {"namespace": _NAMES, "name": _NAMES, "kind": st.sampled_from(["deployment", "node"])}
        ),
    }
)


@cache
def _template(expression: str) -> Any:
    shared = machines()["incident-notifier"].substitutions()
    return Jsonata(substituted(expression, shared))


# Not shrunk: to make a failure smaller takes minutes.
@settings(max_examples=60, deadline=None, phases=[Phase.generate])
@given(st.sampled_from(["CRIT", "NEEDS YOU", "OK"]), _RECORDS, _NAMES)
def test_the_first_line_is_that_of_the_template(
    verdict: str, record: dict[str, Any], rest: str | None
) -> None:
    record = {
        key: " ".join(each.split()) if isinstance(each, str) else each
        for key, each in record.items()
    }
    shown = {
        "name": record["alert_name"],
        "subject": record["subject"],
        "summary": record["summary"],
    }
    said = f": {rest or 'x'}"
    told = {"verdict": verdict, "incident": record, "shown": shown, "rest": said}
    line = _template("(${FirstLine})($verdict, $incident, $shown, $rest)").evaluate(None, told)
    mine = headline(verdict, record, said)
    assert mine == line
    assert len(mine) <= MOST
    wrong = _template("(${Symptom})($incident, $shown)").evaluate(None, told)
    assert symptom(record) == wrong
