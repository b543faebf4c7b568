"""Mends the ``AWS/SQS`` metrics that alarms on queues look at.

SQS reports how much waits in a queue. The emulator reports nothing, so that no alarm on a
dead-letter queue ever goes. Here each queue is looked at every ``SRECTL_LOCAL_AWS_ALARM_SECONDS``,
where AWS takes a minute.
"""

from __future__ import annotations

import os
import threading
import time

from ministack.core.responses import request_scope
from ministack.services import cloudwatch, sqs

from onemachine.aws.variables import ALARM_INTERVAL_VARIABLE

#: Points are made all the time, so the old ones go: seconds that they are kept.
_KEPT_SECONDS = 3600.0
_METRICS = {
    "ApproximateNumberOfMessagesVisible": "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
}


def _report(queue_name: str, attributes: dict[str, str], now: float) -> None:
    dimensions = {"QueueName": queue_name}
    for metric, attribute in _METRICS.items():
        cloudwatch.record_metric(
            "AWS/SQS", metric, float(attributes[attribute]), "Count", dimensions
        )
        points = cloudwatch._metric_bucket(("AWS/SQS", metric, cloudwatch._dims_key(dimensions)))
        while points and points[0]["Timestamp"] < now - _KEPT_SECONDS:
            points.pop(0)


def _sample_for_ever(interval: float) -> None:
    while True:
        time.sleep(interval)
        for key, queue in list(sqs._queues.all_items()):
            with request_scope(*key[:2]):
                sqs._refresh_counts(queue)
                name = str(queue["url"]).rsplit("/", 1)[-1]
                _report(name, queue["attributes"], time.time())


def apply() -> None:
    """Look at the queues periodically."""
    interval = float(os.environ[ALARM_INTERVAL_VARIABLE])
    threading.Thread(
        target=_sample_for_ever, args=(interval,), daemon=True, name="queue-metrics"
    ).start()
