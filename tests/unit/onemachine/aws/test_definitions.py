"""State machine definitions are read as CloudFormation reads them."""

from __future__ import annotations

import json

import pytest

from onemachine.aws.definitions import DefinitionRefused, read_definition, substituted


def test_block_text_ends_where_the_expression_ends() -> None:
    text = "Condition: |-\n  {%\n    $a\n      and $b\n  %}\nNext: Here\n"
    assert read_definition(text)["Condition"] == "{%\n  $a\n    and $b\n%}"


def test_a_value_is_put_in_before_the_text_is_parsed() -> None:
    text = "Retry: ${Patiently}\nAccount: '${Account}'\n"
    values = {"Patiently": "[{ErrorEquals: [States.ALL], MaxAttempts: 3}]", "Account": "0123"}
    assert read_definition(text, values) == {
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 3}],
        "Account": "0123",
    }


def test_a_value_may_name_another_whichever_comes_first() -> None:
    values = {"When": "at ${Hour}", "Hour": "10", "Wish": "see you ${When}"}
    assert substituted("${Wish}", values) == "see you at 10"


def test_values_that_name_each_other_are_refused() -> None:
    with pytest.raises(DefinitionRefused, match="circle"):
        substituted("${A}", {"A": "${B}", "B": "x${A}"})


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "2026-11-26", "<<", "0x10", "1:20"])
def test_a_word_is_a_word(word: str) -> None:
    assert read_definition(f"Key: {word}\n") == {"Key": word}


def test_numbers_and_truth_are_what_they_look_like() -> None:
    assert read_definition("{a: 3, b: 1.5, c: true, d: null, e: '3'}") == {
        "a": 3,
        "b": 1.5,
        "c": True,
        "d": None,
        "e": "3",
    }


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        ("a: &here {b: 1}\n", "anchor 'here'", 1),
        ("a: 1\nb: *here\n", "alias 'here'", 2),
        ("a: 1\n<<: *here\n", "alias 'here'", 2),
    ],
)
def test_anchors_and_aliases_are_refused(text: str, kind: str, line: int) -> None:
    with pytest.raises(DefinitionRefused, match=f"{kind} in line {line}: .*DefinitionSubst"):
        read_definition(text)


@pytest.mark.parametrize("text", ["a: [", "just words", "[1]"])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(DefinitionRefused, match="Invalid State Machine Definition"):
        read_definition(text)


def test_json_stays_json() -> None:
    assert read_definition(json.dumps({"a": "\t*b &c"})) == {"a": "\t*b &c"}
