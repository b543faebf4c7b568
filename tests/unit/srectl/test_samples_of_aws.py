"""The samples that docs/senders.md names for what AWS tells are what the function gets."""

from __future__ import annotations

import datetime
import re

import pytest

from srectl.operate.samples import alerts_in
from tests.support.template import ROOT

NOW = datetime.datetime(2026, 11, 28, 3, 0, tzinfo=datetime.UTC)
TABLE = (ROOT / "docs/senders.md").read_text("utf-8").partition("## What AWS itself tells")[2]
NAMED = [
    file
    for place in re.findall(r"\| `(events/[\w/*.-]+)` \|", TABLE)
    for file in sorted(ROOT.glob(place if "*" in place else f"{place}*.json"))
]
# That one begins nothing is said, too; what is invalid is refused.
BEGINS = [
    each for each in NAMED if re.match(r"topic-|alarm\.|issue-open|composite-alarm", each.name)
]


@pytest.mark.parametrize("file", BEGINS, ids=lambda file: file.name)
def test_a_sample_becomes_an_incident_as_it_is(file: object) -> None:
    assert len(BEGINS) >= 6
    [alert] = alerts_in((ROOT / str(file)).read_text("utf-8"), NOW)
    assert alert["alert_name"]


def test_the_samples_of_the_topic_are_those_in_the_envelope_of_sns() -> None:
    assert {each.name for each in NAMED if each.parent.name == "sns"} == {
        "topic-budget.json",
        "topic-cost-anomaly.json",
        "topic-other.json",
    }
