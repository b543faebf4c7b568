"""Mends e-mail subscriptions: what a person would have got is kept in a file.

SNS sends e-mail. The emulator writes a line into its log and drops the message. Each message goes
to the file that the environment names, as one line of JSON; where none is named it is dropped. As
in the emulator, the address counts as confirmed at once.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ministack.services import sns

from onemachine.aws.variables import MAIL_FILE_VARIABLE

_DEFAULT_SUBJECT = "AWS Notification Message"


def _keep(file: Path, mail: dict[str, Any]) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, (json.dumps(mail) + "\n").encode())
    finally:
        os.close(descriptor)


def apply() -> None:
    """Keep a copy for each e-mail subscription after the stock delivery."""
    stock = sns._fanout
    file = os.environ.get(MAIL_FILE_VARIABLE)

    def fanout(
        topic_arn: str,
        msg_id: str,
        message: str,
        subject: str,
        message_structure: str = "",
        message_attributes: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        stock(topic_arn, msg_id, message, subject, message_structure, message_attributes, **more)
        topic = sns._topic_by_arn_any_scope(topic_arn)
        if not topic or not file:
            return
        for subscription in topic["subscriptions"]:
            if subscription["protocol"] != "email" or not subscription["confirmed"]:
                continue
            text = sns._resolve_message_for_protocol(message, message_structure, "email")
            if sns._matches_filter_policy(subscription, message_attributes or {}, text):
                mail = {
                    "sent_at": time.time(),
                    "message_id": msg_id,
                    "to": subscription["endpoint"],
                    "subject": subject or _DEFAULT_SUBJECT,
                    "body": text,
                }
                _keep(Path(file), mail)

    sns._fanout = fanout
