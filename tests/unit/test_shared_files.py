"""What several parts have to know alike stands in one file, which the others have as a link.

A function stands alone when it is deployed, so the parts import nothing of each other: `sam build`
and a package put the file itself where the link is.
"""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = {
    "src/alert_ingest/redaction.py": (
        "src/runbook_action/evidence/redaction.py",
        "srectl/redaction.py",
    ),
    "src/alert_ingest/secret_shapes.py": (
        "src/runbook_action/evidence/secret_shapes.py",
        "srectl/secret_shapes.py",
    ),
    "src/alert_ingest/unseen.py": ("src/runbook_action/evidence/unseen.py", "srectl/unseen.py"),
    "src/runbook_action/consent.py": ("src/chat_actions/consent.py", "srectl/consent.py"),
    "src/chat_actions/adapters/signing.py": ("srectl/operate/signing.py",),
    "src/chat_actions/leftovers.py": ("srectl/operate/leftovers.py",),
    "src/chat_actions/unanswered.py": ("srectl/operate/unanswered.py",),
    "src/chat_actions/undo_attempts.py": ("srectl/operate/undo_attempts.py",),
    "src/chat_actions/windows.py": ("srectl/operate/windows.py",),
    "src/runbook_action/prometheus/picture.py": ("srectl/operate/picture.py",),
    "src/runbook_action/prometheus/promql.py": ("srectl/promql.py",),
    "src/runbook_action/steps.py": ("srectl/steps.py",),
}


@pytest.mark.parametrize(
    ("link", "file"), [(link, file) for file, links in SHARED.items() for link in links]
)
def test_a_part_that_shares_a_file_has_it_by_a_link(link: str, file: str) -> None:
    assert (ROOT / link).resolve() == ROOT / file, f"ln -srf {file} {link}"


def test_every_link_among_the_sources_is_named_here() -> None:
    links = {
        str(path.relative_to(ROOT))
        for folder in ("src", "srectl")
        for path in (ROOT / folder).rglob("*.py")
        if path.is_symlink()
    }
    assert links == {link for each in SHARED.values() for link in each}
