"""What an assistant is given of others' text: bounded, one line, without what hides."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies

from srectl.assistants.given import MOST_CHARACTERS, NOTE, given, plain

VALUES = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
    max_leaves=20,
)


@examples(VALUES)
def test_no_text_drives_a_screen_or_hides(value: Any) -> None:
    text = json.dumps(given(value).data, ensure_ascii=False)
    assert not [each for each in text if unicodedata.category(each)[0] == "C"]


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2",
        "pass\u200bword=hunter2",
        "https://ada:hunter2@example.com/",
        "-----BEGIN PRIVATE KEY-----\nhunter2hunter2hunter2\n-----END PRIVATE KEY-----",
    ],
)
def test_a_secret_is_hidden(text: str) -> None:
    assert "hunter2" not in plain(text)
    assert "hunter2" not in json.dumps(given({"labels": {"x": [text]}}).data)


def test_what_a_key_calls_a_secret_is_hidden_and_its_neighbours_are_not() -> None:
    data = given({"api_key": "hunter2", "secret_name": "db", "token": None}).data
    assert data == {"api_key": "[redacted]", "secret_name": "db", "token": None}


@pytest.mark.parametrize(
    "value",
    [
        {"text": "x" * 10_000},
        {"list": list(range(1000))},
        {f"{number}{'x' * 500}": "y" * 3000 for number in range(500)},
        [[["z" * 5000] * 100] * 100] * 100,
    ],
)
def test_an_answer_is_bounded_and_says_that_something_is_missing(value: Any) -> None:
    found = given(value).as_json()
    assert len(json.dumps(found)) < MOST_CHARACTERS + len(NOTE) + 100
    assert found["shortened"] is True


def test_what_is_nested_without_end_ends() -> None:
    value: Any = "deep"
    for _ in range(200):
        value = [value]
    assert given(value).shortened


def test_what_fits_is_whole() -> None:
    value = {"a": [1, 2.5, None, True, "text"], "b": {"c": "d"}}
    assert given(value).as_json() == {"note": NOTE, "shortened": False, "data": value}


def test_what_is_given_is_json_to_every_client() -> None:
    told = json.dumps(given({"numbers": [float("nan"), float("inf"), 1.5]}).data, allow_nan=False)
    assert json.loads(told) == {"numbers": ["nan", "inf", 1.5]}
