"""A guide leads somewhere: its links are files, their anchors headings, what it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]*)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
#: What the tour of the architecture names: files and folders, from the folder of its section.
_TOUR = ROOT / "docs" / "architecture.md"
_NAMED = re.compile(r"`([a-z_]+(?:/[a-z_-]+)*(?:\.py|/))`")


def anchors(guide: Path) -> set[str]:
    """Give the anchors of a guide's headings, as GitHub makes them."""
    text = _BLOCK.sub("", guide.read_text("utf-8"))
    words = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", each) for each in _HEADING.findall(text))
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in words}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: str(guide.relative_to(ROOT)))
def test_links_of_a_guide_lead_somewhere(guide: Path) -> None:
    for link in _LINK.findall(_BLOCK.sub("", guide.read_text("utf-8"))):
        path, _, anchor = link.partition("#")
        target = (guide.parent / path).resolve() if path else guide
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_the_tour_names_files_that_are_there() -> None:
    homes = [ROOT, ROOT / "src" / "alert_ingest", ROOT / "src" / "runbook_action"]
    named = _NAMED.findall(_TOUR.read_text("utf-8"))
    assert len(named) > 30
    lost = [each for each in named if not any((home / each).exists() for home in homes)]
    assert lost == []
