"""The function's environment, checked once at cold start so that a bad deployment fails loudly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast, get_args
from urllib.parse import urlsplit

from alert_ingest.errors import SettingsError
from alert_ingest.heartbeats import Watched, watched_from
from alert_ingest.model import Severity
from alert_ingest.senders.cloudwatch import MissingData
from alert_ingest.severity import words_from
from alert_ingest.speakers import Speakers, speakers_from

# A Lambda proxy event may have 6 MB in all; a body of 5 MB still fits with its headers and escapes.
HIGHEST_MAX_BODY_BYTES = 5 * 1_048_576
# A body that is refused for its size comes again as large, and is lost: take what can be taken.
DEFAULT_MAX_BODY_BYTES = HIGHEST_MAX_BODY_BYTES
DEFAULT_SERVICE, DEFAULT_NAMESPACE = "alert-ingest", "SREPlatform"
DEFAULT_QUIET_MINUTES = 1440
DEFAULT_INVESTIGATOR = "investigator"
DEFAULT_MAX_ALERTS, DEFAULT_HOURLY_ALERTS, DEFAULT_RESERVE = 2_000, 50_000, 30
SEVERITIES = frozenset({"critical", "warning", "info"})
DEFAULT_WAKING = SEVERITIES - {"info"}
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment must say.

    Attributes
    ----------
    event_bus_name
        Name or ARN of the bus (``EVENT_BUS_NAME``).
    parking_queue_url
        SQS queue for events the bus keeps refusing (``PARKING_QUEUE_URL``).
    account_id
        Twelve digits (``ACCOUNT_ID``), written into every event.
    region
        ``AWS_REGION``, set by Lambda.
    max_body_bytes
        Largest accepted body in bytes (``MAX_BODY_BYTES``, default 5 MiB).
    log_level
        ``LOG_LEVEL``, default INFO.
    speakers
        Who holds which API key (``SENDERS``, ``SENDER_KEY_IDS`` and ``CANARY_KEY_ID``).
    investigator_key_id, investigator_name
        The key with which answers about incidents come, empty where nobody investigates, and what
        they are shown under (``INVESTIGATOR_KEY_ID`` and ``INVESTIGATOR_NAME``).
    watched
        Clusters whose monitoring sends heartbeats, and who may send them (``HEARTBEATS``).
    redact_email_addresses
        Whether e-mail addresses in alerts are replaced like secrets (``REDACT_EMAIL_ADDRESSES``,
        true or false, default false).
    severity_words
        The deployment's own words for severities (``SEVERITY_WORDS``, default none).
    several_clusters
        Whether more than one cluster is looked after, so that an alert without label ``cluster``
        does not say which it is about (``SEVERAL_CLUSTERS``, ``true`` or ``false``).
    service, metrics_namespace
        ``POWERTOOLS_SERVICE_NAME`` and ``POWERTOOLS_METRICS_NAMESPACE``, which name the function's
        log records and metrics.
    guard_table_name
        Table that remembers the newest firing of each alert (``GUARD_TABLE_NAME``); without one an
        alert's own start alone names its incident.
    quiet_minutes
        How long after its last repetition an incident closes by itself (``QUIET_MINUTES``).
    waking_severities
        Severities that may wake a human (``WAKING_SEVERITIES``, comma-separated).
    max_alerts, hourly_alerts, critical_reserve
        Alerts of a body that are taken at once, alerts of one key in an hour, and percent of these
        that only critical ones may use up (``MAX_ALERTS_PER_BODY``, ``SENDER_ALERTS_PER_HOUR`` and
        ``FLOOD_CRITICAL_RESERVE``).
    stands_by
        Whether another region acts, and this one only where that does not (``STANDS_BY``, true or
        false, default false).
    alarm_accounts
        Accounts besides this one whose alarms may be told (``ALARM_ACCOUNTS``, comma-separated).
    own_alarms
        Names of the platform's own alarms (``OWN_ALARMS``, comma-separated).
    alarms_left_out
        Patterns of names of alarms that are nobody's incident (``ALARMS_LEFT_OUT``, with * for any
        text, comma-separated).
    insufficient_data
        What that state of an alarm is taken for (``INSUFFICIENT_DATA``, unknown or incident,
        default unknown).
    """

    event_bus_name: str
    parking_queue_url: str
    account_id: str
    region: str
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES
    log_level: str = "INFO"
    service: str = DEFAULT_SERVICE
    metrics_namespace: str = DEFAULT_NAMESPACE
    redact_email_addresses: bool = False
    severity_words: Mapping[str, Severity] = field(default_factory=dict)
    several_clusters: bool = False
    speakers: Speakers = field(default_factory=Speakers)
    guard_table_name: str = ""
    quiet_minutes: int = DEFAULT_QUIET_MINUTES
    waking_severities: frozenset[str] = DEFAULT_WAKING
    max_alerts: int = DEFAULT_MAX_ALERTS
    hourly_alerts: int = DEFAULT_HOURLY_ALERTS
    critical_reserve: int = DEFAULT_RESERVE
    stands_by: bool = False
    alarm_accounts: frozenset[str] = frozenset()
    own_alarms: frozenset[str] = frozenset()
    alarms_left_out: tuple[str, ...] = ()
    insufficient_data: MissingData = "unknown"
    watched: Watched = field(default_factory=Watched)
    investigator_key_id: str = ""
    investigator_name: str = DEFAULT_INVESTIGATOR

    def investigates(self, key_id: str) -> bool:
        """Tell whether a key is the one of the investigator."""
        return bool(key_id) and key_id == self.investigator_key_id

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read and check the environment.

        Raises
        ------
        SettingsError
            Names every variable that is missing or wrong, not only the first.
        """
        problems: list[str] = []

        def read(name: str, pattern: str, expected: str) -> str:
            value = environment.get(name, "").strip()
            if not value:
                problems.append(f"{name} is missing ({expected})")
            elif not re.fullmatch(pattern, value):
                problems.append(f"{name} is {value!r} but must be {expected}")
            return value

        def number(name: str, default: int, low: int, high: int) -> int:
            raw = environment.get(name, "").strip() or str(default)
            value = int(raw) if re.fullmatch(r"[0-9]{1,9}", raw) else -1
            if not low <= value <= high:
                problems.append(f"{name} is {raw!r} but must be {low} to {high}")
            return value

        bus = read("EVENT_BUS_NAME", r"[/.\-_:A-Za-z0-9]{1,1600}", "the name or ARN of a bus")
        queue = read("PARKING_QUEUE_URL", r"https?://\S+", "the http(s) URL of an SQS queue")
        if queue and not urlsplit(queue).path.strip("/"):
            problems.append(f"PARKING_QUEUE_URL is {queue!r} but names no queue")
        account = read("ACCOUNT_ID", r"[0-9]{12}", "twelve digits")
        region = read("AWS_REGION", r"[a-z0-9-]{4,32}", "an AWS region, set by Lambda itself")

        limit = number("MAX_BODY_BYTES", DEFAULT_MAX_BODY_BYTES, 1024, HIGHEST_MAX_BODY_BYTES)
        max_alerts = number("MAX_ALERTS_PER_BODY", DEFAULT_MAX_ALERTS, 1, 10_000)
        hourly_alerts = number("SENDER_ALERTS_PER_HOUR", DEFAULT_HOURLY_ALERTS, 1, 999_999_999)
        reserve = number("FLOOD_CRITICAL_RESERVE", DEFAULT_RESERVE, 0, 100)
        level = environment.get("LOG_LEVEL", "").strip().upper() or "INFO"
        if level not in LOG_LEVELS:
            problems.append(f"LOG_LEVEL is {level!r} but must be one of {', '.join(LOG_LEVELS)}")
        emails = environment.get("REDACT_EMAIL_ADDRESSES", "").strip().lower() or "false"
        if emails not in {"true", "false"}:
            problems.append(f"REDACT_EMAIL_ADDRESSES is {emails!r} but must be true or false")

        words: Mapping[str, Severity] = {}
        try:
            words = words_from(environment.get("SEVERITY_WORDS", ""))
        except ValueError as error:
            problems.append(f"SEVERITY_WORDS: {error}")
        several = environment.get("SEVERAL_CLUSTERS", "").strip() or "false"
        if several not in ("true", "false"):
            problems.append(f"SEVERAL_CLUSTERS is {several!r} but must be true or false")
        stands_by = environment.get("STANDS_BY", "").strip() or "false"
        if stands_by not in ("true", "false"):
            problems.append(f"STANDS_BY is {stands_by!r} but must be true or false")
        speakers = Speakers()
        try:
            speakers = speakers_from(
                environment.get("SENDERS", ""),
                environment.get("SENDER_KEY_IDS", ""),
                environment.get("CANARY_KEY_ID", "").strip(),
            )
        except ValueError as error:
            problems.append(f"SENDERS: {error}")
        accounts = frozenset(_listed(environment, "ALARM_ACCOUNTS"))
        if not all(re.fullmatch(r"[0-9]{12}", account) for account in accounts):
            problems.append(f"ALARM_ACCOUNTS is {sorted(accounts)} but must be account ids")
        missing = environment.get("INSUFFICIENT_DATA", "").strip() or "unknown"
        if missing not in get_args(MissingData):
            expected = " or ".join(get_args(MissingData))
            problems.append(f"INSUFFICIENT_DATA is {missing!r} but must be {expected}")
        watched = Watched()
        try:
            watched = watched_from(environment.get("HEARTBEATS", ""))
        except ValueError as error:
            problems.append(f"HEARTBEATS: {error}")
        investigator = environment.get("INVESTIGATOR_NAME", "").strip() or DEFAULT_INVESTIGATOR
        if not re.fullmatch(r"[A-Za-z0-9 ._-]{1,40}", investigator):
            problems.append(f"INVESTIGATOR_NAME is {investigator!r} but must be up to 40 letters")
        raw_quiet = environment.get("QUIET_MINUTES", "").strip() or str(DEFAULT_QUIET_MINUTES)
        quiet = int(raw_quiet) if re.fullmatch(r"[0-9]{1,6}", raw_quiet) else 0
        if quiet < 1:
            problems.append(f"QUIET_MINUTES is {raw_quiet!r} but must be a number of minutes")
        raw_waking = environment.get("WAKING_SEVERITIES", "").strip()
        waking = frozenset(raw_waking.split(",")) if raw_waking else DEFAULT_WAKING
        if not waking <= SEVERITIES:
            expected = ", ".join(sorted(SEVERITIES))
            problems.append(f"WAKING_SEVERITIES is {raw_waking!r} but must be of {expected}")

        if problems:
            raise SettingsError(
                "alert_ingest cannot start: "
                + "; ".join(problems)
                + ". Set them under Environment of AlertIngestFunction in template.yaml."
            )
        return cls(
            bus,
            queue,
            account,
            region,
            limit,
            level,
            environment.get("POWERTOOLS_SERVICE_NAME", "").strip() or DEFAULT_SERVICE,
            environment.get("POWERTOOLS_METRICS_NAMESPACE", "").strip() or DEFAULT_NAMESPACE,
            emails == "true",
            words,
            several == "true",
            speakers,
            environment.get("GUARD_TABLE_NAME", "").strip(),
            quiet,
            waking,
            max_alerts,
            hourly_alerts,
            reserve,
            stands_by == "true",
            accounts,
            frozenset(_listed(environment, "OWN_ALARMS")),
            _listed(environment, "ALARMS_LEFT_OUT"),
            cast("MissingData", missing),
            watched,
            environment.get("INVESTIGATOR_KEY_ID", "").strip(),
            investigator,
        )


def _listed(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    parts = (part.strip() for part in environment.get(name, "").split(","))
    return tuple(part for part in parts if part)
