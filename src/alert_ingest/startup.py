"""A start without the garbage collector: importing this module turns it off until `finished`.

Everything that is imported stays, so the collector finds nothing in it, and looking took a fifth of
a cold start (`make bench-ingest`). Only the handler may import this, before everything large.
"""

from __future__ import annotations

import gc

gc.disable()


def finished() -> None:
    """Turn the collector on again, for what invocations make; the start's objects are left out."""
    gc.freeze()
    gc.enable()
