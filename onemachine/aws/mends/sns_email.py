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

from onemachine.aws.publications import Publication, follow
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
    file = os.environ.get(MAIL_FILE_VARIABLE)

    def keep(publication: Publication) -> None:
        for copy in publication.copies():
            if copy.protocol != "email":
                continue
            mail = {
                "sent_at": time.time(),
                "message_id": publication.message_id,
                "to": copy.endpoint,
                "subject": publication.subject or _DEFAULT_SUBJECT,
                "body": copy.text,
            }
            _keep(Path(str(file)), mail)

    if file:
        follow(keep)
