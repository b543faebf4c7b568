"""A setting that cannot be used stops the start and says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkout.chaos import Chaos
from checkout.errors import SettingsInvalid
from checkout.settings import Settings

REPOSITORY = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ERROR_RATE", "1.01"),
        ("ERROR_RATE", "-0.1"),
        ("ERROR_RATE", "40%"),
        ("ERROR_RATE", "nan"),
        ("LATENCY_MS", "-1"),
        ("LATENCY_MS", "1e9"),
        ("DEGRADED_MODE", "maybe"),
        ("DEGRADED_MODE_TTL_SECONDS", "0"),
        ("LOG_LEVEL", "chatty"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid, match=name):
        Settings.from_environment({name: value})


def test_nothing_set_means_no_faults_and_no_parameters() -> None:
    settings = Settings.from_environment({"ERROR_RATE": " ", "DEGRADED_MODE": ""})
    assert settings == Settings()
    assert settings.chaos == Chaos(error_rate=0, latency_ms=0)
    assert settings.degraded_mode_ttl_seconds == 5
