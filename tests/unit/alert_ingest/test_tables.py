"""Severity, target, identity, settings and redaction: small tables, case by case."""

from __future__ import annotations

import json
import uuid

import pytest

from alert_ingest import redaction
from alert_ingest.errors import SettingsError
from alert_ingest.identity import event_id, incident_id
from alert_ingest.model import Target
from alert_ingest.redaction import MASK, is_harmless_json, is_secret_key, redact_json, redact_text
from alert_ingest.settings import HIGHEST_MAX_BODY_BYTES, Settings
from alert_ingest.severity import severity_of
from alert_ingest.subject import subject_of
from alert_ingest.target import target_of
from tests.unit.alert_ingest.invoking import ENVIRONMENT


@pytest.mark.parametrize(
    ("word", "severity", "noted"),
    [
        ("critical", "critical", False),
        ("warning", "warning", False),
        ("info", "info", False),
        (" Critical ", "critical", False),
        ("PAGE", "critical", False),
        ("error", "warning", False),
        ("none", "info", False),
        ("purple", "warning", True),
        ("", "warning", True),
        (None, "warning", True),
    ],
)
def test_unknown_severities_are_warnings_and_noted(
    word: str | None, severity: str, noted: bool
) -> None:
    found, note = severity_of(word)
    assert (found, note is not None) == (severity, noted)


@pytest.mark.parametrize(
    ("labels", "target"),
    [
        ({}, Target()),
        ({"cluster": "c"}, Target("c")),
        ({"cluster": " "}, Target()),
        ({"namespace": "apps"}, Target(None, "apps")),
        (
            {"namespace": "apps", "deployment": "a.b-c"},
            Target(None, "apps", "deployment", "a.b-c"),
        ),
        ({"namespace": "apps", "deployment": "-a"}, Target()),
        ({"namespace": "apps", "deployment": "a" * 254}, Target()),
        ({"namespace": "a" * 64, "deployment": "a"}, Target()),
        ({"namespace": "a.b", "deployment": "a"}, Target()),
        ({"namespace": "apps", "deployment": "a\n"}, Target(None, "apps", "deployment", "a")),
        ({"namespace": "apps", "deployment": "a\nb"}, Target()),
        ({"deployment": "a"}, Target()),
        ({"node": "ip-1.ec2.internal"}, Target(None, None, "node", "ip-1.ec2.internal")),
        ({"node": "IP_1"}, Target()),
        ({"namespace": "apps", "node": "n1"}, Target(None, None, "node", "n1")),
        ({"namespace": "BAD!", "deployment": "a", "node": "n1"}, Target()),
    ],
)
def test_targets(labels: dict[str, str], target: Target) -> None:
    found, note = target_of(labels)
    assert found == target
    assert (note is None) == (
        target.kind is not None
        or labels.keys() <= {"cluster", "namespace"}
        or labels.keys() == {"deployment"}
    )


@pytest.mark.parametrize(
    ("labels", "subject"),
    [
        ({}, ""),
        ({"namespace": "apps"}, ""),
        ({"namespace": "apps", "deployment": "a", "pod": "a-1"}, "apps/a"),
        ({"namespace": "apps", "statefulset": "db"}, "apps/db"),
        ({"namespace": "apps", "pod": "a-7d9f-x", "job": "kube-state-metrics"}, "apps/a-7d9f-x"),
        ({"namespace": "apps", "job_name": "nightly-1", "job": "x"}, "apps/nightly-1"),
        # Whose volume it is says more than on which node it is.
        ({"namespace": "d", "persistentvolumeclaim": "data-0", "node": "n1"}, "d/data-0"),
        ({"namespace": "apps", "pod": "a-1", "node": "n1"}, "apps/a-1"),
        ({"node": "n1"}, "node n1"),
        # The pod of the exporter is not what is ill.
        ({"namespace": "m", "pod": "node-exporter-x", "job": "node-exporter"}, ""),
        (
            {"namespace": "m", "pod": "node-exporter-x", "job": "node-exporter", "node": "n"},
            "node n",
        ),
        ({"namespace": "m", "pod": "kube-state-metrics-1", "job": "kube-state-metrics"}, ""),
        # Never repaired.
        ({"namespace": "APPS", "pod": "a"}, ""),
        ({"namespace": "apps", "pod": "a\u202eb"}, ""),
        ({"namespace": "apps", "pod": "a" * 254}, ""),
        ({"namespace": "a.b", "pod": "a"}, ""),
        ({"pod": "a"}, ""),
    ],
)
def test_what_people_are_told_an_alert_is_about(labels: dict[str, str], subject: str) -> None:
    assert subject_of(labels, target_of(labels)[0]) == subject


