"""Everything that AWS charges the platform for, in one list.

The local AWS counts by it, prices are given for it, and the cost dashboard shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["BY_NAME", "UNITS", "How", "Unit"]

#: How an amount comes about. ``counted``: where it passes in the local AWS. ``measured``: a time,
#: which is this machine's and so an estimate. ``made up``: what AWS would do and the local one does
#: not, as its documentation says. ``at most``: an upper bound. ``standing``: for being there.
How = Literal["counted", "measured", "made up", "at most", "standing"]


@dataclass(frozen=True)
class Unit:
    """One thing that is paid for.

    Parameters
    ----------
    name : str
        Its name in prices and amounts.
    says : str
        The same for people.
    how : str
        See :data:`How`.
    metrics : tuple of (str, str)
        Namespace and name of the metrics that show it on the cost dashboard.
    unseen : str
        Why the dashboard does not show it; empty where it does.
    """

    name: str
    says: str
    how: How
    metrics: tuple[tuple[str, str], ...] = ()
    unseen: str = ""


_STANDING = "it is there or not; the bill's line does not move"

UNITS = (
    Unit("api_requests", "API Gateway requests", "counted", (("AWS/ApiGateway", "Count"),)),
    Unit(
        "lambda_requests",
        "Lambda requests",
        "counted",
        # Errors are among the invocations, and paid for like the others.
        (("AWS/Lambda", "Invocations"), ("AWS/Lambda", "Errors")),
    ),
    Unit("lambda_gb_seconds", "Lambda GB-seconds", "measured", (("AWS/Lambda", "Duration"),)),
    Unit(
        "transitions",
        "transitions of Standard machines",
        "counted",
        (("AWS/States", "ConsumedCapacity"),),
    ),
    Unit(
        "express_requests",
        "Express executions",
        "counted",
        (("AWS/States", "ExecutionsStarted"),),
    ),
    Unit(
        "express_gb_seconds",
        "Express GB-seconds",
        "measured",
        (("AWS/States", "ExpressExecutionBilledDuration"),),
    ),
    Unit("events", "events on the bus, by 64 KB", "counted", (("AWS/Events", "MatchedEvents"),)),
    Unit(
        "api_destination_calls",
        "calls of API destinations",
        "counted",
        (("AWS/Events", "InvocationAttempts"),),
    ),
    Unit("archive_bytes", "bytes into the archive", "counted", unseen="as many as events bring"),
    Unit("schedule_calls", "calls of schedules", "standing", unseen="a fixed number a month"),
    Unit(
        "write_units",
        "DynamoDB write units",
        "counted",
        (("AWS/DynamoDB", "ConsumedWriteCapacityUnits"),),
    ),
    Unit(
        "read_units",
        "DynamoDB read units",
        "counted",
        (("AWS/DynamoDB", "ConsumedReadCapacityUnits"),),
    ),
    Unit(
        "stored_byte_months",
        "byte-months in tables, with their backup",
        "counted",
        unseen="DynamoDB has no metric for the size of a table",
    ),
    Unit(
        "object_writes",
        "S3 requests that write",
        "counted",
        unseen="S3 has metrics of requests only where they are paid for",
    ),
    Unit(
        "object_byte_months",
        "byte-months in the bucket of evidence",
        "counted",
        unseen="S3 tells the size of a bucket once a day",
    ),
    Unit("publishes", "SNS publishes", "counted", (("AWS/SNS", "NumberOfMessagesPublished"),)),
    Unit(
        "http_deliveries",
        "SNS deliveries by https",
        "counted",
        (("AWS/SNS", "NumberOfNotificationsDelivered"),),
    ),
    Unit(
        "mail_deliveries",
        "SNS deliveries by e-mail",
        "counted",
        (("AWS/SNS", "NumberOfNotificationsDelivered"),),
    ),
    Unit("queue_requests", "SQS requests", "counted", (("AWS/SQS", "NumberOfMessagesSent"),)),
    Unit("log_bytes", "bytes into logs", "counted", (("AWS/Logs", "IncomingBytes"),)),
    Unit(
        "machine_log_bytes",
        "bytes into logs of machines",
        "made up",
        (("AWS/Logs", "IncomingBytes"),),
    ),
    Unit("key_calls", "KMS calls of ours", "counted", (("AWS/Usage", "CallCount"),)),
    Unit("service_key_calls", "KMS calls of services", "at most", (("AWS/Usage", "CallCount"),)),
    Unit("secret_calls", "Secrets Manager calls", "counted", unseen="it has no metric for calls"),
    Unit("metric_calls", "PutMetricData calls", "counted", unseen="one for each canary"),
    Unit("traces", "X-Ray traces", "at most", unseen="X-Ray has no metric for traces"),
    Unit("alarm_metrics", "metrics in alarms", "standing", unseen=_STANDING),
    Unit("dashboards", "dashboards", "standing", unseen=_STANDING),
    Unit("custom_metrics", "metrics of our own", "at most", unseen=_STANDING),
    Unit("keys", "KMS keys", "standing", unseen=_STANDING),
    Unit("secrets", "secrets", "standing", unseen=_STANDING),
    Unit("endpoint_hours", "hours of interface endpoints", "standing", unseen=_STANDING),
    Unit("nat_hours", "hours of NAT gateways", "standing", unseen=_STANDING),
    Unit("address_hours", "hours of public IPv4 addresses", "standing", unseen=_STANDING),
    Unit("balancer_hours", "hours of load balancers", "standing", unseen=_STANDING),
    Unit("web_acls", "web ACLs", "standing", unseen=_STANDING),
    Unit("web_acl_rules", "rules of web ACLs", "standing", unseen=_STANDING),
    Unit("cluster_hours", "hours of EKS clusters", "standing", unseen=_STANDING),
    Unit("trail_events", "data events of the trail", "at most", unseen="CloudTrail has no metric"),
)

BY_NAME = {unit.name: unit for unit in UNITS}
