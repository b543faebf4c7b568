"""``$(NAME)`` expands by the rules of the Pod API."""

import pytest

from onemachine.node.expansion import expand, expand_all

KNOWN = {"A": "1", "B_C": "x y", "LOOP": "$(A)"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$(A)", "1"),
        ("<$(A)|$(B_C)>", "<1|x y>"),
        ("$(UNKNOWN)", "$(UNKNOWN)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$A ${A}", "$A ${A}"),
        ("$(LOOP)", "$(A)"),
        ("$(", "$("),
        ("$(A", "$(A"),
    ],
)
def test_a_reference_is_replaced_only_if_it_is_one(text: str, expected: str) -> None:
    assert expand(text, KNOWN) == expected


def test_every_argument_is_expanded_and_none_is_split() -> None:
    assert expand_all(["run", "--x=$(B_C)"], KNOWN) == ["run", "--x=x y"]