def test_a_wrong_cluster_label_is_never_replaced_by_the_default() -> None:
    assert target_of({"cluster": "x" * 999})[0].cluster == "x" * 256
    assert target_of({"cluster": "no such; cluster"})[0].cluster == "no such; cluster"


def test_identities_are_uuid5_and_keep_their_parts_apart() -> None:
    assert uuid.UUID(incident_id("alertmanager", "f", "s")).version == 5
    names = {
        incident_id("alertmanager", "ab", "c"),
        incident_id("alertmanager", "a", "bc"),
        incident_id("alertmanager", "abc"),
        incident_id("datadog", "ab", "c"),
        event_id("ab", "c", "d", "info"),
        event_id("ab", "c", "d", "critical"),
    }
    assert len(names) == 6


def test_identities_never_change() -> None:
    """Another value would open a second incident for everything that fires during a deployment."""
    assert (
        incident_id("alertmanager", "3ddc90754703a6b7", "2026-11-23T15:14:52.704Z")
        == "c1226301-da26-564a-8670-5ed62614bdea"
    )


def test_the_environment_is_read() -> None:
    settings = Settings.from_environment({**ENVIRONMENT, "LOG_LEVEL": "debug"})
    assert settings.event_bus_name == "sre-platform-events"
    assert settings.max_body_bytes == 5 * 1_048_576
    assert settings.log_level == "DEBUG"
    assert (settings.service, settings.metrics_namespace) == ("alert-ingest", "SREPlatform")
    names = {"POWERTOOLS_SERVICE_NAME": "other", "POWERTOOLS_METRICS_NAMESPACE": "Mine"}
    named = Settings.from_environment({**ENVIRONMENT, **names})
    assert (named.service, named.metrics_namespace) == ("other", "Mine")
    bare = {key: value for key, value in ENVIRONMENT.items() if key not in names}
    assert Settings.from_environment(bare) == Settings.from_environment(ENVIRONMENT)
    arn = "arn:aws:events:us-east-1:000000000000:event-bus/sre-platform-events"
    assert Settings.from_environment({**ENVIRONMENT, "EVENT_BUS_NAME": arn}).event_bus_name == arn


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EVENT_BUS_NAME", ""),
        ("EVENT_BUS_NAME", "a bus"),
        ("PARKING_QUEUE_URL", ""),
        ("PARKING_QUEUE_URL", "parking"),
        ("PARKING_QUEUE_URL", "https://sqs"),
        ("ACCOUNT_ID", ""),
        ("ACCOUNT_ID", "123"),
        ("AWS_REGION", ""),
        ("MAX_BODY_BYTES", "0"),
        ("MAX_BODY_BYTES", "lots"),
        ("MAX_ALERTS_PER_BODY", "0"),
        ("SENDER_ALERTS_PER_HOUR", "many"),
        ("FLOOD_CRITICAL_RESERVE", "101"),
        ("MAX_BODY_BYTES", str(HIGHEST_MAX_BODY_BYTES + 1)),
        ("LOG_LEVEL", "LOUD"),
        ("INVESTIGATOR_NAME", "x" * 41),
        ("INVESTIGATOR_NAME", "<!channel>"),
    ],
)
def test_a_bad_environment_fails_naming_the_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment({**ENVIRONMENT, name: value})


def test_every_missing_variable_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_environment({})
    for name in ("EVENT_BUS_NAME", "PARKING_QUEUE_URL", "ACCOUNT_ID", "AWS_REGION"):
        assert name in str(raised.value)


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("password", True),
        ("db_password", True),
        ("PASSWORD", True),
        ("api_key", True),
        ("api-key", True),
        ("apiKey", True),
        ("APIKEY", True),
        ("X-Auth-Token", True),
        ("clientSecret", True),
        ("Authorization", True),
        ("aws.secret.access.key", True),
        ("alertname", False),
        ("keyspace", False),
        ("tokenizer", False),
        ("monkey", False),
        ("runbook", False),
        ("key", False),
    ],
)
def test_secret_keys(key: str, secret: bool) -> None:
    assert is_secret_key(key) is secret


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("http://u:p4ssw0rd@h/x", f"http://{MASK}@h/x"),
        ("postgres://admin:p4ssw0rd@db:5432/x", f"postgres://{MASK}@db:5432/x"),
        ("http://h/x?a=1&token=p4ssw0rd&b=2", f"http://h/x?a=1&token={MASK}&b=2"),
        ("Authorization: Bearer p4ssw0rd", f"Authorization: Bearer {MASK}"),
        ("basic dXNlcjpwYXNz", f"basic {MASK}"),
        ("password=p4ssw0rd, next", f"password={MASK}, next"),
        ("password: 'p4ssw0rd and more'", f"password: '{MASK}'"),
        ('{"api_key": "p4ssw0rd"}', f'{{"api_key": "{MASK}"}}'),
        ('"{\\"api_key\\": \\"p4ssw0rd\\"}"', f'"{{\\"api_key\\": \\"{MASK}\\"}}"'),
        ("AKIAIOSFODNN7EXAMPLE leaked", f"{MASK} leaked"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl!", f"{MASK}!"),
        ("mail bob@example.com", "mail bob@example.com"),
        ("error ratio 9.9% over apps/checkout", "error ratio 9.9% over apps/checkout"),
        ("http://prometheus:9090/graph?g0.expr=up", "http://prometheus:9090/graph?g0.expr=up"),
        ("token bucket is empty", "token bucket is empty"),
    ],
)
def test_secrets_in_text(text: str, redacted: str) -> None:
    assert redact_text(text) == redacted
    assert redact_text(redacted) == redacted


