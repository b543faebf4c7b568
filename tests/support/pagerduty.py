"""What PagerDuty's Amazon EventBridge extension puts on its partner event bus.

Shortened from the examples of PagerDuty's guide to it: what it says of service, teams and webhook
is left out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

__all__ = ["BUS", "acknowledgement"]

BUS = "aws.partner/pagerduty.com/example-pdwpsandbox"


def acknowledgement(
    key: str, who: str = "Ada Lovelace", kind: str = "user_reference", at: datetime | None = None
) -> dict[str, Any]:
    """Give the event of a page that was acknowledged.

    Parameters
    ----------
    key
        Of the page.
    who, kind
        The agent: a person (``user_reference``), or an integration (``service_reference``).
    at
        When; now, unless it is said.
    """
    moment = f"{at or datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {
        "version": "0",
        "id": "1efc511b-c08b-290e-2bb3-865dcf5d6558",
        "detail-type": "PagerDuty Webhook",
        "source": BUS,
        "account": "000000000000",
        "time": moment,
        "region": "us-east-1",
        "resources": ["pagerduty"],
        "detail": {
            "event": "incident.acknowledge",
            "log_entries": [
                {
                    "id": "R2K5ME9HUO315VAI0UAKBBVROB",
                    "type": "acknowledge_log_entry",
                    "summary": f"Acknowledged by {who}",
                    "created_at": moment,
                    "agent": {"id": "PHLAIIG", "type": kind, "summary": who},
                    "channel": {"type": "website", "details_omitted": False},
                }
            ],
            "incident": {
                "id": "P8E12U3",
                "type": "incident",
                "incident_number": 2618,
                "status": "acknowledged",
                "incident_key": key,
            },
            "id": "0c3e0e40-a4ff-11e9-bb78-0297ae80f8e2",
            "created_on": moment,
        },
    }
