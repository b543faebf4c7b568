"""CloudWatch: metric filters and alarms as AWS has them."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.registry import shows
from tests.integration.localaws.probes.support import (
    deploy,
    eventually,
    invoke,
    make_function,
    make_queue,
    metric_sum,
    receive,
)
from tests.support.alarms import put_alarm


def _sum(aws: LocalAws, namespace: str, metric: str) -> float:
    return metric_sum(aws, namespace, metric) or 0.0


@shows("metric_filters")
def log_lines_become_metrics(aws: LocalAws, name: str) -> None:
    """A metric filter counts the lines it matches, by field and by text, and reads values."""
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    patterns = {
        "Errors": ('{ $.level = "ERROR" && $.code >= 500 }', "1"),
        "Either": ('{ ($.level = "ERROR") || ($.level = "WARN*") }', "1"),
        "Text": ("timeout", "1"),
        "Milliseconds": ("{ $.ms > 0 }", "$.ms"),
    }
    for metric, (pattern, value) in patterns.items():
        logs.put_metric_filter(
            logGroupName=name,
            filterName=metric,
            filterPattern=pattern,
            metricTransformations=[
                {"metricName": metric, "metricNamespace": name, "metricValue": value}
            ],
        )
    lines: list[Any] = [
        {"level": "ERROR", "code": 503},
        {"level": "ERROR", "code": 400},
        {"level": "WARNING"},
        {"level": "INFO", "ms": 12.5},
        {"level": "INFO", "ms": 7.5},
        "a timeout in plain text",
    ]
    now = int(time.time() * 1000)
    logs.put_log_events(
        logGroupName=name,
        logStreamName="s",
        logEvents=[
            {"timestamp": now, "message": line if isinstance(line, str) else json.dumps(line)}
            for line in lines
        ],
    )

    eventually(lambda: _sum(aws, name, "Text") == 1, "the text is counted")
    assert {metric: _sum(aws, name, metric) for metric in patterns} == {
        "Errors": 1,
        "Either": 3,
        "Text": 1,
        "Milliseconds": 20,
    }


def _announced(aws: LocalAws, queue_url: str) -> str:
    """Take the next notification from the queue and return the state it announces."""
    message = receive(aws, queue_url)
    aws.client("sqs").delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return str(json.loads(json.loads(message["Body"])["Message"])["NewStateValue"])


@shows("alarm_evaluation")
def alarms_go_and_come_back(aws: LocalAws, name: str) -> None:
    """An alarm reads its own dimensions and metric math, notifies, and returns to OK."""
    url, queue_arn = make_queue(aws, name)
    sns = aws.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    cloudwatch = aws.client("cloudwatch")
    common = {
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }

    def simple(function: str) -> dict[str, Any]:
        return {
            "AlarmName": f"{name}-{function}",
            "Namespace": name,
            "MetricName": "Errors",
            "Dimensions": [{"Name": "FunctionName", "Value": function}],
            "Statistic": "Sum",
            "Period": 10,
            **common,
        }

    def metric(identifier: str, metric_name: str) -> dict[str, Any]:
        return {
            "Id": identifier,
            "ReturnData": False,
            "MetricStat": {
                "Metric": {
                    "Namespace": name,
                    "MetricName": metric_name,
                    "Dimensions": [{"Name": "FunctionName", "Value": "mine"}],
                },
                "Period": 10,
                "Stat": "Sum",
            },
        }

    cloudwatch.put_metric_alarm(**simple("mine"), AlarmActions=[topic], OKActions=[topic])
    cloudwatch.put_metric_alarm(**simple("other"))
    ratio = {
        "AlarmName": f"{name}-ratio",
        "Metrics": [
            # It may stand before what it uses.
            {"Id": "ratio", "Expression": "IF(failed > 0, 100 * failed / calls, 0)"},
            {"Id": "failed", "Expression": "FILL(errors, 0)", "ReturnData": False},
            metric("errors", "Errors"),
            metric("calls", "Invocations"),
        ],
        **common,
    }
    cloudwatch.put_metric_alarm(**ratio)
    from_template = {**ratio, "AlarmName": f"{name}-template"}
    deploy(aws, name, {"Ratio": {"Type": "AWS::CloudWatch::Alarm", "Properties": from_template}})
    dimensions = [{"Name": "FunctionName", "Value": "mine"}]
    cloudwatch.put_metric_data(
        Namespace=name,
        MetricData=[
            {"MetricName": "Errors", "Value": 5, "Dimensions": dimensions},
            {"MetricName": "Invocations", "Value": 50, "Dimensions": dimensions},
        ],
    )

    def states() -> dict[str, str]:
        described = cloudwatch.describe_alarms(AlarmNamePrefix=f"{name}-")["MetricAlarms"]
        return {a["AlarmName"].removeprefix(f"{name}-"): a["StateValue"] for a in described}

    def are(**wanted: str) -> bool:
        return states() == wanted

    eventually(
        lambda: are(mine="ALARM", ratio="ALARM", template="ALARM", other="OK"), "the alarms go", 10
    )
    eventually(lambda: _announced(aws, url) == "ALARM", "the topic hears of it")
    back = {"mine": "OK", "ratio": "OK", "template": "OK", "other": "OK"}
    eventually(lambda: are(**back), "the alarms come back", 25)


@shows("alarm_events")
def a_change_of_an_alarm_is_an_event(aws: LocalAws, name: str) -> None:
    """The default bus hears of it, with the state before: an end differs from the first data."""
    url, arn = make_queue(aws, name)
    detail = {
        "alarmName": [name],
        "state": {"value": ["OK"]},
        "previousState": {"value": ["ALARM"]},
        "configuration": {"description": ["what to do"]},
    }
    pattern = {"source": ["aws.cloudwatch"], "resources": [{"suffix": f":alarm:{name}"}]}
    events, cloudwatch = aws.client("events"), aws.client("cloudwatch")
    events.put_rule(Name=name, EventPattern=json.dumps({**pattern, "detail": detail}))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    put_alarm(cloudwatch, name, AlarmDescription="what to do", TreatMissingData="notBreaching")
    for state in ("OK", "ALARM", "OK"):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")
    told = json.loads(receive(aws, url, 10)["Body"])
    assert told["detail-type"] == "CloudWatch Alarm State Change"
    assert told["detail"]["state"]["value"] == "OK"


@shows("alarm_tag_grants")
def the_tags_of_an_alarm_are_granted_by_its_name(aws: LocalAws, name: str) -> None:
    """A function reads those of the alarm that its role may, and of no other."""
    cloudwatch = aws.client("cloudwatch")
    arns = []
    for suffix in ("mine", "other"):
        alarm = f"{name}-{suffix}"
        put_alarm(cloudwatch, alarm, Namespace=name, Tags=[{"Key": "team", "Value": suffix}])
        [found] = cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
        arns.append(found["AlarmArn"])
    code = (
        "import boto3\n"
        "def handler(event, _):\n"
        "    tags = boto3.client('cloudwatch').list_tags_for_resource(ResourceARN=event)['Tags']\n"
        "    return [each['Value'] for each in tags]\n"
    )
    action, mine = "cloudwatch:ListTagsForResource", arns[0]
    make_function(aws, name, code, [{"Effect": "Allow", "Action": action, "Resource": mine}])
    assert invoke(aws, name, arns[0]) == (None, ["mine"])
    assert invoke(aws, name, arns[1])[0] == "Unhandled"


@shows("queue_metrics")
def a_queue_tells_how_much_waits_in_it(aws: LocalAws, name: str) -> None:
    """``AWS/SQS`` has the number of visible messages of each queue."""
    url, _arn = make_queue(aws, name)
    aws.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    metric = "ApproximateNumberOfMessagesVisible"

    eventually(
        lambda: metric_sum(aws, "AWS/SQS", metric, QueueName=name), "the message is counted", 5
    )


@shows("embedded_metrics")
def metrics_in_the_embedded_format_are_taken_from_logs(aws: LocalAws, name: str) -> None:
    """What Powertools writes to a function's log is a metric with its dimensions."""
    document = {
        "_aws": {
            "Timestamp": 0,
            "CloudWatchMetrics": [
                {
                    "Namespace": name,
                    "Dimensions": [["service", "sender"]],
                    "Metrics": [{"Name": "AlertsAccepted", "Unit": "Count"}],
                }
            ],
        },
        "service": "alert-ingest",
        "sender": "datadog",
        "AlertsAccepted": [2, 3],
    }
    code = f"def handler(event, context):\n    print({json.dumps(document)!r})\n"
    make_function(aws, name, code)
    assert invoke(aws, name, {})[0] is None
    cloudwatch = aws.client("cloudwatch")
    now = datetime.now(UTC)

    points = cloudwatch.get_metric_statistics(
        Namespace=name,
        MetricName="AlertsAccepted",
        Dimensions=[
            {"Name": "service", "Value": "alert-ingest"},
            {"Name": "sender", "Value": "datadog"},
        ],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=1),
        Period=600,
        Statistics=["Sum"],
    )["Datapoints"]
    assert sum(point["Sum"] for point in points) == 5


@shows("query_definitions")
def a_saved_query_comes_with_the_stack(aws: LocalAws, name: str) -> None:
    """A template may hold a query for Logs Insights, and change it."""

    def template(query: str) -> dict[str, Any]:
        properties = {"Name": name, "QueryString": query}
        return {"Query": {"Type": "AWS::Logs::QueryDefinition", "Properties": properties}}

    before = deploy(aws, name, template("fields @timestamp"))["Query"]
    assert deploy(aws, name, template("fields @message"))["Query"] == before
