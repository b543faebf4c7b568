"""Which region srectl works in: the one that the AWS CLI would take."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from srectl.operate import environments
from srectl.operate.account import Account


@pytest.mark.parametrize(
    ("variables", "chosen"),
    [
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
        ({"AWS_PROFILE": "there"}, "eu-west-3"),
        ({"AWS_PROFILE": "there", "AWS_REGION": "eu-west-1"}, "eu-west-1"),
    ],
)
def test_either_variable_or_the_profile_chooses_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, str], chosen: str
) -> None:
    monkeypatch.setattr(environments, "_entries", lambda: ())
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    config = tmp_path / "config"
    config.write_text("[profile there]\nregion = eu-west-3\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Account().session.region_name == chosen
