"""Secrets known by their own shape, and names that only tell of a secret."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from alert_ingest.redaction import (
    MASK,
    hide_email_addresses,
    is_harmless_json,
    is_secret_key,
    redact_json,
    redact_text,
)
from tests.unit.alert_ingest.tokens import HEX, TOKENS

ADDRESSES = {
    "https://hooks.slack.com/services/T0/B0/xyz": f"https://hooks.slack.com/{MASK}",
    "https://hooks.slack.com/workflows/T0/A0/1/xyz": f"https://hooks.slack.com/{MASK}",
    "https://discord.com/api/webhooks/123/abc": f"https://discord.com/api/webhooks/{MASK}",
    "https://shop.webhook.office.com/webhookb2/a@b/IncomingWebhook/c/d": (
        f"https://shop.webhook.office.com/{MASK}"
    ),
    "https://chat.example.org/hooks/abcdefgh": f"https://chat.example.org/hooks/{MASK}",
    "https://open.feishu.cn/open-apis/bot/v2/hook/0a-1b": (
        f"https://open.feishu.cn/open-apis/bot/v2/hook/{MASK}"
    ),
    "https://api.telegram.org/bot1:x/sendMessage": f"https://api.telegram.org/bot{MASK}",
    "https://events.pagerduty.com/integration/0a1b/enqueue": (
        f"https://events.pagerduty.com/integration/{MASK}"
    ),
    "https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature=0a1b": (
        f"https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature={MASK}"
    ),
    "https://storage.googleapis.com/b/k?X-Goog-Signature=0a1b&x=1": (
        f"https://storage.googleapis.com/b/k?X-Goog-Signature={MASK}&x=1"
    ),
    "https://a.blob.core.windows.net/c?sv=2022&se=1&sig=abc%2Fdef%3D&sp=r": (
        f"https://a.blob.core.windows.net/c?sv=2022&se=1&sig={MASK}&sp=r"
    ),
}


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
def test_a_providers_token_is_known_wherever_it_stands(token: str) -> None:
    for text in (token, f"login failed for {token}, giving up", f"a={token};b", f'"{token}"'):
        redacted = redact_text(text)
        assert token not in redacted
        assert MASK in redacted
        assert not is_harmless_json(json.dumps({"a": text}))
    assert redact_text(f"see {token}!") == f"see {MASK}!"


@pytest.mark.parametrize(("address", "redacted"), ADDRESSES.items())
def test_an_address_that_anybody_may_use_loses_what_makes_it_usable(
    address: str, redacted: str
) -> None:
    assert redact_text(address) == redacted
    assert redact_text(redacted) == redacted
    assert redact_text(f"see {address} now") == f"see {redacted} now"
    text = json.dumps({"a": address})
    assert not is_harmless_json(text)
    assert not is_harmless_json(text.replace("/", "\\/"))
    assert not is_harmless_json(text.replace("&", "\\u0026"))


@pytest.mark.parametrize("kind", ["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY"])
def test_a_block_of_pem_is_replaced_as_a_whole(kind: str) -> None:
    block = f"-----BEGIN {kind}-----\nMIIE\nabc=\n-----END {kind}-----"
    assert redact_text(f"key:\n{block}\nend") == f"key:\n{MASK}\nend"
    assert redact_text(block.replace("\n", "\\n")) == MASK
    assert redact_text(block[:40]) == MASK  # the sender has cut it
    assert not is_harmless_json(json.dumps({"a": block}))


@pytest.mark.parametrize(
    "text",
    [
        "https://grafana.example/d/abc?orgId=1&from=now-1h&viewPanel=4",
        "https://docs.example/webhook",
        "task-processor-7d9f8c6b5d-abcde is down",
        "sk-frontend-deployment-7d9f8c6b5d-abcde",
        "sidekiq_live_workers 3",
        "sha256:" + HEX[:64],
        HEX[:40],
        "ask bob@example.com",
    ],
)
def test_what_only_looks_a_little_alike_stays(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "key",
    [
        *("secret_name", "secretName", "SECRET_NAME", "secret-namespace", "token_type"),
        *("credentials_provider", "token_count", "password.version", "api_key_name"),
    ],
)
def test_a_name_that_only_tells_of_a_secret_keeps_its_value(key: str) -> None:
    assert not is_secret_key(key)
    assert redact_json({key: "checkout-db"}) == {key: "checkout-db"}
    for text in (f"{key}=checkout-db", f'"{key}": "checkout-db"'):
        assert redact_text(text) == text
    assert redact_text(f"{key}={TOKENS['npm']}") == f"{key}={MASK}"


def test_what_is_named_after_a_name_is_a_secret_again() -> None:
    for key in ("name_secret", "secret", "namesecret_token", "secret_name_password"):
        assert is_secret_key(key)
        assert redact_text(f"{key}=hunter2") == f"{key}={MASK}"


@pytest.fixture
def _hiding() -> Iterator[None]:
    hide_email_addresses(True)
    yield
    hide_email_addresses(False)


@pytest.mark.usefixtures("_hiding")
def test_email_addresses_are_replaced_where_the_deployment_says_so() -> None:
    assert redact_text("ask bob.b+x@mail.example.com!") == f"ask {MASK}!"
    assert not is_harmless_json('{"a": "bob@example.com"}')
    assert redact_text("10 @ 20, a@b") == "10 @ 20, a@b"


@pytest.mark.parametrize(
    "piece",
    [
        *("-----BEGIN A-----", "https://a/", "https://", "a/hook/", "a@", "a.", "sk-ant-", "?sig="),
        *("xoxb-", "secret_name=", "a.atlasv1.", "1" * 9 + ":AA", "hooks/https://h/"),
        *("eyJ-", "eyJ\u200b", "ghp\u200b_", "AKIA\u200b", "a\u200b", "é\u200b", "a\x01"),
    ],
)
def test_a_body_made_to_trip_the_shapes_takes_no_long_time(piece: str) -> None:
    hide_email_addresses(True)
    try:
        started = time.process_time()
        redact_text(piece * (500_000 // len(piece)))
        assert time.process_time() - started < 5
    finally:
        hide_email_addresses(False)
