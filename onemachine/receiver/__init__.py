"""The local on-call engineer: an HTTP endpoint that confirms a subscription and keeps what it gets.

It stands where a pager, Slack and an investigator stand in production, so that a notification of
the local stack goes the whole way: topic, subscription, confirmation, delivery; and bus, rule, API
destination. E-mail is kept by the local AWS itself.
"""

from onemachine.receiver.notification_receiver import (
    INVESTIGATOR_URL,
    PAGERDUTY_URL,
    SLACK_URL,
    WEBHOOK_URL,
    Mail,
    NotificationReceiver,
    read_chat,
    read_mails,
    read_notifications,
    read_pages,
    read_questions,
)
from onemachine.receiver.pagers import Page
from onemachine.receiver.server import (
    CHANNELS,
    ChatMessage,
    Notification,
    Question,
    ReceiverServer,
    beside,
)

__all__ = [
    "CHANNELS",
    "INVESTIGATOR_URL",
    "PAGERDUTY_URL",
    "SLACK_URL",
    "WEBHOOK_URL",
    "ChatMessage",
    "Mail",
    "Notification",
    "NotificationReceiver",
    "Page",
    "Question",
    "ReceiverServer",
    "beside",
    "read_chat",
    "read_mails",
    "read_notifications",
    "read_pages",
    "read_questions",
]
