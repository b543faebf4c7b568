"""Which machines' histories are charged as logs."""

from __future__ import annotations

from typing import Any

import pytest

from onemachine.aws.meter.machines import logs_everything


@pytest.mark.parametrize(
    ("kept", "wanted"),
    [
        ({"level": "ALL"}, True),
        ({"Level": "ALL", "IncludeExecutionData": False}, True),
        ({"level": "ERROR"}, False),
        ({"Level": "ERROR"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_machine_says_so_in_the_words_of_its_maker(kept: Any, wanted: bool) -> None:
    assert logs_everything({"loggingConfiguration": kept}) is wanted
