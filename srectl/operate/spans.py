"""How far back the views look: each meaning has one length, wherever it is shown."""

from __future__ import annotations

import datetime

__all__ = ["KEPT", "NOISE", "OPEN", "RECORD", "option", "words"]

#: Of what alerts were like lately: the noisy ones, the console's plots, what befell a target.
NOISE = datetime.timedelta(days=7)
#: Of what a runbook came to, wherever that is counted: a report, the catalogue, beside a question.
RECORD = datetime.timedelta(days=30)
#: Of what is not over.
OPEN = datetime.timedelta(days=30)
#: Of everything that there is: records, and what locks say of runbooks, are kept for so long.
KEPT = datetime.timedelta(days=90)


def option(span: datetime.timedelta) -> str:
    """Write a span as options take it.

    Examples
    --------
    >>> option(RECORD)
    '30d'
    """
    return f"{span.days}d"


def words(span: datetime.timedelta) -> str:
    """Write a span in words.

    Examples
    --------
    >>> words(NOISE)
    '7 days'
    """
    return f"{span.days} days"
