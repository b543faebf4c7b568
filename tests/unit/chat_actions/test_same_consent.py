"""What is signed in one function is checked in another; they share no code, so it is the same."""

from __future__ import annotations

from pathlib import Path

SRC = Path(__file__).resolve().parents[3] / "src"


def test_what_is_signed_for_people_is_what_is_checked() -> None:
    signs, checks = (
        (SRC / name / "consent.py").read_text("utf-8")
        for name in ("chat_actions", "runbook_action")
    )
    assert signs == checks, "cp src/runbook_action/consent.py src/chat_actions/consent.py"
