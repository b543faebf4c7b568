"""Why somebody did something, as it is kept: it goes to every channel and into the record."""

from __future__ import annotations

from srectl.redaction import redact_text

__all__ = ["kept"]


def kept(given: str, most: int) -> str:
    """Give a reason without secrets, without what hides one, and no longer than there is room.

    Parameters
    ----------
    given
        As it was typed; may be empty.
    most
        Characters that are kept of it.

    Examples
    --------
    >>> kept(" new password=hunter2 ", 300)
    'new password=[redacted]'
    """
    # Cut last: half of a secret has no shape by which it is known.
    return redact_text(given).strip()[:most].rstrip()
