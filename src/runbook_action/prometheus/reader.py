"""Asks a Prometheus by its HTTP API, within bounds of time, size and number of series.

The API: https://prometheus.io/docs/prometheus/latest/querying/api/. An answer that is not whole
(``warnings``: a part of the storage did not answer, Thanos or a remote read) is none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from runbook_action.prometheus.port import AlertRule, Series, Transport, Unanswered

MOST_SERIES = 50
MOST_BYTES = 1_048_576
#: Of all rules at once, where a server does not choose by name; the 125 alerts of
#: kube-prometheus-stack and all recording rules are half a megabyte.
MOST_BYTES_OF_RULES = 4_194_304
SECONDS = 6.0
#: How old a sample may be to count as of now: one scrape a minute, and one that was late.
LOOK_BACK = "90s"
_BROKEN = (AttributeError, KeyError, TypeError, ValueError, IndexError)


class Reader:
    """A ``Prometheus`` at the end of a transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def over(self, query: str, start: float, end: float, step: float) -> Sequence[Series]:
        """Evaluate a query at times ``step`` seconds apart."""
        times = (("start", _number(start)), ("end", _number(end)), ("step", _number(step)))
        return self._asked("/api/v1/query_range", query, times, "matrix")

    def at(self, query: str, when: float) -> Sequence[Series]:
        """Evaluate a query at one time."""
        return self._asked("/api/v1/query", query, (("time", _number(when)),), "vector")

    def alert_rules(self, name: str) -> Sequence[AlertRule]:
        """Give the alert rules of exactly this name."""
        query = (("type", "alert"), ("rule_name[]", name))
        data = self._data("/api/v1/rules", query, MOST_BYTES_OF_RULES)
        try:
            return [
                _rule(group, rule)
                for group in data["groups"]
                for rule in group["rules"]
                # Who does not know the filter gives all of them.
                if rule.get("type") == "alerting" and rule["name"] == name
            ]
        except _BROKEN as error:
            raise self._odd("/api/v1/rules") from error

    def _asked(
        self, path: str, query: str, times: Sequence[tuple[str, str]], kind: str
    ) -> Sequence[Series]:
        parameters = (("query", query), *times, ("timeout", f"{SECONDS - 1:g}s"))
        data = self._data(path, (*parameters, ("lookback_delta", LOOK_BACK)), MOST_BYTES)
        try:
            found, said = data["result"], data["resultType"]
            if said == "scalar":  # a query without a selector, such as vector's opposite
                found, said = [{"metric": {}, "value": found}], "vector"
            if said != kind:
                raise Unanswered(f"{self._transport.place}: the query gives a {said}, not numbers")
            if len(found) > MOST_SERIES:
                raise Unanswered(
                    f"{self._transport.place}: the query gives {len(found)} series, more than "
                    f"{MOST_SERIES}: aggregate it"
                )
            return [_series(each) for each in found]
        except _BROKEN as error:
            raise self._odd(path) from error

    def _data(self, path: str, query: Sequence[tuple[str, str]], most: int) -> Mapping[str, Any]:
        place = self._transport.place
        status, body = self._transport.get(path, query, most, SECONDS)
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or answer.get("status") not in ("success", "error"):
            # The API server and AWS say what is wrong in a text of their own.
            said = answer.get("message") if isinstance(answer, dict) else None
            said = f": {str(said)[:300]}" if said else ""
            raise Unanswered(f"{place} answered {status}, and it was not Prometheus's answer{said}")
        if status != 200 or answer["status"] == "error":
            why = f"{answer.get('errorType')}: {str(answer.get('error'))[:300]}"
            raise Unanswered(f"{place} answered {status}, {why}")
        if warnings := answer.get("warnings"):
            raise Unanswered(f"{place} answered with warnings: {str(warnings[0])[:300]}")
        data = answer.get("data")
        if not isinstance(data, dict):
            raise self._odd(path)
        return data

    def _odd(self, path: str) -> Unanswered:
        return Unanswered(f"{self._transport.place} answered {path} in another shape than its API")


def _series(found: Mapping[str, Any]) -> Series:
    points = found["values"] if "values" in found else [found["value"]]
    labels = {str(name): str(text) for name, text in found["metric"].items()}
    return Series(labels, [(float(when), float(value)) for when, value in points])


def _rule(group: Mapping[str, Any], rule: Mapping[str, Any]) -> AlertRule:
    labels = rule.get("labels") or {}
    what = [group.get("file"), group["name"], rule["query"], sorted(labels.items())]
    return AlertRule(
        identity=hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16],
        healthy=rule.get("health") == "ok",
        evaluated=_time(rule.get("lastEvaluation")),
        interval=float(group.get("interval") or 60),
        active=[
            ({str(name): str(text) for name, text in each["labels"].items()}, str(each["state"]))
            for each in rule.get("alerts") or []
        ],
        query=str(rule["query"]),
    )


def _time(text: object) -> float:
    """Unix time of RFC 3339, of whose fraction Python takes six digits; 0 for Go's zero time."""
    if not isinstance(text, str) or text.startswith("0001-"):
        return 0.0
    whole, dot, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return datetime.fromisoformat(f"{whole}{dot}{digits[:6]}{rest[len(digits) :]}").timestamp()


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