SEPARATORS = [
    "",
    "_",
    "-",
    " ",
    "\n",
    "\t&<",
    "\n" * 40,
    "-" * 99,
    "&" * 11,
    "&" * 12,
    "<" * 13,
    "é",
]


@pytest.mark.parametrize(
    "document",
    [
        *({word: "hunter2"} for word in sorted(redaction._SECRET_WORDS)),
        *({word.upper(): "hunter2"} for word in sorted(redaction._SECRET_WORDS)),
        *(
            {f"{first}{between}{second.capitalize()}": "hunter2"}
            for first, second in sorted(redaction._SECRET_PAIRS)
            for between in SEPARATORS
        ),
        *(
            {"a": text}
            for text in (
                "see http://bob:hunter2@db",
                "bearer hunter2hunter2",
                "Basic aHVudGVyMg==",
                "GenieKey hunter2hunter2",
                "Token hunter2hunter2hunter2",
                "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl",
                "AKIAIOSFODNN7EXAMPLE",
                "ASIAIOSFODNN7EXAMPLE",
                "api-key: hunter2",
                "app_key=hunter2",
            )
        ),
    ],
    ids=str,
)
def test_no_document_with_a_secret_is_logged_as_it_came(document: dict[str, str]) -> None:
    assert redact_json(document) != document
    text = json.dumps(document)
    as_go_writes_it = text.replace("&", "\\u0026").replace("<", "\\u003c")
    for written in (text, json.dumps(document, ensure_ascii=False), as_go_writes_it):
        assert not is_harmless_json(written)
    (key,) = document
    hidden = "".join(f"\\u{ord(character):04x}" for character in key)
    assert not is_harmless_json(f'{{"{hidden}": "hunter2"}}')


def test_a_document_of_more_than_one_line_is_not_logged_as_it_came() -> None:
    assert is_harmless_json('{"monkey": "business", "groupKey": "{}"}')
    for text in ('{\n"a": 1}', '{\r"a": 1}', '{"a": "é"}', '{"a": "\u2028"}'):
        assert not is_harmless_json(text)


def test_json_keeps_its_structure() -> None:
    assert redact_json({"a": [{"token": {"x": 1}}, None, 1.5, True], "password": ""}) == {
        "a": [{"token": MASK}, None, 1.5, True],
        "password": "",
    }
    assert redact_json(json.loads("[1e999, -1e999]")) == ["inf", "-inf"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("DB_PASS=hunter2", "DB_PASS=[redacted]"),
        ('{"db_pass":"hunter2"}', '{"db_pass":"[redacted]"}'),
        ("encryption_key=hunter2", "encryption_key=[redacted]"),
        ("signing_key: hunter2", "signing_key: [redacted]"),
        ("AccountKey=hunter2;x", "AccountKey=[redacted];x"),
        ("run --password hunter2 --verbose", "run --password [redacted] --verbose"),
        ("run --db-password 'hunter 2' x", "run --db-password [redacted] x"),
        ("2 pass, 3 failed", "2 pass, 3 failed"),
        ("bypass=1 test-pass-rate=3 pass: 3", "bypass=1 test-pass-rate=3 pass: 3"),
        ("--token-type jwt --password --verbose", "--token-type jwt --password --verbose"),
    ],
)
def test_secrets_of_command_lines_and_of_longer_names_are_kept_back(text: str, kept: str) -> None:
    assert redact_text(text) == kept
