"""Nothing is looked at that there is not: names in dashboards, alarms, filters and queries.

A name that nobody writes any more makes no error on AWS: a panel stays empty, an alarm stays green.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.machines import machines
from tests.support.template import ROOT, of_type

OWN = "${NamePrefix}SREPlatform"
#: Metrics of AWS services, by namespace, as their documentation names them.
OF_AWS = {
    "AWS/Lambda": {"Invocations", "Errors", "Throttles", "Duration"},
    "AWS/ApiGateway": {"Count", "4XXError", "5XXError", "Latency"},
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible", "NumberOfMessagesSent"},
    "AWS/Usage": {"CallCount"},
    "AWS/SNS": {"NumberOfMessagesPublished", "NumberOfNotificationsDelivered"},
    "AWS/Logs": {"IncomingBytes"},
    "AWS/DynamoDB": {"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"},
    "AWS/Events": {
        "InvocationAttempts",
        "FailedInvocations",
        "RetryInvocationAttempts",
        "MatchedEvents",
        "InvocationsFailedToBeSentToDlq",
    },
    "AWS/States": {
        "ExecutionsStarted",
        "ExecutionsSucceeded",
        "ExecutionsFailed",
        "ExecutionsTimedOut",
        "ExecutionsAborted",
        "ConsumedCapacity",
        "ExpressExecutionBilledDuration",
    },
    "AWS/ApplicationELB": {
        "RequestCount",
        "HTTPCode_Target_5XX_Count",
        "HTTPCode_ELB_5XX_Count",
        "TargetResponseTime",
        "HealthyHostCount",
        "UnHealthyHostCount",
    },
    "ContainerInsights": {
        "pod_cpu_utilization_over_pod_limit",
        "pod_memory_utilization_over_pod_limit",
        "pod_number_of_container_restarts",
    },
}
#: Dimension → type of the resource that its value must be.
NAMES_A = {
    "FunctionName": "AWS::Serverless::Function",
    "StateMachineArn": "AWS::StepFunctions::StateMachine",
    "QueueName": "AWS::SQS::Queue",
    "TableName": "AWS::DynamoDB::Table",
    "TopicName": "AWS::SNS::Topic",
    "LogGroupName": "AWS::Logs::LogGroup",
    "EventBusName": "AWS::Events::EventBus",
    "ClusterName": "Parameter",
}
_SEARCH = re.compile(
    r"SEARCH\('\{(?P<schema>(?:\$\{\w+\}|[^}])*)\} (?P<terms>[^']*)', '[\w.]+', \d+\)"
)

Seen = tuple[str, str, dict[str, str]]


def written_metrics(template: dict[str, Any]) -> dict[str, set[str]]:
    """Our own metrics and the dimensions that they are written with."""
    found: dict[str, set[str]] = {}
    for each in of_type(template, "AWS::Logs::MetricFilter").values():
        for made in each["MetricTransformations"]:
            assert made["MetricNamespace"] == {"Fn::Sub": OWN}
            found[made["MetricName"]] = set()
    canary = json.dumps(machines()["platform-canary"].definition())
    for name in re.findall(r"'MetricName': '(\w+)'", canary):
        found[name] = set()
    ingest = (ROOT / "src" / "alert_ingest" / "handler.py").read_text("utf-8")
    for name in re.findall(r'"(Alerts\w+)": \w+', ingest):
        found[name] = {"service", "sender"}
    counters = (ROOT / "src" / "alert_ingest" / "counters.py").read_text("utf-8")
    (heartbeats,) = re.findall(r'\["(\w+)"\], \{"\w+": \w+\}, \{"(\w+)": 1\}', counters)
    found[heartbeats[1]] = {heartbeats[0]}
    action = (ROOT / "src" / "runbook_action" / "handler.py").read_text("utf-8")
    for name in re.findall(r'result = "(\w+)"', action):
        found[name] = {"service", "action", "operation"}
    (refusals,) = re.findall(r'single_metric\(\s+"(\w+)"', action)
    found[refusals] = {"service"}
    return found


def dashboards(template: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {
        name: json.loads(with_own_names(*each["DashboardBody"]["Fn::Sub"]))["widgets"]
        for name, each in of_type(template, "AWS::CloudWatch::Dashboard").items()
    }


def with_own_names(text: str, names: dict[str, Any]) -> str:
    """Put in what a dashboard's file says once, at its end; the template's names stay."""
    for name, value in names.items():
        assert f"${{{name}}}" in text, name
        text = text.replace(f"${{{name}}}", resolved(value))
    return text


def in_dashboards(template: dict[str, Any]) -> Iterator[Seen]:
    for widgets in dashboards(template).values():
        for widget in widgets:
            for row in widget["properties"].get("metrics", []):
                if isinstance(row[0], dict):
                    yield from in_search(row[0]["expression"])
                else:
                    names = [part for part in row if isinstance(part, str)]
                    yield names[0], names[1], dict(zip(names[2::2], names[3::2], strict=True))


def in_search(expression: str) -> Iterator[Seen]:
    for match in _SEARCH.finditer(expression):
        namespace, *dimensions = match["schema"].split(",")
        (name,) = re.findall(r'MetricName="(\w+)"', match["terms"])
        yield namespace, name, dict.fromkeys(dimensions, "")
    if "SEARCH" in expression:
        assert _SEARCH.search(expression), expression


def in_alarms(template: dict[str, Any]) -> Iterator[Seen]:
    for each in of_type(template, "AWS::CloudWatch::Alarm").values():
        plain = [each] if "MetricName" in each else []
        for metric in plain + [
            query["MetricStat"]["Metric"]
            for query in each.get("Metrics", [])
            if "MetricStat" in query
        ]:
            namespace = metric["Namespace"]
            dimensions = {
                one["Name"]: resolved(one["Value"]) for one in metric.get("Dimensions", [])
            }
            yield resolved(namespace), metric["MetricName"], dimensions


def test_a_digest_rings_however_it_ends_before_it_has_told(template: dict[str, Any]) -> None:
    queries = template["Resources"]["DigestFailedAlarm"]["Properties"]["Metrics"]
    seen = {
        query["Id"]: query["MetricStat"]["Metric"]["MetricName"]
        for query in queries
        if "MetricStat" in query
    }
    assert set(seen.values()) == {"ExecutionsFailed", "ExecutionsAborted", "ExecutionsTimedOut"}
    [summed] = [query["Expression"] for query in queries if "Expression" in query]
    assert all(f"FILL({name}, 0)" in summed for name in seen)
    digest = machines()["incident-digest"].definition()
    longest = template["Parameters"]["FloodWindowSeconds"]["MaxValue"]
    assert digest["TimeoutSeconds"] >= 2 * longest


def resolved(value: Any) -> str:
    if isinstance(value, str):
        return value
    ((how, what),) = value.items()
    if how == "Fn::If":  # as deployed by default
        return resolved(what[2])
    if how == "Fn::Sub":
        return str(what)
    if how == "Fn::Select":  # the cluster of CLUSTER=SENDER
        return resolved(what[1]["Fn::Split"][1])
    return "${" + (what if isinstance(what, str) else ".".join(what)) + "}"


def test_every_metric_that_is_looked_at_is_written(template: dict[str, Any]) -> None:
    own = written_metrics(template)
    seen = [*in_dashboards(template), *in_alarms(template)]
    assert len(seen) > 60
    for namespace, name, dimensions in seen:
        if namespace == OWN:
            assert name in own, name
            assert set(dimensions) == own[name], (name, dimensions)
        else:
            assert name in OF_AWS[namespace], (namespace, name)


def test_every_metric_of_ours_is_looked_at(template: dict[str, Any]) -> None:
    seen = {name for space, name, _dimensions in in_dashboards(template) if space == OWN}
    seen |= {name for space, name, _dimensions in in_alarms(template) if space == OWN}
    assert set(written_metrics(template)) - seen == {
        "AlertsParked",
        "AlertsUndelivered",
    }


def test_every_dimension_names_a_resource_of_the_template(template: dict[str, Any]) -> None:
    kinds = {name: each["Type"] for name, each in template["Resources"].items()}
    kinds |= dict.fromkeys(template["Parameters"], "Parameter")
    looked_up = 0
    # It is there only where other accounts forward alarms, and so is named and not referred to.
    forwarded = template["Resources"]["AlarmBus"]["Properties"]["Name"]["Fn::Sub"]
    for _space, name, dimensions in [*in_dashboards(template), *in_alarms(template)]:
        for dimension, value in dimensions.items():
            if dimension in NAMES_A and value and value != forwarded:
                logical = re.fullmatch(r"\$\{(\w+)(?:\.\w+)?\}", value)
                assert logical, (name, dimension, value)
                assert kinds[logical[1]] == NAMES_A[dimension], (name, value)
                looked_up += 1
    assert looked_up > 40


def test_the_api_that_is_looked_at_is_ours(template: dict[str, Any]) -> None:
    api = template["Resources"]["WebhookApi"]["Properties"]
    seen = {
        (dimensions["ApiName"], dimensions["Stage"])
        for space, _name, dimensions in [*in_dashboards(template), *in_alarms(template)]
        if space == "AWS/ApiGateway"
    }
    assert seen == {(api["Name"]["Fn::Sub"], api["StageName"])}


def test_the_sre_dashboard_shows_every_alarm(template: dict[str, Any]) -> None:
    (widget,) = [each for each in dashboards(template)["SreDashboard"] if each["type"] == "alarm"]
    shown = [arn.rsplit(":alarm:", 1)[1] for arn in widget["properties"]["alarms"]]
    alarms = of_type(template, "AWS::CloudWatch::Alarm").values()
    assert sorted(shown) == sorted(each["AlarmName"]["Fn::Sub"] for each in alarms)


def test_the_on_call_guide_says_what_each_alarm_means(template: dict[str, Any]) -> None:
    guide = (ROOT / "docs" / "operations.md").read_text("utf-8")
    listed = re.findall(r"^\| `(sre-[\w-]+)` \|", guide, re.MULTILINE)
    alarms = of_type(template, "AWS::CloudWatch::Alarm").values()
    names = [each["AlarmName"]["Fn::Sub"].removeprefix("${NamePrefix}") for each in alarms]
    assert sorted(listed) == sorted(names)


def test_the_on_call_guide_names_every_saved_query(template: dict[str, Any]) -> None:
    guide = (ROOT / "docs" / "operations.md").read_text("utf-8")
    for each in of_type(template, "AWS::Logs::QueryDefinition").values():
        assert f"`{each['Name']['Fn::Sub'].rsplit('/', 1)[1]}`" in guide, each["Name"]


def test_no_panel_lies_over_another(template: dict[str, Any]) -> None:
    for name, widgets in dashboards(template).items():
        cells = [
            (column, row)
            for each in widgets
            for column in range(each["x"], each["x"] + each["width"])
            for row in range(each["y"], each["y"] + each["height"])
        ]
        assert len(cells) == len(set(cells)), name
        assert max(column for column, _row in cells) < 24, name


def event_fields() -> set[str]:
    """Every path that an event in the audit log may have."""
    found = {"detail-type", "source", "time"}
    for schema in (ROOT / "events" / "schemas").glob("*.*.json"):
        walk(json.loads(schema.read_text("utf-8")), "detail", found)
    return found


def walk(schema: dict[str, Any], path: str, found: set[str]) -> None:
    found.add(path)
    for name, below in schema.get("properties", {}).items():
        walk(below, f"{path}.{name}", found)


#: What only AWS writes, or a runbook's result without a schema of its own.
OTHER_FIELDS = {"detail.data.result.summary"}
LOGGED = {"message", "correlation_id"}


def log_fields() -> set[str]:
    """Every field that a record of alert-ingest may have."""
    source = "".join(
        path.read_text("utf-8") for path in sorted((ROOT / "src" / "alert_ingest").rglob("*.py"))
    )
    return set(re.findall(r'"(\w+)":', source)) | set(re.findall(r'\["(\w+)"\]', source)) | LOGGED


def access_log_fields(template: dict[str, Any]) -> set[str]:
    api = template["Resources"]["WebhookApi"]["Properties"]
    return set(json.loads(api["AccessLogSetting"]["Format"]))


def known(path: str, access_log: set[str]) -> bool:
    if path.startswith("@") or path in access_log:
        return True
    parts = [part for part in path.split(".") if not part.isdigit()]
    fields = event_fields() | OTHER_FIELDS
    return path in fields or all(part in log_fields() for part in parts)


def queries(template: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, each in of_type(template, "AWS::Logs::QueryDefinition").items():
        groups = [group["Ref"] for group in each["LogGroupNames"]]
        assert set(groups) <= set(of_type(template, "AWS::Logs::LogGroup")), name
        yield name, each["QueryString"]
    for widgets in dashboards(template).values():
        for widget in widgets:
            if widget["type"] == "log":
                source, query = widget["properties"]["query"].split(" | ", 1)
                group = re.fullmatch(r"SOURCE '\$\{(\w+)\}'", source)
                assert group
                assert group[1] in of_type(template, "AWS::Logs::LogGroup")
                yield widget["properties"]["title"], query


def test_every_field_that_a_query_reads_is_written(template: dict[str, Any]) -> None:
    access_log = access_log_fields(template)
    for name, query in queries(template):
        text = "\n".join(line for line in query.splitlines() if not line.startswith("#"))
        text = re.sub(r"'[^']*'", "''", text)
        text = re.sub(r"\bas \w+", "", text)
        renamed = set(re.findall(r"\bas (\w+)", query))
        paths = set(re.findall(r"`([\w.-]+)`|(@?[A-Za-z_][\w.-]*)", text))
        for quoted, bare in paths:
            path = quoted or bare
            if path in WORDS or path in renamed:
                continue
            assert known(path, access_log), (name, path)


WORDS = {
    "filter",
    "fields",
    "stats",
    "sort",
    "limit",
    "by",
    "desc",
    "asc",
    "and",
    "or",
    "not",
    "in",
    "like",
    "count",
    "count_distinct",
    "avg",
    "pct",
    "coalesce",
    "ispresent",
    "latest",
}


@pytest.mark.parametrize("kind", ["AWS::Logs::MetricFilter"])
def test_every_field_that_a_filter_reads_is_written(template: dict[str, Any], kind: str) -> None:
    filters = of_type(template, kind)
    assert filters
    for name, each in filters.items():
        if each["LogGroupName"] != {"Ref": "AuditLogs"}:
            continue
        values = [made["MetricValue"] for made in each["MetricTransformations"]]
        for path in re.findall(r"\$\.([\w.-]+)", " ".join([each["FilterPattern"], *values])):
            assert path in event_fields(), (name, path)
