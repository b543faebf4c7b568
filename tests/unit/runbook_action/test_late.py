"""A client that costs a cold start its time is made by whoever needs it."""

from __future__ import annotations

from types import SimpleNamespace

from runbook_action.adapters.late import Late


def test_the_client_is_made_once_and_only_when_it_is_used() -> None:
    made = []

    def make() -> SimpleNamespace:
        made.append(True)
        return SimpleNamespace(answer=42)

    late = Late(make)
    assert made == []
    assert (late.answer, late.answer) == (42, 42)
    assert len(made) == 1
