"""What is given back is shown as nobody's: a card that says otherwise has no button to take it."""

from __future__ import annotations

from typing import Any

import pytest

from chat_actions.showing import reflects


@pytest.mark.parametrize(("has_it", "so"), [({}, True), ({"acknowledged_by": "ada"}, False)])
def test_a_card_waits_until_nobody_has_it_on_record(has_it: dict[str, Any], so: bool) -> None:
    assert reflects({"status": "escalated", **has_it}, "incident.released", {}) is so


@pytest.mark.parametrize(("asked", "so"), [({}, False), ({"undo_asked_by": "ada"}, True)])
def test_a_card_waits_until_who_has_it_taken_back_is_on_record(
    asked: dict[str, Any], so: bool
) -> None:
    assert reflects({"status": "escalated", **asked}, "incident.undo-asked", {}) is so
