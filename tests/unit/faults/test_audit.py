"""What was missed while nobody watched is a hole only where it cannot be seen any more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.audit import missed


def _listed(**generations: int) -> list[dict[str, Any]]:
    return [{"metadata": {"name": each, "generation": n}} for each, n in generations.items()]


@pytest.mark.parametrize(
    ("now", "names"),
    [
        ({"a": 3, "b": 7}, []),
        ({"a": 4, "b": 8}, []),  # one change of each, which is seen as one
        ({"a": 5, "b": 7}, ["a"]),
        ({"a": 1, "b": 7}, ["a"]),  # made anew
        ({"b": 9}, ["a", "b"]),
        ({"a": 3, "b": 7, "c": 1}, ["c"]),
    ],
)
def test_more_than_one_change_is_a_hole(now: dict[str, int], names: list[str]) -> None:
    assert missed({"a": 3, "b": 7}, _listed(**now)) == names
