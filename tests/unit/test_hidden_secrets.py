"""No secret is hidden from the redaction by what nobody sees, wherever others' text comes in."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alert_ingest import unseen
from alert_ingest.answers import read_answer
from alert_ingest.audit import body_records, excerpt
from alert_ingest.display import one_line
from alert_ingest.events import Context, entry_of
from alert_ingest.redaction import MASK, is_secret_key, redact_json, redact_map, redact_text
from alert_ingest.senders.alertmanager import SENDER as ALERTMANAGER
from runbook_action.evidence.sources.events import Events
from runbook_action.evidence.sources.last_words import LastWords
from runbook_action.evidence.words import plain as of_evidence
from srectl.assistants.given import plain as of_an_assistant
from srectl.operate.reasons import kept as of_a_reason
from tests.unit.alert_ingest.bodies import alertmanager_body
from tests.unit.alert_ingest.investigated import SAID
from tests.unit.alert_ingest.tokens import TOKENS
from tests.unit.runbook_action.evidence.place import (
    FakeLogs,
    Somewhere,
    container,
    deployment,
    event,
    pod,
    template,
)

NOW = datetime(2026, 11, 28, 7, tzinfo=UTC)
CONTEXT = Context("bus", "000000000000", "us-east-1", "c", NOW)
#: What is secret of each text, and the text; put together here, so that no scanner takes one for
#: a real one.
SECRETS = {
    **{name: (token, token) for name, token in TOKENS.items()},
    **{
        name: ("hunter2hunter2", text.format("hunter2hunter2"))
        for name, text in {
            "pair": "password={}",
            "pair of JSON": '{{"client_secret": "{}"}}',
            "pair with blanks": "api_key : {}",
            "scheme": "Authorization: Bearer {}",
            "option": "psql --db-password {}",
            "address of a database": "postgres://ada:{}@db.example/x",
            "chat": "https://hooks.slack.com/services/T0/B0/{}",
            "signed": "https://a.blob.core.windows.net/c?sv=2022&sig={}",
            "key": "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
            "JSON web token": "eyJhbGciOiJI.eyJzdWIiOiI.{}",
        }.items()
    },
}
_EVERY = [chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point < 0xE000]


def _of(*classes: str) -> list[str]:
    pattern = re.compile(f"[{''.join(classes)}]")
    return [each for each in _EVERY if pattern.match(each)]


UNSEEN = _of(unseen.CONTROLS, unseen.SELECTORS, unseen.IGNORABLE, unseen.FORMATS)


def _of_an_alert(text: str) -> str:
    changes = {"labels__note": text, "annotations__summary": text, "annotations__description": text}
    body = alertmanager_body(1, **{f"alerts__0__{name}": each for name, each in changes.items()})
    [alert] = ALERTMANAGER.read(body, NOW).alerts
    return json.dumps(json.loads(entry_of(alert, CONTEXT)[0]["Detail"]), ensure_ascii=False)


def _of_the_log(text: str) -> str:
    body = {"alerts": [{"annotations": {"description": text}}]}
    [record] = body_records(body, json.dumps(body))
    logged = json.loads(str(record["body_as_json"]))
    return json.dumps([logged, excerpt(text)], ensure_ascii=False)


def _of_an_answer(text: str) -> str:
    answer = read_answer(SAID | {"summary": text, "findings": [text], "suggestions": [text]})
    return str(answer)


def _of_the_cluster(text: str) -> str:
    one = pod("checkout-0", container())
    place = Somewhere([deployment(template("shop/checkout:2")), one])
    place.manifests.append(event("Unhealthy", f"Readiness probe failed: {text}", one))
    place.logs = FakeLogs({("checkout-0", False): f"{text}\n"})
    place.sources = (Events(), LastWords())
    answer = place.collected()
    assert (len(place.whole["facts"]["events"]["events"]), len(answer["findings"])) == (1, 1)
    assert place.whole["facts"]["logs"]["logs"][-1]["lines"]
    return json.dumps([answer, place.whole], ensure_ascii=False)


ENTRIES: dict[str, Callable[[str], str]] = {
    "labels and annotations of an alert": _of_an_alert,
    "the function's log": _of_the_log,
    "what an investigator answers": _of_an_answer,
    "events and logs of the cluster": _of_the_cluster,
    "words of evidence": of_evidence,
    "what an assistant is given": of_an_assistant,
    "a person's reason": lambda text: of_a_reason(text, 4_000),
}


@st.composite
def hidden(draw: st.DrawFn) -> tuple[str, str]:
    """Give what is secret, and a text with it in which characters stand that nobody sees."""
    secret, text = SECRETS[draw(st.sampled_from(sorted(SECRETS)))]
    text = f"login failed: {text} , giving up"
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.sampled_from(UNSEEN)) * draw(st.integers(1, 3)) + text[place:]
    return secret, text


def shows(text: str, secret: str) -> bool:
    """Whether somebody could read a secret, or its end, in a text."""
    for each in ("\\u200b", *UNSEEN):
        text = text.replace(each, "")
    return secret[-12:] in text


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
@settings(max_examples=60, deadline=None)
@given(found=hidden())
def test_a_secret_is_redacted_wherever_something_unseen_stands_in_it(
    entry: Callable[[str], str], found: tuple[str, str]
) -> None:
    secret, text = found
    said = entry(text)
    assert not shows(said, secret)
    assert MASK in said


@pytest.mark.parametrize("character", ["\u200b", "\ufe0f", "\u034f", "\u3164", "\x1b[31m\x1b[K"])
@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that_something_unseen_parts_from_a_word_is_redacted(
    name: str, character: str
) -> None:
    secret, text = SECRETS[name]
    half = len(text) - 6
    broken = f"is{character}{text[:half]}{character}{text[half:]}{character}so"
    said = redact_text(broken)
    assert secret[-12:] not in said
    assert MASK in said


@pytest.mark.parametrize(
    "key",
    [
        "pass\u200bword",
        "X-Auth\u00ad-Token",
        "client\ufe0eSecret",
        "db\u2060password",
        "api\u115f_key",
    ],
)
def test_a_key_is_a_secrets_whatever_stands_in_it(key: str) -> None:
    assert is_secret_key(key)
    assert redact_map({key: "hunter2"}) == {key: MASK}
    assert redact_json({key: "hunter2"}) == {key: MASK}
    assert not is_secret_key("secret\u200b_name")


@pytest.mark.parametrize("escape", ["\x7f", "\\b", "\\f", "\\u200b", "\\u0000"])
def test_the_log_of_a_body_does_not_hide_a_secret_either(escape: str) -> None:
    token = TOKENS["npm"]
    text = f'{{"alerts": [], "note": "{token[:9]}{escape}{token[9:]}"}}'
    [record] = body_records(json.loads(text), text)
    assert record == {"body_as_json": f'{{"alerts": [], "note": "{MASK}"}}'}


# ---------------------------------------------------------------- what is no secret

LEGITIMATE = {
    "selectors of emoji": "⚠️ Disk of db-0 ❤️, 1️⃣ of 2️⃣",
    "emoji that are joined": "👩‍🔧 is called, 🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "Persian": "پیام‌های صف می‌رسند",
    "Hindi": "क्‍ष, क्‌ष",
    "Korean": "ㅤ한ᅠ글",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ ᠤᠨ᠎ᠠ",
    "combining marks": "Zu\u0308rich, e\u0301te\u0301",
    "ideographic variants": "葛󠄀城市",
    "Arabic with marks of numbers": "\u0600\u0661٢ آية \u06dd",
    "several lines": "one\n\ttwo\r\nthree\u2028four",
    "blanks of Chinese": "磁盘　已满",
}


@pytest.mark.parametrize("text", LEGITIMATE.values(), ids=LEGITIMATE)
def test_what_means_something_to_who_reads_it_stays(text: str) -> None:
    assert redact_text(text) == text
    assert redact_text(f"{text} 🔑 password=hunter2") == f"{text} 🔑 password={MASK}"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\ufeffDisk\u00a0of db\u00ad-0 is 90\u202f% full\u200b", "Disk of db-0 is 90 % full"),
        ("a\x00b\x85c\x7fd\x1b[1me\x1b[0m", "abcde"),
        ("a\u2800b\U0001d159c\u3000d", "a b c d"),
        # The emoji stays one, and the digit no keycap that was none.
        ("⚠\ufe0f\u200b!\u200b5\ufe0f pods", "⚠\ufe0f\u200b!5 pods"),
        ("ü\x1f\u200cb", "ü\u200cb"),
    ],
)
def test_a_text_is_left_as_it_looks(text: str, seen: str) -> None:
    assert redact_text(text) == seen
    assert redact_text(seen) == seen


@given(text=st.text(st.sampled_from([*UNSEEN[:80], *"ab c\n=🔥ü"])))
def test_of_two_characters_of_ascii_nothing_unseen_stands_between(text: str) -> None:
    left = unseen.as_seen(text)
    assert unseen.as_seen(left) == left
    between = re.compile(f"[\x20-\x7e][{''.join(UNSEEN)}]+[\x20-\x7e]")
    assert not between.search(left)
    assert not re.search(f"[{unseen.CONTROLS}]", left)


def test_every_control_and_format_character_is_known() -> None:
    """Unicode says so; what has a sign of its own is Prepended_Concatenation_Mark."""
    signs = set(
        "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
    )
    unseen_here = {each for each in _EVERY if unicodedata.category(each) in ("Cc", "Cf")}
    assert unseen_here - set("\t\n\r") - signs <= set(UNSEEN)
    blanks = {each for each in _EVERY if unicodedata.category(each) == "Zs"} - {" "}
    assert set(_of(unseen.BLANKS)) - blanks == {"\u2800", "\U0001d159"}
    # Of Default_Ignorable_Code_Point there are 4174 (Unicode 16.0).
    assert len(_of(unseen.IGNORABLE, unseen.SELECTORS)) == 4174
    # What is left out before a look for secrets, a line for people has not either.
    assert {one_line(f"a{each}b", 9) for each in _of(unseen.IGNORABLE, unseen.FORMATS)} == {"a b"}
