"""The quick pace divides every duration by one factor and touches nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from onemachine.monitoring import QUICK, REALISTIC, SHIPPED_RULES, Pace, rule_file
from onemachine.monitoring.durations import divide, parse_duration


def _rule(expression: str, pace: Pace, folder: Path) -> str:
    rule = {"alert": "A", "expr": expression, "for": "1m"}
    manifest = folder / "rules.yaml"
    manifest.write_text(
        yaml.safe_dump(
            {"kind": "PrometheusRule", "spec": {"groups": [{"name": "g", "rules": [rule]}]}}
        )
    )
    made: str = yaml.safe_load(rule_file([manifest], pace))["groups"][0]["rules"][0]["expr"]
    return made


@pytest.mark.parametrize(
    ("expression", "quick"),
    [
        ("rate(a[1m]) > 0.05", "rate(a[4s]) > 0.05"),
        ("rate(a[1h30m] offset 5m)", "rate(a[360s] offset 20s)"),
        ("max_over_time(rate(a[1m])[5m:15s])", "max_over_time(rate(a[4s])[20s:1s])"),
        ('a{b=~"[0-9]m", c="5m"} > 60', 'a{b=~"[0-9]m", c="5m"} > 60'),
        ("a:b:rate5m > 1", "a:b:rate5m > 1"),
    ],
)
def test_windows_are_divided_and_nothing_else(expression: str, quick: str, tmp_path: Path) -> None:
    assert _rule(expression, Pace(15), tmp_path) == quick
    assert _rule(expression, REALISTIC, tmp_path) == expression


def test_the_realistic_rules_are_the_shipped_ones() -> None:
    shipped = [
        group
        for manifest in SHIPPED_RULES
        for group in yaml.safe_load(manifest.read_text())["spec"]["groups"]
    ]
    assert len(SHIPPED_RULES) > 1
    assert yaml.safe_load(rule_file(SHIPPED_RULES, REALISTIC))["groups"] == shipped


def test_the_quick_rules_differ_in_times_only() -> None:
    shipped = yaml.safe_load(rule_file(SHIPPED_RULES, REALISTIC))["groups"]
    quick = yaml.safe_load(rule_file(SHIPPED_RULES, QUICK))["groups"]
    window = re.compile(r"\[[^]]+\]|offset \w+")
    for slow_group, quick_group in zip(shipped, quick, strict=True):
        assert slow_group["name"] == quick_group["name"]
        assert parse_duration(quick_group["interval"]) * 15 == parse_duration(
            slow_group["interval"]
        )
        for before, after in zip(slow_group["rules"], quick_group["rules"], strict=True):
            assert window.sub("", after["expr"]) == window.sub("", before["expr"])
            assert _seconds(after["expr"]) == [each / 15 for each in _seconds(before["expr"])]
            if "for" in before:
                assert parse_duration(after["for"]) * 15 == parse_duration(before["for"])
            unchanged = set(before) - {"expr", "for"}
            assert {key: after[key] for key in unchanged} == {key: before[key] for key in unchanged}


def _seconds(expression: str) -> list[float]:
    """The windows and offsets of an expression, in seconds."""
    found = re.findall(r"\[([^]]+)\]|offset (\w+)", expression)
    return [parse_duration(window or offset) / 1000 for window, offset in found]


@pytest.mark.parametrize(
    ("text", "factor", "result"),
    [
        ("1m", 1, "1m"),
        ("5s", 15, "333ms"),
        ("1ms", 15, "1ms"),
        ("0s", 15, "0s"),
        ("1d", 15, "5760s"),
    ],
)
def test_durations_are_divided(text: str, factor: float, result: str) -> None:
    assert divide(text, factor) == result


@pytest.mark.parametrize("text", ["", "1", "m", "1.5m", "1m ", "-1m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        divide(text, 2)


@pytest.mark.parametrize("factor", [0, 0.5, 16])
def test_a_pace_has_bounds(factor: float) -> None:
    with pytest.raises(ValueError, match="pace"):
        Pace(factor)


def test_another_manifest_is_refused(tmp_path: Path) -> None:
    manifest = tmp_path / "service.yaml"
    manifest.write_text("kind: Service")
    with pytest.raises(ValueError, match="not a PrometheusRule"):
        rule_file([manifest])


def test_no_rules_at_all_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="no rules"):
        rule_file([])
