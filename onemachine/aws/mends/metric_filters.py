"""Mends metric filters on log groups.

CloudWatch Logs turns the lines that a filter matches into metrics. The emulator stores filters and
never looks at them. Understood are text terms (the emulator's own matcher) and JSON patterns with
``=  !=  <  <=  >  >=  IS NULL  IS TRUE  IS FALSE  NOT EXISTS``, ``&&``, ``||``, parentheses and
``*``.
"""

from __future__ import annotations

import json
import logging
import operator
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ministack.services import cloudwatch, cloudwatch_logs

log = logging.getLogger(__name__)

Matcher = Callable[[str], bool]
Test = Callable[[Any], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<op>&&|\|\||!=|<=|>=|=|<|>|\(|\))
    |(?P<path>\$(?:\.[\w-]+|\[\d+\])+)
    |(?P<text>"(?:[^"\\]|\\.)*")
    |(?P<word>[^\s()&|=<>!]+))""",
    re.VERBOSE,
)
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MISSING = object()


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[tuple[str, str], ...]:
    return tuple(re.findall(r"\.([\w-]+)|\[(\d+)\]", path))


def _lookup(document: Any, path: str) -> Any:
    for field, index in _steps(path):
        if field:
            document = document.get(field, _MISSING) if isinstance(document, dict) else _MISSING
        elif isinstance(document, list) and int(index) < len(document):
            document = document[int(index)]
        else:
            return _MISSING
    return document


class _Pattern:
    """Recursive descent over the tokens of one JSON pattern."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position = 0
        text = text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise ValueError(f"metric filter pattern not understood at {text[position:]!r}")
            kind = str(match.lastgroup)
            self._tokens.append((kind, match[kind]))
            position = match.end()

    def parse(self) -> Test:
        test = self._either()
        if self._tokens:
            raise ValueError(f"metric filter pattern not understood at {self._tokens[0][1]!r}")
        return test

    def _take(self, *wanted: str) -> str | None:
        if self._tokens and self._tokens[0][1].upper() in wanted:
            return self._tokens.pop(0)[1]
        return None

    def _either(self) -> Test:
        tests = [self._both()]
        while self._take("||"):
            tests.append(self._both())
        if len(tests) == 1:
            return tests[0]
        return lambda document: any(test(document) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._take("&&"):
            tests.append(self._one())
        if len(tests) == 1:
            return tests[0]
        return lambda document: all(test(document) for test in tests)

    def _one(self) -> Test:
        if self._take("("):
            test = self._either()
            if not self._take(")"):
                raise ValueError("metric filter pattern lacks a closing parenthesis")
            return test
        kind, path = self._tokens.pop(0)
        if kind != "path":
            raise ValueError(f"metric filter pattern: {path!r} is no selector")
        if self._take("NOT"):
            self._take("EXISTS")
            return lambda document: _lookup(document, path) is _MISSING
        if self._take("IS"):
            wanted = {"NULL": None, "TRUE": True, "FALSE": False}[self._tokens.pop(0)[1].upper()]
            return lambda document: _lookup(document, path) is wanted
        return self._compare(path, self._tokens.pop(0)[1], self._tokens.pop(0)[1])

    @staticmethod
    def _compare(path: str, sign: str, literal: str) -> Test:
        if sign in _ORDER:
            limit = float(literal)

            def in_order(document: Any) -> bool:
                value = _lookup(document, path)
                number = isinstance(value, int | float) and not isinstance(value, bool)
                return number and _ORDER[sign](value, limit)

            return in_order
        text = json.loads(literal) if literal.startswith('"') else literal
        wild = "*" in text
        shape = re.compile(re.escape(text).replace(r"\*", ".*"), re.DOTALL)

        def equal(document: Any) -> bool:
            value = _lookup(document, path)
            if value is _MISSING:
                return False
            if isinstance(value, int | float) and not isinstance(value, bool):
                try:
                    same = float(text) == value
                except ValueError:
                    same = False
            else:
                written = json.dumps(value) if isinstance(value, bool) else str(value)
                same = shape.fullmatch(written) is not None if wild else written == text
            return same == (sign == "=")

        return equal


# Several filters look at each line, one after the other.
@lru_cache(maxsize=16)
def _document(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


@lru_cache(maxsize=256)
def matcher(pattern: str) -> Matcher:
    """Return the test for one filter pattern.

    Raises
    ------
    ValueError
        If a JSON pattern is not understood.
    """
    pattern = pattern.strip()
    if not pattern.startswith("{"):
        stock: Matcher = cloudwatch_logs._compile_filter_pattern(pattern)
        return stock
    test = _Pattern(pattern[1:-1]).parse()

    def matches(line: str) -> bool:
        document = _document(line)
        return isinstance(document, dict) and test(document)

    return matches


def _value(transformation: dict[str, Any], line: str) -> float | None:
    text = str(transformation.get("metricValue", "1"))
    if not text.startswith("$"):
        return float(text)
    try:
        return float(_lookup(json.loads(line), text))
    except (ValueError, TypeError):
        return None


def _feed(group: str, lines: list[str]) -> None:
    for (filter_group, name), metric_filter in list(cloudwatch_logs._metric_filters.items()):
        if filter_group != group:
            continue
        try:
            test = matcher(metric_filter.get("filterPattern", ""))
        except ValueError as error:
            log.warning("metric filter %s of %s: %s", name, group, error)
            continue
        for transformation in metric_filter.get("metricTransformations") or []:
            values = [_value(transformation, line) for line in lines if test(line)]
            if not values and "defaultValue" in transformation:
                values = [float(transformation["defaultValue"])]
            for value in values:
                if value is not None:
                    cloudwatch.record_metric(
                        transformation["metricNamespace"], transformation["metricName"], value
                    )


def apply() -> None:
    """Look at every line where subscription filters do: PutLogEvents and functions' logs."""
    stock = cloudwatch_logs._fanout_to_subscription_filters

    def fanout(group: str, stream: str, events: list[dict[str, Any]]) -> Any:
        _feed(group, [event.get("message", "") for event in events])
        return stock(group, stream, events)

    cloudwatch_logs._fanout_to_subscription_filters = fanout
