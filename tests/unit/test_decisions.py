"""Decisions are cited by their numbers: each has one of its own, and is found under it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))
GUIDES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
# As they are cited: [ADR 12](adr/0012-an-alert-remembers-its-firing.md).
CITED = re.compile(r"\[ADR (\d+)\]\(([^)#]+)\)")


def test_decisions_are_numbered_one_after_the_other() -> None:
    numbers = [int(file.name.partition("-")[0]) for file in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("file", DECISIONS, ids=lambda file: file.stem)
def test_a_title_has_the_number_of_its_file(file: Path) -> None:
    title = file.read_text("utf-8").partition("\n")[0]
    assert title.startswith(f"# {int(file.name.partition('-')[0])}. ")


def test_who_cites_a_decision_names_its_number_and_its_file() -> None:
    cited = [
        (guide, int(number), (guide.parent / link).resolve())
        for guide in GUIDES
        for number, link in CITED.findall(guide.read_text("utf-8"))
    ]
    assert cited
    for guide, number, target in cited:
        assert target.is_file(), (guide.name, target.name)
        assert int(target.name.partition("-")[0]) == number, guide.name
