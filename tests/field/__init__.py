"""Bodies that people's systems really send, composed from public bug reports, as `bodies/` holds.

What each stands for and what must become of it says `cases`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

BODIES = Path(__file__).parent / "bodies"


def field_body(name: str) -> dict[str, Any]:
    """Return a body by its file's name without ``.json``.

    Raises
    ------
    FileNotFoundError
        There is no such body.
    """
    body: dict[str, Any] = json.loads((BODIES / f"{name}.json").read_text("utf-8"))
    return body
