"""Mends how metric alarms are evaluated.

CloudWatch evaluates an alarm all the time, over the metric with exactly the alarm's dimensions or
over a metric math expression, and treats missing data as the alarm says. The emulator looks only
when a metric is put through the API, at every metric of that name whatever its dimensions, drops
math expressions (CloudFormation refuses a template that has one) and never returns to OK by itself.
Here each alarm is evaluated every ``SRECTL_LOCAL_AWS_ALARM_SECONDS`` over windows that end now.

``SRECTL_LOCAL_AWS_ALARM_PACE`` lets the alarms' clock run that many times quicker: with 20 a period
of five minutes is over after 15 seconds. Tests see alarms come and go so without a change to the
template.

Of metric math: arithmetic, comparisons, numbers, ``IF``, ``FILL``, ``SUM``, ``AVG``, ``MIN`` and
``MAX``.
"""

from __future__ import annotations

import ast
import logging
import operator
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from onemachine.aws.mends.support import is_true
from onemachine.aws.variables import ALARM_INTERVAL_VARIABLE, ALARM_PACE_VARIABLE

log = logging.getLogger(__name__)

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_ORDER: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def evaluate_expression(expression: str, values: dict[str, float | None]) -> float | None:
    """Return a metric math expression's value for one period, or None where data is missing.

    Parameters
    ----------
    expression : str
        The expression; names are the ids of other metrics of the alarm.
    values : dict
        Value of each id in this period.

    Raises
    ------
    ValueError
        If the expression uses what is not understood here.
    """
    return _value(ast.parse(expression.strip(), mode="eval").body, values)


