"""How long AWS is waited for."""

from __future__ import annotations

from botocore.config import Config

# Short enough that all attempts of all calls fit into one invocation with room to spare.
CLIENT_CONFIG = Config(
    connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}
)
