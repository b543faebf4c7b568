"""What somebody reads whose runbook is not right: where, what, and what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from srectl.runbooks.catalogue import CatalogueInvalid, load

GOOD = """\
name: Basket
description: Something that is long enough.
severities: [critical]
strategy: ladder
on_failure: undo
target: {from_alert: deployment, namespaces: [apps], names: [basket]}
steps:
  - action: restart_workload
guard: {cooldown_seconds: 300, max_actions: 3, window_seconds: 3600}
"""
STEP = "restart_workload"


def told(text: str, folder: Path) -> list[str]:
    (folder / "b.yaml").write_text(text)
    with pytest.raises(CatalogueInvalid) as caught:
        load(folder)
    return caught.value.problems


def test_what_is_right_is_taken(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(GOOD)
    assert [each.name for each in load(tmp_path)] == ["Basket"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (STEP, "restart_worklaod", "b.yaml:8: /steps/0/action: 'restart_worklaod' is none that is "
         "known: did you mean restart_workload?"),
        (STEP, "restart", "did you mean restart_workload?"),
        (STEP, f"{STEP}\n    when: [{{fact: replicas, above: 1}}]", "b.yaml:9: /steps/0/when/0: "
         "above has no meaning here: there is at_least, below, includes, is"),
        (STEP, f"{STEP}\n    when: [{{fact: replicas}}]", "says nothing yet: add one of is, "),
        (STEP, f"{STEP}\n    approval: true", "has to be a mapping (key: value), not true"),
        ("300", "15m", "has to be a whole number, not '15m': write 900, in seconds"),
        ("300", "'300'", "write it without quotes"),
        ("[apps]", "apps", "b.yaml:6: /target/namespaces: has to be a list ([a, b]), not 'apps': "
         "write [apps]"),
        ("Basket", "17", "b.yaml:1: /name: has to be a text, not 17: put it in quotes"),
        ("Something that is long enough.", "x", "has 1 characters, and at least 10 are wanted"),
        ("[critical]", "[]", "has 0 entries, and at least 1 are wanted"),
        ("description: Something that is long enough.\n", "", ":1: /: description is missing"),
        ("  - action", "\t- action", "line 8: found character '\\t' that cannot start any token: "
         "use spaces, not tabs"),
        ("[basket]", "[*]", "a text that begins with * or & needs quotes"),
        ("Something", "Something: more", "line 2: mapping values are not allowed here: a text with "
         "': ' in it needs quotes"),
        (GOOD, "", "b.yaml:1: /: has to be a mapping (key: value), not nothing"),
    ],
)  # fmt: skip
def test_it_is_said_where_what_and_what_to_write(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    assert old in GOOD
    (problem,) = told(GOOD.replace(old, new, 1), tmp_path)
    assert words in problem


def test_a_label_that_may_not_set_a_bound_is_told_so(tmp_path: Path) -> None:
    step = "scale_workload\n    parameters: {step: 1, max_replicas: {from_label: x}}"
    (problem,) = told(GOOD.replace(STEP, step), tmp_path)
    assert "a label may not set this, it is always what the runbook says" in problem


def test_a_key_in_other_words_names_the_right_one(tmp_path: Path) -> None:
    assert told(GOOD.replace("severities", "severity"), tmp_path) == [
        "b.yaml:1: /: severity has no meaning here: did you mean severities?",
        "b.yaml:1: /: severities is missing",
    ]


def test_a_file_that_is_no_utf8_says_which_byte(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_bytes(GOOD.replace("Something", "Größe").encode("latin-1"))
    with pytest.raises(CatalogueInvalid, match="no UTF-8: save the file as UTF-8"):
        load(tmp_path)