def _value(node: ast.expr, values: dict[str, float | None]) -> float | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        operand = _value(node.operand, values)
        return None if operand is None else -operand
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        left, right = _value(node.left, values), _value(node.right, values)
        if left is None or right is None or (isinstance(node.op, ast.Div) and right == 0):
            return None
        return _BINARY[type(node.op)](left, right)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _ORDER:
        left, right = _value(node.left, values), _value(node.comparators[0], values)
        if left is None or right is None:
            return None
        return float(_ORDER[type(node.ops[0])](left, right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _call(node.func.id, node.args, values)
    raise ValueError(f"metric math not understood: {ast.unparse(node)}")


def _call(name: str, nodes: list[ast.expr], values: dict[str, float | None]) -> float | None:
    if name == "IF" and len(nodes) == 3:
        condition = _value(nodes[0], values)
        if condition is None:
            return None
        return _value(nodes[1] if condition else nodes[2], values)
    if name == "FILL" and len(nodes) == 2:
        value = _value(nodes[0], values)
        return _value(nodes[1], values) if value is None else value
    if name in ("SUM", "AVG", "MIN", "MAX"):
        listed = nodes[0].elts if len(nodes) == 1 and isinstance(nodes[0], ast.List) else nodes
        found = [value for value in (_value(node, values) for node in listed) if value is not None]
        if not found:
            return None
        if name == "MIN":
            return min(found)
        if name == "MAX":
            return max(found)
        return sum(found) / (len(found) if name == "AVG" else 1)
    raise ValueError(f"metric math function {name} is not understood here")


def _statistic(metric: dict[str, Any], statistic: str, period: float, end: float) -> float | None:
    wanted = {d["Name"]: d["Value"] for d in metric.get("Dimensions") or []}
    # The emulator keeps the points of a metric under its dimensions.
    key = (metric.get("Namespace"), metric.get("MetricName"), cloudwatch._dims_key(wanted))
    points = [
        point
        for point in list(cloudwatch._metrics.get(key) or ())
        if end - period < point["Timestamp"] <= end
    ]
    if not points:
        return None
    value = cloudwatch._stat_value(cloudwatch._calc_stats(points), statistic, points)
    return None if value is None else float(value)


def _datapoint(alarm: dict[str, Any], end: float, pace: float) -> float | None:
    """Return the alarm's value in the period that ends at ``end``."""
    queries = alarm.get("Metrics")
    if not queries:
        statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
        return _statistic(alarm, statistic, _period(alarm) / pace, end)
    values: dict[str, float | None] = {}
    for query in (q for q in queries if "MetricStat" in q):
        stat = query["MetricStat"]
        period = int(stat["Period"]) / pace
        values[query["Id"]] = _statistic(stat["Metric"], stat["Stat"], period, end)
    expressions = {q["Id"]: q["Expression"] for q in queries if q.get("Expression")}
    # An expression may stand before the ones that it uses: as many rounds as there are expressions.
    for _round in expressions:
        for identifier, expression in expressions.items():
            if _names(expression) <= values.keys():
                values[identifier] = evaluate_expression(expression, values)
    (result,) = (q["Id"] for q in queries if is_true(q.get("ReturnData", True)))
    return values[result]


def _names(expression: str) -> set[str]:
    tree = ast.walk(ast.parse(expression.strip(), mode="eval"))
    nodes = list(tree)
    functions = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    return {node.id for node in nodes if isinstance(node, ast.Name) and id(node) not in functions}


def _period(alarm: dict[str, Any]) -> int:
    for query in alarm.get("Metrics") or []:
        if "MetricStat" in query:
            return int(query["MetricStat"]["Period"])
    return int(alarm.get("Period") or 60)


def next_state(alarm: dict[str, Any], now: float, pace: float = 1.0) -> str:
    """Return the state that an alarm should be in at ``now``.

    Parameters
    ----------
    alarm : dict
        The alarm as the emulator keeps it.
    now : float
        End of the newest period, seconds since the epoch.
    pace : float
        How many times quicker than on AWS the alarm's periods pass.

    Raises
    ------
    ValueError
        If its metric math uses what is not understood here.
    """
    compare = _COMPARISONS[alarm["ComparisonOperator"]]
    periods = int(alarm.get("EvaluationPeriods") or 1)
    missing = alarm.get("TreatMissingData") or "missing"
    votes = []
    for index in range(periods):
        value = _datapoint(alarm, now - index * _period(alarm) / pace, pace)
        if value is not None:
            votes.append(compare(value, float(alarm.get("Threshold") or 0)))
        elif missing in ("breaching", "notBreaching"):
            votes.append(missing == "breaching")
    if not votes:
        return str(alarm["StateValue"]) if missing == "ignore" else "INSUFFICIENT_DATA"
    return "ALARM" if sum(votes) >= int(alarm.get("DatapointsToAlarm") or periods) else "OK"


def _evaluate(alarm: dict[str, Any]) -> None:
    if alarm.get("ComparisonOperator") not in _COMPARISONS:
        return
    try:
        new = next_state(alarm, time.time(), float(os.environ.get(ALARM_PACE_VARIABLE, "1")))
    except (ValueError, KeyError, SyntaxError) as error:
        log.warning("alarm %s cannot be evaluated: %s", alarm["AlarmName"], error)
        return
    old = alarm["StateValue"]
    if new == old:
        return
    reason = f"{alarm['ComparisonOperator']} {alarm.get('Threshold')}: {old} -> {new}"
    alarm.update(StateValue=new, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], old, new, reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _evaluate_for_ever(interval: float) -> None:
    while True:
        time.sleep(interval)
        scopes = {key[:2] for key, _alarm in cloudwatch._alarms.all_items()}
        for account_id, region in scopes:
            with request_scope(account_id, region):
                for alarm in list(cloudwatch._alarms.values()):
                    _evaluate(alarm)


def apply() -> None:
    """Keep math expressions, replace the evaluation and run it periodically."""
    stock_put = cloudwatch._put_metric_alarm
    stock_record = provisioners._cw_metric_alarm_record

    def put(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        answer = stock_put(params, data, is_cbor, is_json)
        if (is_cbor or is_json) and data.get("Metrics") and answer[0] < 400:
            cloudwatch._alarms[data["AlarmName"]]["Metrics"] = data["Metrics"]
        return answer

    def record(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        queries = properties.get("Metrics")
        if not queries:
            made: dict[str, Any] = stock_record(name, properties)
            return made
        # The stock function refuses metric math and wants the one metric that there is none of.
        plain = {key: value for key, value in properties.items() if key != "Metrics"}
        made = stock_record(name, {**plain, "MetricName": "-", "Namespace": "-"})
        return {**made, "MetricName": "", "Namespace": "", "Metrics": queries}

    cloudwatch._put_metric_alarm = put
    provisioners._cw_metric_alarm_record = record
    cloudwatch._evaluate_alarm = _evaluate
    interval = float(os.environ[ALARM_INTERVAL_VARIABLE])
    threading.Thread(
        target=_evaluate_for_ever, args=(interval,), daemon=True, name="alarms"
    ).start()
