"""What people read: one line each, in plain words, whatever the alert says."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alert_ingest.display import Display, Link, display_of, links_of, one_line
from alert_ingest.model import Alert, Target
from tests.support.template import read
from tests.unit.alert_ingest.bodies import alertmanager_body, sample
from tests.unit.alert_ingest.invoking import Invoker, data_of

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
    summary="checkout error ratio 9.991%",
    labels={},
    annotations={},
    links={"generator": "http://prometheus.example/graph"},
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
    assert display_of(FIRING) == Display(
        name="CheckoutHighErrorRate",
        headline="CRITICAL: CheckoutHighErrorRate on apps/checkout in sre-platform"
        " since 2026-11-23T15:14:52.000Z.",
        place="apps/checkout in sre-platform",
        subject="apps/checkout",
        summary="checkout error ratio 9.991%",
        links=(Link("generator", "http://prometheus.example/graph"),),
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
    shown = display_of(resolved(after, node))
    assert shown.headline == f"{words}CheckoutHighErrorRate (critical) on node ip-10-0-0-1."
    assert shown.place == "node ip-10-0-0-1"


def test_an_alert_that_names_no_target_is_no_trouble() -> None:
    shown = display_of(resolved(None, Target("sre-platform", "apps")))
    assert shown.headline == (
        "Resolved: CheckoutHighErrorRate (critical) on namespace apps in sre-platform."
    )
    assert (shown.place, shown.subject) == ("namespace apps in sre-platform", "")
    shown = display_of(resolved(None, Target("sre-platform")))
    assert shown.headline == "Resolved: CheckoutHighErrorRate (critical)."
    assert (shown.place, shown.subject) == ("", "")


def test_texts_of_any_length_fit() -> None:
    target = Target("c" * 256, "n" * 63, "deployment", "d" * 253)
    alert = dataclasses.replace(FIRING, alert_name="x" * 5000, summary="y" * 5000, target=target)
    shown = display_of(alert)
    assert [len(shown.name), len(shown.place), len(shown.summary)] == [200, 300, 500]
    assert shown.headline.endswith(" since 2026-11-23T15:14:52.000Z.")
    assert len(shown.headline) <= 600


# ---------------------------------------------------------------- alert text is data


HOSTILE = {
    "line ends": (
        "fine\n\nDone.\r\nLink: http://evil.example",
        "fine Done. Link: http://evil.example",
    ),
    "other line ends": ("a\x0bb\x0cc\x85d\u2028e\u2029f", "a b c d e f"),
    "controls": ("a\x00\x1b[31mb\x7f", "a [31mb"),
    "blanks": (" a \t \xa0 b ", "a b"),
    "turned writing": ("user\u202egnp.exe\u202c \u2066x\u2069 \u061cy", "user gnp.exe x y"),
    "invisible": ("pay\u200bpal \u2060\ufeff\U000e0041x", "pay pal x"),
    "seen by nobody": ("pay\u00adpal\u3164x\u115fy\uffa0z\u034f!\u180e\u206a", "pay pal x y z !"),
    "other scripts": ("Käse 結 🔥", "Käse 結 🔥"),
    "markup is not touched": ("<!channel> & *b* [x](y)", "<!channel> & *b* [x](y)"),
    "nothing left": ("\u200b\n", ""),
}


@pytest.mark.parametrize(("text", "line"), HOSTILE.values(), ids=HOSTILE.keys())
def test_text_becomes_one_line(text: str, line: str) -> None:
    assert one_line(text, 500) == line
    alert = dataclasses.replace(FIRING, alert_name=text, summary=text)
    shown = display_of(alert)
    assert (shown.name, shown.summary) == (line or "an alert without a name", line)
    assert len(shown.headline.splitlines()) == 1


def test_machines_clean_what_is_no_alerts_own_in_the_same_way() -> None:
    line = read()["Mappings"]["Shared"]["Text"]["OneLine"]
    of_machines = re.compile(line[line.index("/[") + 1 : line.index("]+/") + 2])
    everything = [chr(point) for point in range(0x10000) if not 0xD800 <= point < 0xE000]
    assert [each for each in everything if of_machines.match(each)] == [
        each for each in everything if one_line(f"a{each}b", 9) == "a b"
    ]


@given(text=st.text(max_size=60), limit=st.integers(0, 50))
def test_one_line_is_one_line(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    assert not {unicodedata.bidirectional(character) for character in line} & {
        *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "B", "S"),
    }
    assert not any(unicodedata.category(character) == "Cc" for character in line)


def test_links_are_plain_addresses_and_not_many() -> None:
    good = {f"l{number}": f"https://example.com/{number}" for number in range(8)}
    assert [link.href for link in links_of(tuple(good.items()))] == list(good.values())[:5]
    bad = {
        "script": "javascript:alert(1)",
        "blank": "http://example.com/ <!channel>",
        "line": "http://example.com/\nx",
        "long": "http://example.com/" + "x" * 1000,
        "not ascii": "http://example.com/é",
        "turned": "http://example.com/\u202e",
        "as somebody": "https://accounts.example.com@evil.example/",
        "without a host": "http:///etc/passwd",
        "another text in chat": "https://example.com/|https://good.example",
        "end of a link": "https://example.com/><!channel>",
        "another slash": "https://evil.example\\@good.example/",
        "quote": 'https://example.com/"onclick="x',
        "no address": "http://[::1",
    }
    last = Link("last", "https://example.com/a?b=1&c=2")
    assert links_of((*bad.items(), last)) == (last,)


def test_it_travels_in_the_event_of_each_alert(invoke: Invoker) -> None:
    shown = data_of(invoke, alertmanager_body())["display"]
    assert shown["headline"].startswith("CRITICAL: CheckoutHighErrorRate on apps/checkout in ")
    names = [link["text"] for link in shown["links"]]
    assert names == ["runbook", "generator", "alertmanager"]
    shown = data_of(invoke, sample("datadog/recovered"))["display"]
    assert shown["headline"].startswith("Resolved: ")
    shown = data_of(invoke, sample("grafana/datasource-error"))["display"]
    assert "could not be evaluated" in shown["summary"]


def test_nothing_secret_is_shown(invoke: Invoker) -> None:
    secret = "hunter2hunter2"
    body = alertmanager_body(
        alerts__0__labels__alertname=f"Down token={secret}",
        alerts__0__annotations__summary=f"Authorization: Bearer {secret}",
        alerts__0__generatorURL=f"http://bob:{secret}@prometheus/graph",
    )
    assert secret not in str(data_of(invoke, body)["display"])
