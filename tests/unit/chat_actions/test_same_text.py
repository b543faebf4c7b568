"""What two parts have to know alike though they share no code: the same text, in both."""

from __future__ import annotations

from pathlib import Path

SRC = Path(__file__).resolve().parents[3] / "src"


def test_what_is_signed_for_people_is_what_is_checked() -> None:
    signs, checks = (
        (SRC / name / "consent.py").read_text("utf-8")
        for name in ("chat_actions", "runbook_action")
    )
    assert signs == checks, "cp src/runbook_action/consent.py src/chat_actions/consent.py"


def test_what_is_left_is_the_same_for_a_button_and_for_the_operators_tool() -> None:
    button = (SRC / "chat_actions" / "leftovers.py").read_text("utf-8")
    tool = (SRC.parent / "srectl" / "operate" / "leftovers.py").read_text("utf-8")
    assert button == tool, "cp src/chat_actions/leftovers.py srectl/operate/leftovers.py"
