"""Everything that can go wrong on the way from a webhook body to the bus, by name."""

from __future__ import annotations

from collections.abc import Sequence

from alert_ingest.model import Problem


class AlertIngestError(Exception):
    """Base of this package's own exceptions."""


class SettingsError(AlertIngestError):
    """The function's environment is incomplete or contradictory."""


class BodyRejected(AlertIngestError):
    """Nothing in the body can be used; answered 400.

    Parameters
    ----------
    message
        One sentence for the sender.
    problems
        Every error with its JSON pointer.
    sender
        The sender, if the body could be told apart.
    """

    def __init__(self, message: str, problems: Sequence[Problem], sender: str = "unknown") -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems)
        self.sender = sender


class BodyTooLarge(AlertIngestError):
    """The body is larger than MAX_BODY_BYTES; answered 413."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"The body has {size} bytes and at most {limit} are accepted. "
            "Lower max_alerts (Max Alerts in Grafana) of the receiver, or group by more labels."
        )
        self.size = size
        self.limit = limit


class ChannelUnavailable(AlertIngestError):
    """The service did not answer, throttled, or failed: trying again may help."""


class ChannelRefused(AlertIngestError):
    """The service refused the whole call (permission, missing resource): trying again will not."""


class DeliveryFailed(AlertIngestError):
    """Some events did not get where they have to; the sender has to try again (503)."""

    def __init__(self, undelivered: int, total: int, reasons: Sequence[str]) -> None:
        super().__init__(
            f"{undelivered} of {total} events could not be delivered: " + "; ".join(reasons)
        )
        self.undelivered = undelivered
        self.total = total
        self.reasons = tuple(reasons)


class SenderRefused(AlertIngestError):
    """A body of a format that the key it came with may not send."""

    def __init__(self, name: str, may_send: str, found: str) -> None:
        super().__init__(
            f"The key of {name} may send bodies of {may_send}, and this is one of {found}. "
            "Use the key of that sender (parameters Sender1 to Sender4 of the stack)."
        )
        self.found = found


class TagsUnreadable(AlertIngestError):
    """The tags of an alarm cannot be had; the alarm is taken in without them."""
