"""What the function's log says about a body: once, redacted, under the correlation id."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterator

from alert_ingest.redaction import is_harmless_json, redact_json, redact_text
from alert_ingest.text import clean, cut

# One CloudWatch Logs event holds 256 KB; a record of Powertools adds its own fields around this.
RECORD_BYTES = 200_000
EXCERPT_CHARACTERS = 2_000
# Field that the log writes as ``body``, as the JSON it already is (see `record_line`).
BODY_AS_JSON = "body_as_json"
REMEMBERED_BODIES = 256


def body_records(body: object, text: str) -> Iterator[dict[str, object]]:
    """Yield the fields of the log records that together hold the redacted body.

    One record with the body as JSON, or for a large one several with its text in parts.

    Parameters
    ----------
    body
        The decoded body.
    text
        The same as it came. Nearly always nothing in it needs to be redacted; then it is logged as
        it is, which saves going through it and encoding it again.
    """
    if not is_harmless_json(text):
        text = json.dumps(redact_json(body))
    if len(text) <= RECORD_BYTES:
        yield {BODY_AS_JSON: text}
        return
    # A part is a JSON string inside the record: its quotes and backslashes double at worst.
    step = RECORD_BYTES // 2
    parts = range(0, len(text), step)
    for number, start in enumerate(parts, 1):
        yield {"body_text": text[start : start + step], "part": number, "parts": len(parts)}


def record_line(record: dict[str, object]) -> str:
    """Write a log record as one line of JSON, ASCII only.

    Alert text may hold line separators and lone surrogates, which would tear a record.
    """
    body = record.pop(BODY_AS_JSON, None)
    line = json.dumps(record, default=str)
    return line if body is None else f'{line[:-1]}, "body": {body}}}'


def excerpt(text: str) -> str:
    """Return the beginning of a body that is not JSON, redacted."""
    return cut(redact_text(clean(text[: EXCERPT_CHARACTERS * 2])), EXCERPT_CHARACTERS)


class SeenBodies:
    """Remembers rejected bodies, so that one sent again and again is written out only once.

    Alertmanager repeats a body that was answered 400 at every group interval until the alert ends.
    """

    def __init__(self, capacity: int = REMEMBERED_BODIES) -> None:
        self._capacity = capacity
        self._digests: OrderedDict[str, int] = OrderedDict()

    def count(self, text: str) -> tuple[str, int]:
        """Note a rejected body; return its digest and how often this container has seen it."""
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        seen = self._digests.pop(digest, 0) + 1
        self._digests[digest] = seen
        if len(self._digests) > self._capacity:
            self._digests.popitem(last=False)
        return digest, seen
