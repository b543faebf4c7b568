"""Alarms of CloudWatch for tests, which set their states by hand."""

from __future__ import annotations

from typing import Any


def put_alarm(cloudwatch: Any, name: str, **more: Any) -> None:
    """Make a metric alarm; ``more`` is for PutMetricAlarm, and may name another namespace."""
    simple = {
        "Namespace": name,
        "MetricName": "Errors",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    cloudwatch.put_metric_alarm(AlarmName=name, **{**simple, **more})
