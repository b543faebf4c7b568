"""Whether an incident ever hung on what was taken for its cause."""

from __future__ import annotations

import datetime
from typing import Any

from srectl.operate.moments import moment

__all__ = ["never_hung"]

# What a record says of an end are its seconds.
_SECOND = datetime.timedelta(seconds=1)


def never_hung(child: dict[str, Any], cause: dict[str, Any]) -> bool:
    """Say whether what was taken for the cause of an incident was over before that began.

    That is so where the end was heard only afterwards: it was let go of then, or hung on another
    one, see docs/correlation.md.

    Parameters
    ----------
    child
        The record of one that hung on another, for all that was known.
    cause
        The record of that; without its end nothing is known, and the answer is no.
    """
    began, ended = moment(child.get("timestamp")), moment(cause.get("resolved_at"))
    return began is not None and ended is not None and ended + _SECOND <= began
