"""The local on-call engineer: an HTTP endpoint that confirms a subscription and keeps what it gets.

It stands where PagerDuty or Slack stand in production, so that a notification of the local stack
goes the whole way: topic, subscription, confirmation, delivery.
"""

from srectl.local.receiver.process import NotificationReceiver, read_notifications
from srectl.local.receiver.server import Notification, ReceiverServer

__all__ = ["Notification", "NotificationReceiver", "ReceiverServer", "read_notifications"]
