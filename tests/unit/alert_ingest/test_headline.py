"""What a human reads first."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from alert_ingest.headline import headline
from alert_ingest.model import Alert, Target

START = datetime(2026, 11, 23, 15, 14, 52, tzinfo=UTC)
FIRING = Alert(
    sender="alertmanager",
    incident_id="i",
    fingerprint="f",
    alert_name="CheckoutHighErrorRate",
    severity="critical",
    status="firing",
    occurred_at=START,
    started_at=START,
    ended_at=None,
    runbook=None,
    summary="s",
    labels={},
    annotations={},
    links={},
    target=Target("sre-platform", "apps", "deployment", "checkout"),
)


def resolved(after: timedelta | None, target: Target) -> Alert:
    return dataclasses.replace(
        FIRING,
        status="resolved",
        started_at=None if after is None else START,
        ended_at=START + (after or timedelta()),
        target=target,
    )


def test_a_firing_alert_says_how_bad_what_where_and_since_when() -> None:
    assert headline(FIRING) == (
        "CRITICAL: CheckoutHighErrorRate on apps/checkout in sre-platform"
        " since 2026-11-23T15:14:52.000Z."
    )


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (timedelta(seconds=90), "Resolved after 90 s: "),
        (timedelta(seconds=150), "Resolved after 2 min 30 s: "),
        (timedelta(hours=3, minutes=5), "Resolved after 3 h 5 min: "),
        (None, "Resolved: "),
    ],
)
def test_a_resolved_alert_says_how_long_it_took(after: timedelta | None, words: str) -> None:
    node = Target(None, None, "node", "ip-10-0-0-1")
    assert headline(resolved(after, node)) == f"{words}CheckoutHighErrorRate on node ip-10-0-0-1."


def test_an_alert_that_names_no_target_is_no_trouble() -> None:
    assert headline(resolved(None, Target())) == "Resolved: CheckoutHighErrorRate."


def test_a_name_of_any_length_fits() -> None:
    assert len(headline(dataclasses.replace(FIRING, alert_name="x" * 5000))) <= 300
